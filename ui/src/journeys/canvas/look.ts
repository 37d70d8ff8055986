/** Colours of the canvas layer, from the same tokens as everything else. */
import { type ColorToken, colors } from "@/design/tokens";
import type { Family } from "../families";
import type { Look } from "./paint";

const FAMILIES: readonly Family[] = ["trigger", "message", "wait", "split", "data", "experiment", "goal", "exit"];

export function lookOf(theme: "light" | "dark"): Look {
  const colour = (token: ColorToken): string => colors[theme][token];
  const family = Object.fromEntries(FAMILIES.map((name) => [name, colour(`color-family-${name}`)]));
  return {
    app: colour("color-app"),
    surface: colour("color-surface"),
    line: colour("color-line-default"),
    lineStrong: theme === "light" ? "#b9bcc5" : "#4b4f58",
    ink1: colour("color-ink-1"),
    ink2: colour("color-ink-2"),
    ink3: colour("color-ink-3"),
    accent: colour("color-accent-solid"),
    live: colour("color-live"),
    bad: colour("color-bad"),
    warn: colour("color-warn"),
    selected: theme === "light" ? "#a9a8ee" : "#5a5da6",
    dot: theme === "light" ? "#dfe1e7" : "#26282e",
    family: family as Record<Family, string>,
  };
}
