import { useRead } from "@/api/client";
import type { Field } from "@/api/gen/Field";
import { CheckLine, NumberInput, Segmented, Select, TextInput } from "@/design";
import { currencyDigits } from "@/format";
import { t } from "@/i18n";
import { useZone } from "@/shell/zone";
import { fromZoned, toZoned } from "@/shell/zoned";
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
  // A moment is typed as it is shown everywhere: in the workspace's zone.
  const zone = useZone();
  switch (field?.type) {
    case "number":
      return (
        <NumberInput optional step="any" value={typeof value === "number" ? value : undefined} onChange={onChange} />
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
          aria-label={t("journeys.form.moment", { zone })}
          title={t("journeys.form.moment", { zone })}
          value={toZoned(text, zone)}
          onChange={(event) => onChange(fromZoned(event.currentTarget.value, zone) ?? undefined)}
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
  // Yen have no decimals, dinars three: the amount stays what it was when the currency is another.
  const digits = currencyDigits(money.currency);
  const amount = money.minor / 10 ** digits;
  const minorIn = (currency: string, of: number) => Math.round(of * 10 ** currencyDigits(currency));
  return (
    <div className="flex gap-2">
      <NumberInput
        step={10 ** -digits}
        aria-label={t("journeys.form.amount")}
        value={amount}
        onChange={(next) => onChange({ ...money, minor: minorIn(money.currency, next) })}
      />
      <TextInput
        className="w-20! uppercase"
        aria-label={t("journeys.form.currency")}
        value={money.currency}
        maxLength={3}
        onChange={(event) => {
          const currency = event.currentTarget.value.toUpperCase();
          onChange({ minor: minorIn(currency, amount), currency });
        }}
      />
    </div>
  );
}
