import type { Basis } from "@/api/gen/Basis";
import type { ColumnPlan } from "@/api/gen/ColumnPlan";
import type { Field } from "@/api/gen/Field";
import type { ImportColumn } from "@/api/gen/ImportColumn";
import type { ImportMode } from "@/api/gen/ImportMode";
import type { ImportPlan } from "@/api/gen/ImportPlan";
import type { ImportPreview } from "@/api/gen/ImportPreview";
import type { Standing } from "@/api/gen/Standing";

/** Fields a file cannot set. */
const NOT_SET = new Set(["created_at"]);

/** The fields a column can be mapped to. */
export function targets(fields: readonly Field[]): Field[] {
  return fields.filter((field) => !NOT_SET.has(field.key));
}

/** A plan as the value of its select. */
export function targetOf(plan: ColumnPlan): string {
  switch (plan.to) {
    case "skip":
      return "skip";
    case "tags":
      return "tags";
    case "status":
      return "status";
    case "new_field":
      return "new";
    case "field":
      return `field:${plan.key}`;
  }
}

/** The plan a choice of the select means. What was read of the file's dates and decimals is kept. */
export function planOf(target: string, column: ImportColumn): ColumnPlan {
  if (targetOf(column.plan) === target) return column.plan;
  if (target === "tags") return { to: "tags", separator: "," };
  if (target === "status") return { to: "status", reads: "words" };
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

/** What is said of all rows. `none`: no permission is recorded, and they are kept without being written to. */
export interface Permission {
  /** `null`: not chosen yet. */
  basis: Basis | "none" | null;
  source: string;
  wording: string;
  tags: string[];
  /** What is true of all of them, whatever a column says. */
  everybody: Standing;
}

/** Whether enough is said of the permission to go on: a ground (or that there is none) and where they come from. */
export function isPermissionSaid({ basis, source }: Permission): boolean {
  return basis !== null && source.trim() !== "";
}

/** The plan as the program takes it; `null` while something is not said yet. */
export function importPlan(
  preview: ImportPreview,
  columns: ColumnPlan[],
  mode: ImportMode,
  permission: Permission,
): ImportPlan | null {
  const { basis } = permission;
  if (basis === null || !isPermissionSaid(permission)) return null;
  const wording = permission.wording.trim();
  return {
    file: preview.file,
    delimiter: preview.delimiter,
    encoding: preview.encoding,
    sheet: preview.sheet,
    header: preview.header,
    columns,
    mode,
    basis: basis === "none" ? null : basis,
    source: permission.source.trim(),
    // Words somebody agreed to belong to an agreement.
    wording: basis === "none" || wording === "" ? null : wording,
    tags: permission.tags,
    everybody: permission.everybody,
  };
}
