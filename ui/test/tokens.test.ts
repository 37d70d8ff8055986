// @vitest-environment node
import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { type ColorToken, colors } from "@/design/tokens";
import { generate } from "../scripts/tokens.mjs";

/** WCAG 2.2 relative luminance of `#rrggbb`. */
function luminance(hex: string): number {
  const channel = (at: number) => {
    const c = Number.parseInt(hex.slice(at, at + 2), 16) / 255;
    return c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4;
  };
  return 0.2126 * channel(1) + 0.7152 * channel(3) + 0.0722 * channel(5);
}

function contrast(one: string, other: string): number {
  const [high, low] = [luminance(one), luminance(other)].sort((a, b) => b - a) as [number, number];
  return (high + 0.05) / (low + 0.05);
}

const GROUNDS: ColorToken[] = ["color-app", "color-surface", "color-sunken", "color-hover", "color-selected"];
const TEXTS: [ColorToken, number][] = [
  ["color-ink-1", 7],
  ["color-ink-2", 4.5],
  ["color-ink-3", 4.5],
  ["color-ok", 4.5],
  ["color-warn", 4.5],
  ["color-bad", 4.5],
  ["color-info", 4.5],
  ["color-accent-text", 4.5],
];
const EDGES: [ColorToken, number][] = [
  ["color-line-control", 3],
  ["color-focus", 3],
  ["color-live", 3],
];

test("black on white is 21 to 1", () => {
  expect(contrast("#000000", "#ffffff")).toBeCloseTo(21, 5);
});

describe.each(["light", "dark"] as const)("in the %s", (theme) => {
  const palette = colors[theme];
  test.each(TEXTS.flatMap(([text, least]) => GROUNDS.map((ground) => [text, ground, least] as const)))(
    "%s on %s is at least %s to 1",
    (text, ground, least) => {
      expect(contrast(palette[text], palette[ground])).toBeGreaterThanOrEqual(least);
    },
  );

  test.each(EDGES.flatMap(([edge, least]) => GROUNDS.map((ground) => [edge, ground, least] as const)))(
    "%s on %s is at least %s to 1",
    (edge, ground, least) => {
      expect(contrast(palette[edge], palette[ground])).toBeGreaterThanOrEqual(least);
    },
  );

  test.each(["color-accent-solid", "color-accent-hover"] as const)("white on %s can be read", (ground) => {
    expect(contrast(palette["color-on-accent"], palette[ground])).toBeGreaterThanOrEqual(4.5);
  });

  test.each([1, 2, 3, 4, 5, 6] as const)("chart colour %s stands out from a card", (n) => {
    expect(contrast(palette[`color-chart-${n}`], palette["color-surface"])).toBeGreaterThanOrEqual(3);
  });

  test.each((Object.keys(palette) as ColorToken[]).filter((name) => name.startsWith("color-family-")))(
    "%s stands out from a card",
    (name) => {
      expect(contrast(palette[name], palette["color-surface"])).toBeGreaterThanOrEqual(3);
    },
  );
});

test.each(["tokens.css", "tokens.ts"] as const)("%s is what tokens.json says", (name) => {
  expect(readFileSync(new URL(`../src/design/${name}`, import.meta.url), "utf8")).toBe(generate()[name]);
});
