// @vitest-environment node
import { expect, test } from "vitest";
import type { Field } from "@/api/gen/Field";
import { complete, type Offer, type Words } from "./complete";
import { lex, printKey } from "./lex";
import { readExpression, readWhere } from "./read";

const field = (key: string, type: Field["type"], options?: string[]): Field => ({
  key,
  label: key.replaceAll("_", " "),
  type,
  ...(options === undefined ? {} : { options }),
  built_in: false,
});

const words: Words = {
  fields: [
    field("city", "text"),
    field("billing_city", "text"),
    field("tag", "text"),
    field("age", "number"),
    field("nan", "number"),
    field("total", "money"),
    field("paid", "money"),
    field("newsletter", "yes_no"),
    field("plan", "choice", ["gold", 'the "big" one']),
    field("interests", "multi_choice", ["tea", "coffee"]),
    field("birthday", "date"),
    field("created_at", "date_time"),
  ],
  events: [
    { name: "order", about: "Happened 2 times", props: ["amount", "product"] },
    { name: "Page view", about: "Happened once", props: ["url", "where"] },
    { name: "not", about: "Happened once", props: [] },
  ],
  tags: [
    { name: "vip", about: "2 contacts" },
    { name: "New York", about: "1 contact" },
  ],
  templates: [{ name: "welcome-1", about: "Hello" }],
  segments: [{ name: "VIP", about: "city is known" }],
  journeys: [{ name: "Welcome", about: "" }],
  steps: [
    { id: "s2", name: "Wait two days", journey: "Welcome" },
    { id: "s10", name: "", journey: "Win back" },
  ],
  zones: ["UTC", "Europe/Berlin"],
  currencies: [
    { name: "EUR", about: "Euro" },
    { name: "JPY", about: "Japanese Yen" },
  ],
  today: "2026-11-27",
  ranks: true,
};

/** The text without its `|`, and where that stood. */
const split = (marked: string): [string, number] => [marked.replace("|", ""), marked.indexOf("|")];
const at = (marked: string, entry: { where: string } | null = null) => complete(...split(marked), words, entry);
const labels = (marked: string) => at(marked)?.offers.map((offer) => offer.label) ?? [];
const values = (marked: string, kind: Offer["kind"]) =>
  at(marked)
    ?.offers.filter((offer) => offer.kind === kind)
    .map((offer) => offer.label) ?? [];

/** The text with an offer taken, `|` where the cursor is then, or `[` and `]` around what is marked. */
function taken(marked: string, label: string, entry: { where: string } | null = null): string {
  const found = at(marked, entry);
  const offer = found?.offers.find((each) => each.label === label);
  if (found === null || offer === undefined) return `${label} is not offered`;
  const [text] = split(marked);
  const whole = text.slice(0, found.from) + offer.insert + text.slice(found.to);
  const [first, last] = offer.mark.map((place) => found.from + place) as [number, number];
  if (first === last) return `${whole.slice(0, first)}|${whole.slice(first)}`;
  return `${whole.slice(0, first)}[${whole.slice(first, last)}]${whole.slice(last)}`;
}

test("an empty text begins with a field, a condition or a group", () => {
  const offered = labels("|");
  expect(offered.slice(0, 3)).toEqual(["city", "billing_city", "tag"]);
  for (const label of ['tag "…"', "did …", "did not …", 'in segment "…"', "random 10%", "not", "(", "everyone"])
    expect(offered, label).toContain(label);
  expect(offered).not.toContain("and");
  expect(taken("|", "city")).toBe("city |");
  expect(taken("|", "tag")).toBe("`tag` |");
  expect(taken("|", "at least 2 of (")).toBe("at least [2] of (");
  expect(taken("not (|", "everyone")).toBe("not (everyone|");
});

test("behind a field stand the tests that fit what it holds", () => {
  expect(labels("age |")).toContain(">= 10");
  expect(labels("age |")).not.toContain('contains "…"');
  expect(labels("city |")).toContain('contains "…"');
  expect(labels("city |")).not.toContain(">= 10");
  expect(labels("newsletter |")).toEqual(["is yes", "is no", "is known", "is empty", "changed"]);
  expect(labels("newsletter changed |")).toContain("in the last 30 days");
  expect(labels("newsletter changed |")).not.toContain("is yes");
  for (const ahead of ["in the next 7 days", "tomorrow", "next week", "anniversary today"])
    expect(labels("newsletter changed |")).not.toContain(ahead);
  expect(readExpression(lex("newsletter changed in the next 7 days"), words.fields).whole).toBe(true);
  expect(labels("created_at |")).not.toContain("changed");
  expect(labels("birthday |")).toContain("anniversary within 7 days");
  expect(labels("interests |")).toContain('has any of ("…")');
  expect(labels("nobody_knows_it |")).toEqual([]);
});

test("points of scores rise and fall, and nothing else does", () => {
  const scored: Words = {
    ...words,
    fields: [{ ...field("score_fit", "number"), score: "fit" }, field("age", "number")],
  };
  const offered = (text: string) => complete(text, text.length, scored)?.offers.map(({ label }) => label) ?? [];
  expect(offered("score_fit ")).toContain("rose by at least 10 in the last 30 days");
  expect(offered("score_fit ")).toContain("fell in the last 30 days");
  expect(offered("score_fit ")).toContain("fell by at least 20% in the last 30 days");
  expect(offered("score_fit rose by more ")).toEqual(["than 10 in the last 30 days", "than 20% in the last 30 days"]);
  expect(offered("age ").filter((label) => /rose|fell/.test(label))).toEqual([]);
  const reads = (text: string) => readExpression(lex(text), scored.fields).whole;
  expect(reads("score_fit fell by more than 2.5 in the last 1 week and age > 3")).toBe(true);
  expect(reads("score_fit rose by more than 12.5% in the last 2 days")).toBe(true);
  expect(reads("score_fit fell by 2 in the last 1 week")).toBe(false);
});

test("numbers are ranked, and amounts within their currency", () => {
  expect(labels("age |")).toContain("is in the top 10%");
  expect(labels("age is in the b|")).toEqual(["bottom 10%"]);
  expect(labels("total |")).toContain("is in the bottom 10% EUR");
  expect(labels("city is in |")).toEqual([]);
  // Where that is not measured it is not offered.
  const alone = complete("age ", 4, { ...words, ranks: false })?.offers.map(({ label }) => label) ?? [];
  expect(alone).toContain("is a multiple of 5");
  expect(alone.filter((label) => /top|bottom/.test(label))).toEqual([]);
  const reads = (text: string) => readExpression(lex(text), words.fields).whole;
  expect(reads("age is in the top 2.5 % and total is in the bottom 10% chf")).toBe(true);
  expect(reads("total is in the top 10%")).toBe(false);
  expect(reads("age is in the top 10")).toBe(false);
});

test("options, tags, messages and segments are offered as texts in quotes", () => {
  expect(taken("plan is |", "gold")).toBe('plan is "gold"|');
  expect(taken("plan is |", 'the "big" one')).toBe('plan is "the \\"big\\" one"|');
  expect(taken("interests has any of (|", "tea")).toBe('interests has any of ("tea"|');
  expect(taken('interests has any of ("tea"|', ', "…"')).toBe('interests has any of ("tea", "|"');
  expect(taken('interests has any of ("tea", "|"', "coffee")).toBe('interests has any of ("tea", "coffee"|');
  expect(taken("tag v|", "vip")).toBe('tag "vip"|');
  expect(taken("was sent |", "welcome-1")).toBe('was sent "welcome-1"|');
  expect(taken("not in segment |", "VIP")).toBe('not in segment "VIP"|');
  expect(taken("joined segment |", "VIP")).toBe('joined segment "VIP"|');
  expect(taken("in journey W|", "Welcome")).toBe('in journey "Welcome"|');
  expect(labels('entered journey "Welcome" |')).toEqual(expect.arrayContaining(["in the last 30 days", "ever"]));
  expect(labels("reached |")).toEqual(['the goal of journey "…"']);
  expect(labels("rea|")).toContain('reached the goal of journey "…"');
});

test("a step is found by what people call it and written by its id, with its journey", () => {
  expect(taken("at step |", "Wait two days (s2)")).toBe('at step "s2" of journey "Welcome"|');
  expect(labels('at step "two|')).toEqual(["Wait two days (s2)"]);
  expect(labels('passed step "s1|')).toEqual(["s10"]);
  expect(taken("came to step |", "s10")).toBe('came to step "s10" of journey "Win back"|');
  expect(at('left step "|')?.offers.map((offer) => offer.about)).toEqual(["A step of Welcome", "A step of Win back"]);
  expect(labels('passed step "s2" of journey "Welcome" |')).toEqual(expect.arrayContaining(["in the last 30 days"]));
  expect(labels('at step "s2" of journey "Welcome" |')).not.toContain("in the last 30 days");
  expect(labels('at step "s2" |')).toEqual(['of journey "…"']);
  expect(labels("at |")).toEqual(expect.arrayContaining(['step "…" of journey "…"', "least 2 of ("]));
});

test("inside quotes only what can stand in them is offered, and the quotes are closed once", () => {
  expect(values('tag "|', "tag")).toEqual(["vip", "New York"]);
  expect(labels('tag "|')).toEqual(["vip", "New York"]);
  expect(taken('tag "v|"', "vip")).toBe('tag "vip"|');
  expect(taken('tag "v| and city is "Bonn"', "vip")).toBe('tag "vip"| and city is "Bonn"');
  expect(taken('tag "New| York" and city is "Bonn"', "New York")).toBe('tag "New York"| and city is "Bonn"');
  expect(taken("tag “v|” or everyone", "vip")).toBe('tag "vip"| or everyone');
  expect(taken('did "|"', "order")).toBe('did "order"|');
  expect(taken("`b|`", "birthday")).toBe("birthday |");
  expect(labels('city is "|')).toEqual([]);
  expect(labels('tag "a\\|')).toEqual([]);
});

test("events and their properties are offered where they stand", () => {
  expect(values("did |", "event")).toEqual(["order", "Page view", "not"]);
  expect(taken("did P|", "Page view")).toBe('did "Page view"|');
  expect(taken("did |", "not")).toBe('did "not"|');
  expect(values("did order where |", "property")).toEqual(["amount", "product"]);
  expect(taken('did "Page view" where |', "where")).toBe('did "Page view" where `where` |');
  expect(values('did "Page view" where url is "x" and |', "property")).toEqual(["url", "where"]);
  expect(values("did never_seen where |", "property")).toEqual(["amount", "product", "url", "where"]);
  expect(values("sum of |", "property")).toEqual(["amount", "product", "url", "where"]);
  expect(values("sum of amount of |", "event")).toEqual(["order"]);
  expect(values("did order then |", "event")).toEqual(["order", "Page view", "not"]);
});

test("behind the `and` of an open where no field is offered, for it would be a property", () => {
  const open = labels("did order where amount > 1 and |");
  expect(open).toContain("product");
  expect(open).not.toContain("city");
  expect(open).toContain('tag "…"');
  const closed = labels("did order where (amount > 1) and |");
  expect(closed).toContain("city");
  expect(closed).not.toContain("product");
});

test("what was said once of how often and when is not offered twice", () => {
  const both = labels("did order |");
  expect(both).toContain("at least 2 times");
  expect(both).toContain("in the last 30 days");
  const timed = labels("did order at least 2 times |");
  expect(timed).not.toContain("exactly 1 time");
  expect(timed).toContain("in the last 30 days");
  expect(timed).not.toContain("then …");
  expect(labels("did order in the last 30 days |")).not.toContain("today");
  expect(labels("did order today |")).toContain("in contact's zone");
  expect(labels("did not order |")).not.toContain("then …");
  expect(labels("last did order |")).not.toContain("at least 2 times");
});

test("a phrase goes on from where it was begun, with its number marked", () => {
  expect(taken("birthday in the |", "last 30 days")).toBe("birthday in the last [30] days");
  expect(taken("birthday in the l|", "last 30 days")).toBe("birthday in the last [30] days");
  expect(labels("birthday in the last 1 |")).toEqual(["day", "week", "month", "year"]);
  expect(labels("did order in the last 90 |")).toEqual([
    "days",
    "weeks",
    "hours",
    "minutes",
    "seconds",
    "months",
    "years",
  ]);
  expect(labels("did order more than 60 |")).toEqual([
    "days ago",
    "weeks ago",
    "hours ago",
    "minutes ago",
    "seconds ago",
    "months ago",
    "years ago",
  ]);
  expect(taken("birthday |", "on 2026-11-27")).toBe("birthday on [2026-11-27]");
  expect(taken("total >= 100 |", "EUR")).toBe("total >= 100 EUR|");
  expect(labels("total between 1 |")).toContain("JPY");
  expect(labels("total between 1 JPY and 5 |")).toEqual(["JPY"]);
  expect(labels("sum of amount of order between 1 EUR and 5 |")).toEqual(["EUR"]);
  expect(labels("sum of amount of order between 1 and 5 |")).not.toContain("EUR");
  expect(labels("consent |")).toEqual(["email", "sms", "phone", "post", "push"]);
  expect(labels("consent email |")).toEqual(["marketing", "transactional", "tracking"]);
});

test("a field is compared with others of its kind and not with itself", () => {
  expect(values("city = |", "field")).toEqual(["billing_city", "tag"]);
  expect(values("birthday after |", "field")).toEqual(["created_at"]);
  expect(taken("age >= |", "nan")).toBe("age >= `nan`|");
  expect(labels("birthday on a |")).toEqual([
    "monday",
    "tuesday",
    "wednesday",
    "thursday",
    "friday",
    "saturday",
    "sunday",
  ]);
  expect(labels("birthday after created_at |")).toContain("plus 30 days");
});

test("spaces are put where words would grow together, and none twice", () => {
  expect(taken('tag "vip"|', "and")).toBe('tag "vip" and |');
  expect(taken('(tag "vip"|', ")")).toBe('(tag "vip")|');
  expect(taken("|and everyone", "everyone")).toBe("everyone |and everyone");
  expect(taken("ci| is known", "city")).toBe("city |is known");
  expect(taken("c|ity", "city")).toBe("city |");
});

test("behind a word that is written to its end stands what follows it", () => {
  expect(taken("did order|", "in the last 30 days")).toBe("did order in the last [30] days");
  expect(taken("city|", 'contains "…"')).toBe('city contains "|"');
  expect(taken("everyone and|", "age")).toBe("everyone and age |");
  expect(labels("did not_yet|")).toEqual([]);
  expect(labels("ag|")).toEqual(["age"]);
});

test("where the text before the cursor cannot be read nothing is offered", () => {
  for (const marked of [
    "city is Bonn |",
    "and |",
    "tag vip |",
    "city is 'x' city |",
    "a # |",
    "birthday on 2026-02-30 |",
    "did order at least many |",
  ])
    expect(at(marked), marked).toBeNull();
  expect(complete(`${"a".repeat(70_000)} `, 70_001, words)).toBeNull();
});

test("unasked the list shows itself while a word is written and where one has to follow, never where a line may end", () => {
  const eager = (marked: string) => at(marked)?.eager ?? false;
  expect(["ci|", "tag |", "city |", 'tag "|', "did order where amount |"].map(eager)).toEqual(Array(5).fill(true));
  const quiet = [
    "|",
    'tag "vip" |',
    'tag "vip" and |',
    "not |",
    "all (|",
    "did order |",
    "age >= 18|",
    "city|",
    'tag "vip" and|',
  ];
  expect(quiet.filter(eager)).toEqual([]);
});

test("before a workspace has any words the language itself is offered", () => {
  const none: Words = {
    ...words,
    fields: [],
    events: [],
    tags: [],
    templates: [],
    segments: [],
    journeys: [],
    steps: [],
  };
  const offered = (marked: string) => complete(...split(marked), none)?.offers.map((offer) => offer.label) ?? [];
  expect(offered("|")).toContain('tag "…"');
  expect(offered("tag |")).toEqual(['"…"']);
  expect(offered("did |")).toEqual(["not …"]);
});

/** Places all over the grammar. */
const PLACES = [
  "|",
  "not |",
  "(everyone and |",
  "everyone or not (|",
  "any (everyone|",
  "at least 2 of (everyone, |",
  ...words.fields.map(({ key }) => `${printKey(key)} |`),
  "city is |",
  "city does not |",
  "city has at least 2 |",
  "city domain |",
  "city = |",
  "plan is |",
  "plan is not |",
  "plan is any of (|",
  'plan is none of ("gold"|',
  "interests has |",
  "age between 5 |",
  "age >= |",
  "total < |",
  "total < 5 |",
  "total between 5 EUR and 7 |",
  "birthday in |",
  "birthday in the next 2 |",
  "birthday more than 3 |",
  "birthday anniversary |",
  "birthday on |",
  "birthday on a |",
  "birthday after |",
  "birthday after created_at |",
  "birthday after created_at plus 1 |",
  "birthday this week |",
  "created_at today in |",
  "created_at today in zone |",
  "tag |",
  'tag "|"',
  'tag "vip" |',
  'all (tag "vip" |',
  "did |",
  "did not |",
  "did order |",
  "did not order |",
  "did order at |",
  "did order at least 2 |",
  "did order between |",
  "did order between 2 |",
  "did order between 2 and 5 |",
  "did order since |",
  "did order since 2026-01-01 |",
  "did order last week in |",
  "did order on |",
  "did order on at least 3 |",
  "did order in at least 3 |",
  "did order on at least 3 days in a row |",
  "did order in at least 3 weeks in a row in |",
  "did order in the last 1 |",
  "did order in the last 3 months in |",
  "did order more than 3 |",
  "did order between 3 and 6 |",
  "did order where |",
  "did order where amount |",
  "did order where amount is |",
  "did order where amount >= 10 |",
  "did order where amount >= 10 and |",
  "did order where (amount >= 10 |",
  "did order where amount >= 10 at least 2 times |",
  "did order then |",
  'did order then "Page view" |',
  'did order without "Page view" where url is known |',
  "did order then order within |",
  "did order then order within 1 |",
  "did order then order within 1 day |",
  "first did |",
  "last did order |",
  "sum of |",
  "sum of amount |",
  "average of amount of |",
  "sum of amount of order |",
  "sum of amount of order is |",
  "sum of amount of order >= 100 |",
  "number of different product of order |",
  "was |",
  "was sent |",
  "was not sent any |",
  'was sent "welcome-1" |',
  "opened |",
  "opened at least 2 of the last 5 |",
  "clicked none |",
  "replied to |",
  "consent |",
  "consent email |",
  "consent email marketing |",
  "consent email marketing by |",
  "in |",
  "in segment |",
  "random |",
  "random 10% |",
];

const closings = ["", ")", "))"];

/** The expression that comes of a text when offers are taken at its end, as few as it needs; `null` where it needs many. */
function finished(text: string, most: number): string | null {
  const tokens = lex(text);
  const close = closings.find((end) => readExpression([...tokens, ...lex(end)], words.fields).whole);
  if (close !== undefined && !text.endsWith(" ")) return text + close;
  const found = most === 0 ? null : complete(`${text.trim()} `, text.trim().length + 1, words);
  for (let next = 0; next < most; next += 1)
    for (const offer of found?.offers ?? []) {
      const whole = finished(`${text.trim()} ${offer.insert}`, next);
      if (whole !== null) return whole;
    }
  return null;
}

test("every offer at every place becomes an expression, all of which the engine's own test reads", async () => {
  const all = new Set<string>();
  const lost: string[] = [];
  for (const marked of PLACES) {
    const [text] = split(marked);
    const found = at(marked);
    expect(found?.offers.length, marked).toBeGreaterThan(0);
    for (const { insert } of found?.offers ?? []) {
      const taken = text.slice(0, found?.from) + insert + text.slice(found?.to);
      const whole = finished(taken, 3);
      if (whole === null) lost.push(taken);
      else all.add(whole);
    }
  }
  expect(lost).toEqual([]);
  expect(all.size).toBeGreaterThan(500);
  await expect(`${[...all].join("\n")}\n`).toMatchFileSnapshot("../../../test/offered.txt");
});

test("offers for the tests of an event's properties are such tests", () => {
  const where = { where: "order" };
  const offered = (marked: string) => at(marked, where)?.offers.map((offer) => offer.label) ?? [];
  expect(offered("|")).toEqual(["amount", "product"]);
  expect(offered("amount > 1 |")).toContain("and");
  expect(offered("amount > 1 and |")).toEqual(["amount", "product"]);
  for (const label of offered("amount |")) {
    const text = taken("amount |", label, where).replace(/[[\]|]/g, "");
    expect(readWhere(lex(text), "order").whole, text).toBe(true);
  }
});

test("a field of companies is one word, and is completed behind its point", () => {
  expect(printKey("company.industry")).toBe("company.industry");
  expect(printKey("company.")).toBe("`company.`");
  expect(lex("company.industry is known")[0]).toEqual({ kind: "word", value: "company.industry", from: 0, to: 16 });
  const known = { ...words, fields: [...words.fields, field("company.industry", "text")] };
  const found = complete("company.ind", 11, known, null);
  expect(found?.offers.map((offer) => offer.label)).toContain("company.industry");
  expect([found?.from, found?.to]).toEqual([0, 11]);
});
