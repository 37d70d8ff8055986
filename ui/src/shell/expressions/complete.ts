// What can stand at a place of an expression. Where the text before the place is none the engine would read, nothing.

import type { Field } from "@/api/gen/Field";
import type { StepWord } from "@/api/gen/StepWord";
import { t } from "@/i18n";
import { lex, printKey, printName, printText, type Token, wordRest } from "./lex";
import {
  type About,
  CLOSE,
  type Element,
  type Kind,
  NEXT_TEXT,
  type Phrase,
  type Slot,
  TEXT,
  WHERE,
  WORDS,
} from "./phrases";
import { type Expected, readExpression, readWhere } from "./read";

export interface Named {
  name: string;
  /** What one line tells of it. */
  about: string;
}

/** The words of a workspace. */
export interface Words {
  fields: readonly Field[];
  events: readonly (Named & { props: readonly string[] })[];
  tags: readonly Named[];
  templates: readonly Named[];
  segments: readonly Named[];
  journeys: readonly Named[];
  steps: readonly StepWord[];
  zones: readonly string[];
  /** Codes with their names. */
  currencies: readonly Named[];
  /** `2026-01-31`. */
  today: string;
  /** Whether it may be asked who is in the top or the bottom of all. */
  ranks: boolean;
}

export interface Offer {
  /** What is shown, and what is compared with what was typed. */
  label: string;
  kind: Kind;
  about: string;
  /** What is put in the place. */
  insert: string;
  /** The part of it that is marked then, so that it can be typed over; an empty part is where the cursor stands. */
  mark: readonly [number, number];
  /** Whether a word has to follow. */
  more: boolean;
}

export interface Completion {
  /** Where what was typed of it begins. */
  typed: number;
  /** What an offer replaces. */
  from: number;
  to: number;
  offers: Offer[];
  /** Whether to show them unasked: something was begun, or something has to follow. */
  eager: boolean;
}

/** Longest text that is looked at, as the engine's own bound. */
const MAX_TEXT = 64 * 1024;

/** An expression, or, of one event, tests of its properties. */
export type Entry = { where: string } | null;

/** What can stand at `at`. */
export function complete(text: string, at: number, words: Words, entry: Entry = null): Completion | null {
  if (text.length > MAX_TEXT) return null;
  const tokens = lex(text.slice(0, at));
  const last = tokens.at(-1);
  const begun = last !== undefined && (last.open === true || (last.kind === "word" && last.to === at)) ? last : null;
  const found = completeFrom(text, at, tokens, begun, words, entry);
  if (found === null || begun === null || begun.open === true || found.to > at) return found;
  // A word that is written to its end, and begins no other: what follows it.
  const typed = text.slice(found.typed, at).toLowerCase();
  const begins = found.offers.filter(({ label }) => label.toLowerCase().startsWith(typed));
  if (begins.length !== 1 || begins[0]?.label.toLowerCase() !== typed) return found;
  return completeFrom(text, at, tokens, null, words, entry) ?? found;
}

function completeFrom(
  text: string,
  at: number,
  tokens: readonly Token[],
  begun: Token | null,
  words: Words,
  entry: Entry,
): Completion | null {
  const last = tokens.at(-1);
  const before = begun === null ? tokens : tokens.slice(0, -1);
  const place = placeOf(text, at, begun);
  if (place === null) return null;
  const read = entry === null ? readExpression(before, words.fields) : readWhere(before, entry.where);
  const expected = words.ranks ? read.expected : read.expected.filter(({ phrase: { about } }) => !isRank(about));
  const pieces = expected.flatMap((one) => piecesOf(one, before, words));
  const wanted = pieces.filter((piece) => fits(piece, begun));
  const typed = text.slice(place.typed, at).toLowerCase();
  const offers = ranked(unique(wanted.map((piece) => offerOf(piece, text, place, begun))), typed);
  if (offers.length === 0) return null;
  const done = offers.some((offer) => offer.label.toLowerCase() === typed);
  const apart = last === undefined || last.to < at;
  const follows = before.length > 0 && !read.whole && apart && !joins(last);
  return { ...place, offers, eager: begun === null ? follows : begun.open === true || !done };
}

const isRank = (about: About | null) => about === "top" || about === "bottom";

/** The signs and words behind which people break the line. */
const joins = (token: Token | undefined): boolean =>
  token !== undefined &&
  ((token.kind === "symbol" && ["(", ","].includes(token.value)) ||
    (token.kind === "word" && ["and", "or", "not"].includes(token.value.toLowerCase())));

type Place = Pick<Completion, "typed" | "from" | "to">;

/** Where an offer goes; `null` where that is not sure. */
function placeOf(text: string, at: number, begun: Token | null): Place | null {
  if (begun === null) return { typed: at, from: at, to: at };
  if (begun.open !== true) return { typed: begun.from, from: begun.from, to: at + wordRest(text, at) };
  if (text.slice(begun.from, at).includes("\\")) return null;
  const rest = text.slice(at);
  const sign = text.charAt(begun.from);
  const close = { "“": "”", "„": "“" }[sign] ?? sign;
  const closes = rest.indexOf(close);
  // Of two quotes alike, one closes if what follows cannot be read without it.
  const open = close === sign ? lex(rest).at(-1)?.open === true : closes >= 0;
  return { typed: begun.from + 1, from: begun.from, to: open ? at + closes + 1 : at };
}

/** What an expected phrase comes to: its rest, once for each value of its next place. */
interface Piece {
  label: string;
  text: string;
  about: string;
  kind: Kind;
  /** The part to mark; absent: the cursor goes behind. */
  mark: readonly [number, number] | null;
  /** Something has to follow. */
  more: boolean;
  /** What it begins with. */
  begins: "text" | "key" | "event" | "word" | "sign";
  /** The text itself, where it is one. */
  value: string;
}

const fits = (piece: Piece, begun: Token | null): boolean => {
  if (begun === null) return true;
  if (begun.open !== true) return piece.begins !== "sign";
  return begun.kind === "key" ? piece.begins === "key" : piece.begins === "text" || piece.begins === "event";
};

function piecesOf(expected: Expected, before: readonly Token[], words: Words): Piece[] {
  const { phrase, from, fill, list } = expected;
  if (phrase.quiet === "always" || (phrase.quiet === "start" && from === 0)) return [];
  // Of an event that comes with nothing, nothing can be asked.
  if (phrase === WHERE && words.events.some(({ name, props }) => name === fill.event && props.length === 0)) return [];
  if (list === "text") return [...piecesOf({ phrase: NEXT_TEXT, from: 0, fill }, before, words), rest(CLOSE, 0, words)];
  if (list === "opened") return piecesOf({ phrase: TEXT, from: 0, fill }, before, words);
  const next = phrase.elements[from];
  if (next === undefined || !("slot" in next)) return [rest(phrase, from, words)];
  const values = valuesOf(next.slot, expected, before, words);
  if (values === null) return next.fill === null && writtenOf(next, words) === null ? [] : [rest(phrase, from, words)];
  return values.map(({ name, text, about, begins, kind }) => {
    const behind =
      next.slot === "currency"
        ? behindCurrency(phrase, from)
        : next.slot === "step"
          ? NOTHING_BEHIND
          : rest(phrase, from + 1, words);
    const gap = behind.text === "" ? "" : " ";
    const shift = text.length + gap.length;
    return {
      label: behind.more ? name : name + gap + behind.label,
      text: text + gap + behind.text,
      about,
      kind: kind ?? phrase.kind,
      mark: behind.mark === null ? null : [behind.mark[0] + shift, behind.mark[1] + shift],
      more: behind.more,
      begins,
      value: name,
    };
  });
}

/** What is chosen is whole. */
const NOTHING_BEHIND = { text: "", label: "", mark: null, more: false } as const;

/** What follows a currency is typed, for it is of the same one. */
function behindCurrency(phrase: Phrase, from: number): Pick<Piece, "text" | "label" | "mark" | "more"> {
  return { text: "", label: "", mark: null, more: from + 1 < phrase.elements.length };
}

/** The rest of a phrase, up to a place that waits for a word. */
function rest(phrase: Phrase, from: number, words: Words): Piece {
  let [text, label] = ["", ""];
  let mark: readonly [number, number] | null = null;
  let waits = false;
  for (const element of phrase.elements.slice(from)) {
    const written = writtenOf(element, words);
    const gap = text === "" || text.endsWith("(") || [")", "%", ","].includes(written?.text ?? "") ? "" : " ";
    label += gap + (written?.label ?? "…");
    waits = written === null;
    if (written === null) break;
    if (written.mark !== null && mark === null) {
      const start = text.length + gap.length;
      mark = [start + written.mark[0], start + written.mark[1]];
    }
    text += gap + written.text;
  }
  const first = phrase.elements[from];
  const begins = first === undefined || "symbol" in first ? "sign" : "slot" in first ? beginsOf(first.slot) : "word";
  const about = phrase.about === null ? "" : t(`segments.complete.about.${phrase.about}`);
  return { label, text, about, kind: phrase.kind, mark, more: waits || phrase.more, begins, value: "" };
}

const beginsOf = (slot: Slot): Piece["begins"] =>
  ["text", "tag", "template", "segment", "journey", "step", "zone", "texts"].includes(slot) ? "sign" : "word";

/** An element as it is put in, with what is marked of it; `null` for a place that waits for a word. */
function writtenOf(
  element: Element,
  words: Words,
): { text: string; label: string; mark: readonly [number, number] | null } | null {
  if ("symbol" in element) return { text: element.symbol, label: element.symbol, mark: null };
  if ("words" in element) return { text: element.words[0] ?? "", label: element.words[0] ?? "", mark: null };
  const typedOver = (text: string) => ({ text, label: text, mark: [0, text.length] as const });
  switch (element.slot) {
    case "text":
    case "tag":
    case "template":
    case "segment":
    case "journey":
    case "step":
    case "zone":
      return { text: '""', label: '"…"', mark: [1, 1] };
    case "texts":
      return { text: '("")', label: '("…")', mark: [2, 2] };
    case "date":
      return typedOver(words.today);
    case "moment":
      return typedOver(`${words.today}T00:00:00Z`);
    case "whole":
    case "number":
    case "amount":
      return element.fill === null ? null : typedOver(element.fill);
    default:
      return element.fill === null ? null : { text: element.fill, label: element.fill, mark: null };
  }
}

interface Value {
  name: string;
  text: string;
  about: string;
  begins: Piece["begins"];
  kind?: Kind;
}

/** All that may stand in a place; `null` where nothing but an example can be named. */
function valuesOf(slot: Slot, { phrase, fill }: Expected, before: readonly Token[], words: Words): Value[] | null {
  const texts = (kind: Kind, values: readonly Named[]): Value[] | null =>
    values.length === 0
      ? null
      : values.map(({ name, about }) => ({ name, text: printText(name), about, begins: "text", kind }));
  switch (slot) {
    case "field":
    case "other":
      return fieldsOf(fill.types, before, words);
    case "prop":
      return propsOf(fill.event, words);
    case "event":
      return eventsOf(phrase, before, words);
    case "text":
      return texts(
        "option",
        (fill.values ?? []).map((name) => ({ name, about: t("segments.complete.about.option") })),
      );
    case "tag":
      return texts("tag", words.tags);
    case "template":
      return texts("message", words.templates);
    case "segment":
      return texts("segment", words.segments);
    case "journey":
      return texts("journey", words.journeys);
    case "step":
      return stepsOf(words);
    case "zone":
      return texts(
        "zone",
        words.zones.map((name) => ({ name, about: t("segments.complete.about.zone_named") })),
      );
    case "currency":
      return currenciesOf(before, words).map(({ name, about }) => ({
        name,
        text: name,
        about,
        begins: "word",
        kind: "currency",
      }));
    case "unit":
    case "days":
    case "longer":
    case "months":
      return WORDS[slot].map((many) => {
        const name = before.at(-1)?.value === "1" ? many.slice(0, -1) : many;
        return { name, text: name, about: t("segments.complete.about.unit"), begins: "word" };
      });
    case "channel":
    case "purpose":
    case "basis":
    case "weekday":
    case "month":
      return WORDS[slot].map((name) => ({
        name,
        text: name,
        about: t(`segments.complete.about.${slot}`),
        begins: "word",
      }));
    default:
      return null;
  }
}

function fieldsOf(types: Expected["fill"]["types"], before: readonly Token[], words: Words): Value[] {
  // A field is not compared with itself.
  const own = types === undefined ? undefined : before.at(-2)?.value;
  const beside = types !== undefined && before.at(-1)?.kind === "symbol";
  return words.fields
    .filter((field) => (types === undefined || types.includes(field.type)) && field.key !== own)
    .map((field) => ({
      name: field.key,
      text: printKey(field.key, beside),
      about: t("segments.complete.about.field_named", {
        label: field.label,
        kind: t(`segments.complete.types.${field.type}`),
      }),
      begins: "key",
      kind: "field",
    }));
}

/** Steps by what people call them. What is written is the id, which stays when they are called otherwise. */
function stepsOf(words: Words): Value[] | null {
  if (words.steps.length === 0) return null;
  return words.steps.map(({ id, name, journey }) => ({
    name: name === "" ? id : `${name} (${id})`,
    text: `${printText(id)} of journey ${printText(journey)}`,
    about: t("segments.complete.about.step_of", { journey }),
    begins: "text",
    kind: "step",
  }));
}

/** Both ends of a range are of one currency. */
function currenciesOf(before: readonly Token[], words: Words): readonly Named[] {
  const [first, and] = [before.at(-3), before.at(-2)];
  const ranged = and?.value.toLowerCase() === "and" && first?.kind === "word" && first.value.length === 3;
  const own = ranged ? words.currencies.filter(({ name }) => name === first.value.toUpperCase()) : [];
  return own.length > 0 ? own : words.currencies;
}

function propsOf(event: string | undefined, words: Words): Value[] {
  const named = words.events.filter((each) => each.name === event);
  const meant = named.length > 0 ? named : words.events;
  const events = new Map<string, string[]>();
  for (const { name, props } of meant) for (const prop of props) events.set(prop, [...(events.get(prop) ?? []), name]);
  return [...events].map(([name, of]) => ({
    name,
    text: printKey(name),
    about: t("segments.complete.about.property_of", { events: of.join(", ") }),
    begins: "key",
    kind: "property",
  }));
}

/** Events; behind `sum of amount of`, those that have such a property, if any has. */
function eventsOf(phrase: Phrase, before: readonly Token[], words: Words): Value[] {
  const summed = phrase.elements.some((element) => "slot" in element && element.slot === "prop");
  const having = summed ? words.events.filter(({ props }) => props.includes(before.at(-2)?.value ?? "")) : [];
  return (having.length > 0 ? having : words.events).map(({ name, about }) => ({
    name,
    text: printName(name),
    about,
    begins: "event",
    kind: "event",
  }));
}

function offerOf(piece: Piece, text: string, place: Place, begun: Token | null): Offer {
  const quoted = begun?.open === true && piece.begins === "event";
  const shift = quoted ? printText(piece.value).length - printName(piece.value).length : 0;
  const written = quoted ? printText(piece.value) + piece.text.slice(printName(piece.value).length) : piece.text;
  const [previous, next] = [text.charAt(place.from - 1), text.charAt(place.to)];
  const lead = place.from > 0 && !/[\s(]/.test(previous) && !/^[),%]/.test(written) ? " " : "";
  const parts = written.endsWith("(");
  const trail = piece.more && !parts && !/\s/.test(next) ? " " : !piece.more && /[^\s),]/.test(next) ? " " : "";
  const insert = lead + written + trail;
  const at = lead.length + shift;
  // Behind the space that is there already.
  const end = insert.length + (piece.more && !parts && trail === "" ? 1 : 0);
  const mark = piece.mark === null ? ([end, end] as const) : ([piece.mark[0] + at, piece.mark[1] + at] as const);
  return { label: piece.label, kind: piece.kind, about: piece.about, insert, mark, more: piece.more };
}

/** Those that begin as what was typed, then those with a word that does, then values that have it in them. */
function ranked(offers: readonly Offer[], typed: string): Offer[] {
  const rank = ({ label, kind }: Offer) => {
    const at = label.toLowerCase().indexOf(typed);
    if (at <= 0) return at;
    const word = label.toLowerCase().match(new RegExp(`[\\s_.("-]${literal(typed)}`, "u"));
    return word !== null ? 1 : NAMES.has(kind) ? 2 : -1;
  };
  return [0, 1, 2].flatMap((wanted) => offers.filter((offer) => rank(offer) === wanted));
}

/** What is called as people like, so that a part of it is looked for as well. */
const NAMES: ReadonlySet<Kind> = new Set(["event", "journey", "message", "option", "segment", "step", "tag", "zone"]);

/** A text as a regular expression that finds it. */
const literal = (text: string): string => text.replace(/[.*+?^${}()|[\]\\/-]/g, "\\$&");

function unique(offers: readonly Offer[]): Offer[] {
  const seen = new Map<string, Offer>();
  for (const offer of offers) if (!seen.has(offer.label)) seen.set(offer.label, offer);
  return [...seen.values()];
}
