import { useMemo, useState } from "react";
import { Combobox, cx, NumberInput, Select, TextInput } from "@/design";
import { t, tx } from "@/i18n";
import type { FormProps } from "./SettingForm";

const UNITS = ["minutes", "hours", "days", "weeks"] as const;
const DAYS = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"] as const;

export function DurationForm({ value, onChange }: FormProps) {
  const { amount, unit } = (typeof value === "object" && value !== null ? value : {}) as {
    amount?: number;
    unit?: string;
  };
  return (
    <div className="flex gap-2">
      <NumberInput
        min={0}
        max={5_259_600}
        className="w-24!"
        aria-label={t("journeys.form.amount")}
        optional
        value={amount}
        onChange={(next) => next !== undefined && onChange({ amount: next, unit: unit ?? "days" })}
      />
      <Select
        className="w-32!"
        label={t("journeys.form.unit")}
        value={(unit as (typeof UNITS)[number] | undefined) ?? null}
        onChange={(next) => onChange({ amount: amount ?? 1, unit: next })}
        options={UNITS.map((one) => ({ value: one, label: t(`journeys.unit_name.${one}`) }))}
      />
    </div>
  );
}

export function TimeForm({ value, onChange }: FormProps) {
  return (
    <TextInput
      type="time"
      className="w-28!"
      value={typeof value === "string" ? value : ""}
      onChange={(event) =>
        /^\d\d:\d\d/.test(event.currentTarget.value) && onChange(event.currentTarget.value.slice(0, 5))
      }
    />
  );
}

export function ZoneForm({ value, onChange, label }: FormProps) {
  const zones = useMemo(() => {
    const known = typeof Intl.supportedValuesOf === "function" ? Intl.supportedValuesOf("timeZone") : ["UTC"];
    return known.map((zone) => ({ value: zone, label: zone.replace(/_/g, " ") }));
  }, []);
  const chosen = typeof value === "string" ? value : "contact";
  const fixed = chosen !== "contact" && chosen !== "workspace";
  const [naming, setNaming] = useState(fixed);
  const options = [
    { value: "contact", label: t("journeys.form.zone_contact") },
    { value: "workspace", label: t("journeys.form.zone_workspace") },
    { value: "fixed", label: t("journeys.form.zone_other") },
  ];
  return (
    <div className="space-y-2">
      <Select
        value={naming || fixed ? "fixed" : chosen}
        onChange={(next) => {
          setNaming(next === "fixed");
          if (next !== "fixed") onChange(next);
        }}
        options={options}
      />
      {(naming || fixed) && (
        <Combobox
          value={fixed ? chosen : null}
          onChange={(next) => next !== null && onChange(next)}
          options={zones}
          label={`${label}: ${t("journeys.form.zone_other")}`}
        />
      )}
    </div>
  );
}

export function DaysForm({ value, onChange }: FormProps) {
  const chosen = DAYS.filter((day) => Array.isArray(value) && value.includes(day));
  return (
    <div className="flex flex-wrap gap-1">
      {DAYS.map((day) => {
        const on = chosen.includes(day);
        return (
          <button
            key={day}
            type="button"
            aria-pressed={on}
            onClick={() => onChange(DAYS.filter((one) => (one === day ? !on : chosen.includes(one))))}
            className={cx(
              "h-8 min-w-10 rounded-control border px-1.5 font-medium",
              on
                ? "border-accent-solid bg-selected text-accent-text"
                : "border-line-control bg-surface text-ink-2 hover:bg-hover",
            )}
          >
            {t(`journeys.day.${day}`)}
          </button>
        );
      })}
    </div>
  );
}

type Rule = { every?: string; on?: string; days?: string[]; day?: number };

export function ScheduleForm({ value, onChange, setting, ...rest }: FormProps) {
  const rule = (typeof value === "object" && value !== null ? value : { every: "day" }) as Rule;
  const begin: Record<string, Rule> = {
    once: { every: "once", on: rule.on ?? new Date().toISOString().slice(0, 10) },
    day: { every: "day" },
    week: { every: "week", days: rule.days ?? ["mon"] },
    month: { every: "month", day: rule.day ?? 1 },
  };
  const options = (setting.options ?? []).map((option) => ({
    value: option,
    label: tx(`journeys.form.every_${option}`, option),
  }));
  return (
    <div className="space-y-2">
      <Select
        value={rule.every ?? null}
        onChange={(next) => onChange(begin[next])}
        options={options}
        label={rest.label}
      />
      {rule.every === "once" && (
        <TextInput
          type="date"
          className="w-40!"
          aria-label={t("journeys.form.on_date")}
          value={rule.on ?? ""}
          onChange={(event) =>
            event.currentTarget.value !== "" && onChange({ every: "once", on: event.currentTarget.value })
          }
        />
      )}
      {rule.every === "week" && (
        <DaysForm
          {...rest}
          setting={setting}
          value={rule.days}
          onChange={(days) => onChange({ every: "week", days })}
        />
      )}
      {rule.every === "month" && (
        <div className="flex items-center gap-3">
          <NumberInput
            min={1}
            max={31}
            className="w-20!"
            aria-label={t("journeys.form.day_of_month")}
            value={rule.day ?? 1}
            onChange={(day) => onChange({ every: "month", day })}
          />
          <span className="text-ink-3 text-table">{t("journeys.form.short_months")}</span>
        </div>
      )}
    </div>
  );
}
