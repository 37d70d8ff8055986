import { expect, test } from "vitest";
import { EVERYBODY, extent, has, NOBODY, size, toggle, whoOf } from "./selection";

test("a chosen contact is in and out again", () => {
  const one = toggle(NOBODY, 7);
  expect(has(one, 7)).toBe(true);
  expect(has(toggle(one, 7), 7)).toBe(false);
});

test("all of a million but one is a filter with one exception, not a list", () => {
  const most = toggle(EVERYBODY, 3);
  expect(size(most, 1_000_000)).toBe(999_999);
  expect(extent(most, 1_000_000)).toBe("some");
  expect(whoOf(most, "country is DE", null)).toEqual({ where: "country is DE", search: null, except: [3] });
});

test("all boxes ticked one by one count as all", () => {
  expect(extent(toggle(toggle(NOBODY, 1), 2), 2)).toBe("all");
});
