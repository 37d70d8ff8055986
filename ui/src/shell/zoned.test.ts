import { expect, test } from "vitest";
import { fromZoned, toZoned } from "./zoned";

test.each([
  "2026-01-15T12:30:00.000Z",
  "2026-07-15T12:30:00.000Z",
  "2026-03-29T00:59:00.000Z",
  "2026-10-25T02:00:00.000Z",
])("%s goes to the walls of Berlin and back", (at) => {
  expect(fromZoned(toZoned(at, "Europe/Berlin"), "Europe/Berlin")).toBe(at);
});

test("of an hour that comes twice in autumn the first is meant", () => {
  expect(fromZoned("2026-10-25T02:30", "Europe/Berlin")).toBe("2026-10-25T00:30:00.000Z");
});

test("an hour that spring skips becomes the hour after it", () => {
  expect(fromZoned("2026-03-29T02:30", "Europe/Berlin")).toBe("2026-03-29T01:30:00.000Z");
});

test("what is no time is none", () => {
  expect(toZoned("some day", "Europe/Berlin")).toBe("");
  expect(fromZoned("tomorrow", "Europe/Berlin")).toBeNull();
});
