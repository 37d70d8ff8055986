/** Forms that choose among the names of the workspace. A name that is not there any more stays and is said to be gone. */
import { useState } from "react";
import { useRead } from "@/api/client";
import { Combobox, type Option } from "@/design";
import { count } from "@/format";
import { t } from "@/i18n";
import type { FormProps } from "./SettingForm";

function Names({
  value,
  onChange,
  options,
  empty,
  free = false,
}: {
  value: unknown;
  onChange: (value: unknown) => void;
  options: Option<string>[] | undefined;
  /** What no choice means, where that is allowed. */
  empty?: string;
  /** A name that does not exist yet may be typed. */
  free?: boolean;
}) {
  const [typed, setTyped] = useState("");
  const chosen = typeof value === "string" && value !== "" ? value : null;
  const known = options ?? [];
  const wanted = typed.trim();
  const extra: Option<string>[] = [];
  if (chosen !== null && !known.some((one) => one.value === chosen)) extra.push({ value: chosen, label: chosen });
  if (free && wanted !== "" && wanted !== chosen && !known.some((one) => one.value === wanted)) {
    extra.push({ value: wanted, label: wanted });
  }
  const lost = !free && options !== undefined && chosen !== null && !known.some((one) => one.value === chosen);
  return (
    <>
      <Combobox
        value={chosen}
        onChange={(next) => onChange(next ?? undefined)}
        options={[...extra, ...known]}
        {...(free ? { onSearch: setTyped } : {})}
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

export function FieldForm({ value, onChange, setting }: FormProps) {
  const { data } = useRead("fields.list", {});
  const options = data
    ?.filter(
      (field) => setting.options === undefined || setting.options.length === 0 || setting.options.includes(field.type),
    )
    .map((field) => ({ value: field.key, label: field.label, about: field.key }));
  return <Names value={value} onChange={onChange} options={options} />;
}

export function EventForm({ value, onChange }: FormProps) {
  return <Names value={value} onChange={onChange} options={[]} free />;
}

export function TagForm({ value, onChange }: FormProps) {
  return <Names value={value} onChange={onChange} options={[]} free />;
}
