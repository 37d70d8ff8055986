// The phrases of the segment language, as the engine's `segment.rs` lays its grammar out. A phrase is words, signs and
// places; a place shows what is put there when the phrase is chosen, `{whole:30}`, or waits for a word of the
// workspace, `{event}`. Words with a slash between them may stand for each other; the first is the one that is offered.

import type segments from "@locales/en/segments.json";
import type { FieldType } from "@/api/gen/FieldType";

export type About = keyof (typeof segments)["complete"]["about"];
export type Kind = keyof (typeof segments)["complete"]["kinds"];

/** What may stand in a place. */
export type Slot =
  | "whole"
  | "number"
  | "amount"
  | "currency"
  | "date"
  | "moment"
  /** Units of spans of time, of days, and of longer ones. */
  | "unit"
  | "days"
  | "longer"
  | "months"
  | "text"
  | "texts"
  | "field"
  /** A field beside the one that is tested. */
  | "other"
  | "prop"
  | "event"
  | "tag"
  | "template"
  | "segment"
  | "journey"
  /** A step by its id; whoever chooses one has its journey with it. */
  | "step"
  | "zone"
  | "channel"
  | "purpose"
  | "basis"
  | "weekday"
  | "month";

export type Element = { words: readonly string[] } | { symbol: string } | { slot: Slot; fill: string | null };

export interface Phrase {
  elements: readonly Element[];
  /** What one line tells of it; none where its words tell of themselves. */
  about: About | null;
  kind: Kind;
  /** Something has to follow: `and`, a field. */
  more: boolean;
  /** Read, but offered only once it was begun, or never. */
  quiet: "start" | "always" | null;
}

/** Words that stand in a place, as in the engine's `segment/vocabulary.rs`. */
export const WORDS = {
  channel: ["email", "sms", "phone", "post", "push"],
  purpose: ["marketing", "transactional", "tracking"],
  basis: ["consent", "double_opt_in", "soft_opt_in", "contract", "legitimate_interest", "implied"],
  weekday: ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"],
  month: [
    "january",
    "february",
    "march",
    "april",
    "may",
    "june",
    "july",
    "august",
    "september",
    "october",
    "november",
    "december",
  ],
  unit: ["days", "weeks", "hours", "minutes", "seconds"],
  days: ["days", "weeks"],
  longer: ["days", "weeks", "months", "years"],
  months: ["months", "years"],
} as const satisfies Partial<Record<Slot, readonly string[]>>;

const SIGNS = new Set(["(", ")", ",", "%", "=", "!=", "<", "<=", ">", ">="]);

function element(part: string): Element {
  const [, slot, fill] = /^\{(\w+)(?::(.*))?\}$/.exec(part) ?? [];
  if (slot !== undefined) return { slot: slot as Slot, fill: fill ?? null };
  return SIGNS.has(part) ? { symbol: part } : { words: part.split("/") };
}

const phrase =
  (kind: Kind) =>
  (
    text: string,
    about: About | null,
    { more = false, quiet = null }: Partial<Pick<Phrase, "more" | "quiet">> = {},
  ): Phrase => ({
    elements: text.split(" ").map(element),
    about,
    kind,
    more,
    quiet,
  });

const begins = phrase("condition");
const links = phrase("link");
const tests = phrase("test");
const often = phrase("often");
const when = phrase("when");
const place = phrase("value");
const start = { quiet: "start" } as const;
const always = { quiet: "always" } as const;
const more = { more: true } as const;

export const FIELD = phrase("field")("{field}", null, more);
export const PROP = phrase("property")("{prop}", null, more);

export const AND = links("and", "and", more);
export const OR = links("or", "or", more);
export const CLOSE = links(")", "close");
export const COMMA = links(",", "comma", more);

export const NOT = links("not", "not", more);
export const OPEN = links("(", "open", more);
export const EVERYONE = begins("everyone", "everyone");
export const LISTS = [
  begins("all (", "all", more),
  begins("any (", "any", more),
  begins("none (", "none", more),
  begins("at least {whole:2} of (", "at_least_of", more),
];

export const TAG = begins("tag {tag}", "tag");
export const DID = begins("did {event}", "did");
export const DID_NOT = begins("did not {event}", "did_not");
export const FIRST_OR_LAST = [begins("first did {event}", "first_did"), begins("last did {event}", "last_did")];
export const AMOUNTS = [
  begins("sum of {prop} of {event}", "sum"),
  begins("average of {prop} of {event}", "average"),
  begins("minimum of {prop} of {event}", "minimum"),
  begins("maximum of {prop} of {event}", "maximum"),
];
export const DIFFERENT = begins("number of different {prop} of {event}", "different");
export const SENT = [
  begins("was sent {template}", "sent"),
  begins("was sent any message", "sent_any"),
  begins("was not sent {template}", "not_sent"),
  begins("was not sent any message", "not_sent_any"),
];
/** How many of the last messages were answered. */
export const ANSWERED = (["opened", "clicked", "replied to"] as const).flatMap((answer) => {
  const about = answer === "replied to" ? "replied" : answer;
  const last = `of the last {whole:5} messages/message/mails/mail`;
  return [
    begins(`${answer} at least {whole:2} ${last}`, about),
    begins(`${answer} none ${last}`, about),
    begins(`${answer} at most {whole:1} ${last}`, about, start),
    begins(`${answer} exactly {whole:1} ${last}`, about, start),
    begins(`${answer} between {whole:1} and {whole:3} ${last}`, about, start),
  ];
});
export const CONSENT = begins("consent {channel} {purpose}", "consent");
export const BASIS = tests("by {basis}", "basis");
export const IN_SEGMENT = begins("in segment {segment}", "in_segment");
/** Into segments, journeys and their steps, and out of them. */
export const CAME = [
  begins("joined segment {segment}", "joined"),
  begins("left segment {segment}", "left"),
  begins("entered journey {journey}", "entered"),
  begins("left journey {journey}", "left_journey"),
  begins("reached the goal of journey {journey}", "goal"),
  begins("came to step {step} of journey {journey}", "came_to_step"),
  begins("passed step {step} of journey {journey}", "passed_step"),
  begins("left step {step} of journey {journey}", "left_step"),
];
export const IN_JOURNEY = begins("in journey {journey}", "in_journey");
export const AT_STEP = begins("at step {step} of journey {journey}", "at_step");
export const RANDOM = begins("random {number:10} %", "random");
export const DRAW = tests("of {text}", "draw");

export const WHERE = links("where", "where", more);
export const THEN = links("then {event}", "then");
export const WITHOUT = links("without {event}", "without");
export const WITHIN = when("within {whole:7} {unit:days}", "within");

/** How often something happened. */
export const TIMES = [
  often("at least {whole:2} times/time", "times_least"),
  often("at most {whole:2} times/time", "times_most"),
  often("exactly {whole:1} time/times", "times_exactly"),
  often("between {whole:2} and {whole:5} times/time", "times_between"),
];

/** How many periods in a row it happened, each with a zone behind it if one wants. */
export const STREAKS = [
  often("on at least {whole:3} days/day in a row", "streak"),
  often("in at least {whole:3} weeks/week in a row", "streak"),
  often("in at least {whole:3} months/month in a row", "streak", start),
  often("in at least {whole:3} quarters/quarter in a row", "streak", start),
  often("in at least {whole:3} years/year in a row", "streak", start),
  ...["at least", "on at least", "in at least"].map((words) =>
    often(`${words} {whole:3} days/day/weeks/week/months/month/quarters/quarter/years/year in a row`, "streak", always),
  ),
];

/** When something happened: windows of moments, */
export const MOMENTS = [
  when("in the last {whole:30} {unit:days}", "in_last"),
  when("more than {whole:60} {unit:days} ago", "ago"),
  when("between {whole:30} and {whole:60} {unit:days} ago", "between_ago"),
  when("ever", "ever"),
  when("at any time", "ever", start),
  when("since {moment}", "since", start),
  when("before {moment}", "before", start),
  when("between {moment} and {moment}", "between_dates", start),
];

/** and of days, which are those of a zone. */
export const DAYS = [
  when("today", "today"),
  when("yesterday", "yesterday"),
  when("this week", "this_period"),
  when("this month", "this_period"),
  when("this quarter", "this_period"),
  when("this year", "this_period"),
  when("last week", "last_period"),
  when("last month", "last_period"),
  when("last quarter", "last_period"),
  when("last year", "last_period"),
  when("in the last {whole:3} {months:months}", "in_last"),
  when("more than {whole:3} {months:months} ago", "ago"),
  when("between {whole:3} and {whole:6} {months:months} ago", "between_ago"),
  when("since {date}", "since"),
  when("before {date}", "before"),
  when("on {date}", "on"),
  when("between {date} and {date}", "between_dates"),
];

export const ZONES = [
  when("in contact's/contact’s zone", "zone_contact"),
  when("in workspace's/workspace’s zone", "zone_workspace"),
  when("in zone {zone}", "zone"),
];

const ordered = (value: string, about: (sign: string) => About, options = {}) =>
  ["=", "!=", ">=", ">", "<=", "<"].map((sign) => tests(`${sign} ${value}`, about(sign), options));
const number = (sign: string): About =>
  (
    ({ "=": "equal", "!=": "unequal", ">=": "at_least", ">": "more", "<=": "at_most", "<": "less" }) as Record<
      string,
      About
    >
  )[sign] ?? "equal";

const ranges = (low: string, options = {}) => {
  const high = low.replace(/\d+/, (n) => String(2 * Number(n)));
  return [
    tests(`between ${low} and ${high}`, "between", options),
    tests(`not between ${low} and ${high}`, "not_between", options),
  ];
};
/** Both ends are numbers, or both are money. */
const rangesOfAmounts = (n: number) => [...ranges(`{number:${n}}`), ...ranges(`{number:${n}} {currency:EUR}`, start)];
const worded = (value: string) => [
  tests(`is at least ${value}`, "at_least", start),
  tests(`is at most ${value}`, "at_most", start),
  tests(`is more than ${value}`, "more", start),
  tests(`is less than ${value}`, "less", start),
];

/** What a sum of a property, or the number of its values, comes to. */
export const BOUNDS = [...ordered("{amount:100}", number), ...rangesOfAmounts(100), ...worded("{amount:100}")];
export const BOUNDS_OF_NUMBERS = [...ordered("{number:3}", number), ...ranges("{number:3}"), ...worded("{number:3}")];

const IS_TEXT = [
  tests("is {text}", "is"),
  tests("is not {text}", "is_not"),
  tests("is any of {texts}", "any_of"),
  tests("is none of {texts}", "none_of"),
];
const counts = (one: string, many: string, about: About) => [
  tests(`has at least {whole:2} ${many}/${one}`, about),
  tests(`has at most {whole:2} ${many}/${one}`, about),
  tests(`has exactly {whole:2} ${many}/${one}`, about),
  tests(`has between {whole:2} and {whole:5} ${many}/${one}`, about),
];
const OF_TEXT = [
  tests("contains {text}", "contains"),
  tests("does not contain {text}", "not_contains"),
  tests("starts with {text}", "starts"),
  tests("does not start with {text}", "not_starts"),
  tests("ends with {text}", "ends"),
  tests("does not end with {text}", "not_ends"),
  tests("is like {text}", "like"),
  tests("is not like {text}", "not_like"),
  tests("is nearly {text}", "nearly"),
  tests("is not nearly {text}", "not_nearly"),
  tests("matches {text}", "matches"),
  tests("does not match {text}", "not_matches"),
  tests("domain is {text}", "domain"),
  tests("domain is any of {texts}", "domain_any"),
  tests("is free mail", "free_mail"),
  tests("is a role account", "role_account"),
  ...counts("character", "characters", "characters"),
];
const OF_NUMBER = [
  ...ordered("{number:10}", number),
  ...ranges("{number:10}"),
  tests("is a multiple of {number:5}", "multiple"),
  tests("is {number}", "equal", always),
  tests("is not {number}", "unequal", always),
];
const OF_MONEY = [
  ...ordered("{number:100} {currency:EUR}", number),
  ...ranges("{number:100} {currency:EUR}"),
  tests("is {number} {currency}", "equal", always),
  tests("is not {number} {currency}", "unequal", always),
];
const YES_NO = [
  tests("is yes", "yes"),
  tests("is no", "no"),
  tests("is true", "yes", always),
  tests("is false", "no", always),
];
const same = [tests("= {other}", "equal_field", start), tests("!= {other}", "unequal_field", start)];
const KNOWN = tests("is known", "known");
const EMPTY = tests("is empty", "empty");
const equals = (value: string) => tests(`equals ${value}`, "equal", always);

const ENDS = ["top", "bottom"] as const;
/** Among the highest or the lowest of all; amounts within their currency. */
const RANKS_OF_NUMBERS = ENDS.map((end) => tests(`is in the ${end} {number:10} %`, end));
const RANKS_OF_AMOUNTS = ENDS.map((end) => tests(`is in the ${end} {number:10} % {currency:EUR}`, end));

/** Tests of a field, by what it holds; dates besides. */
export const TESTS: Record<FieldType, readonly Phrase[]> = {
  text: [...IS_TEXT, ...OF_TEXT, ...same, equals("{text}"), KNOWN, EMPTY],
  choice: [...IS_TEXT, ...same, equals("option {text}"), KNOWN, EMPTY],
  multi_choice: [
    tests("has {text}", "has"),
    tests("has any of {texts}", "has_any"),
    tests("has all of {texts}", "has_all"),
    tests("has exactly {texts}", "has_exactly"),
    ...counts("option", "options", "options"),
    equals("{texts}"),
    KNOWN,
    EMPTY,
  ],
  number: [
    ...OF_NUMBER,
    ...RANKS_OF_NUMBERS,
    ...ordered("{other}", () => "compare_field", start),
    equals("{number}"),
    KNOWN,
    EMPTY,
  ],
  money: [
    ...OF_MONEY,
    ...RANKS_OF_AMOUNTS,
    ...ordered("{other}", () => "compare_field", start),
    equals("{number} {currency}"),
    KNOWN,
    EMPTY,
  ],
  yes_no: [...YES_NO, ...same, equals("yes"), equals("no"), equals("true"), equals("false"), KNOWN, EMPTY],
  date: [equals("{date}"), KNOWN, EMPTY],
  date_time: [equals("{moment}"), KNOWN, EMPTY],
};

/** Tests of an event's property, whose kind nobody declares. */
export const TESTS_OF_PROPS = [
  ...ordered("{amount:10}", number),
  ...rangesOfAmounts(10),
  ...IS_TEXT,
  ...OF_TEXT,
  ...YES_NO,
  tests("is a multiple of {number:5}", "multiple"),
  tests("is {amount}", "equal", always),
  tests("is not {amount}", "unequal", always),
  KNOWN,
];

const PERIODS = ["week", "month", "quarter", "year"].flatMap((period) => [
  when(`this ${period}`, "this_period"),
  when(`last ${period}`, "last_period"),
  when(`next ${period}`, "next_period"),
  when(`is this ${period}`, "this_period", always),
  when(`is last ${period}`, "last_period", always),
  when(`is next ${period}`, "next_period", always),
]);

/** Tests of a date, each with a zone behind it if one wants. */
export const DATES = [
  when("in the last {whole:30} {longer:days}", "in_last"),
  when("in the next {whole:7} {longer:days}", "in_next"),
  when("more than {whole:30} {days:days} ago", "ago"),
  when("more than {whole:7} {days:days} ahead", "ahead"),
  when("anniversary within {whole:7} {days:days}", "anniversary_within"),
  when("anniversary today", "anniversary_today"),
  when("anniversary in {whole:7} {days:days}", "anniversary_in"),
  when("anniversary in the next {whole:7} {days:days}", "anniversary_in_next"),
  when("anniversary in the last {whole:7} {days:days}", "anniversary_in_last"),
  when("anniversary {whole:7} {days:days} ago", "anniversary_ago"),
  when("today", "today"),
  when("yesterday", "yesterday"),
  when("tomorrow", "tomorrow"),
  ...PERIODS,
  when("on {date}", "on"),
  when("before {date}", "before"),
  when("after {date}", "after"),
  when("between {date} and {date}", "between_dates"),
  when("on a {weekday}", "weekday"),
  when("in {month}", "month"),
  when("on day {whole:15} of the month", "day_of_month"),
  when("on day {whole}", "day_of_month", always),
  when("is {date}", "on", always),
  when("is today", "today", always),
  when("is yesterday", "yesterday", always),
  when("is tomorrow", "tomorrow", always),
];

/** What a score is beside what it was. */
export const SHIFTED = (["rose", "fell"] as const).flatMap((way) => [
  tests(`${way} by at least {number:10} in the last {whole:30} {unit:days}`, way),
  tests(`${way} by more than {number:10} in the last {whole:30} {unit:days}`, way, start),
  tests(`${way} by at least {number:20} % in the last {whole:30} {unit:days}`, `${way}_percent`),
  tests(`${way} by more than {number:20} % in the last {whole:30} {unit:days}`, `${way}_percent`, start),
  tests(`${way} in the last {whole:30} {unit:days}`, way),
]);

/** When the value of a field was written last, */
export const CHANGED = tests("changed", "changed", more);
/** and the tests of that. What lies ahead, or comes back, is read and not offered: nobody has written then yet. */
const AHEAD: ReadonlySet<About | null> = new Set<About>(["in_next", "ahead", "tomorrow", "next_period"]);
export const DATES_OF_CHANGES = DATES.filter(
  ({ elements: [first] }) => !(first && "words" in first && first.words[0] === "is"),
).map((phrase) => {
  const hidden = AHEAD.has(phrase.about) || phrase.about?.startsWith("anniversary") === true;
  return hidden ? { ...phrase, quiet: "always" as const } : phrase;
});

/** On which side of another field's date one lies, */
export const BESIDE = [
  when("before {other}", "before_field", start),
  when("after {other}", "after_field", start),
  when("on {other}", "on_field", start),
];

/** and how far that one is moved. */
export const MOVED = [when("plus {whole:30} {days:days}", "plus"), when("minus {whole:30} {days:days}", "minus")];

/** A value by itself, in a list. */
export const TEXT = place("{text}", "text");
export const NEXT_TEXT = place(", {text}", "next_text");
/** What an amount of money is of. */
export const CURRENCY = place("{currency}", null);
