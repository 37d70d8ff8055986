import type { ColumnPlan, ImportColumn, ImportPreview } from "@/api/commands.draft";
import type { Field } from "@/api/gen/Field";

/** Fields a file cannot set. */
const NOT_SET = new Set(["created_at"]);

/** The fields a column can be mapped to. */
export function targets(fields: readonly Field[]): Field[] {
  return fields.filter((field) => !NOT_SET.has(field.key));
}

/** What is proposed for each column: its guess, but no field twice. */
export function proposed(preview: ImportPreview, fields: readonly Field[]): ColumnPlan[] {
  const known = new Set(targets(fields).map((field) => field.key));
  const taken = new Set<string>();
  return preview.columns.map((column) => {
    if (column.guess === "tags") return { to: "tags", separator: "," };
    if (column.guess === null || !known.has(column.guess) || taken.has(column.guess)) return { to: "skip" };
    taken.add(column.guess);
    return { to: "field", key: column.guess, fill_only: false };
  });
}

/** A plan as the value of its select. */
export function targetOf(plan: ColumnPlan): string {
  switch (plan.to) {
    case "skip":
      return "skip";
    case "tags":
      return "tags";
    case "new_field":
      return "new";
    case "field":
      return `field:${plan.key}`;
  }
}

/** The plan a choice of the select means. */
export function planOf(target: string, column: ImportColumn): ColumnPlan {
  if (target === "tags") return { to: "tags", separator: "," };
  if (target === "new")
    return { to: "new_field", label: column.name, type: column.type, currency: column.currency, fill_only: false };
  if (target.startsWith("field:")) return { to: "field", key: target.slice("field:".length), fill_only: false };
  return { to: "skip" };
}

export type MappingProblem = "no_email" | "field_twice" | "no_label" | "no_currency";

/** What keeps a mapping from being used. */
export function problemsOf(columns: readonly ColumnPlan[]): MappingProblem[] {
  const keys = columns.flatMap((plan) => (plan.to === "field" ? [plan.key] : []));
  const found: MappingProblem[] = [];
  if (!keys.includes("email")) found.push("no_email");
  if (new Set(keys).size < keys.length) found.push("field_twice");
  if (columns.some((plan) => plan.to === "new_field" && plan.label.trim() === "")) found.push("no_label");
  if (
    columns.some((plan) => plan.to === "new_field" && plan.type === "money" && !/^[A-Z]{3}$/.test(plan.currency ?? ""))
  ) {
    found.push("no_currency");
  }
  return found;
}
