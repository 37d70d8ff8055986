import type { QualityDay } from "@/api/gen/QualityDay";
import { cx } from "@/design";
import { day } from "@/format";
import { t } from "@/i18n";

const DAY = 86_400_000;
const dayOf = (date: string) => Math.round(Date.parse(`${date}T00:00:00Z`) / DAY);

/** A place on the picture, a hundred wide and a hundred high. */
interface Place {
  x: number;
  y: number;
}

/** Days that follow each other, as runs: where nothing was measured the line ends. */
export function runsOf(days: readonly QualityDay[], from: string, to: string): Place[][] {
  const first = dayOf(from);
  const span = Math.max(1, dayOf(to) - first);
  const runs: Place[][] = [];
  let last: number | null = null;
  for (const each of days) {
    const at = dayOf(each.day);
    if (last === null || at !== last + 1) runs.push([]);
    runs.at(-1)?.push({ x: ((at - first) / span) * 100, y: 100 - each.score });
    last = at;
  }
  return runs;
}

/** Scores by day, from 0 at the foot to 100 at the head: a line where days follow each other, a point where one stands alone. */
export function Trend({
  days,
  from,
  to,
  className,
}: {
  days: readonly QualityDay[];
  from: string;
  to: string;
  className?: string;
}) {
  const [first, last] = [days[0], days.at(-1)];
  if (first === undefined || last === undefined) return <span className={className} />;
  const label =
    days.length === 1
      ? t("contacts.cleansing.quality.trend_one", { score: last.score, day: day(last.day) })
      : t("contacts.cleansing.quality.trend", {
          n: days.length,
          first: first.score,
          from: day(first.day),
          last: last.score,
          to: day(last.day),
        });
  return (
    <svg
      role="img"
      aria-label={label}
      viewBox="0 0 100 100"
      preserveAspectRatio="none"
      className={cx("overflow-visible", className)}
    >
      <title>{label}</title>
      <line
        x1="0"
        x2="100"
        y1="100"
        y2="100"
        stroke="var(--color-line-subtle)"
        strokeWidth="1"
        vectorEffect="non-scaling-stroke"
      />
      {runsOf(days, from, to).map((run) => (
        <polyline
          key={run[0]?.x}
          // A line of no length is a point, for its ends are round.
          points={(run.length === 1 ? [...run, ...run] : run).map(({ x, y }) => `${x.toFixed(2)},${y}`).join(" ")}
          fill="none"
          stroke="var(--color-chart-1)"
          strokeWidth={run.length === 1 ? 4 : 1.5}
          strokeLinecap="round"
          strokeLinejoin="round"
          vectorEffect="non-scaling-stroke"
        />
      ))}
    </svg>
  );
}
