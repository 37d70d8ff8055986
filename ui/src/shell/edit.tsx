import { type KeyboardEvent, useState } from "react";
import type { Field } from "@/api/gen/Field";
import type { FieldType } from "@/api/gen/FieldType";
import type { Money } from "@/api/gen/Money";
import type { Value } from "@/api/gen/Value";
import { Combobox, Select, TextInput } from "@/design";
import { currencyDigits } from "@/format";
import { t } from "@/i18n";
import { useZone } from "@/shell/zone";
import { fromZoned, toZoned } from "@/shell/zoned";
import { ZONES } from "@/shell/zones";

/** `12.50 EUR`: as it is typed, whatever the locale. */
function moneyText({ minor, currency }: Money): string {
  const digits = currencyDigits(currency);
  return `${(minor / 10 ** digits).toFixed(digits)} ${currency}`;
}

/** A value as the text of its input. Moments are typed as they are shown: in the workspace's zone. */
export function toInput(value: Value | null, zone: string): string {
  if (value === null) return "";
  switch (value.type) {
    case "money":
      return moneyText(value.value);
    case "yes_no":
      return value.value ? "yes" : "no";
    case "multi_choice":
      return value.value.join(", ");
    case "date_time":
      return toZoned(value.value, zone);
    default:
      return String(value.value);
  }
}

/** The value a text means in a field of a type; null where it is empty, undefined where it does not fit. */
export function fromInput(text: string, type: FieldType, zone: string): Value | null | undefined {
  const trimmed = text.trim();
  if (trimmed === "") return null;
  switch (type) {
    case "text":
    case "choice":
      return { type, value: trimmed };
    case "number": {
      const read = Number(trimmed);
      return Number.isFinite(read) ? { type, value: read } : undefined;
    }
    case "money": {
      const found = /^(-?)(\d+)(?:[.](\d+))?\s*([A-Za-z]{3})$/.exec(trimmed);
      if (found === null) return undefined;
      const currency = (found[4] ?? "").toUpperCase();
      const digits = currencyDigits(currency);
      const decimals = found[3] ?? "";
      if (decimals.length > digits) return undefined;
      const minor = Number(`${found[1]}${found[2]}${decimals.padEnd(digits, "0")}`);
      return Number.isSafeInteger(minor) ? { type, value: { minor, currency } } : undefined;
    }
    case "yes_no":
      return { type, value: trimmed === "yes" };
    case "multi_choice":
      return {
        type,
        value: trimmed
          .split(",")
          .map((word) => word.trim())
          .filter(Boolean),
      };
    case "date":
      return /^\d{4}-\d{2}-\d{2}$/.test(trimmed) ? { type, value: trimmed } : undefined;
    case "date_time": {
      const at = fromZoned(trimmed, zone);
      return at === null ? undefined : { type, value: at };
    }
  }
}

const inputs: Partial<Record<FieldType, string>> = { number: "number", date: "date", date_time: "datetime-local" };

/** Edits one value in place: Enter keeps it, Escape leaves it as it was, an empty text clears it. */
export function FieldEdit({
  field,
  value,
  onSave,
  onEnd,
}: {
  field: Field;
  value: Value | null;
  /** Writes the new value; whoever does it ends the editing when it is kept. */
  onSave: (value: Value | null) => void;
  onEnd: () => void;
}) {
  const zone = useZone();
  const [text, setText] = useState(() => toInput(value, zone));
  const [wrong, setWrong] = useState(false);
  const save = (given: string) => {
    const next = fromInput(given, field.type, zone);
    if (next === undefined) return setWrong(true);
    if (given === toInput(value, zone)) return onEnd();
    onSave(next);
  };
  if (field.key === "time_zone") {
    return (
      <Combobox
        label={field.label}
        value={text === "" ? null : text}
        onChange={(next) => save(next ?? "")}
        options={ZONES}
      />
    );
  }
  if (field.type === "yes_no" || field.type === "choice") {
    const options =
      field.type === "yes_no"
        ? [
            { value: "yes", label: t("common.yes") },
            { value: "no", label: t("common.no") },
          ]
        : (field.options ?? []).map((each) => ({ value: each, label: each }));
    return (
      <Select
        label={field.label}
        value={text === "" ? null : text}
        onChange={save}
        options={[{ value: "", label: t("contacts.unknown_value") }, ...options]}
      />
    );
  }
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.key === "Enter") save(text);
    if (event.key === "Escape") onEnd();
  };
  return (
    <>
      <TextInput
        autoFocus
        aria-label={field.label}
        aria-invalid={wrong}
        type={inputs[field.type] ?? "text"}
        value={text}
        onChange={(event) => {
          setWrong(false);
          setText(event.target.value);
        }}
        onBlur={() => save(text)}
        onKeyDown={onKeyDown}
      />
      {wrong && (
        <p role="alert" className="mt-1 text-bad text-table">
          {t(field.type === "money" ? "contacts.form.money_wrong" : "contacts.form.value_wrong")}
        </p>
      )}
    </>
  );
}
