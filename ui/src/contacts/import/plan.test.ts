import { expect, test } from "vitest";
import type { ImportColumn, ImportPreview } from "@/api/commands.draft";
import type { Field } from "@/api/gen/Field";
import { planOf, problemsOf, proposed, targetOf } from "./plan";

const field = (key: string): Field => ({ key, label: key, type: "text", built_in: true });
const column = (name: string, guess: string | null): ImportColumn => ({
  name,
  guess,
  type: "text",
  currency: null,
  empty: 0,
});
const preview = (columns: ImportColumn[]): ImportPreview => ({
  file: { path: "people.csv" },
  name: "people.csv",
  bytes: 10,
  delimiter: ",",
  encoding: "utf-8",
  header: true,
  columns,
  rows: [],
  rows_about: 0,
  warnings: [],
});

test("the second column that looks like a field is skipped rather than written over the first", () => {
  const plan = proposed(preview([column("Mail", "email"), column("E-mail 2", "email")]), [field("email")]);
  expect(plan).toEqual([{ to: "field", key: "email", fill_only: false }, { to: "skip" }]);
});

test("a guess that is no field of this workspace is skipped", () => {
  expect(proposed(preview([column("Shoe", "shoe_size")]), [field("email")])).toEqual([{ to: "skip" }]);
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
