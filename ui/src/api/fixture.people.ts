// People, messages and events made up for the development of the screens.

import type { AskHistory } from "./gen/AskHistory";
import type { ContactRow } from "./gen/ContactRow";
import type { Field } from "./gen/Field";
import type { HistoryEntry } from "./gen/HistoryEntry";
import type { ImportCounts } from "./gen/ImportCounts";
import type { MessageState } from "./gen/MessageState";
import type { OutboxRow } from "./gen/OutboxRow";
import type { TimelineEntry } from "./gen/TimelineEntry";

export const NOW = Date.parse("2026-11-22T14:05:00Z");
export const DAY = 86_400_000;
export const at = (days: number) => new Date(NOW - days * DAY).toISOString();

/** Numbers that look random and are the same each time. */
export function noise(seed: number): number {
  const mixed = Math.imul(seed ^ 0x9e3779b9, 0x85ebca6b) >>> 0;
  return (((mixed ^ (mixed >>> 13)) >>> 0) % 10_000) / 10_000;
}

export const FIRST = [
  "Ada",
  "Bela",
  "Carla",
  "Deniz",
  "Emil",
  "Femke",
  "Goran",
  "Hilde",
  "Ines",
  "Jonas",
  "Kasimir",
  "Lena",
];
export const LAST = [
  "Ahrens",
  "Brandt",
  "Castellanos-Hohenberg",
  "Dietrich",
  "Erdem",
  "Fuchs",
  "Gruber",
  "Horvath",
  "Iversen",
  "Jansen",
];
export const CITIES = ["Bonn", "Köln", "Wien", "Zürich", "Utrecht", "Gent", "Kraków", "Lyon"];
export const TAGS = ["newsletter", "vip", "fair-2026", "wholesale", "barista course"];

export const FIELDS: Field[] = [
  { key: "email", label: "E-mail", type: "text", built_in: true },
  { key: "first_name", label: "First name", type: "text", built_in: true },
  { key: "last_name", label: "Last name", type: "text", built_in: true },
  { key: "city", label: "City", type: "text", built_in: true },
  { key: "country", label: "Country", type: "text", built_in: true },
  { key: "time_zone", label: "Time zone", type: "text", built_in: true },
  { key: "created_at", label: "Added", type: "date_time", built_in: true },
  { key: "spent", label: "Spent", type: "money", built_in: false },
  { key: "birthday", label: "Birthday", type: "date", built_in: false },
  { key: "roast", label: "Favourite roast", type: "choice", options: ["light", "medium", "dark"], built_in: false },
  { key: "score_engagement", label: "Engagement", type: "number", built_in: false, score: "engagement" },
];

export function person(id: number): ContactRow {
  const first = FIRST[id % FIRST.length] ?? "Ada";
  const last = LAST[(id * 7) % LAST.length] ?? "Brandt";
  const city = CITIES[(id * 3) % CITIES.length] ?? "Bonn";
  return {
    id,
    email: `${first}.${last}${id}@example.com`.toLowerCase(),
    values: {
      first_name: { type: "text", value: first },
      last_name: { type: "text", value: last },
      city: { type: "text", value: city },
      country: { type: "text", value: "DE" },
      ...(noise(id) > 0.3
        ? { spent: { type: "money", value: { minor: Math.round(noise(id + 5) * 40_000), currency: "EUR" } } }
        : {}),
      birthday: { type: "date", value: `19${60 + (id % 40)}-0${1 + (id % 9)}-14` },
    },
    tags: TAGS.filter((_, tag) => noise(id * 11 + tag) > 0.75),
    permitted: noise(id + 2) > 0.2,
    suppressed: noise(id + 3) > 0.95,
    created_at: at(noise(id + 4) * 400),
  };
}

export const STATES: MessageState[] = [
  "accepted",
  "accepted",
  "accepted",
  "accepted",
  "queued",
  "deferred",
  "bounced",
  "in_flight",
  "suppressed",
];

export function message(id: number, unknown: number): OutboxRow {
  const who = person(id * 13 + 1);
  const state: MessageState = id <= unknown ? "unknown" : (STATES[id % STATES.length] ?? "accepted");
  const words: Partial<Record<MessageState, string>> = {
    accepted: "250 2.0.0 Ok: queued as 4F2D1",
    bounced: "550 5.1.1 User unknown",
    deferred: "451 4.7.1 Greylisted, try again",
    unknown: "Connection lost after the final dot",
    suppressed: "No permission",
  };
  return {
    id,
    key: { journey: 1, step: "s2", contact: who.id, enrolment: 1, visit: 1 },
    to: who.email,
    account: 1,
    template: 1,
    subject: ["Welcome to the roastery", "A first coffee on us", "Your beans are on their way"][id % 3] ?? "",
    state,
    queued_at: at(id * 0.013),
    next_at: state === "deferred" ? at(-0.02) : null,
    attempts: state === "queued" ? 0 : 1,
    last_word: words[state] ?? null,
    message_id: `<${id}.c2Ft@bohne.example.com>`,
    contact_id: who.id,
    journey_name: "Welcome series",
    step_title: "First mail",
    template_name: "Welcome 1",
    account_name: "Shop mail",
  };
}

export function timeline(count: number): TimelineEntry[] {
  const entries: TimelineEntry[] = [
    {
      at: at(0.01),
      contact: person(3),
      entry: "message",
      id: 4,
      subject: "A first coffee on us",
      state: "accepted",
      journey: "Welcome series",
    },
    {
      at: at(0.1),
      contact: person(3),
      entry: "event",
      event: {
        id: 1,
        contact: 3,
        name: "order",
        at: at(0.1),
        arrived_at: at(0.1),
        source: "import:4",
        props: { total: { minor: 3450, currency: "EUR" }, items: 3 },
      },
    },
    {
      at: at(0.2),
      contact: person(3),
      entry: "event",
      event: {
        id: 2,
        contact: 3,
        name: "email_clicked",
        at: at(0.2),
        arrived_at: at(0.2),
        source: "relay",
        props: {
          step: "s2",
          passage: 4,
          journey_id: 1,
          journey: "Welcome series",
          template: "Welcome 1",
          link: "https://bohne.example.com/",
        },
      },
    },
    {
      at: at(0.9),
      contact: person(8),
      entry: "journey",
      journey: "Welcome series",
      what: "entered",
      step: "New subscriber",
    },
    {
      at: at(5),
      contact: person(12),
      entry: "consent",
      consent: {
        contact: 12,
        channel: "email",
        purpose: "marketing",
        action: "granted",
        basis: "double_opt_in",
        wording: "Yes, send me news from the roastery.",
        wording_hash: "a1b2c3d4e5f60718",
        source: "import:12",
        at: at(5),
      },
    },
    { at: at(40), contact: person(4), entry: "suppressed", reason: "bounced", source: "smtp" },
    { at: at(90), contact: person(5), entry: "created", source: "import:12" },
  ];
  return Array.from({ length: count }, (_, n) => ({
    ...(entries[n % entries.length] as TimelineEntry),
    at: at(n * 0.7),
  }));
}

export const COUNTS: ImportCounts = {
  rows: 10_240,
  new: 8122,
  changed: 1430,
  unchanged: 300,
  duplicate: 214,
  invalid: 121,
  with_gaps: 64,
  withdrawn: 3,
  not_permitted: 41,
  unsubscribed: 281,
  bounced: 42,
  blocked: 0,
  complained: 0,
  suppressed: 53,
  skipped: 0,
};

/** What the values of somebody were, made up: cities, and a name of whoever was merged into them. */
export function historyAnswers(empty: boolean) {
  return {
    "contacts.history": ({ field, offset, limit }: AskHistory): { rows: HistoryEntry[]; total: number } => {
      const all = empty ? [] : HISTORY.filter((entry) => field === undefined || entry.key === field);
      return { rows: all.slice(offset, offset + limit), total: all.length };
    },
  };
}

const HISTORY: readonly HistoryEntry[] = (() => {
  const text = (of: string | null) => (of === null ? null : ({ type: "text", value: of } as const));
  const by = (source: string, days: number, name: string | null = null) => ({ source, at: at(days), name });
  const entry = (key: string, label: string, value: string | null, rest: Partial<HistoryEntry>): HistoryEntry => ({
    key,
    label,
    retired: false,
    value: text(value),
    cut: false,
    from: by("import:12", 30, "newsletter-2026.csv"),
    until: null,
    of: null,
    merged: null,
    ...rest,
  });
  return [
    entry("city", "City", "Hamburg", { from: by("user", 2) }),
    entry("first_name", "First name", "Anna-Lena", {
      from: by("form:newsletter", 9),
      merged: { merge: 4, email: "anna@old.example", at: at(5) },
    }),
    entry("email", "E-mail", "p1@example.com", {}),
    entry("city", "City", "Hambrug", { from: by("import:14", 12, "fair.xlsx"), until: by("user", 2) }),
    entry("first_name", "First name", "Anna", { until: by("merge:4", 5, "anna@old.example") }),
    entry("email", "E-mail", "anna@old.example", {
      from: by("form:newsletter", 9),
      until: by("merge:4", 5, "anna@old.example"),
      of: { id: 900, email: "anna@old.example" },
    }),
    entry("city", "City", "Kiel", { from: by("import:13", 20, "old.csv"), until: by("undo:import:13", 19, "old.csv") }),
    entry("city", "City", null, { until: by("import:14", 12, "fair.xlsx") }),
    entry("shoe", "Shoe size", "42", { retired: true, until: by("journey:3", 21, "Welcome series") }),
  ];
})();
