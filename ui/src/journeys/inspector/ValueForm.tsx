import { useRead } from "@/api/client";
import type { Field } from "@/api/gen/Field";
import { CheckLine, Segmented, Select, TextInput } from "@/design";
import { t } from "@/i18n";
import type { FormProps } from "./SettingForm";

/** A value of the type of the field that is named beside it; nothing at all clears the field. */
export function ValueForm({ value, onChange, step }: FormProps) {
  const { data } = useRead("fields.list", {});
  const key = step.settings?.field;
  const field = data?.find((one) => one.key === key);
  const clears = value === null;
  return (
    <div className="space-y-1">
      {!clears && <Typed value={value} onChange={onChange} field={field} />}
      <CheckLine
        checked={clears}
        label={t("journeys.form.clear_value")}
        onChange={(clear) => onChange(clear ? null : field?.type === "yes_no" ? true : undefined)}
      />
    </div>
  );
}

function Typed({
  value,
  onChange,
  field,
}: {
  value: unknown;
  onChange: (value: unknown) => void;
  field: Field | undefined;
}) {
  const text = typeof value === "string" ? value : "";
  const label = field?.label ?? "";
  switch (field?.type) {
    case "number":
      return (
        <TextInput
          type="number"
          step="any"
          value={typeof value === "number" ? String(value) : ""}
          onChange={(event) => {
            const read = event.currentTarget.valueAsNumber;
            onChange(Number.isFinite(read) ? read : undefined);
          }}
        />
      );
    case "yes_no":
      return (
        <Segmented
          value={value === false ? "no" : "yes"}
          onChange={(next) => onChange(next === "yes")}
          options={[
            { value: "yes", label: t("journeys.form.yes") },
            { value: "no", label: t("journeys.form.no") },
          ]}
          label={label}
        />
      );
    case "choice":
      return (
        <Select
          value={text || null}
          onChange={onChange}
          options={(field.options ?? []).map((one) => ({ value: one, label: one }))}
        />
      );
    case "multi_choice": {
      const chosen = Array.isArray(value) ? value.map(String) : [];
      return (
        <div>
          {(field.options ?? []).map((one) => (
            <CheckLine
              key={one}
              label={one}
              checked={chosen.includes(one)}
              onChange={(on) =>
                onChange((field.options ?? []).filter((each) => (each === one ? on : chosen.includes(each))))
              }
            />
          ))}
        </div>
      );
    }
    case "money":
      return <MoneyForm value={value} onChange={onChange} />;
    case "date":
      return (
        <TextInput
          type="date"
          className="w-40!"
          value={text}
          onChange={(event) => onChange(event.currentTarget.value || undefined)}
        />
      );
    case "date_time":
      return (
        <TextInput
          type="datetime-local"
          value={text.replace(/Z$/, "").slice(0, 16)}
          onChange={(event) =>
            onChange(event.currentTarget.value === "" ? undefined : `${event.currentTarget.value}:00Z`)
          }
        />
      );
    default:
      return <TextInput value={text} maxLength={4000} onChange={(event) => onChange(event.currentTarget.value)} />;
  }
}

function MoneyForm({ value, onChange }: { value: unknown; onChange: (value: unknown) => void }) {
  const money = (typeof value === "object" && value !== null ? value : { minor: 0, currency: "EUR" }) as {
    minor: number;
    currency: string;
  };
  return (
    <div className="flex gap-2">
      <TextInput
        type="number"
        step="0.01"
        aria-label={t("journeys.form.amount")}
        value={String(money.minor / 100)}
        onChange={(event) => {
          const read = event.currentTarget.valueAsNumber;
          if (Number.isFinite(read)) onChange({ ...money, minor: Math.round(read * 100) });
        }}
      />
      <TextInput
        className="w-20! uppercase"
        aria-label={t("journeys.form.unit")}
        value={money.currency}
        maxLength={3}
        onChange={(event) => onChange({ ...money, currency: event.currentTarget.value.toUpperCase() })}
      />
    </div>
  );
}
