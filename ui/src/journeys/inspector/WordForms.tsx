/** Forms that choose among the names of the workspace. A name that is not there any more stays and is said to be gone. */
import { useRead } from "@/api/client";
import type { Field as FieldDef } from "@/api/gen/Field";
import { Combobox, type Option, SuggestInput, type Suggestion } from "@/design";
import { count } from "@/format";
import { t } from "@/i18n";
import { isOfCompany } from "@/shell/company-fields";
import { eventSuggestions, tagSuggestions, useVocabulary } from "@/shell/vocabulary";
import type { FormProps } from "./SettingForm";

function Names({
  value,
  onChange,
  options,
  empty,
}: {
  value: unknown;
  onChange: (value: unknown) => void;
  options: Option<string>[] | undefined;
  /** What no choice means, where that is allowed. */
  empty?: string;
}) {
  const chosen = typeof value === "string" && value !== "" ? value : null;
  const known = options ?? [];
  const extra: Option<string>[] = [];
  if (chosen !== null && !known.some((one) => one.value === chosen)) extra.push({ value: chosen, label: chosen });
  const lost = options !== undefined && chosen !== null && !known.some((one) => one.value === chosen);
  return (
    <>
      <Combobox
        value={chosen}
        onChange={(next) => onChange(next ?? undefined)}
        options={[...extra, ...known]}
        placeholder={empty ?? t("journeys.form.choose")}
      />
      {lost && <p className="mt-1 text-table text-warn">{t("journeys.form.missing", { name: chosen })}</p>}
    </>
  );
}

export function SegmentForm({ value, onChange }: FormProps) {
  const { data } = useRead("segments.list", {});
  const options = data?.map((segment) => ({ value: segment.name, label: segment.name, about: count(segment.count) }));
  return <Names value={value} onChange={onChange} options={options} />;
}

export function TemplateForm({ value, onChange }: FormProps) {
  const { data } = useRead("templates.list", {});
  const options = data?.map((template) => ({ value: template.name, label: template.name, about: template.subject }));
  return <Names value={value} onChange={onChange} options={options} />;
}

export function AccountForm({ value, onChange }: FormProps) {
  const { data } = useRead("accounts.list", {});
  const options = data?.map((account) => ({ value: account.name, label: account.name }));
  return <Names value={value} onChange={onChange} options={options} empty={t("journeys.form.default_account")} />;
}

/** Fields of contacts that nothing writes but what they come from, as the check of a journey knows them. */
const READ_ONLY: ReadonlySet<string> = new Set(["email", "created_at"]);
const isWritable = (field: FieldDef): boolean =>
  !READ_ONLY.has(field.key) && field.score === undefined && !isOfCompany(field.key);

export function FieldForm({ value, onChange, setting, step }: FormProps) {
  const { data } = useRead("fields.list", {});
  const writes = step.kind === "set_field";
  const options = data
    ?.filter(
      (field) => setting.options === undefined || setting.options.length === 0 || setting.options.includes(field.type),
    )
    // What is chosen stays; the check says what is wrong with it.
    .filter((field) => !writes || isWritable(field) || field.key === value)
    .map((field) => ({ value: field.key, label: field.label, about: field.key }));
  return <Names value={value} onChange={onChange} options={options} />;
}

export function ScoreForm({ value, onChange }: FormProps) {
  const { data } = useRead("scores.list", {});
  const options = data
    ?.filter((score) => score.published?.kind === "points")
    .map((score) => ({ value: score.key, label: score.name, about: score.key }));
  return <Names value={value} onChange={onChange} options={options} />;
}

export function EventForm({ value, onChange }: FormProps) {
  const words = useVocabulary();
  return <Word value={value} onChange={onChange} suggestions={eventSuggestions(words)} />;
}

export function TagForm({ value, onChange }: FormProps) {
  const words = useVocabulary();
  return <Word value={value} onChange={onChange} suggestions={tagSuggestions(words)} />;
}

/** A word of the workspace, or a new one. */
function Word({
  value,
  onChange,
  suggestions,
}: {
  value: unknown;
  onChange: (value: unknown) => void;
  suggestions: readonly Suggestion[];
}) {
  return (
    <SuggestInput
      value={typeof value === "string" ? value : ""}
      onChange={(next) => onChange(next === "" ? undefined : next)}
      suggestions={suggestions}
      maxLength={100}
    />
  );
}
