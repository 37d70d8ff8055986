import type { EChartsCoreOption } from "echarts/core";
import { useEffect, useEffectEvent, useRef } from "react";
import { useShownTheme } from "@/design";
import { colors } from "@/design/tokens";
import { compact, count, shortDay } from "@/format";

export interface Series {
  name: string;
  values: number[];
  /** Number of the chart colour, 1 to 6. */
  colour: 1 | 2 | 3 | 4 | 5 | 6;
}

/** Series over days: columns on top of each other, or a line. Drawn by a library that is fetched when needed. */
export function Chart({
  kind,
  days,
  series,
  label,
}: {
  kind: "columns" | "line";
  days: string[];
  series: Series[];
  label: string;
}) {
  const place = useRef<HTMLDivElement>(null);
  const theme = useShownTheme();
  const draw = useRef<((option: EChartsCoreOption) => void) | null>(null);
  const option = () => chartOption(kind, days, series, theme, label);
  const latest = useEffectEvent(() => draw.current?.(option()));

  useEffect(() => {
    const element = place.current;
    if (element === null) return;
    let ended = false;
    let stop = () => {};
    void import("./echarts").then(({ init }) => {
      if (ended) return;
      const chart = init(element, undefined, { renderer: "canvas" });
      draw.current = (next) => chart.setOption(next, true);
      latest();
      const observer = new ResizeObserver(() => chart.resize());
      observer.observe(element);
      stop = () => {
        observer.disconnect();
        draw.current = null;
        // Disposed while a paint is pending, zrender throws; so it goes after the frame that paints.
        requestAnimationFrame(() => requestAnimationFrame(() => chart.dispose()));
      };
    });
    return () => {
      ended = true;
      stop();
    };
  }, []);

  // biome-ignore lint/correctness/useExhaustiveDependencies: these are what the option is made of.
  useEffect(() => latest(), [kind, days, series, theme, label]);

  return <div ref={place} role="img" aria-label={label} className="h-72 w-full" />;
}

function chartOption(
  kind: "columns" | "line",
  days: string[],
  series: Series[],
  theme: "light" | "dark",
  label: string,
): EChartsCoreOption {
  const colour = colors[theme];
  const quiet = { color: colour["color-ink-3"], fontSize: 11 };
  return {
    animation: false,
    progressive: 0,
    aria: { enabled: true, label: { description: label } },
    textStyle: { fontFamily: "Inter Variable, sans-serif" },
    grid: { left: 8, right: 8, top: 36, bottom: 4, outerBoundsMode: "same" },
    legend: {
      top: 0,
      left: 0,
      padding: 0,
      icon: "roundRect",
      itemWidth: 8,
      itemHeight: 8,
      itemGap: 16,
      textStyle: { color: colour["color-ink-2"], fontSize: 12 },
    },
    tooltip: {
      trigger: "axis",
      confine: true,
      backgroundColor: colour["color-surface"],
      borderColor: colour["color-line-default"],
      borderWidth: 1,
      padding: 8,
      textStyle: { color: colour["color-ink-1"], fontSize: 12 },
      valueFormatter: (value: unknown) => count(Number(value)),
      axisPointer: {
        type: kind === "line" ? "line" : "shadow",
        shadowStyle: { color: colour["color-hover"], opacity: 0.6 },
        lineStyle: { color: colour["color-line-control"] },
      },
    },
    xAxis: {
      type: "category",
      data: days.map(shortDay),
      boundaryGap: kind === "columns",
      axisLine: { lineStyle: { color: colour["color-line-default"] } },
      axisTick: { show: false },
      axisLabel: { ...quiet, hideOverlap: true },
    },
    yAxis: {
      type: "value",
      minInterval: 1,
      splitNumber: 4,
      axisLabel: { ...quiet, formatter: (value: number) => compact(value) },
      splitLine: { lineStyle: { color: colour["color-line-subtle"] } },
    },
    series: series.map((each) => ({
      name: each.name,
      data: each.values,
      itemStyle: { color: colour[`color-chart-${each.colour}`] },
      ...(kind === "columns"
        ? { type: "bar", stack: "all", barMaxWidth: 24, barCategoryGap: "25%" }
        : {
            type: "line",
            showSymbol: false,
            lineStyle: { width: 2, color: colour[`color-chart-${each.colour}`] },
            areaStyle: { opacity: 0.08 },
          }),
    })),
  };
}
