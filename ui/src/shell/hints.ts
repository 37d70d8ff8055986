// Hints that are given until somebody has done once what they speak of, on this machine.
import { useSyncExternalStore } from "react";

export type Hint = "clock" | "world";

const listeners = new Set<() => void>();
const keyOf = (hint: Hint) => `carillon.hint.${hint}`;

const subscribe = (listener: () => void) => {
  listeners.add(listener);
  return () => listeners.delete(listener);
};

/** Whether a hint is still to be given. */
export function useHint(hint: Hint): boolean {
  return useSyncExternalStore(subscribe, () => localStorage.getItem(keyOf(hint)) === null);
}

/** It was done, or closed: the hint is not given again. */
export function endHint(hint: Hint): void {
  if (localStorage.getItem(keyOf(hint)) !== null) return;
  localStorage.setItem(keyOf(hint), "ended");
  for (const listener of listeners) listener();
}
