import { Plus, X } from "lucide-react";
import type { ReEntry } from "@/api/gen/ReEntry";
import { Button, Choices, IconButton, NumberInput, TextInput } from "@/design";
import { t } from "@/i18n";
import { ExpressionEditor } from "@/shell/expressions/editor";
import { useDesigner, useDesignerStore } from "../state";
import { Meaning } from "./ExpressionForm";

/** Settings of the journey itself: who may enter again, and when people leave wherever they stand. */
export function JourneySettings() {
  const store = useDesignerStore();
  const entry = useDesigner((state) => state.drawing.doc.re_entry);
  const rules = useDesigner((state) => state.drawing.doc.exit_when) ?? [];
  const put = (next: typeof rules) => store.getState().perform({ op: "journey", change: { exit_when: next } });
  const setEntry = (next: ReEntry) => store.getState().perform({ op: "journey", change: { re_entry: next } });
  return (
    // biome-ignore lint/a11y/noStaticElementInteractions: leaving a field ends its entry in the undo list.
    <div className="space-y-5 p-4" onBlur={() => store.getState().seal()}>
      <div>
        <h2 className="font-semibold text-section">{t("journeys.settings.title")}</h2>
        <p className="text-ink-2">{t("journeys.inspector.nothing")}</p>
      </div>
      <section>
        <h3 className="mb-2 font-medium">{t("journeys.settings.re_entry")}</h3>
        <Choices
          label={t("journeys.settings.re_entry")}
          value={entry.policy}
          onChange={(policy) => setEntry(policy === "after_days" ? { policy, days: 30 } : { policy })}
          options={(["never", "after_exit", "after_days"] as const).map((policy) => ({
            value: policy,
            label: t(`journeys.settings.${policy}`),
          }))}
        />
        {entry.policy === "after_days" && (
          <div className="mt-2 flex items-center gap-2 pl-9">
            <NumberInput
              min={1}
              max={3653}
              className="w-24!"
              aria-label={t("journeys.settings.days")}
              value={entry.days}
              onChange={(days) => setEntry({ policy: "after_days", days })}
            />
            <span className="text-ink-2">{t("journeys.settings.days")}</span>
          </div>
        )}
      </section>
      <section>
        <h3 className="font-medium">{t("journeys.settings.exit_rules")}</h3>
        <p className="mb-2 text-ink-3 text-table">{t("journeys.settings.exit_hint")}</p>
        <div className="space-y-2">
          {rules.map((rule, at) => (
            <div key={at} className="rounded-menu border border-line-default bg-surface p-2">
              <div className="flex items-center gap-1">
                <TextInput
                  aria-label={t("journeys.settings.reason")}
                  placeholder={t("journeys.settings.reason")}
                  value={rule.reason}
                  maxLength={60}
                  onChange={(event) =>
                    put(rules.map((one, index) => (index === at ? { ...one, reason: event.currentTarget.value } : one)))
                  }
                />
                <IconButton
                  icon={X}
                  label={t("journeys.settings.remove_rule", { reason: rule.reason })}
                  onClick={() => put(rules.filter((_, index) => index !== at))}
                />
              </div>
              <ExpressionEditor
                label={t("journeys.settings.exit_rules")}
                maxLength={20_000}
                className="mt-2 [&_.cm-editor]:min-h-14"
                value={rule.when}
                onChange={(when) => put(rules.map((one, index) => (index === at ? { ...one, when } : one)))}
              />
              <p className="mt-1 min-h-4 text-table">
                <Meaning text={rule.when} />
              </p>
            </div>
          ))}
          <Button icon={Plus} onClick={() => put([...rules, { when: "", reason: "" }])}>
            {t("journeys.settings.add_rule")}
          </Button>
        </div>
      </section>
    </div>
  );
}
