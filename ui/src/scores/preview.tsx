import { Users } from "lucide-react";
import { useRead } from "@/api/client";
import type { LabelCount } from "@/api/gen/LabelCount";
import type { ScoreModel } from "@/api/gen/ScoreModel";
import { cx, ErrorView, Note, SkeletonLines } from "@/design";
import { count, percent } from "@/format";
import { t } from "@/i18n";

/** What the rules say of people now, before anything is published. */
export function PreviewPanel({ id, model }: { id: number | null; model: ScoreModel | null }) {
  const preview = useRead(
    "scores.preview",
    { id, model: model ?? { kind: "points", groups: [], bounds: { least: null, most: null }, stages: [] } },
    { enabled: model !== null, keep: true },
  );
  const seen = preview.data;
  return (
    <section aria-label={t("scores.preview.title")} aria-live="polite">
      <p className="flex items-center gap-2 text-ink-2">
        <Users size={16} aria-hidden />
        {seen === undefined
          ? t("scores.preview.title")
          : t("scores.preview.measured", { n: seen.measured, all: count(seen.contacts) })}
      </p>
      {model === null && <p className="mt-2 text-ink-3">{t("scores.preview.mend")}</p>}
      {preview.isError && <ErrorView error={preview.error} onRetry={() => void preview.refetch()} />}
      {model !== null && seen === undefined && preview.isPending && <SkeletonLines lines={4} />}
      {seen !== undefined && seen.measured === 0 && <p className="mt-2 text-ink-3">{t("scores.preview.nobody")}</p>}
      {seen !== undefined && seen.measured > 0 && (
        <div className={cx("mt-3 space-y-4", (preview.isPlaceholderData || model === null) && "opacity-60")}>
          {seen.deciles.length > 0 && <Deciles values={seen.deciles} />}
          {seen.labels.length > 0 && <Labels labels={seen.labels} of={seen.measured} />}
          {seen.differ !== null && <Note>{t("scores.preview.differ", { n: seen.differ })}</Note>}
        </div>
      )}
    </section>
  );
}

/** Tenths of the people, from those with the fewest points to those with the most. */
function Deciles({ values }: { values: readonly number[] }) {
  const high = Math.max(1, ...values.map(Math.abs));
  return (
    <table aria-label={t("scores.preview.deciles")} className="w-full text-table">
      <thead className="sr-only">
        <tr>
          <th scope="col">{t("scores.preview.share")}</th>
          <th scope="col">{t("scores.points")}</th>
        </tr>
      </thead>
      <tbody>
        {values.slice(1).map((most, at) => (
          <tr key={at} className="h-6">
            <th scope="row" className="w-32 pr-2 text-left font-normal text-ink-3">
              {t("scores.preview.decile", { from: percent(at / 10), to: percent((at + 1) / 10) })}
            </th>
            <td aria-hidden>
              <span className="block h-2 overflow-hidden rounded-full bg-sunken">
                <span
                  className={cx("block h-full rounded-full", most < 0 ? "bg-bad" : "bg-chart-1")}
                  style={{ width: `${(Math.abs(most) / high) * 100}%` }}
                />
              </span>
            </td>
            <td className="figures w-28 pl-2 text-right">
              {t("scores.preview.between", { from: count(values[at] ?? 0), to: count(most) })}
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

function Labels({ labels, of }: { labels: readonly LabelCount[]; of: number }) {
  return (
    <ul aria-label={t("scores.preview.labels")}>
      {labels.map((each) => (
        <li key={each.label ?? ""} className="flex min-h-7 items-center gap-3 text-table">
          <span className={cx("min-w-0 flex-1 truncate", each.label === null && "text-ink-3")}>
            {each.label ?? t("scores.preview.none")}
          </span>
          <span aria-hidden className="h-2 w-24 shrink-0 overflow-hidden rounded-full bg-sunken">
            <span className="block h-full rounded-full bg-chart-1" style={{ width: `${(each.count / of) * 100}%` }} />
          </span>
          <span className="figures w-14 shrink-0 text-right">{count(each.count)}</span>
        </li>
      ))}
    </ul>
  );
}
