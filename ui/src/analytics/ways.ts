// The funnel as rows: its steps, and after them each way out of its own.
import type { FunnelEnd } from "@/api/gen/FunnelEnd";
import type { FunnelReport } from "@/api/gen/FunnelReport";
import { t, tx } from "@/i18n";

/** A way out as people read it: why, and by which reason, rule or goal. */
export function endText({ end, title }: FunnelEnd): string {
  return title === ""
    ? tx(`analytics.ends.${end}`, end)
    : tx(`analytics.ends_with.${end}`, `${end}: ${title}`, { reason: title });
}

/** A row of the table and of the file that is copied from it. */
export interface FunnelRow {
  key: string;
  title: string;
  kind: string;
  reached: number;
  /** `null` where nobody can stand. */
  now: number | null;
}

/** Steps in the order of the way, then the ends with the most frequent first. */
export function funnelRows(report: FunnelReport): FunnelRow[] {
  const steps = report.steps.map(({ step, title, kind, reached, now }) => ({
    key: step,
    title,
    kind: tx(`steps.${kind}.title`, kind.replaceAll("_", " ")),
    reached,
    now,
  }));
  const ends = report.ended.map((end) => ({
    key: `${end.end}/${end.reason}`,
    title: endText(end),
    kind: t("analytics.end"),
    reached: end.count,
    now: null,
  }));
  return [...steps, ...ends];
}
