import { expect, test } from "vitest";
import { pagesOf } from "./pages";

test("rows within one page ask for that page", () => {
  expect(pagesOf(0, 30)).toEqual([0]);
  expect(pagesOf(999_960, 1_000_000)).toEqual([9999]);
});

test("rows on both sides of a border ask for both pages", () => {
  expect(pagesOf(190, 210)).toEqual([1, 2]);
});

test("an empty range still asks for its page, so that the number of rows is known", () => {
  expect(pagesOf(0, 0)).toEqual([0]);
});
