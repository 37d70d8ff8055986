import { expect, test } from "vitest";
import { csv } from "./csv";

test("commas, quotes and line breaks are quoted", () => {
  expect(csv(["a", "b"], [['say "hi", twice', "two\nlines"]])).toBe('a,b\r\n"say ""hi"", twice","two\nlines"');
});

test("a text that a spreadsheet would run as a formula is defused, a negative number is not touched", () => {
  expect(csv(["n"], [["=1+1"], [-5]])).toBe("n\r\n'=1+1\r\n-5");
});
