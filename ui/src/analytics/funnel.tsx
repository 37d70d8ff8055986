import { ChartNoAxesColumn } from "lucide-react";
import type { FunnelReport } from "@/api/gen/FunnelReport";
import { EmptyState } from "@/design";
import { count, percent } from "@/format";
import { t, tx } from "@/i18n";
import { endText } from "./ways";

/** The steps of a journey with those who reached each, and those who stand there. */
export function Funnel({ report }: { report: FunnelReport }) {
  if (report.entered === 0) {
    return (
      <EmptyState
        icon={ChartNoAxesColumn}
        title={t("analytics.nobody_entered")}
        about={t("analytics.nobody_entered_about")}
      />
    );
  }
  return (
    <>
      <ol aria-label={t("analytics.funnel")}>
        {report.steps.map((step) => {
          const share = step.reached / report.entered;
          return (
            <li
              key={step.step}
              className="grid grid-cols-[minmax(140px,220px)_1fr_72px_64px_110px] items-center gap-3 py-1"
            >
              <span className="min-w-0">
                <span className="block truncate font-medium">{step.title}</span>
                <span className="block truncate text-ink-3 text-meta">
                  {tx(`steps.${step.kind}.title`, step.kind.replaceAll("_", " "))}
                </span>
              </span>
              <span aria-hidden className="h-3 overflow-hidden rounded-full bg-sunken">
                <span
                  className="block h-full rounded-full bg-chart-1"
                  style={{ width: `${Math.min(100, share * 100)}%` }}
                />
              </span>
              <span className="figures text-right font-medium">{count(step.reached)}</span>
              <span className="figures text-right text-ink-2">{percent(share)}</span>
              <span className="figures truncate text-right text-ink-3 text-table">
                {step.now > 0 ? t("analytics.here_now", { n: step.now }) : ""}
              </span>
            </li>
          );
        })}
      </ol>
      {report.ended.length > 0 && (
        <section className="mt-3 border-line-subtle border-t pt-3">
          <h3 className="mb-1 font-medium text-ink-2">{t("analytics.ended")}</h3>
          <ul>
            {report.ended.map((end) => {
              const share = end.count / report.entered;
              return (
                <li
                  key={`${end.end}/${end.reason}`}
                  className="grid grid-cols-[minmax(140px,220px)_1fr_72px_64px_110px] items-center gap-3 py-1"
                >
                  <span className="truncate" title={endText(end)}>
                    {endText(end)}
                  </span>
                  <span aria-hidden className="h-3 overflow-hidden rounded-full bg-sunken">
                    <span
                      className="block h-full rounded-full bg-chart-2"
                      style={{ width: `${Math.min(100, share * 100)}%` }}
                    />
                  </span>
                  <span className="figures text-right font-medium">{count(end.count)}</span>
                  <span className="figures text-right text-ink-2">{percent(share)}</span>
                </li>
              );
            })}
          </ul>
        </section>
      )}
    </>
  );
}
