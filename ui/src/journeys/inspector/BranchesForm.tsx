import { ArrowDown, ArrowUp, Plus, Trash2 } from "lucide-react";
import { Button, IconButton, NumberInput, TextInput } from "@/design";
import { t } from "@/i18n";
import { ExpressionEditor } from "@/shell/expressions/editor";
import { type Branch, branchesOf, freePort } from "../catalogue";
import { Meaning } from "./ExpressionForm";
import type { FormProps } from "./SettingForm";

/** The branches of a split, in the order in which they are tried, or with their shares. */
export function BranchesForm({ onChange, setting, step }: FormProps) {
  const branches = branchesOf(step, setting.name);
  const shares = setting.options?.includes("percent") ?? false;
  const put = (at: number, change: Partial<Branch>) =>
    onChange(branches.map((branch, index) => (index === at ? { ...branch, ...change } : branch)));
  const move = (at: number, by: number) => {
    const next = [...branches];
    const [one] = next.splice(at, 1);
    if (one) next.splice(at + by, 0, one);
    onChange(next);
  };
  const add = () => {
    const port = freePort(branches);
    const name = port.toUpperCase();
    onChange([...branches, shares ? { port, name, percent: 0 } : { port, name, when: "" }]);
  };
  const sum = branches.reduce((total, branch) => total + (branch.percent ?? 0), 0);
  return (
    <div className="space-y-2">
      {branches.map((branch, at) => {
        const name = branch.name || branch.port.toUpperCase();
        return (
          <div key={branch.port} className="rounded-menu border border-line-default bg-surface p-2">
            <div className="flex items-center gap-1">
              <TextInput
                aria-label={t("journeys.form.branch_name")}
                value={branch.name ?? ""}
                placeholder={branch.port.toUpperCase()}
                maxLength={60}
                onChange={(event) => put(at, { name: event.currentTarget.value })}
              />
              {shares && (
                <>
                  <NumberInput
                    min={0}
                    max={100}
                    className="w-20! shrink-0 text-right"
                    aria-label={t("journeys.form.branch_percent")}
                    step="any"
                    value={branch.percent ?? 0}
                    onChange={(percent) => put(at, { percent })}
                  />
                  <span className="shrink-0 text-ink-3">%</span>
                </>
              )}
              {!shares && (
                <>
                  <IconButton
                    icon={ArrowUp}
                    label={t("journeys.form.move_up", { name })}
                    disabled={at === 0}
                    onClick={() => move(at, -1)}
                  />
                  <IconButton
                    icon={ArrowDown}
                    label={t("journeys.form.move_down", { name })}
                    disabled={at === branches.length - 1}
                    onClick={() => move(at, 1)}
                  />
                </>
              )}
              <IconButton
                icon={Trash2}
                label={t("journeys.form.remove_branch", { name })}
                onClick={() => onChange(branches.filter((_, index) => index !== at))}
              />
            </div>
            {!shares && (
              <div className="mt-2">
                <ExpressionEditor
                  label={`${name}: ${t("journeys.form.branch_when")}`}
                  value={branch.when ?? ""}
                  maxLength={20_000}
                  className="[&_.cm-editor]:min-h-14"
                  onChange={(when) => put(at, { when })}
                />
                <p className="mt-1 min-h-4 text-table">
                  <Meaning text={branch.when ?? ""} />
                </p>
              </div>
            )}
          </div>
        );
      })}
      <div className="flex flex-wrap items-center gap-2">
        <Button icon={Plus} onClick={add}>
          {t("journeys.form.add_branch")}
        </Button>
        {shares && branches.length > 1 && (
          <Button look="quiet" onClick={() => onChange(evenly(branches))}>
            {t("journeys.form.even")}
          </Button>
        )}
      </div>
      {shares && branches.length > 0 && sum !== 100 && (
        <p className="text-bad text-table">{t("journeys.form.sum", { sum })}</p>
      )}
      {!shares && <p className="text-ink-3 text-table">{t("journeys.form.first_wins")}</p>}
    </div>
  );
}

/** Whole percents that are 100 together; the first ones take what is left over. */
export function evenly(branches: readonly Branch[]): Branch[] {
  const each = Math.floor(100 / branches.length);
  const over = 100 - each * branches.length;
  return branches.map((branch, at) => ({ ...branch, percent: each + (at < over ? 1 : 0) }));
}
