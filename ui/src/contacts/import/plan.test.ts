import { expect, test } from "vitest";
import type { ColumnPlan } from "@/api/gen/ColumnPlan";
import type { ImportColumn } from "@/api/gen/ImportColumn";
import { planOf, problemsOf, targetOf } from "./plan";

const column = (name: string, guess: string | null): ImportColumn => ({
  name,
  guess,
  type: "text",
  currency: null,
  empty: 0,
  plan: { to: "skip" },
});
test("choosing again what the file proposed keeps how its dates are read", () => {
  const plan: ColumnPlan = { to: "field", key: "born", fill_only: false, date_order: "day_month_year" };
  const born = { ...column("Born", "born"), plan };
  expect(planOf("field:born", born)).toEqual(plan);
  expect(planOf("skip", born)).toEqual({ to: "skip" });
});

test("a choice of the list comes back as the same choice", () => {
  for (const target of ["skip", "tags", "new", "field:email"]) {
    expect(targetOf(planOf(target, column("x", null)))).toBe(target);
  }
});

test("a mapping without the e-mail, with a field twice or a nameless new field is refused", () => {
  expect(problemsOf([{ to: "skip" }])).toEqual(["no_email"]);
  const email = planOf("field:email", column("x", null));
  expect(problemsOf([email, email])).toEqual(["field_twice"]);
  expect(problemsOf([email, planOf("new", column(" ", null))])).toEqual(["no_label"]);
  expect(problemsOf([email])).toEqual([]);
});

test("a new money field needs its currency", () => {
  const money = { to: "new_field", label: "Spent", type: "money", currency: null, fill_only: false } as const;
  expect(problemsOf([planOf("field:email", column("x", null)), money])).toEqual(["no_currency"]);
});
