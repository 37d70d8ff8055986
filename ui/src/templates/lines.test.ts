import { expect, test } from "vitest";
import { lineRange } from "./lines";

test("the second of three lines is marked from its first to its last letter", () => {
  expect(lineRange("ab\ncdef\ng", 2)).toEqual({ from: 3, to: 7 });
});

test("a line that was deleted in the meantime marks the last one", () => {
  expect(lineRange("ab\ncd", 9)).toEqual({ from: 3, to: 5 });
});

test("a problem of no line marks the first", () => {
  expect(lineRange("ab\ncd", null)).toEqual({ from: 0, to: 2 });
});
