// @vitest-environment node
import { parseSync } from "@babel/core";
import { expect, test } from "vitest";
import { sources } from "./sources";

/** Attributes whose text people read or hear. */
const READ = new Set([
  "aria-label",
  "aria-description",
  "aria-roledescription",
  "alt",
  "title",
  "label",
  "placeholder",
  "about",
  "help",
  "text",
]);
/** Signs and codes that are the same in every language. */
const SAME_EVERYWHERE = new Set(["", "EUR", "·", "–", "→"]);

interface Node {
  type: string;
  [key: string]: unknown;
}

/** Literal words that stand in the markup of a file. */
function literals(path: string, text: string): string[] {
  const file = parseSync(text, {
    filename: path,
    babelrc: false,
    configFile: false,
    parserOpts: { plugins: ["typescript", "jsx"] },
  });
  const found: string[] = [];
  const say = (words: string) => {
    const trimmed = words.trim();
    if (/\p{L}/u.test(trimmed) && !SAME_EVERYWHERE.has(trimmed)) found.push(`${path}: ${trimmed}`);
  };
  const walk = (node: unknown): void => {
    if (Array.isArray(node)) {
      for (const child of node) walk(child);
      return;
    }
    if (typeof node !== "object" || node === null || !("type" in node)) return;
    const each = node as Node;
    if (each.type === "JSXText") say(String(each.value));
    if (each.type === "JSXAttribute") {
      const name = String((each.name as Node).name);
      const value = each.value as Node | null;
      if (READ.has(name) && value?.type === "StringLiteral") say(String(value.value));
    }
    if (each.type === "JSXExpressionContainer" && (each.expression as Node).type === "StringLiteral") {
      say(String((each.expression as Node).value));
    }
    for (const [key, child] of Object.entries(each)) {
      // An attribute's own text was looked at above, by its name.
      if (each.type === "JSXAttribute" && key === "value" && (child as Node | null)?.type === "StringLiteral") continue;
      if (
        each.type === "JSXAttribute" &&
        key === "value" &&
        (child as Node | null)?.type === "JSXExpressionContainer"
      ) {
        walk(((child as Node).expression as Node).type === "StringLiteral" ? null : (child as Node).expression);
        continue;
      }
      if (key !== "loc" && key !== "tokens") walk(child);
    }
  };
  walk(file);
  return found;
}

test("a word in the markup is found", () => {
  expect(literals("a.tsx", "export const A = () => <p title='Hello'>Words {'more'}</p>;")).toEqual([
    "a.tsx: Hello",
    "a.tsx: Words",
    "a.tsx: more",
  ]);
});

test("all words of the screens come from the locale files", () => {
  const found = sources()
    .filter(({ path }) => path.endsWith(".tsx"))
    .flatMap(({ path, text }) => literals(path, text));
  expect(found).toEqual([]);
});
