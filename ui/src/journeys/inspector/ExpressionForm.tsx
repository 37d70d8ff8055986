import { useRead } from "@/api/client";
import { cx } from "@/design";
import { count } from "@/format";
import { t } from "@/i18n";
import { useDelayed } from "@/shell/delayed";
import { ExpressionEditor } from "@/shell/expressions/editor";
import type { FormProps } from "./SettingForm";

/** A condition as text. It is read as it is typed: where it goes wrong, or how many people it means now. */
export function ExpressionForm({ value, onChange, setting, step, label }: FormProps) {
  const text = typeof value === "string" ? value : "";
  const where = setting.form === "where";
  return (
    <>
      <ExpressionEditor
        label={label}
        value={text}
        maxLength={20_000}
        onChange={onChange}
        className={where ? "[&_.cm-editor]:min-h-14" : "[&_.cm-editor]:min-h-20"}
        {...(where ? { where: String(step.settings?.event ?? "") } : {})}
      />
      {/* Its line is kept: the answer comes a moment later, and nothing below may move for it. */}
      <div className="mt-1 min-h-4 text-table" aria-live="polite">
        {where ? (
          text.trim() === "" && <span className="text-ink-3">{t("journeys.form.anything")}</span>
        ) : (
          <Meaning text={text} />
        )}
      </div>
    </>
  );
}

/** How many people a condition means, or where it cannot be read. Asked 250 ms after the last key. */
export function Meaning({ text }: { text: string }) {
  const wanted = useDelayed(text, 250).trim();
  const check = useRead("segments.check", { text: wanted }, { enabled: wanted !== "", keep: true, gcTime: 30_000 });
  const readable = wanted !== "" && check.data?.ok === true;
  const meant = useRead(
    "segments.count",
    { text: wanted, clauses: false },
    { enabled: readable, keep: true, gcTime: 30_000 },
  );
  if (wanted === "") return null;
  if (check.data?.ok === false) return <span className="text-bad">{check.data.error?.message}</span>;
  if (check.error) return <span className="text-bad">{check.error.message}</span>;
  if (!meant.data) return <span className="text-ink-3">{t("journeys.form.checking")}</span>;
  return (
    <span className={cx("figures", meant.isPlaceholderData || wanted !== text.trim() ? "text-ink-3" : "text-ink-2")}>
      {t("journeys.form.matches", { count: meant.data.count })}
      <span className="text-ink-3"> / {count(meant.data.total)}</span>
    </span>
  );
}
