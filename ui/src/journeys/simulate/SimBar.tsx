import { Pause, Play, X } from "lucide-react";
import { useEffect, useState } from "react";
import { IconButton } from "@/design";
import { count, day as dayWords } from "@/format";
import { t } from "@/i18n";
import { useDesigner, useDesignerStore } from "../state";
import { dayOf } from "./report";

/** Real milliseconds a simulated day stays on the canvas while it plays. */
const DAY_MS = 160;

/** The day of the simulation that the canvas shows: scrub, play, leave. */
export function SimBar() {
  const store = useDesignerStore();
  const simulation = useDesigner((state) => state.simulation);
  const [playing, setPlaying] = useState(false);
  const last = simulation ? simulation.report.days - 1 : 0;
  useEffect(() => {
    if (!playing) return;
    const timer = setInterval(() => {
      const now = store.getState().simulation;
      if (!now || now.day >= now.report.days - 1) return setPlaying(false);
      store.getState().show({ simulation: { ...now, day: now.day + 1 } });
    }, DAY_MS);
    return () => clearInterval(timer);
  }, [playing, store]);
  if (!simulation) return null;
  const { report, day } = simulation;
  const put = (next: number) => store.getState().show({ simulation: { ...simulation, day: next } });
  return (
    <div className="shrink-0 border-line-subtle border-b bg-surface px-3 pt-2 pb-1">
      <div className="px-1">
        <DayBars values={report.mails} day={day} onDay={put} />
      </div>
      <div className="flex items-center gap-2">
        <IconButton
          icon={playing ? Pause : Play}
          label={t(playing ? "journeys.simulate.pause" : "journeys.simulate.play")}
          onClick={() => {
            if (!playing && day >= last) put(0);
            setPlaying(!playing);
          }}
        />
        <input
          type="range"
          min={0}
          max={last}
          value={day}
          aria-label={t("journeys.simulate.day", { day: day + 1 })}
          aria-valuetext={dayWords(dayOf(simulation.asked.start, day))}
          onChange={(event) => {
            setPlaying(false);
            put(event.target.valueAsNumber);
          }}
          className="min-w-0 flex-1 accent-(--color-accent-solid)"
        />
        <span className="figures w-44 shrink-0 text-right text-table">
          <span className="font-medium">{t("journeys.simulate.day", { day: count(day + 1) })}</span>{" "}
          <span className="text-ink-3">{dayWords(dayOf(simulation.asked.start, day))}</span>
        </span>
        <IconButton
          icon={X}
          label={t("journeys.simulate.stop")}
          onClick={() => {
            setPlaying(false);
            store.getState().show({ simulation: null });
          }}
        />
      </div>
    </div>
  );
}

/** One bar a day; a press goes there. The bars are a picture of the slider below, which carries the name. */
export function DayBars({
  values,
  day,
  onDay,
}: {
  values: readonly number[];
  day: number;
  onDay: (day: number) => void;
}) {
  const most = Math.max(1, ...values);
  const width = 1000 / Math.max(1, values.length);
  const past = values
    .map((value, at) => bar(at, value, most, width))
    .slice(0, day + 1)
    .join("");
  const rest = values
    .map((value, at) => bar(at, value, most, width))
    .slice(day + 1)
    .join("");
  return (
    <svg
      aria-hidden
      viewBox="0 0 1000 28"
      preserveAspectRatio="none"
      className="block h-7 w-full"
      onPointerDown={(event) => {
        const frame = event.currentTarget.getBoundingClientRect();
        const share = (event.clientX - frame.left) / frame.width;
        onDay(Math.max(0, Math.min(values.length - 1, Math.floor(share * values.length))));
      }}
    >
      <path d={past} className="fill-live" />
      <path d={rest} className="fill-line-default" />
    </svg>
  );
}

function bar(at: number, value: number, most: number, width: number): string {
  const height = value === 0 ? 0 : Math.max(1.5, (value / most) * 26);
  const gap = Math.min(1.5, width * 0.2);
  const x = (at * width).toFixed(1);
  return `M${x} ${28 - height}h${(width - gap).toFixed(1)}V28H${x}Z`;
}
