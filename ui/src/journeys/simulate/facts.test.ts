import { expect, test } from "vitest";
import type { Value } from "@/api/gen/Value";
import { factText } from "./facts";

const did = (value: Value | null) =>
  factText(
    { step: "s2", at: "2026-11-22T10:00:00Z", fact: "did", effect: { effect: "set_field", key: "it", value } },
    (id) => id,
    "",
  );

test("a value that a step sets is told as it is read everywhere, also money, choices and yes or no", () => {
  expect(did({ type: "money", value: { minor: 1250, currency: "EUR" } })).toContain("€12.50");
  expect(did({ type: "yes_no", value: true })).toMatch(/\byes\b/i);
  expect(did({ type: "multi_choice", value: ["espresso", "filter"] })).toContain("espresso, filter");
  expect(did({ type: "date", value: "2028-02-29" })).toContain("Feb 29, 2028");
});

test("a value that a step takes away is told so", () => {
  expect(did(null)).toContain("it");
  expect(did(null)).not.toContain("null");
});
