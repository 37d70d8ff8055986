import { expect, test } from "vitest";
import type { ColumnPlan } from "@/api/gen/ColumnPlan";
import type { ImportColumn } from "@/api/gen/ImportColumn";
import type { ImportPreview } from "@/api/gen/ImportPreview";
import { importPlan, isPermissionSaid, type Permission, planOf, problemsOf, targetOf } from "./plan";

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
  for (const target of ["skip", "tags", "status", "new", "field:email"]) {
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

const preview = {
  file: { upload: "u" },
  delimiter: ",",
  encoding: "utf-8",
  sheet: null,
  header: true,
} as ImportPreview;
const said: Permission = { basis: "consent", source: " fair ", wording: " Yes. ", tags: ["new"], everybody: "free" };

test("nothing is imported before a ground and a source are said", () => {
  expect(isPermissionSaid({ ...said, basis: null })).toBe(false);
  expect(isPermissionSaid({ ...said, source: " " })).toBe(false);
  expect(importPlan(preview, [], "both", { ...said, basis: null })).toBeNull();
  expect(importPlan(preview, [], "both", { ...said, source: "" })).toBeNull();
  expect(importPlan(preview, [], "both", said)).toMatchObject({
    basis: "consent",
    source: "fair",
    wording: "Yes.",
    tags: ["new"],
  });
});

test("to record no permission is a choice, and then there are no words anybody agreed to", () => {
  const none: Permission = { ...said, basis: "none" };
  expect(isPermissionSaid(none)).toBe(true);
  expect(importPlan(preview, [], "both", none)).toMatchObject({ basis: null, wording: null, source: "fair" });
});

test("a sheet and what is true of everybody go with the plan", () => {
  const sheet = { ...preview, delimiter: null, encoding: null, sheet: "Leads" } as ImportPreview;
  expect(importPlan(sheet, [], "both", { ...said, everybody: "unsubscribed" })).toMatchObject({
    delimiter: null,
    encoding: null,
    sheet: "Leads",
    everybody: "unsubscribed",
  });
});
