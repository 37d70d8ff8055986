// Plausible answers for work on the screens alone: vite's development server with `?fixture=…`, and vitest.
// Never shipped: a test looks for it in what is built.
import { journeyFixture } from "@/journeys/fixture";
import type {
  ClockView,
  ContactRow,
  HomeOverview,
  ImportCounts,
  ImportRow,
  JobView,
  OutboxRow,
  Settings,
  TimelineEntry,
  Topic,
  WorkspaceInfo,
} from "./commands.draft";
import type { Commands } from "./client";
import type { Field } from "./gen/Field";
import type { MessageState } from "./gen/MessageState";
import { ApiError, type Changes, type Host } from "./host";

/** How much there is: `none` no workspace, `empty` a new one, `some`, `much`, `slow` and `broken` for the rest. */
export type Amount = "none" | "empty" | "some" | "much" | "slow" | "broken";

const NOW = Date.parse("2026-11-22T14:05:00Z");
const DAY = 86_400_000;
const at = (days: number) => new Date(NOW - days * DAY).toISOString();

/** Numbers that look random and are the same each time. */
function noise(seed: number): number {
  const mixed = Math.imul(seed ^ 0x9e3779b9, 0x85ebca6b) >>> 0;
  return (((mixed ^ (mixed >>> 13)) >>> 0) % 10_000) / 10_000;
}

const FIRST = ["Ada", "Bela", "Carla", "Deniz", "Emil", "Femke", "Goran", "Hilde", "Ines", "Jonas", "Kasimir", "Lena"];
const LAST = ["Ahrens", "Brandt", "Castellanos-Hohenberg", "Dietrich", "Erdem", "Fuchs", "Gruber", "Horvath", "Iversen", "Jansen"];
const CITIES = ["Bonn", "Köln", "Wien", "Zürich", "Utrecht", "Gent", "Kraków", "Lyon"];
const TAGS = ["newsletter", "vip", "fair-2026", "wholesale", "barista course"];

const FIELDS: Field[] = [
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
];

function person(id: number): ContactRow {
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
      ...(noise(id) > 0.3 ? { spent: { type: "money", value: { minor: Math.round(noise(id + 5) * 40_000), currency: "EUR" } } } : {}),
      birthday: { type: "date", value: `19${60 + (id % 40)}-0${1 + (id % 9)}-14` },
    },
    tags: TAGS.filter((_, tag) => noise(id * 11 + tag) > 0.75),
    permitted: noise(id + 2) > 0.2,
    suppressed: noise(id + 3) > 0.95,
    created_at: at(noise(id + 4) * 400),
  };
}

const STATES: MessageState[] = ["accepted", "accepted", "accepted", "accepted", "queued", "deferred", "bounced", "in_flight", "suppressed"];

function message(id: number, unknown: number): OutboxRow {
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

function timeline(count: number): TimelineEntry[] {
  const entries: TimelineEntry[] = [
    { at: at(0.01), contact: person(3), entry: "message", id: 4, subject: "A first coffee on us", state: "accepted", journey: "Welcome series" },
    { at: at(0.1), contact: person(3), entry: "event", event: { id: 1, contact: 3, name: "order", at: at(0.1), arrived_at: at(0.1), source: "import:4", props: { total: { minor: 3450, currency: "EUR" }, items: 3 } } },
    { at: at(0.9), contact: person(8), entry: "journey", journey: "Welcome series", what: "entered", step: "New subscriber" },
    { at: at(2), contact: person(9), entry: "segment", segment: "New subscribers", entered: true },
    { at: at(3), contact: person(11), entry: "changed", key: "favourite_roast", to: { type: "choice", value: "dark" }, source: "import:12" },
    { at: at(5), contact: person(12), entry: "consent", consent: { contact: 12, channel: "email", purpose: "marketing", action: "granted", basis: "double_opt_in", wording: "Yes, send me news from the roastery.", wording_hash: "a1b2c3d4e5f60718", source: "import:12", at: at(5) } },
    { at: at(40), contact: person(4), entry: "suppressed", reason: "bounced", source: "smtp" },
    { at: at(90), contact: person(5), entry: "created", source: "import:12" },
  ];
  return Array.from({ length: count }, (_, n) => ({ ...(entries[n % entries.length] as TimelineEntry), at: at(n * 0.7) }));
}

const COUNTS: ImportCounts = { rows: 10_240, new: 8122, changed: 1430, unchanged: 300, duplicate: 214, invalid: 121, suppressed: 53, skipped: 0 };

type Answers = { [K in keyof Commands]?: (args: never) => unknown };

/** Whole dates going back from today, oldest first. */
const days = (count: number, step = 1) => Array.from({ length: count }, (_, n) => at((count - 1 - n) * step).slice(0, 10));

const MAIL = `<!doctype html><html><body style="margin:0;background:#f6f1ea;font:16px/1.5 Georgia,serif;color:#2b211a">
<div style="max-width:560px;margin:0 auto;padding:32px 24px;background:#fff"><h1 style="font-size:28px;line-height:1.2">Welcome to the roastery, Ada</h1>
<p>We roast on Tuesdays and Fridays, and your first bag leaves the same day.</p>
<p><a style="display:inline-block;padding:12px 20px;background:#7a4a21;color:#fff;text-decoration:none;border-radius:4px">See this week’s roast</a></p>
<p style="color:#8a7a6c;font-size:13px">Bohne &amp; Sohn, Am Markt 3, 53111 Bonn</p></div></body></html>`;

/** Takes `?fixture=…` out of the address, where the router would read it, and keeps it for a reload. */
export function takeFixture(): string | null {
  const { search, pathname, hash } = window.location;
  if (new URLSearchParams(search).has("fixture")) {
    sessionStorage.setItem("carillon.fixture", search);
    window.history.replaceState(null, "", `${pathname}${hash}`);
  }
  return sessionStorage.getItem("carillon.fixture");
}

/** A program that is not there: every command of the table with an answer of the amount asked for. */
export function fixtureHost(search: string): Host {
  const asked = new URLSearchParams(search);
  const amount = (asked.get("fixture") || "some") as Amount;
  const virtual = asked.get("clock") !== "real";
  const much = amount === "much";
  const empty = amount === "empty" || amount === "none";
  const total = empty ? 0 : much ? 1_000_000 : 5000;
  const listeners = new Set<(changes: Changes | "everything") => void>();
  const tell = (...topics: Topic[]) => {
    for (const listener of listeners) listener({ seq: 1, topics });
  };

  let open: WorkspaceInfo | null =
    amount === "none"
      ? null
      : {
          file: "/home/ada/bohne.carillon",
          workspace: {
            name: empty ? "Bohne & Sohn" : "Kaffeehaus Sample",
            clock: virtual ? "virtual" : "real",
            sample: !empty,
            time_zone: "Europe/Berlin",
            postal_address: empty ? "" : "Am Markt 3, 53111 Bonn",
            organisation: "Bohne & Sohn Kaffeerösterei",
            created_at: at(120),
          },
          warnings: much ? ["cloud_folder"] : [],
        };
  let clock: ClockView = { kind: virtual ? "virtual" : "real", now: at(0), speed: virtual ? 0 : 1, next_due: empty ? null : at(-0.12) };
  let paused = false;
  let fields = FIELDS.filter((field) => !empty || field.built_in);
  let settings: Settings = { name: open?.workspace.name ?? "", organisation: "Bohne & Sohn", postal_address: empty ? "" : "Am Markt 3\n53111 Bonn", time_zone: "Europe/Berlin", default_account: empty ? null : 1 };
  const unknown = much ? 37 : 0;
  const jobs = new Map<number, number>();
  const job = (): { job: number } => {
    const id = jobs.size + 1;
    jobs.set(id, Date.now());
    return { job: id };
  };
  const jobView = (id: number): JobView => {
    const done = Math.min(10_240, (Date.now() - (jobs.get(id) ?? 0)) * 4);
    return { id, what: "contacts.import_run", state: done >= 10_240 ? "done" : "running", done, total: 10_240, phase: "rows", result: null, error: null };
  };
  const imports: ImportRow[] = empty
    ? []
    : [
        { id: 12, name: "shop-customers.csv", what: "contacts", state: "done", at: at(2), source: "shop customers 2026", counts: COUNTS, has_errors: true, undoable: true },
        { id: 11, name: "orders-october.jsonl", what: "events", state: "done", at: at(20), source: "shop", counts: { ...COUNTS, invalid: 0 }, has_errors: false, undoable: true },
        { id: 10, name: "fair.csv", what: "contacts", state: "undone", at: at(64), source: "fair", counts: { ...COUNTS, rows: 300, new: 280 }, has_errors: false, undoable: false },
      ];
  const segments = empty
    ? []
    : [
        { id: 1, name: "New subscribers", text: 'tag "newsletter" and created_at in the last 30 days', count: Math.round(total * 0.041), used_by: 1, history: Array.from({ length: 30 }, (_, n) => 180 + n + Math.round(noise(n) * 30)), created_at: at(80) },
        { id: 2, name: "Bought twice", text: "did order at least 2 times in the last 90 days", count: Math.round(total * 0.18), used_by: 2, history: Array.from({ length: 30 }, (_, n) => 900 - n * 3 + Math.round(noise(n * 3) * 40)), created_at: at(70) },
        { id: 3, name: "Sleepers with permission", text: "consent email marketing and did order ever and did not order in the last 120 days", count: Math.round(total * 0.27), used_by: 0, history: Array.from({ length: 30 }, (_, n) => 1200 + n * 4), created_at: at(12) },
      ];
  const template = {
    id: 1,
    name: "Welcome 1",
    subject: "Welcome to the roastery, {{ contact.first_name | default: 'friend' }}",
    preheader: "We roast on Tuesdays and Fridays.",
    body: `<mjml>\n  <mj-body background-color="#f6f1ea">\n    <mj-section background-color="#ffffff">\n      <mj-column>\n        <mj-text font-size="28px">\n          Welcome to the roastery, {{ contact.first_name | default: "friend" }}\n        </mj-text>\n        {% if contact.spent %}\n        <mj-text>You have spent {{ contact.spent | money }} so far.</mj-text>\n        {% endif %}\n        <mj-button href="https://bohne.example.com/roast">See this week’s roast</mj-button>\n      </mj-column>\n    </mj-section>\n  </mj-body>\n</mjml>\n`,
    text: "",
    updated_at: at(4),
  };
  const account = { id: 1, name: "Shop mail", host: "smtp.example.com", port: 587, tls: "starttls" as const, user: "shop@bohne.example.com", from_name: "Bohne & Sohn", from_email: "shop@bohne.example.com", reply_to: null, ca_file: null, per_day: 2000, per_minute: 60, sessions: 4, preset: null, secret: "keychain" as const, sent_24_hours: 640, last_test: { at: at(1), ok: true, message: "" } };

  const answers: Answers = {
    ...(journeyFixture() as Answers),
    ...(empty ? { "journeys.list": () => [] } : {}),
    "workspaces.current": () => open,
    "workspaces.recent": () => [
      { file: "/home/ada/bohne.carillon", name: "Bohne & Sohn", sample: false, clock: "real", opened_at: at(0.2), exists: true },
      { file: "/home/ada/clients/velo.carillon", name: "Velo Verein Bonn", sample: false, clock: "real", opened_at: at(3), exists: true },
      { file: "/home/ada/.local/share/carillon/sample.carillon", name: "Kaffeehaus Sample", sample: true, clock: "virtual", opened_at: at(9), exists: true },
      { file: "/media/stick/old.carillon", name: "Theater am Ring", sample: false, clock: "real", opened_at: at(200), exists: false },
    ],
    "workspaces.close": () => {
      open = null;
      tell("workspace");
      return {};
    },
    "clock.get": () => clock,
    "clock.play": ({ speed }: { speed: number }) => {
      clock = { ...clock, speed };
      tell("clock");
      return clock;
    },
    "clock.pause": () => {
      clock = { ...clock, speed: 0 };
      tell("clock");
      return clock;
    },
    "clock.jump": job,
    "demo.create": job,
    "jobs.get": ({ id }: { id: number }) => jobView(id),
    "home.overview": (): HomeOverview => ({
      contacts: total,
      contacts_30_days: Math.round(total * 0.04),
      permitted: Math.round(total * 0.83),
      in_journeys: Math.round(total * 0.24),
      live_journeys: empty ? 0 : 2,
      messages_today: empty ? 0 : 214,
      messages_7_days: empty ? 0 : 1830,
      unknown,
      next_due: clock.next_due,
      accepted_by_day: days(30).map((day, n) => ({ day, count: empty ? 0 : Math.round(120 + 90 * Math.sin(n / 1.1) + noise(n) * 120) })),
      journeys: empty
        ? []
        : [
            { id: 1, name: "Welcome series", state: "live", active: 812, entered_7_days: 96 },
            { id: 2, name: "Second order", state: "live", active: 388, entered_7_days: 41 },
            { id: 3, name: "Birthday coffee", state: "paused", active: 12, entered_7_days: 0 },
          ],
      latest: empty ? [] : timeline(8),
      checklist: (["import_contacts", "save_segment", "adapt_template", "draw_journey", "simulate_journey", "add_sender", "publish_journey"] as const).map((item, n) => ({ item, done: !empty && n < 4 })),
    }),
    "contacts.page": ({ offset, limit, search }: { offset: number; limit: number; search: string | null }) => {
      const found = search === null ? total : Math.min(total, 7);
      return { rows: Array.from({ length: Math.max(0, Math.min(limit, found - offset)) }, (_, n) => person(offset + n + 1)), total: found };
    },
    "contacts.get": ({ id }: { id: number }) => {
      const row = person(id);
      return {
        contact: {
          id,
          email: row.email,
          tags: row.tags,
          created_at: row.created_at,
          fields: Object.entries(row.values).map(([key, value]) => ({ key, value, provenance: { source: key === "city" ? "user" : "import:12", at: at(30) } })),
        },
        time_zone: { name: "Europe/Berlin", from: "workspace" },
        suppressed: row.suppressed ? { id: 1, email: row.email, reason: "unsubscribed", source: "import:12", at: at(3) } : null,
        permissions: [{ channel: "email", purpose: "marketing", allowed: row.permitted, basis: "double_opt_in" }],
        consents: [
          { contact: id, channel: "email", purpose: "marketing", action: "granted", basis: "double_opt_in", wording: "Yes, send me news from the roastery.", wording_hash: "a1b2c3d4e5f60718aa", source: "import:12", at: at(90) },
        ],
        segments: [
          { id: 1, name: "New subscribers", since: at(12) },
          { id: 2, name: "Bought twice", since: at(40) },
        ],
        journeys: [
          { enrolment: 1, journey: 1, journey_name: "Welcome series", version: 3, entered_at: at(12), ended_at: null, at_step: "Wait 3 days", path: ["New subscriber", "First mail", "Bought?", "Wait 3 days"].map((title, n) => ({ step: `s${n}`, title, kind: "wait", facts: [] })) },
        ],
      };
    },
    "contacts.timeline": ({ limit }: { limit: number }) => timeline(Math.min(limit, 60)),
    "contacts.import_open": () => ({
      file: { upload: "u1" },
      name: "shop-customers.csv",
      bytes: 1_482_300,
      delimiter: ";",
      encoding: "windows-1252",
      header: true,
      columns: [
        { name: "E-Mail", guess: "email", type: "text", currency: null, empty: 0 },
        { name: "Vorname", guess: "first_name", type: "text", currency: null, empty: 0.02 },
        { name: "Nachname", guess: "last_name", type: "text", currency: null, empty: 0.01 },
        { name: "Ort", guess: "city", type: "text", currency: null, empty: 0.11 },
        { name: "Umsatz", guess: null, type: "money", currency: "EUR", empty: 0.3 },
        { name: "Kundennummer", guess: null, type: "number", currency: null, empty: 0 },
        { name: "Gruppen", guess: "tags", type: "text", currency: null, empty: 0.6 },
      ],
      rows: Array.from({ length: 12 }, (_, n) => [person(n + 1).email, FIRST[n % 12] ?? "", LAST[n % 10] ?? "", CITIES[n % 8] ?? "", "1.204,50", String(10_000 + n), "newsletter, vip"]),
      rows_about: 10_240,
      warnings: [],
    }),
    "contacts.import_dry_run": () => ({
      counts: COUNTS,
      examples: [
        { line: 17, reason: "The e-mail address has no @.", text: "peter.example.com;Peter;Pan" },
        { line: 204, reason: "There are 9 columns where the header has 7.", text: "a@example.com;x;y;z;1;2;3;4;5" },
        { line: 3311, reason: "The date 31.02.2025 does not exist.", text: "eva@example.com;Eva;Ro" },
      ],
    }),
    "contacts.import_run": () => ({ ...job(), import: 12 }),
    "imports.list": () => imports,
    "imports.get": () => imports[0],
    "imports.undo": job,
    "fields.list": () => fields,
    "fields.add": ({ label, type, options }: { label: string; type: Field["type"]; options: string[] }) => {
      const field = { key: label.toLowerCase().replaceAll(" ", "_"), label, type, options, built_in: false };
      fields = [...fields, field];
      tell("fields");
      return field;
    },
    "suppressions.list": ({ offset, limit }: { offset: number; limit: number }) => {
      const all = empty ? 0 : 240;
      return {
        total: all,
        rows: Array.from({ length: Math.max(0, Math.min(limit, all - offset)) }, (_, n) => ({
          id: offset + n + 1,
          email: n % 5 === 0 ? null : person(offset + n).email,
          reason: (["unsubscribed", "bounced", "imported", "complained"] as const)[n % 4],
          source: "import:12",
          at: at(n),
        })),
      };
    },
    "segments.list": () => segments,
    "segments.check": ({ text }: { text: string }) => {
      const wrong = text.indexOf("orderd");
      return wrong < 0
        ? { ok: true, canonical: text }
        : { ok: false, error: { offset: wrong, length: 6, message: "There is no field called “orderd”.", expected: ["did", "tag", "consent", "in segment"] } };
    },
    "segments.count": ({ text }: { text: string }) => {
      let offset = 0;
      const parts = text.split(/\s+and\s+/);
      const clauses = parts.map((part, n) => {
        const found = { offset: text.indexOf(part, offset), length: part.length, text: part, count: Math.round(total * (0.7 - n * 0.15)) };
        offset = found.offset + part.length;
        return found;
      });
      return { count: Math.round(total * noise(text.length) * 0.6), total, clauses, took_ms: 4, seq: 9 };
    },
    "segments.members": () => ({ rows: Array.from({ length: Math.min(10, total) }, (_, n) => person(n * 37 + 5)), total }),
    "segments.why": () => ({
      holds: false,
      at: at(0),
      why: {
        text: "all of these",
        holds: false,
        until: null,
        seen: null,
        of: [
          { text: 'tag "newsletter"', holds: true, until: null, seen: "newsletter, vip" },
          { text: "did order at least 2 times in the last 90 days", holds: false, until: at(-4), seen: "once, on 3 October 2026" },
        ],
      },
    }),
    "templates.list": () =>
      empty ? [] : ["Welcome 1", "First-order offer", "Second order", "Birthday coffee"].map((name, n) => ({ id: n + 1, name, subject: ["Welcome to the roastery", "A first coffee on us", "Which roast next?", "A coffee on your day"][n], updated_at: at(n * 9), used_by: n === 3 ? 0 : 1, sent_30_days: [2140, 1208, 802, 0][n] })),
    "templates.get": () => template,
    "templates.starters": () =>
      ["Welcome", "First-order offer", "We miss you", "News"].map((name, n) => ({ key: `s${n}`, name, about: ["Says hello and what will come.", "A small thank-you with a reason to try.", "A short, honest note to those who sleep.", "One story, one picture, one link."][n], draft: template })),
    "templates.render": ({ draft }: { draft: { subject: string; preheader: string; body: string } }) => ({
      frame: MAIL,
      subject: draft.subject.replace(/\{\{[^}]*\}\}/g, "Ada"),
      preheader: draft.preheader,
      text: "Welcome to the roastery, Ada\n\nWe roast on Tuesdays and Fridays, and your first bag leaves the same day.\n",
      bytes: 18_420,
      problems: draft.body.includes("mj-broken") ? [{ severity: "error", part: "body", line: 4, message: "There is no MJML element called mj-broken." }] : [],
    }),
    "templates.missing": () => ({
      looked_at: total,
      complete: Math.round(total * 0.91),
      missing: [
        { key: "contact.first_name", count: Math.round(total * 0.07), example: { id: 8, email: person(8).email }, has_fallback: true },
        { key: "contact.spent", count: Math.round(total * 0.3), example: { id: 9, email: person(9).email }, has_fallback: false },
      ],
    }),
    "accounts.list": () => (empty ? [] : [account]),
    "accounts.test": () => ({
      ok: false,
      phases: [
        { phase: "connect", ok: true, detail: "220 smtp.example.com ESMTP" },
        { phase: "tls", ok: true, detail: "TLS 1.3, certificate of smtp.example.com" },
        { phase: "auth", ok: false, detail: "535 5.7.8 Authentication credentials invalid" },
      ],
    }),
    "presets.senders": () => [{ key: "m365", name: "Microsoft 365", host: "smtp.office365.com", port: 587, tls: "starttls", per_day: 10_000, per_minute: 30, sessions: 3, dated: "2026-10-01", note: "30 messages a minute and 10,000 recipients a day." }],
    "outbox.summary": () => ({
      by_state: [
        { state: "accepted", count: 18_220 },
        { state: "queued", count: empty ? 0 : 1204 },
        { state: "bounced", count: 120 },
        { state: "unknown", count: unknown },
      ],
      batches: unknown === 0 ? [] : [{ id: 1, state: "unknown", why: "crash", at: at(0.05), count: unknown, account_name: "Shop mail", examples: [person(4).email, person(17).email, person(30).email] }],
      sending: { paused, queued: empty ? 0 : 1198, in_flight: empty ? 0 : 6, deferred: 0, attention: unknown },
      closed: empty ? null : "sample",
    }),
    "outbox.page": ({ offset, limit, states, search }: { offset: number; limit: number; states: MessageState[]; search: string | null }) => {
      const all = empty ? 0 : search === null ? (much ? 120_000 : 180) : 3;
      const rows = Array.from({ length: Math.max(0, Math.min(limit, all - offset)) }, (_, n) => message(offset + n + 1, unknown));
      return { rows: states.length === 0 ? rows : rows.filter((row) => states.includes(row.state)), total: states.length === 0 ? all : Math.min(all, rows.filter((row) => states.includes(row.state)).length) };
    },
    "outbox.get": ({ id }: { id: number }) => ({
      ...message(id, unknown),
      frame: MAIL,
      text: "Welcome",
      tries: [{ at: at(0.01), phase: "final dot", reply: "250 2.0.0 Ok: queued as 4F2D1", class: null }],
      headers: [
        { name: "From", value: "Bohne & Sohn <shop@bohne.example.com>" },
        { name: "List-Unsubscribe", value: "<mailto:leave@bohne.example.com?subject=c2Ft>" },
      ],
    }),
    "outbox.pause": () => {
      paused = true;
      tell("outbox");
      return {};
    },
    "outbox.resume": () => {
      paused = false;
      tell("outbox");
      return {};
    },
    "reports.messages": ({ days: span, step }: { days: number; step: "day" | "week" }) => ({
      step,
      rows: days(step === "day" ? span : Math.ceil(span / 7), step === "day" ? 1 : 7).map((day, n) => ({
        at: day,
        accepted: empty ? 0 : Math.round((much ? 40 : 1) * (160 + 80 * Math.sin(n / 1.1) + noise(n) * 90)),
        bounced: empty ? 0 : Math.round(noise(n + 9) * 9 * (much ? 40 : 1)),
        suppressed: empty ? 0 : Math.round(noise(n + 7) * 14 * (much ? 40 : 1)),
        unknown: 0,
      })),
    }),
    "reports.funnel": () => ({
      journey: 1,
      version: null,
      entered: 2410,
      steps: [
        { step: "a", title: "New subscriber", kind: "entry_segment", reached: 2410, now: 0 },
        { step: "b", title: "First mail", kind: "send_email", reached: 2392, now: 4 },
        { step: "c", title: "Wait 3 days", kind: "wait", reached: 2380, now: 212 },
        { step: "d", title: "Bought already?", kind: "if_else", reached: 2120, now: 0 },
        { step: "e", title: "First-order offer", kind: "send_email", reached: 1404, now: 0 },
        { step: "f", title: "Second order", kind: "goal", reached: 688, now: 0 },
      ],
      ended: [
        { end: "goal", count: 688 },
        { end: "completed", count: 910 },
      ],
    }),
    "reports.growth": ({ days: span, step }: { days: number; step: "day" | "week" }) => ({
      step,
      rows: days(step === "day" ? span : Math.ceil(span / 7), step === "day" ? 1 : 7).map((day, n, all) => ({ at: day, total: empty ? 0 : Math.round(total - (all.length - n) * total * 0.0015), added: empty ? 0 : Math.round(total * 0.0019), opted_out: empty ? 0 : Math.round(noise(n) * 4), bounced: 0 })),
    }),
    "settings.get": () => settings,
    "settings.save": (next: Settings) => {
      settings = next;
      tell("workspace");
      return settings;
    },
    "diagnostics.get": () => ({ version: "0.1.0", sqlite: "3.51.3", file: "/home/ada/bohne.carillon", file_bytes: 48_211_000, index_bytes: 9_120_000, contacts: total, events: total * 22, seq: 88_120, keychain: asked.get("keychain") ?? "available", graphics: "software (DMABUF off)", owner: "this process" }),
  };

  const answer = async (name: string, args: unknown): Promise<unknown> => {
    if (amount === "slow" && name !== "workspaces.current") await new Promise(() => {});
    if (amount === "broken" && name !== "workspaces.current" && name !== "clock.get") {
      throw new ApiError({ code: "file", message: "The disk is full. What was committed is kept. Free some space and try again.", trace: "7f3a-11c2" });
    }
    const found = answers[name as keyof Commands] as ((args: unknown) => unknown) | undefined;
    if (found === undefined) throw new ApiError({ code: "not_found", message: `The fixture has no answer to ${name}.` });
    return structuredClone(await found(args));
  };

  return {
    kind: "fixture",
    query: answer,
    mutate: answer,
    onChanged: (callback) => {
      listeners.add(callback);
      return () => listeners.delete(callback);
    },
    frameUrl: (ticket) => `data:text/html;charset=utf-8,${encodeURIComponent(ticket)}`,
    chooseFile: async (purpose) => ({ file: { upload: "u1" }, name: purpose === "contacts" ? "shop-customers.csv" : "file" }),
    chooseSave: async (_purpose, name) => ({ path: `/home/ada/${name}` }),
    deliver: () => {},
    onFilesDropped: () => () => {},
  };
}
