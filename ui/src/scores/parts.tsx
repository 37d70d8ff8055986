import type { ScoreBounds } from "@/api/gen/ScoreBounds";
import type { ScoreTrouble } from "@/api/gen/ScoreTrouble";
import { cx, NumberInput } from "@/design";
import { t } from "@/i18n";

/** What is wrong with one place. */
export function Said({ of, troubles }: { of: string; troubles: readonly ScoreTrouble[] }) {
  const mine = troubles.filter((trouble) => trouble.place === of);
  return mine.map((trouble) => (
    <p
      key={trouble.message}
      role="status"
      className={cx("mt-1 text-table", trouble.severity === "error" ? "text-bad" : "text-warn")}
    >
      {trouble.message}
    </p>
  ));
}

/** The least and the most points; empty means no limit. */
export function BoundsRow({ bounds, onChange }: { bounds: ScoreBounds; onChange: (bounds: ScoreBounds) => void }) {
  return (
    <div className="flex flex-wrap items-center gap-2">
      <span className="text-ink-2">{t("scores.at_least")}</span>
      <NumberInput
        aria-label={t("scores.at_least")}
        className="w-24"
        optional
        value={bounds.least ?? undefined}
        onChange={(least) => onChange({ ...bounds, least: least ?? null })}
      />
      <span className="text-ink-2">{t("scores.at_most")}</span>
      <NumberInput
        aria-label={t("scores.at_most")}
        className="w-24"
        optional
        value={bounds.most ?? undefined}
        onChange={(most) => onChange({ ...bounds, most: most ?? null })}
      />
    </div>
  );
}
