import { useId } from "react";
import { cx } from "./cx";

/** A small line of numbers, oldest first. It repeats what words beside it say, so it is hidden from readers. */
export function Sparkline({ values, className }: { values: readonly number[]; className?: string }) {
  const id = useId();
  if (values.length < 2) return <span className={className} />;
  const high = Math.max(...values);
  const low = Math.min(...values);
  const span = high - low || 1;
  const points = values.map((value, at) => {
    const x = (at / (values.length - 1)) * 100;
    const y = high === low ? 12 : 22 - ((value - low) / span) * 20;
    return `${x.toFixed(2)},${y.toFixed(2)}`;
  });
  return (
    <svg
      viewBox="0 0 100 24"
      preserveAspectRatio="none"
      aria-hidden="true"
      className={cx("overflow-visible", className)}
    >
      <defs>
        <linearGradient id={id} x1="0" y1="0" x2="0" y2="1">
          <stop offset="0" stopColor="var(--color-chart-1)" stopOpacity="0.18" />
          <stop offset="1" stopColor="var(--color-chart-1)" stopOpacity="0" />
        </linearGradient>
      </defs>
      <polygon points={`0,24 ${points.join(" ")} 100,24`} fill={`url(#${id})`} />
      <polyline
        points={points.join(" ")}
        fill="none"
        stroke="var(--color-chart-1)"
        strokeWidth="1.5"
        strokeLinejoin="round"
        vectorEffect="non-scaling-stroke"
      />
    </svg>
  );
}

/** Columns of numbers with their titles, one a day. */
export function Columns({
  values,
  label,
  className,
}: {
  values: readonly { title: string; value: number; text: string }[];
  label: string;
  className?: string;
}) {
  const high = Math.max(1, ...values.map((each) => each.value));
  return (
    <div role="img" aria-label={label} className={cx("flex items-end gap-[2px]", className)}>
      {values.map((each) => (
        <span key={each.title} title={each.text} className="group flex h-full min-w-0 flex-1 items-end">
          <span
            className={cx(
              "block w-full rounded-t-[2px] group-hover:bg-chart-2",
              each.value === 0 ? undefined : "bg-chart-1",
            )}
            style={{ height: each.value === 0 ? 0 : `max(2px, ${(each.value / high) * 100}%)` }}
          />
        </span>
      ))}
    </div>
  );
}
