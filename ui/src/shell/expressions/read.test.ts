// @vitest-environment node
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { lex } from "./lex";
import * as phrases from "./phrases";
import { type About, WORDS } from "./phrases";
import { readExpression, readWhere } from "./read";

const file = (path: string) => readFileSync(fileURLToPath(new URL(`../../../../${path}`, import.meta.url)), "utf8");
const engine = (name: string) => file(`src-tauri/crates/engine/src/segment/${name}`);
const reads = (text: string) => readExpression(lex(text), []).whole;

/** The texts in a piece of Rust. */
const literals = (rust: string) =>
  [...rust.matchAll(/"((?:\\.|[^"\\])*)"/g)].map(([, text]) => (text ?? "").replace(/\\(.)/g, "$1"));

const between = (text: string, from: string, to: string) => text.split(from)[1]?.split(to)[0] ?? "";

test("all that the engine's own tests read is read here", () => {
  const forms = literals(between(engine("tests/reading.rs"), "for (written, canonical) in [", "] {"));
  expect(forms.length).toBeGreaterThan(100);
  expect(forms.filter((text) => !reads(text))).toEqual([]);
});

test("every example of the help is read", () => {
  const examples = file("assets/locales/en/expressions.txt")
    .split("\n")
    .filter((line) => /^ {2}\S/.test(line))
    .map((line) => line.trim().split("   ")[0] ?? "");
  expect(examples.length).toBeGreaterThan(30);
  expect(examples.filter((text) => !reads(text))).toEqual([]);
});

test("what the engine refuses for its grammar is not read", () => {
  const refused = literals(
    [...between(engine("tests/problems.rs"), "let error = ", "What `locate` shows").matchAll(/error\((".*?[^\\]")\)/g)]
      .map(([, text]) => text)
      .join(" "),
  );
  expect(refused.length).toBeGreaterThan(20);
  // Numbers that are too large or too fine are read here as numbers.
  const numbers = [
    "a on day 32",
    "total > 1.234 EUR",
    "did order in the last 60000 days",
    "did order in the last 400000000 years",
  ];
  expect(refused.filter((text) => reads(text))).toEqual(numbers);
});

test("the words of each kind are the engine's", () => {
  const rust = engine("vocabulary.rs");
  const list = (name: string) => literals(between(rust, `const ${name}: `, "];"));
  expect(list("CHANNELS")).toEqual(WORDS.channel);
  expect(list("PURPOSES")).toEqual(WORDS.purpose);
  expect(list("BASES")).toEqual(WORDS.basis);
  expect(list("WEEKDAYS")).toEqual(WORDS.weekday);
  expect(list("MONTHS")).toEqual(WORDS.month);
});

test("the words that need backquotes are the engine's", () => {
  const reserved = literals(between(engine("parse.rs"), "const RESERVED: &[&str] = &[", "];"));
  expect(reserved.length).toBeGreaterThan(10);
  expect(reserved.filter((word) => reads(`${word} is known`) || !reads(`\`${word}\` is known`))).toEqual([]);
});

test("behind `and` in an open `where` a key is another property, and in parentheses the clause is at its end", () => {
  const fields = [
    { key: "city", type: "text" as const },
    { key: "amount", type: "number" as const },
  ];
  const whole = (text: string) => readExpression(lex(text), fields).whole;
  // A property may be tested as anything, a number field only as a number.
  expect(whole('did order where total > 1 and amount is "x"')).toBe(true);
  expect(whole('(did order where total > 1) and amount is "x"')).toBe(false);
  expect(whole("did order where total > 1 and amount in the last 3 days")).toBe(false);
  expect(whole('did order where (total > 1) and city is "x"')).toBe(true);
  expect(whole("did order where (total > 1 and tag 'x')")).toBe(false);
});

test("tests of properties are read as they stand after where", () => {
  const whole = (text: string) => readWhere(lex(text), "order").whole;
  expect(["", "amount >= 10", 'amount >= 10 and product is "beans"'].map(whole)).toEqual([true, true, true]);
  expect(["amount", "amount >= 10 and", 'amount >= 10 and tag "x"', "a is empty"].map(whole)).toEqual(
    Array(4).fill(false),
  );
});

test("every explanation belongs to a phrase or to a value", () => {
  const abouts = Object.keys(JSON.parse(file("assets/locales/en/segments.json")).complete.about) as About[];
  const used = new Set<string>();
  const look = (value: unknown): void => {
    if (typeof value !== "object" || value === null) return;
    if ("elements" in value && "about" in value) used.add(String(value.about));
    else for (const each of Object.values(value)) look(each);
  };
  look({ ...phrases });
  const source = readFileSync(fileURLToPath(new URL("complete.ts", import.meta.url)), "utf8");
  for (const [, name] of source.matchAll(/segments\.complete\.about\.(\w+)"/g)) used.add(name ?? "");
  for (const slot of ["channel", "purpose", "basis", "weekday", "month"]) used.add(slot);
  expect(abouts.filter((about) => !used.has(about))).toEqual([]);
});

test("a text of many conditions and of deep parentheses is read to its end, and a deeper one is not", () => {
  const many = Array.from({ length: 500 }, (_, n) => `did order where total > ${n} and amount < 5 and tag "x"`).join(
    " or ",
  );
  expect(reads(many)).toBe(true);
  expect(reads(`${"(".repeat(60)}everyone${")".repeat(60)}`)).toBe(true);
  expect(reads(`${"(".repeat(70)}everyone${")".repeat(70)}`)).toBe(false);
  expect(reads(`${"not ".repeat(100)}everyone`)).toBe(false);
});
