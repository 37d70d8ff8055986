import { useEffect, useState } from "react";
import { useRead } from "@/api/client";
import type { ClockView } from "@/api/gen/ClockView";

/** Workspace time of an answer, some real milliseconds after it came. */
export function runOn(clock: ClockView, passed: number): string {
  const at = new Date(clock.now).getTime() + passed * clock.speed;
  return Number.isNaN(at) ? clock.now : new Date(at).toISOString();
}

/** The workspace's clock and its time, running on between the answers. */
export function useClock(): { clock: ClockView | null; now: string } {
  const { data, dataUpdatedAt } = useRead("clock.get", {});
  const [tick, setTick] = useState(() => Date.now());
  const speed = data?.speed ?? 0;
  useEffect(() => {
    if (speed === 0) return;
    // A playing clock is seen to move; a real one changes its minute.
    const timer = setInterval(() => setTick(Date.now()), speed > 1 ? 250 : 5000);
    return () => clearInterval(timer);
  }, [speed]);
  if (data === undefined) return { clock: null, now: new Date(tick).toISOString() };
  return { clock: data, now: runOn(data, Math.max(0, tick - dataUpdatedAt)) };
}

/** Workspace time at the last answer: for "3 days ago", which need not run. */
export function useNow(): string {
  const { data } = useRead("clock.get", {});
  return data?.now ?? new Date().toISOString();
}
