import { Plus, X } from "lucide-react";
import { Button, IconButton, SuggestInput, TextInput } from "@/design";
import { t } from "@/i18n";
import { propSuggestions, useVocabulary } from "@/shell/vocabulary";
import type { FormProps } from "./SettingForm";

/** Properties of an event. A value that reads as a number or as true or false is one; everything else is text. */
export function PropsForm({ value, onChange, step }: FormProps) {
  const suggestions = propSuggestions(useVocabulary(), String(step.settings?.event ?? ""));
  const rows = Object.entries(typeof value === "object" && value !== null ? (value as Record<string, unknown>) : {});
  const put = (next: [string, unknown][]) => onChange(Object.fromEntries(next));
  return (
    <div className="space-y-2">
      {rows.map(([name, prop], at) => (
        <div key={at} className="flex items-center gap-1">
          <SuggestInput
            label={t("journeys.form.prop_name")}
            value={name}
            maxLength={60}
            suggestions={suggestions.filter((each) => !rows.some(([other]) => other === each.value))}
            onChange={(next) => {
              if (rows.some(([other], index) => other === next && index !== at)) return;
              put(rows.map((row, index) => (index === at ? [next, prop] : row)));
            }}
          />
          <TextInput
            aria-label={`${name}: ${t("journeys.form.prop_value")}`}
            value={String(prop ?? "")}
            maxLength={500}
            onChange={(event) =>
              put(rows.map((row, index) => (index === at ? [name, read(event.currentTarget.value)] : row)))
            }
          />
          <IconButton
            icon={X}
            label={t("journeys.form.remove_prop", { name })}
            onClick={() => put(rows.filter((_, index) => index !== at))}
          />
        </div>
      ))}
      <Button icon={Plus} onClick={() => put([...rows, [freeName(rows), ""]])}>
        {t("journeys.form.add_prop")}
      </Button>
    </div>
  );
}

function read(text: string): unknown {
  if (text === "true") return true;
  if (text === "false") return false;
  return /^-?\d+(\.\d+)?$/.test(text) && String(Number(text)) === text ? Number(text) : text;
}

function freeName(rows: readonly [string, unknown][]): string {
  for (let at = rows.length + 1; ; at += 1) {
    const name = `property_${at}`;
    if (!rows.some(([other]) => other === name)) return name;
  }
}
