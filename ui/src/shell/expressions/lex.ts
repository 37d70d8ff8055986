// Text of an expression to tokens, as the engine's `segment/lex.rs` reads it. Nothing is refused here: what the engine
// would refuse is a token of the kind `wrong`, which no rule of the grammar takes.

export interface Token {
  kind: "word" | "key" | "text" | "number" | "date" | "moment" | "symbol" | "wrong";
  /** A word as written, a key or text without its quotes, a symbol in its first spelling. */
  value: string;
  from: number;
  to: number;
  /** A quote that the text ends in. */
  open?: true;
}

const SYMBOLS = new Map([
  ["!=", "!="],
  ["<>", "!="],
  ["<=", "<="],
  [">=", ">="],
  ["==", "="],
  ["≠", "!="],
  ["≤", "<="],
  ["≥", ">="],
  ["<", "<"],
  [">", ">"],
  ["=", "="],
  ["(", "("],
  [")", ")"],
  [",", ","],
  ["%", "%"],
]);

const INNER = "[\\p{Alphabetic}\\p{N}_]";
/** Letters, digits and `_`; `-` and `.` between them; a final `'s`. */
const WORD = new RegExp(`[\\p{Alphabetic}_]${INNER}*(?:[-.]${INNER}+)*(?:['’]s(?!${INNER}))?`, "uy");
const DATE = /[+-]?\d{4,}-\d{2}-\d{2}(?!\d)/y;
const MOMENT = /[+-]?\d{4,}-\d{2}-\d{2}[Tt][\dTtZz:.+-]*/y;
const NUMBER = /[+-]?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?/y;
const ESCAPE = /\\(?:[nrt"\\'`]|u\{([0-9a-fA-F]{1,6})\})/y;
const ESCAPED: Record<string, string> = { n: "\n", r: "\r", t: "\t" };
const CLOSES: Record<string, string> = { '"': '"', "'": "'", "`": "`", "“": "”", "„": "“" };

function match(pattern: RegExp, text: string, at: number): RegExpExecArray | null {
  pattern.lastIndex = at;
  return pattern.exec(text);
}

export function lex(text: string): Token[] {
  const tokens: Token[] = [];
  for (let at = 0; at < text.length; at = tokens.at(-1)?.to ?? text.length) {
    while (at < text.length && /\s/.test(text.charAt(at))) at += 1;
    if (at < text.length) tokens.push(tokenAt(text, at));
    else break;
  }
  return tokens;
}

function tokenAt(text: string, from: number): Token {
  const close = CLOSES[text.charAt(from)];
  if (close !== undefined) return quoted(text, from, close);
  for (const [kind, pattern] of [
    ["word", WORD],
    ["moment", MOMENT],
    ["date", DATE],
    ["number", NUMBER],
  ] as const) {
    const found = match(pattern, text, from);
    if (found === null) continue;
    const right = kind === "word" || kind === "number" || isDay(found[0]);
    return { kind: right ? kind : "wrong", value: found[0], from, to: from + found[0].length };
  }
  for (const length of [2, 1]) {
    const value = SYMBOLS.get(text.slice(from, from + length));
    if (value !== undefined) return { kind: "symbol", value, from, to: from + length };
  }
  return { kind: "wrong", value: text.charAt(from), from, to: from + 1 };
}

/** Whether the calendar has the day that a date or moment begins with. */
function isDay(written: string): boolean {
  const [, year, month, day] = (/^(\+?\d+)-(\d\d)-(\d\d)/.exec(written) ?? []).map(Number);
  const date = new Date(Date.UTC(year ?? Number.NaN, (month ?? 0) - 1, day));
  return date.getUTCMonth() + 1 === month && date.getUTCDate() === day;
}

function quoted(text: string, from: number, close: string): Token {
  let value = "";
  let right = true;
  for (let at = from + 1; at < text.length; ) {
    const sign = text.charAt(at);
    if (sign === close) {
      const kind = right ? (close === "`" ? "key" : "text") : "wrong";
      return { kind, value, from, to: at + 1 };
    }
    const code = sign === "\\" ? match(ESCAPE, text, at) : null;
    if (sign === "\\" && code === null) right = false;
    if (code === null) value += sign;
    else value += unescaped(code);
    at += code?.[0].length ?? 1;
  }
  return { kind: close === "`" ? "key" : "text", value, from, to: text.length, open: true };
}

function unescaped([written, hex]: RegExpExecArray): string {
  if (hex === undefined) return ESCAPED[written.charAt(1)] ?? written.charAt(1);
  const code = Number.parseInt(hex, 16);
  return code > 0x10_ff_ff ? "" : String.fromCodePoint(code);
}

/** The rest of the word that a cursor stands in. */
export const wordRest = (text: string, at: number): number =>
  new RegExp(`(?:[-.]?${INNER})*(?:['’]s(?!${INNER}))?`, "uy").exec(text.slice(at))?.[0].length ?? 0;

/** A text in quotes. */
export const printText = (text: string): string => quote(text, '"');

/** Words that begin something and so stand in backquotes as a key; as in the engine's `segment/parse.rs`. */
const RESERVED = new Set("all and any at consent did everyone in none not or random tag was where".split(" "));

export const isReserved = (word: string): boolean => RESERVED.has(word.toLowerCase());

const isPlain = (word: string): boolean => /^[a-z][a-z0-9_]*$/.test(word);

/** Words with points between them, as the keys of companies' fields: read as one. */
const isPlainPath = (key: string): boolean => /^[a-z][a-z0-9_]*(\.[a-z0-9_]+)*$/.test(key);

/** A key, in backquotes where it needs them; `beside` a sign of comparison some words are numbers. */
export const printKey = (key: string, beside = false): string =>
  isPlainPath(key) && !isReserved(key) && !(beside && ["infinity", "minus", "nan"].includes(key))
    ? key
    : quote(key, "`");

/** The name of an event, in quotes where it needs them. */
export const printName = (name: string): string => (isPlain(name) && name !== "not" ? name : printText(name));

function quote(text: string, sign: string): string {
  let out = sign;
  for (const each of text) {
    if (each === "\\" || each === sign) out += `\\${each}`;
    else if (each === "\n") out += "\\n";
    else if (each === "\r") out += "\\r";
    else if (each === "\t") out += "\\t";
    else if (/\p{Cc}/u.test(each)) out += `\\u{${(each.codePointAt(0) ?? 0).toString(16)}}`;
    else out += each;
  }
  return out + sign;
}
