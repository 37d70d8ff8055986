import { expect, test } from "vitest";
import { ago, bytes, moment, money, setZone, signedPoints } from "./format";
import { safeLocale } from "./i18n";

test.each(["C", "POSIX", "", undefined, "en_US.UTF-8", "not a locale!"])(
  "the language %s of a system does not break numbers",
  (asked) => {
    expect(() => new Intl.NumberFormat(safeLocale(asked))).not.toThrow();
  },
);

test("a locale that is well-formed is kept", () => {
  expect(safeLocale("de-AT")).toBe("de-AT");
});

test("minor units follow their currency", () => {
  expect(money(1250, "EUR")).toContain("12.50");
  expect(money(1250, "JPY")).toContain("1,250");
  expect(money(1250, "not one")).toContain("not one");
});

test("moments are shown in the zone of the workspace", () => {
  setZone("Asia/Tokyo");
  expect(moment("2026-11-22T20:05:00Z")).toMatch(/23/);
  setZone("no such zone");
  expect(() => moment("2026-11-22T20:05:00Z")).not.toThrow();
});

test("a length of time is told in its largest unit", () => {
  expect(ago("2026-11-20T00:00:00Z", "2026-11-22T00:00:00Z")).toBe("2 days ago");
  expect(ago("2026-11-22T00:00:20Z", "2026-11-22T00:00:00Z")).toBe("just now");
});

test("bytes get their unit", () => {
  expect(bytes(0)).toMatch(/^0/);
  expect(bytes(1_482_300)).toMatch(/^1\.4/);
});

test("points are told with their sign, to the tenth", () => {
  expect([12_000, 70_711, -49_900, 0].map(signedPoints)).toEqual(["+12", "+70.7", "-49.9", "0"]);
});
