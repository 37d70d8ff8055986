import type { ColumnPlan } from "@/api/gen/ColumnPlan";
import type { Field as FieldDef } from "@/api/gen/Field";
import type { FieldType } from "@/api/gen/FieldType";
import type { ImportColumn } from "@/api/gen/ImportColumn";
import type { ImportMode } from "@/api/gen/ImportMode";
import type { ImportPreview } from "@/api/gen/ImportPreview";
import type { StatusReading } from "@/api/gen/StatusReading";
import type { TextEncoding } from "@/api/gen/TextEncoding";
import { CheckLine, Combobox, cx, Field, Note, Segmented, Select, TextInput } from "@/design";
import { bytes, count, percent } from "@/format";
import { t } from "@/i18n";
import { FirstRows } from "./first-rows";
import { planOf, problemsOf, targetOf, targets } from "./plan";

const TYPES: readonly FieldType[] = [
  "text",
  "number",
  "money",
  "yes_no",
  "choice",
  "multi_choice",
  "date",
  "date_time",
];
const DELIMITERS: { value: string; label: () => string }[] = [
  { value: ",", label: () => t("contacts.import.comma") },
  { value: ";", label: () => t("contacts.import.semicolon") },
  { value: "\t", label: () => t("contacts.import.tab") },
  { value: "|", label: () => t("contacts.import.bar") },
];
const ENCODINGS: { value: TextEncoding; label: string }[] = [
  { value: "utf-8", label: "UTF-8" },
  { value: "utf-16le", label: "UTF-16 LE" },
  { value: "utf-16be", label: "UTF-16 BE" },
  { value: "windows-1252", label: "Windows-1252" },
];

const READINGS: readonly StatusReading[] = [
  "words",
  "unsubscribed",
  "bounced",
  "complained",
  "blocked",
  "not_permitted",
  "mautic_dnc",
];

/** How the file is read, and what each of its columns becomes. */
export function MapStep({
  preview,
  fields,
  columns,
  onColumns,
  mode,
  onMode,
  onReopen,
  busy,
}: {
  preview: ImportPreview;
  fields: readonly FieldDef[];
  columns: readonly ColumnPlan[];
  onColumns: (columns: ColumnPlan[]) => void;
  mode: ImportMode;
  onMode: (mode: ImportMode) => void;
  onReopen: (change: { delimiter?: string; encoding?: TextEncoding; sheet?: string; header?: boolean }) => void;
  busy: boolean;
}) {
  const problems = problemsOf(columns);
  return (
    <div className={cx("mx-auto max-w-[1280px] space-y-4 px-6 py-5", busy && "opacity-60")}>
      <div className="flex flex-wrap items-end gap-4">
        {preview.kind === "text" && (
          <>
            <Field label={t("contacts.import.delimiter")} className="w-40">
              <Select
                value={preview.delimiter}
                onChange={(delimiter) => onReopen({ delimiter })}
                options={DELIMITERS.map((each) => ({ value: each.value, label: each.label() }))}
              />
            </Field>
            <Field label={t("contacts.import.encoding")} className="w-40">
              <Select value={preview.encoding} onChange={(encoding) => onReopen({ encoding })} options={ENCODINGS} />
            </Field>
          </>
        )}
        {preview.sheets.length > 1 && (
          <Field
            label={t(preview.kind === "database" ? "contacts.import.table" : "contacts.import.sheet")}
            className="w-64"
          >
            <Select
              value={preview.sheet}
              onChange={(sheet) => onReopen({ sheet })}
              options={preview.sheets.map((sheet) => ({ value: sheet, label: sheet }))}
            />
          </Field>
        )}
        {preview.may_lack_heading && (
          <CheckLine
            label={t("contacts.import.header")}
            checked={preview.header}
            onChange={(header) => onReopen({ header })}
          />
        )}
        <div className="flex-1" />
        <p className="figures pb-1.5 text-ink-2">
          {t("contacts.import.size", { rows: preview.rows_about, size: bytes(preview.bytes) })}
        </p>
      </div>
      <Told preview={preview} />
      {preview.warnings.map((warning) => (
        <Note key={warning} tone="warn">
          {warning}
        </Note>
      ))}
      {problems.length > 0 && (
        <Note tone="bad">
          {problems.map((problem) => (
            <p key={problem}>{t(`contacts.import.problems.${problem}`)}</p>
          ))}
        </Note>
      )}
      <div className="overflow-x-auto rounded-card border border-line-subtle bg-surface">
        <table className="w-full text-left" aria-label={t("contacts.import.mapping")}>
          <thead className="text-ink-3 text-table">
            <tr className="h-9 [&>th]:px-4 [&>th]:font-normal">
              <th scope="col">{t("contacts.import.column")}</th>
              <th scope="col">{t("contacts.import.samples")}</th>
              <th scope="col">{t("contacts.import.becomes")}</th>
              <th scope="col">{t("contacts.import.where_known")}</th>
            </tr>
          </thead>
          <tbody>
            {preview.columns.map((column, at) => {
              const plan = columns[at] ?? { to: "skip" };
              return (
                <ColumnRow
                  key={`${column.name}-${at}`}
                  column={column}
                  samples={preview.rows.slice(0, 3).map((row) => row[at] ?? "")}
                  plan={plan}
                  fields={fields}
                  onPlan={(next) => onColumns(columns.map((each, index) => (index === at ? next : each)))}
                />
              );
            })}
          </tbody>
        </table>
      </div>
      <div>
        <p className="mb-1 font-medium">{t("contacts.import.mode")}</p>
        <Segmented
          label={t("contacts.import.mode")}
          value={mode}
          onChange={onMode}
          options={(["both", "create", "update"] as const).map((value) => ({
            value,
            label: t(`contacts.import.modes.${value}`),
          }))}
        />
        <p className="mt-1 text-ink-3 text-table">{t(`contacts.import.modes_about.${mode}`)}</p>
      </div>
      <FirstRows columns={preview.columns.map((column) => column.name)} rows={preview.rows} />
    </div>
  );
}

/** Whose export it is, and of how many people it says that they are not to be written to. */
function Told({ preview }: { preview: ImportPreview }) {
  const against = preview.standings.filter(({ standing }) => standing !== "free");
  if (preview.program === null && against.length === 0) return null;
  return (
    <Note tone="info">
      {preview.program !== null && <p>{t("contacts.import.program", { name: preview.program })}</p>}
      {against.length > 0 && (
        <>
          <p>{t("contacts.import.told")}</p>
          <ul className="figures mt-1 flex flex-wrap gap-x-5 gap-y-1">
            {against.map(({ standing, rows }) => (
              <li key={standing}>
                <span className="font-semibold">{count(rows)}</span> {t(`contacts.import.told_of.${standing}`)}
              </li>
            ))}
          </ul>
        </>
      )}
    </Note>
  );
}

function ColumnRow({
  column,
  samples,
  plan,
  fields,
  onPlan,
}: {
  column: ImportColumn;
  samples: readonly string[];
  plan: ColumnPlan;
  fields: readonly FieldDef[];
  onPlan: (plan: ColumnPlan) => void;
}) {
  const options = [
    { value: "skip", label: t("contacts.import.skip") },
    ...targets(fields).map((field) => ({
      value: `field:${field.key}`,
      label: field.label,
      about: t(`common.field_types.${field.type}`),
    })),
    { value: "tags", label: t("contacts.columns.tags") },
    { value: "status", label: t("contacts.import.status") },
    { value: "new", label: t("contacts.import.new_field") },
  ];
  const isEmail = plan.to === "field" && plan.key === "email";
  return (
    <tr className="border-line-subtle border-t align-top [&>td]:px-4 [&>td]:py-2">
      <td className={cx("w-48 font-medium", plan.to === "skip" && "text-ink-3")}>
        <span className="block max-w-44 truncate py-1.5">{column.name}</span>
      </td>
      <td className="max-w-72 text-ink-2 text-table">
        <span className="block truncate py-1.5">{samples.filter((sample) => sample !== "").join(" · ")}</span>
        {column.empty > 0 && (
          <span className="block text-ink-3 text-meta">
            {t("contacts.import.empty", { share: percent(column.empty) })}
          </span>
        )}
      </td>
      <td className="w-100">
        <Combobox
          label={t("contacts.import.becomes_of", { column: column.name })}
          value={targetOf(plan)}
          onChange={(target) => onPlan(planOf(target ?? "skip", column))}
          options={options}
        />
        {plan.to === "new_field" && (
          <div className="mt-2 flex gap-2">
            <TextInput
              aria-label={t("contacts.import.new_label")}
              placeholder={t("contacts.import.new_label")}
              value={plan.label}
              onChange={(event) => onPlan({ ...plan, label: event.target.value })}
            />
            <Select
              label={t("contacts.import.new_type")}
              className="w-40"
              value={plan.type}
              onChange={(type) => onPlan({ ...plan, type })}
              options={TYPES.map((type) => ({ value: type, label: t(`common.field_types.${type}`) }))}
            />
            {plan.type === "money" && (
              <TextInput
                aria-label={t("contacts.import.currency")}
                placeholder="EUR"
                maxLength={3}
                className="w-16"
                value={plan.currency ?? ""}
                onChange={(event) => onPlan({ ...plan, currency: event.target.value.toUpperCase() })}
              />
            )}
          </div>
        )}
      </td>
      <td className="w-52">
        {(plan.to === "field" || plan.to === "new_field") && !isEmail && (
          <Select
            label={t("contacts.import.where_known_of", { column: column.name })}
            value={plan.fill_only ? "fill" : "overwrite"}
            onChange={(next) => onPlan({ ...plan, fill_only: next === "fill" })}
            options={[
              { value: "overwrite", label: t("contacts.import.overwrite") },
              { value: "fill", label: t("contacts.import.fill") },
            ]}
          />
        )}
        {isEmail && <span className="block py-1.5 text-ink-3 text-table">{t("contacts.import.key")}</span>}
        {plan.to === "status" && (
          <Select
            label={t("contacts.import.status_reads_of", { column: column.name })}
            value={plan.reads}
            onChange={(reads) => onPlan({ ...plan, reads })}
            options={READINGS.map((reads) => ({ value: reads, label: t(`contacts.import.status_reads.${reads}`) }))}
          />
        )}
        {plan.to === "tags" && (
          <span className="flex items-center gap-2">
            <span className="text-ink-3 text-table">{t("contacts.import.separator")}</span>
            <TextInput
              aria-label={t("contacts.import.separator")}
              className="w-16"
              maxLength={3}
              value={plan.separator}
              onChange={(event) => onPlan({ ...plan, separator: event.target.value })}
            />
          </span>
        )}
      </td>
    </tr>
  );
}
