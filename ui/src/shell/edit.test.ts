import { describe, expect, test } from "vitest";
import type { Value } from "@/api/gen/Value";
import { fromInput, toInput } from "./edit";

describe("a value that is edited in place", () => {
  test.each<Value>([
    { type: "text", value: "Ada" },
    { type: "number", value: -3.5 },
    { type: "money", value: { minor: 1250, currency: "EUR" } },
    { type: "money", value: { minor: -5, currency: "EUR" } },
    { type: "money", value: { minor: 1250, currency: "JPY" } },
    { type: "money", value: { minor: 1250, currency: "KWD" } },
    { type: "yes_no", value: false },
    { type: "multi_choice", value: ["espresso", "filter"] },
    { type: "date", value: "2028-02-29" },
    { type: "date_time", value: "2026-11-22T14:05:00.000Z" },
  ])("comes back as it went in: $type $value", (value) => {
    expect(fromInput(toInput(value, "Europe/Berlin"), value.type, "Europe/Berlin")).toEqual(value);
  });

  test("a moment is typed as it is shown, in the workspace's zone", () => {
    const value: Value = { type: "date_time", value: "2026-07-01T12:00:00.000Z" };
    expect(toInput(value, "Europe/Berlin")).toBe("2026-07-01T14:00");
    expect(fromInput("2026-12-01T14:00", "date_time", "Europe/Berlin")).toEqual({
      type: "date_time",
      value: "2026-12-01T13:00:00.000Z",
    });
  });

  test("an empty text clears the value", () => {
    expect(fromInput("  ", "number", "UTC")).toBeNull();
  });

  test.each([
    ["twelve", "number"],
    ["12.50", "money"],
    ["12.505 EUR", "money"],
    ["1.5 JPY", "money"],
    ["22.11.2026", "date"],
  ] as const)("%s does not fit a field of type %s", (text, type) => {
    expect(fromInput(text, type, "UTC")).toBeUndefined();
  });
});
