import { useSyncExternalStore } from "react";

export type Theme = "light" | "dark" | "system";
export type Density = "compact" | "regular" | "roomy";

/** How the screen looks on this machine; nothing of it is in the workspace. */
export interface Appearance {
  theme: Theme;
  density: Density;
  /** Size of everything, in percent: 90 to 150. */
  scale: number;
}

const KEY = "carillon.appearance";
const standard: Appearance = { theme: "system", density: "regular", scale: 100 };

/** Reads what was kept, leaving out whatever is not understood. */
export function readAppearance(text: string | null): Appearance {
  let kept: Partial<Appearance>;
  try {
    kept = (JSON.parse(text ?? "{}") ?? {}) as Partial<Appearance>;
  } catch {
    return standard;
  }
  return {
    theme: kept.theme === "light" || kept.theme === "dark" ? kept.theme : "system",
    density: kept.density === "compact" || kept.density === "roomy" ? kept.density : "regular",
    scale: typeof kept.scale === "number" && kept.scale >= 90 && kept.scale <= 150 ? kept.scale : 100,
  };
}

const listeners = new Set<() => void>();
let current = readAppearance(globalThis.localStorage?.getItem(KEY) ?? null);
const systemDark = () => globalThis.matchMedia?.("(prefers-color-scheme: dark)").matches ?? false;

/** The colours in use. */
export function shownTheme(): "light" | "dark" {
  return current.theme === "system" ? (systemDark() ? "dark" : "light") : current.theme;
}

function apply(): void {
  const root = document.documentElement;
  root.dataset.theme = shownTheme();
  root.dataset.density = current.density;
  root.style.setProperty("zoom", current.scale === 100 ? "" : `${current.scale}%`);
  for (const listener of listeners) listener();
}

/** Applies what was kept and follows the system from now on. */
export function startAppearance(): void {
  globalThis.matchMedia?.("(prefers-color-scheme: dark)").addEventListener("change", apply);
  apply();
}

export function setAppearance(change: Partial<Appearance>): void {
  current = { ...current, ...change };
  localStorage.setItem(KEY, JSON.stringify(current));
  apply();
}

const subscribe = (listener: () => void) => {
  listeners.add(listener);
  return () => listeners.delete(listener);
};

export function useAppearance(): Appearance {
  return useSyncExternalStore(subscribe, () => current);
}

/** Changes when the colours do: canvases and charts draw again. */
export function useShownTheme(): "light" | "dark" {
  return useSyncExternalStore(subscribe, shownTheme);
}

/** Height of a table row in CSS pixels. */
export function useRowHeight(): number {
  const { density } = useAppearance();
  return { compact: 28, regular: 32, roomy: 40 }[density];
}
