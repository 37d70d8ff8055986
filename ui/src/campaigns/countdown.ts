import { useEffect, useState } from "react";
import { useRead } from "@/api/client";
import { runOn } from "@/shell/now";

/** Whole seconds of workspace time until a moment, and whether that clock moves by itself. */
export function secondsUntil(until: string, now: string): number {
  const left = new Date(until).getTime() - new Date(now).getTime();
  return Number.isNaN(left) ? 0 : Math.max(0, Math.ceil(left / 1000));
}

export function useCountdown(until: string | null): { secs: number; runs: boolean } {
  const { data, dataUpdatedAt } = useRead("clock.get", {});
  const [tick, setTick] = useState(() => Date.now());
  const runs = data?.running ?? false;
  useEffect(() => {
    if (until === null || !runs) return;
    const timer = setInterval(() => setTick(Date.now()), 250);
    return () => clearInterval(timer);
  }, [until, runs]);
  if (until === null || data === undefined) return { secs: 0, runs };
  const now = runs ? runOn(data, Math.max(0, tick - dataUpdatedAt)) : data.now;
  return { secs: secondsUntil(until, now), runs };
}
