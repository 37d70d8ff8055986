// Contacts that are there twice, made up for the development of the screens.

import type { Listeners } from "./fixture.answers";
import { at, FIELDS, FIRST, LAST } from "./fixture.people";
import type { DuplicateField } from "./gen/DuplicateField";
import type { DuplicateRow } from "./gen/DuplicateRow";
import type { DuplicateRules } from "./gen/DuplicateRules";
import type { DuplicateShown } from "./gen/DuplicateShown";
import type { DuplicateSide } from "./gen/DuplicateSide";
import type { DuplicateValue } from "./gen/DuplicateValue";
import type { MatchEvidence } from "./gen/MatchEvidence";
import type { MergeView } from "./gen/MergeView";

const pick = (list: readonly string[], n: number) => list[n % list.length] ?? "";

function row(n: number): DuplicateRow {
  const [first, last] = [pick(FIRST, n), pick(LAST, n * 3)];
  const short = n % 3 === 1 ? `${first.slice(0, 1)}.` : first;
  return {
    a: n * 2 + 1,
    b: n * 2 + 2,
    name_a: `${first} ${last}`,
    email_a: `${first}.${last}@example.com`.toLowerCase(),
    name_b: n % 7 === 3 ? "" : `${short} ${last}`,
    email_b: `${first.slice(0, 1)}${last}${n}@old-mail-provider.example`.toLowerCase(),
    probability: Math.max(0.06, 0.998 - n * 0.019),
    same: n % 4 === 0 ? ["phone"] : [],
  };
}

const field = (
  key: string | null,
  kind: MatchEvidence["kind"],
  level: MatchEvidence["level"],
  bits: number,
): MatchEvidence => ({
  about: "field",
  key,
  kind,
  level,
  bits,
});

const EVIDENCE: MatchEvidence[] = [
  { about: "prior", key: null, kind: null, level: null, bits: -11.4 },
  field("last_name", "surname", "exact", 9.7),
  field("first_name", "given_name", "close", 4.1),
  field("city", "suburb", "different", -2.6),
  field("birthday", "date", "exact", 12.2),
  field("country", "country", "exact", 0.9),
  field(null, "street_number", "missing", 0),
  { about: "household", key: null, kind: null, level: null, bits: -1.1 },
  { about: "moving", key: null, kind: null, level: null, bits: 0.4 },
];

const side = (id: number, name: string, email: string, days: number): DuplicateSide => ({
  id,
  email,
  name,
  created_at: at(days),
  permitted: id % 2 === 1,
  suppressed: false,
  tags: id % 2 === 1 ? ["newsletter", "vip"] : ["fair-2026"],
  events: id % 2 === 1 ? 42 : 3,
  messages: id % 2 === 1 ? 12 : 1,
  journeys: id % 2 === 1 ? 0 : 1,
  aliases: [],
});

const text = (value: string, source: string, days: number): DuplicateValue => ({
  value: { type: "text", value },
  source,
  at: at(days),
});

function shown(of: DuplicateRow): DuplicateShown {
  const [first = "", last = ""] = of.name_a.split(" ");
  const both = (
    key: string,
    a: DuplicateValue | null,
    b: DuplicateValue | null,
    rule: DuplicateField["rule"] = "most_recent",
  ): DuplicateField => ({
    key,
    label: FIELDS.find((known) => known.key === key)?.label ?? key,
    a,
    b,
    same: JSON.stringify(a?.value) === JSON.stringify(b?.value),
    rule,
    if_a: a === null || (b !== null && rule === "most_recent") ? of.b : of.a,
    if_b: b === null || rule === "longest" ? of.a : of.b,
  });
  return {
    a: side(of.a, of.name_a, of.email_a, 400),
    b: side(of.b, of.name_b, of.email_b, 90),
    fields: [
      both("first_name", text(first, "import:12", 400), text(`${first.slice(0, 1)}.`, "user", 90), "longest"),
      both("last_name", text(last, "import:12", 400), text(last, "user", 90), "longest"),
      both("city", text("Bonn", "import:12", 400), text("Wien", "relay", 12)),
      both("country", text("DE", "import:12", 400), null),
      both("birthday", null, { value: { type: "date", value: "1983-07-04" }, source: "journey:3/ask", at: at(30) }),
    ],
    probability: of.probability,
    same: of.same,
    evidence: EVIDENCE,
    survivor: of.a,
    stamp: "0123456789abcdef",
    different: false,
  };
}

/** Answers about duplicates, of the amount asked for. */
export function duplicatesAnswers({ empty, much, tell, job }: Listeners & { job: () => { job: number } }) {
  let rows = empty ? [] : Array.from({ length: much ? 120 : 9 }, (_, n) => row(n));
  const gone = new Map<number, DuplicateRow>();
  let merges: MergeView[] = empty
    ? []
    : [
        {
          id: 1,
          survivor: 901,
          absorbed: 902,
          email: "hilde.fuchs@example.com",
          alias: "h.fuchs@old-mail-provider.example",
          at: at(3),
          source: "user",
          undone_at: null,
        },
      ];
  let rules: DuplicateRules = {
    fields: FIELDS.filter((known) => known.key !== "created_at").map((known) => ({
      key: known.key,
      label: known.label,
      kind:
        ({ email: "email", first_name: "given_name", last_name: "surname", city: "suburb", birthday: "date" } as const)[
          known.key
        ] ?? null,
      rule: known.key.endsWith("_name") ? "longest" : "most_recent",
    })),
    trusted: ["user", "relay", "import", "journey"],
  };
  const same = (of: { a: number; b: number }) => (each: DuplicateRow) => each.a === of.a && each.b === of.b;
  return {
    "duplicates.page": ({ offset = 0, limit }: { offset?: number; limit: number }) => ({
      rows: rows.slice(offset, offset + limit),
      total: rows.length,
      last: empty ? null : { at: at(0.4), contacts: much ? 1_000_000 : 5000, pairs: rows.length, left_out: 0 },
    }),
    "duplicates.show": (of: { a: number; b: number }) => shown(rows.find(same(of)) ?? row((of.a - 1) / 2)),
    "duplicates.merges": () => merges,
    "duplicates.rules": () => rules,
    "duplicates.save_rules": (next: DuplicateRules) => {
      rules = next;
      tell("duplicates");
      return rules;
    },
    "duplicates.find": () => job(),
    "duplicates.merge": ({ survivor, absorbed }: { survivor: number; absorbed: number }) => {
      const of = { a: Math.min(survivor, absorbed), b: Math.max(survivor, absorbed) };
      const found = rows.find(same(of)) ?? row((of.a - 1) / 2);
      const id = merges.length + 1;
      gone.set(id, found);
      rows = rows.filter((each) => each !== found);
      const [email, alias] = survivor === found.a ? [found.email_a, found.email_b] : [found.email_b, found.email_a];
      merges = [{ id, survivor, absorbed, email, alias, at: at(0), source: "user", undone_at: null }, ...merges];
      tell("duplicates", "contacts");
      return { id };
    },
    "duplicates.unmerge": ({ id }: { id: number }) => {
      merges = merges.map((each) => (each.id === id ? { ...each, undone_at: at(0) } : each));
      const back = gone.get(id);
      if (back !== undefined) rows = [back, ...rows];
      tell("duplicates", "contacts");
      return {};
    },
    "duplicates.say": ({ different, ...of }: { a: number; b: number; different: boolean }) => {
      rows = different ? rows.filter((each) => !same(of)(each)) : [row((of.a - 1) / 2), ...rows];
      tell("duplicates");
      return {};
    },
  };
}
