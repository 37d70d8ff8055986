// Reads the tokens of an expression by the engine's grammar, all ways at once, and notes what could stand where they
// end. Only what the engine would take is read, so that what is noted there can be said.

import type { FieldType } from "@/api/gen/FieldType";
import { isReserved, type Token } from "./lex";
import * as P from "./phrases";

/** What a place may hold beyond what its kind says. */
export interface Fill {
  /** Values of the field that is tested. */
  values?: readonly string[];
  /** Kinds of fields that fit. */
  types?: readonly FieldType[];
  /** The event whose properties are asked; none while it is not named yet. */
  event?: string;
}

/** A phrase that may go on at the end of the tokens, from one of its elements on. */
export interface Expected {
  phrase: P.Phrase;
  from: number;
  fill: Fill;
  /** Of a list of texts: whether it is open, and whether one was just read. */
  list?: "opened" | "text";
}

/** A place up to which tokens were read; `open`: a `where` without parentheses ended there, and `and` goes on with it. */
interface End {
  at: number;
  open: boolean;
}

/** What was said of how often, when and how much, each at most once. */
interface Said {
  at: number;
  open: boolean;
  times: boolean;
  window: boolean;
  bound: boolean;
}

/** What may be said of it. */
interface May {
  times?: boolean;
  /** Of `times`: how many periods in a row as well. */
  streak?: boolean;
  window?: boolean;
  bounds?: readonly P.Phrase[];
}

/** What is known of the fields that are asked. */
export interface Asked {
  key: string;
  type: FieldType;
  options?: readonly string[];
  /** The score that writes it. */
  score?: string | null;
}

export interface Reading {
  expected: Expected[];
  /** Whether the tokens are an expression as they stand. */
  whole: boolean;
}

/** Deepest nesting of an expression, as in the engine's `segment.rs`. */
const MAX_DEPTH = 64;
const BASES = [P.BASIS];
const DRAWS = [P.DRAW];
const DIFFERENT = [P.DIFFERENT];
const DATED: readonly FieldType[] = ["date", "date_time"];
const ALL_TYPES = Object.keys(P.TESTS) as FieldType[];

/** Reads an expression. */
export function readExpression(tokens: readonly Token[], fields: readonly Asked[]): Reading {
  const reader = new Reader(tokens, fields);
  const ends = reader.joined(0, 0);
  return { expected: reader.expected, whole: ends.some(({ at }) => at === tokens.length) };
}

/** Reads tests of an event's properties, as they stand after `where`; none are fine. */
export function readWhere(tokens: readonly Token[], event: string): Reading {
  const reader = new Reader(tokens, []);
  const ends = reader.props(0, event);
  return { expected: reader.expected, whole: tokens.length === 0 || ends.includes(tokens.length) };
}

/** Whether it is known when a field was written, as the engine's `changed.rs` says it. */
const isWritten = ({ key, score }: Asked): boolean =>
  (score ?? null) === null && key !== "created_at" && !key.startsWith("company.");

/** Whether it is kept what a field was: only of the points of scores. */
const isScored = ({ type, score }: Asked): boolean => (score ?? null) !== null && type === "number";

const once = (ends: readonly number[]): number[] => [...new Set(ends)];

/** Phrases by the word or sign they begin with, for those looked at often. */
const beginnings = new WeakMap<readonly P.Phrase[], Map<string, P.Phrase[]>>();

/** Those that begin with a word or sign; all of [`Reader.any`]'s do. */
function beginning(phrases: readonly P.Phrase[], sign: string): readonly P.Phrase[] {
  let known = beginnings.get(phrases);
  if (known === undefined) {
    known = new Map();
    for (const phrase of phrases) {
      const first = phrase.elements[0];
      if (first === undefined || "slot" in first) continue;
      for (const word of "words" in first ? first.words : [first.symbol])
        known.set(word, [...(known.get(word) ?? []), phrase]);
    }
    beginnings.set(phrases, known);
  }
  return known.get(sign) ?? [];
}

class Reader {
  readonly expected: Expected[] = [];
  /** Off while a field is tested that nobody knows: any test can be read then, and none is offered. */
  private offering = true;
  /** The bare words among the tokens, in small letters. */
  private readonly words: readonly (string | null)[];

  constructor(
    private readonly tokens: readonly Token[],
    private readonly fields: readonly Asked[],
  ) {
    this.words = tokens.map(({ kind, value }) => (kind === "word" ? value.toLowerCase() : null));
  }

  private is(at: number, ...words: readonly string[]): boolean {
    return this.word(at, words);
  }

  private word(at: number, words: readonly string[]): boolean {
    const word = this.words[at];
    return word !== undefined && word !== null && words.includes(word);
  }

  private symbol(at: number, symbol: string): boolean {
    const token = this.tokens[at];
    return token?.kind === "symbol" && token.value === symbol;
  }

  private note(expected: Expected): void {
    if (this.offering) this.expected.push(expected);
  }

  /** Where a phrase ends that begins here. */
  private one(phrase: P.Phrase, at: number, fill: Fill = {}): number[] {
    let ends = [at];
    for (let from = 0; from < phrase.elements.length && ends.length > 0; from += 1) {
      if (ends.includes(this.tokens.length)) this.note({ phrase, from, fill });
      ends = ends.flatMap((end) => this.element(phrase, from, end, fill));
    }
    return ends;
  }

  private any(phrases: readonly P.Phrase[], at: number, fill: Fill = {}): number[] {
    const token = this.tokens[at];
    const begun = token === undefined ? phrases : beginning(phrases, this.words[at] ?? token.value);
    return once(begun.flatMap((phrase) => this.one(phrase, at, fill)));
  }

  private element(phrase: P.Phrase, from: number, at: number, fill: Fill): number[] {
    const element = phrase.elements[from];
    if (element === undefined) return [];
    if ("words" in element) return this.word(at, element.words) ? [at + 1] : [];
    if ("symbol" in element) return this.symbol(at, element.symbol) ? [at + 1] : [];
    if (element.slot === "texts") return this.texts(phrase, from, at, fill);
    return this.slot(element.slot, at);
  }

  private slot(slot: Exclude<P.Slot, "texts">, at: number): number[] {
    const token = this.tokens[at];
    if (token === undefined || token.open === true) return [];
    const taken = (fits: boolean) => (fits ? [at + 1] : []);
    switch (slot) {
      case "whole":
        return taken(token.kind === "number" && /^\+?\d+$/.test(token.value) && Number(token.value) <= 0xff_ff_ff_ff);
      case "number":
        return this.number(at);
      case "amount":
        return this.number(at).flatMap((end) => [end, ...this.one(P.CURRENCY, end)]);
      case "currency":
        return this.currency(at);
      case "date":
      case "moment":
        return taken(token.kind === slot);
      case "text":
      case "tag":
      case "template":
      case "segment":
      case "journey":
      case "step":
      case "zone":
        return taken(token.kind === "text");
      case "field":
      case "prop":
        return taken(this.isKey(at));
      case "other":
        return taken(
          this.isKey(at) && (this.fields.length === 0 || this.fields.some(({ key }) => key === token.value)),
        );
      case "event":
        return taken(token.kind === "text" || (token.kind === "word" && !this.is(at, "not")));
      default:
        return taken(this.isWordOf(slot, at));
    }
  }

  /** Units are said in singular as well. */
  private isWordOf(slot: keyof typeof P.WORDS, at: number): boolean {
    const words: readonly string[] = P.WORDS[slot];
    const units = slot === "unit" || slot === "days" || slot === "longer" || slot === "months";
    return this.is(at, ...words, ...(units ? words.map((word) => word.slice(0, -1)) : []));
  }

  private isKey(at: number): boolean {
    const token = this.tokens[at];
    return token?.kind === "key" || (token?.kind === "word" && !isReserved(token.value));
  }

  private number(at: number): number[] {
    if (this.tokens[at]?.kind === "number" || this.is(at, "infinity", "nan")) return [at + 1];
    return this.is(at, "minus") && this.is(at + 1, "infinity") ? [at + 2] : [];
  }

  private currency(at: number): number[] {
    const token = this.tokens[at];
    const code = token?.kind === "text" || (token?.kind === "word" && !this.is(at, "and"));
    return code && /^[a-z]{3}$/i.test(token?.value ?? "") ? [at + 1] : [];
  }

  /** Texts in parentheses. */
  private texts(phrase: P.Phrase, from: number, at: number, fill: Fill): number[] {
    if (!this.symbol(at, "(")) return [];
    if (this.symbol(at + 1, ")")) return [at + 2];
    const end = this.tokens.length;
    for (let next = at + 1; ; next += 2) {
      if (next === end) this.note({ phrase, from, fill, list: "opened" });
      if (this.slot("text", next).length === 0) return [];
      if (next + 1 === end) this.note({ phrase, from, fill, list: "text" });
      if (this.symbol(next + 1, ")")) return [next + 2];
      if (!this.symbol(next + 1, ",")) return [];
    }
  }

  /** Conditions joined by `and` and `or`. */
  joined(at: number, depth: number): End[] {
    const all = new Map<string, End>();
    let ends = this.unary(at, depth, false);
    while (ends.length > 0) {
      const fresh = ends.filter((end) => !all.has(`${end.at} ${end.open}`));
      for (const end of fresh) all.set(`${end.at} ${end.open}`, end);
      ends = fresh.flatMap((end) => [
        ...this.one(P.AND, end.at).flatMap((next) => this.unary(next, depth, end.open)),
        ...this.one(P.OR, end.at).flatMap((next) => this.unary(next, depth, false)),
      ]);
    }
    return [...all.values()];
  }

  /** One condition; `inWhere`: behind the `and` of a `where`, where a bare key is another property. */
  private unary(at: number, depth: number, inWhere: boolean): End[] {
    if (depth >= MAX_DEPTH) return [];
    const closed = (ends: readonly number[]): End[] => ends.map((end) => ({ at: end, open: false }));
    const clauses = this.clause(at, inWhere);
    const groups = [
      ...closed(this.one(P.OPEN, at).flatMap((next) => this.group(next, depth))),
      ...closed(P.LISTS.flatMap((list) => this.one(list, at)).flatMap((next) => this.list(next, depth))),
      ...closed(this.one(P.EVERYONE, at)),
    ];
    return [...clauses, ...this.one(P.NOT, at).flatMap((next) => this.unary(next, depth + 1, false)), ...groups];
  }

  private group(at: number, depth: number): number[] {
    return once(this.joined(at, depth + 1).flatMap((end) => this.one(P.CLOSE, end.at)));
  }

  /** What follows the parenthesis of a list of conditions. */
  private list(at: number, depth: number): number[] {
    if (this.symbol(at, ")")) return [at + 1];
    const closed: number[] = [];
    let starts = [at];
    while (starts.length > 0) {
      const ends = once(starts.flatMap((start) => this.joined(start, depth + 1).map((end) => end.at)));
      starts = once(ends.flatMap((end) => this.one(P.COMMA, end)));
      closed.push(...ends.flatMap((end) => this.one(P.CLOSE, end)));
    }
    return once(closed);
  }

  private clause(at: number, inWhere: boolean): End[] {
    const closed = (ends: readonly number[]): End[] => ends.map((end) => ({ at: end, open: false }));
    const fields = inWhere ? [] : this.one(P.FIELD, at).flatMap((next) => this.fieldTest(next));
    return [
      ...closed(fields),
      ...closed(this.one(P.TAG, at)),
      ...this.did(at),
      ...this.amounts(at),
      ...closed(
        this.any([...P.SENT, ...P.CAME], at).flatMap((next) =>
          this.often(next, { times: true, window: true }).map((s) => s.at),
        ),
      ),
      ...closed(this.any(P.ANSWERED, at)),
      ...closed(this.optional(this.one(P.CONSENT, at), BASES)),
      ...closed(this.one(P.IN_SEGMENT, at)),
      ...closed(this.one(P.IN_JOURNEY, at)),
      ...closed(this.one(P.AT_STEP, at)),
      ...closed(this.optional(this.one(P.RANDOM, at), DRAWS)),
    ];
  }

  /** The ends, and those of a phrase that may follow. */
  private optional(ends: readonly number[], phrases: readonly P.Phrase[]): number[] {
    return once([...ends, ...ends.flatMap((end) => this.any(phrases, end))]);
  }

  private fieldTest(at: number): number[] {
    const key = this.tokens[at - 1]?.value ?? "";
    const field = this.fields.find((each) => each.key === key);
    if (field !== undefined) {
      const tests = this.testOf(at, [field.type], field.options ?? []);
      if (isScored(field)) return once([...tests, ...this.any(P.SHIFTED, at)]);
      return isWritten(field) ? once([...tests, ...this.changed(at)]) : tests;
    }
    this.offering = false;
    const ends = once([...this.testOf(at, ALL_TYPES, []), ...this.any(P.SHIFTED, at), ...this.changed(at)]);
    this.offering = true;
    return ends;
  }

  /** When the value was written. */
  private changed(at: number): number[] {
    return once(this.one(P.CHANGED, at).flatMap((next) => this.dated(next, P.DATES_OF_CHANGES, { types: DATED })));
  }

  private dated(at: number, dates: readonly P.Phrase[], fill: Fill): number[] {
    const beside = this.optional(this.any(P.BESIDE, at, fill), P.MOVED);
    return this.optional([...this.any(dates, at), ...beside], P.ZONES);
  }

  private testOf(at: number, types: readonly FieldType[], values: readonly string[]): number[] {
    const dated = types.some((type) => DATED.includes(type));
    const fill = { values, types: dated ? DATED : types };
    const tests = () => once(types.flatMap((type) => this.any(P.TESTS[type], at, fill)));
    if (!dated) return tests();
    return once([...this.dated(at, P.DATES, fill), ...tests()]);
  }

  private did(at: number): End[] {
    const anyTimes = { times: true, streak: true, window: true };
    const sequences = this.one(P.DID, at).flatMap((next) => {
      const said = this.event(next, anyTimes);
      return [...said, ...this.sequence(said)];
    });
    const nots = this.one(P.DID_NOT, at).flatMap((next) => this.event(next, anyTimes));
    const ends = this.any(P.FIRST_OR_LAST, at).flatMap((next) => this.event(next, { window: true }));
    return [...sequences, ...nots, ...ends];
  }

  private amounts(at: number): End[] {
    const bounded = (phrases: readonly P.Phrase[], bounds: readonly P.Phrase[]) =>
      this.any(phrases, at).flatMap((next) => this.event(next, { window: true, bounds }).filter((said) => said.bound));
    return [...bounded(P.AMOUNTS, P.BOUNDS), ...bounded(DIFFERENT, P.BOUNDS_OF_NUMBERS)];
  }

  /** What is said of an event whose name was just read: how often, when, how much, and where. */
  private event(at: number, may: May): Said[] {
    const event = this.tokens[at - 1]?.value ?? "";
    const before = this.often(at, may);
    const behind = before.flatMap((said) =>
      this.where(said.at, event).flatMap(({ at: end, open }) =>
        this.often(end, may, said).map((last) => ({ ...last, open: open && last.at === end })),
      ),
    );
    return [...before, ...behind];
  }

  private often(
    at: number,
    may: May,
    said: Omit<Said, "at" | "open"> = { times: false, window: false, bound: false },
  ): Said[] {
    const here = { ...said, at, open: false };
    const more: Said[] = [here];
    if (may.bounds !== undefined && !said.bound)
      for (const end of this.any(may.bounds, at)) more.push(...this.often(end, may, { ...said, bound: true }));
    if (may.times === true && !said.times)
      for (const end of this.timesOrStreak(at, may.streak === true))
        more.push(...this.often(end, may, { ...said, times: true }));
    if (may.window === true && !said.window)
      for (const end of this.window(at)) more.push(...this.often(end, may, { ...said, window: true }));
    return more;
  }

  private timesOrStreak(at: number, streak: boolean): number[] {
    const times = this.any(P.TIMES, at);
    return streak ? once([...times, ...this.optional(this.any(P.STREAKS, at), P.ZONES)]) : times;
  }

  private window(at: number): number[] {
    return once([...this.any(P.MOMENTS, at), ...this.optional(this.any(P.DAYS, at), P.ZONES)]);
  }

  private where(at: number, event: string): End[] {
    return this.one(P.WHERE, at, { event }).flatMap((next): End[] => {
      if (!this.symbol(next, "(")) return this.props(next, event).map((end) => ({ at: end, open: true }));
      const inside = this.props(next + 1, event).flatMap((end) => this.one(P.CLOSE, end));
      return inside.map((end) => ({ at: end, open: false }));
    });
  }

  /** Tests of properties joined by `and`. */
  props(at: number, event: string): number[] {
    const all = new Set<number>();
    let starts = [at];
    while (starts.length > 0) {
      const keys = starts.flatMap((start) => this.one(P.PROP, start, { event }));
      const ends = once(keys.flatMap((next) => this.any(P.TESTS_OF_PROPS, next))).filter((end) => !all.has(end));
      starts = [];
      for (const end of ends) {
        const [next] = this.one(P.AND, end);
        const goesOn = next !== undefined && this.isKey(next) && !this.beginsClause(next);
        if (next !== undefined && (goesOn || next === this.tokens.length)) starts.push(next);
        // A key behind `and` is another property, whatever else it could be.
        if (!goesOn) all.add(end);
      }
    }
    return [...all];
  }

  private beginsClause(at: number): boolean {
    const is = (...words: string[]) => words.every((word, n) => this.is(at + n, word));
    const sums = ["sum", "average", "minimum", "maximum"].some((word) => is(word, "of"));
    const came = is("joined", "segment") || is("left", "segment") || is("entered", "journey") || is("left", "journey");
    const goal = is("reached", "the", "goal", "of", "journey");
    const step = is("came", "to", "step") || is("passed", "step") || is("left", "step");
    return (
      sums ||
      came ||
      goal ||
      step ||
      this.beginsAnswered(at) ||
      is("first", "did") ||
      is("last", "did") ||
      is("number", "of", "different")
    );
  }

  /** As the engine's `begins_answered`: a field or property may be called `opened` as well. */
  private beginsAnswered(at: number): boolean {
    const replied = this.is(at, "replied") && this.is(at + 1, "to");
    if (!replied && !this.is(at, "opened", "clicked")) return false;
    const next = replied ? at + 2 : at + 1;
    const between = this.is(next, "between") && this.tokens[next + 1]?.kind === "number" && this.is(next + 4, "of");
    const least = this.is(next, "at") && this.is(next + 1, "least", "most");
    return between || least || this.is(next, "exactly", "none");
  }

  /** What followed, or did not, what was done first. */
  private sequence(first: readonly Said[]): Said[] {
    return first
      .filter((said) => !said.times)
      .flatMap((said) =>
        [P.THEN, P.WITHOUT].flatMap((link) => {
          const then = this.one(link, said.at);
          const named = then.flatMap((at) => [
            at,
            ...this.where(at, this.tokens[at - 1]?.value ?? "").map((end) => end.at),
          ]);
          const within = once(named.flatMap((at) => this.one(P.WITHIN, at)));
          return within.flatMap((at) => this.often(at, { window: true }, said));
        }),
      );
  }
}
