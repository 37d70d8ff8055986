import { expect, test } from "vitest";
import type { WorldSettings } from "@/api/gen/WorldSettings";
import { deliveryWord, draftErrors, qualityWord, shares, sum, toDraft, toSettings, usualShares } from "./draft";

const USUAL: WorldSettings = {
  on: true,
  seed: 1,
  list_quality: 0.7,
  deliverability: 0.95,
  season: { kind: "steady" },
  mix: null,
};
const MIX = { eager: 20, busy: 30, silent: 30, annoyed: 10, bot: 5, gone_away: 5 };

test("settings that nobody changed are saved as they were", () => {
  const months = [85, 80, 90, 95, 95, 90, 75, 75, 95, 105, 135, 160] as const;
  for (const settings of [
    USUAL,
    { ...USUAL, on: false, season: { kind: "retail" } as const },
    { ...USUAL, season: { kind: "months" as const, per_cent: [...months] as never }, mix: MIX },
  ]) {
    const draft = toDraft(settings);
    expect(draftErrors(draft)).toEqual({});
    expect(toSettings(draft)).toEqual(settings);
  }
});

test("weights of any size become whole shares that make 100", () => {
  for (const weights of [
    { eager: 1, busy: 1, silent: 1, annoyed: 0, bot: 0, gone_away: 0 },
    { eager: 10_000, busy: 3, silent: 7, annoyed: 9999, bot: 1, gone_away: 0 },
    { eager: 0, busy: 0, silent: 0, annoyed: 0, bot: 1, gone_away: 0 },
  ]) {
    expect(sum(shares(weights))).toBe(100);
  }
  expect(shares({ eager: 1, busy: 1, silent: 2, annoyed: 0, bot: 0, gone_away: 0 })).toMatchObject({
    eager: 25,
    busy: 25,
    silent: 50,
  });
});

test("a better list has more eager people and fewer who left or mind", () => {
  const [bought, confirmed] = [usualShares(0), usualShares(1)];
  expect(sum(bought)).toBe(100);
  expect(confirmed.eager).toBeGreaterThan(bought.eager);
  expect(confirmed.annoyed).toBeLessThan(bought.annoyed);
  expect(confirmed.gone_away).toBeLessThan(bought.gone_away);
});

test("what cannot be saved is named by its field", () => {
  const draft = toDraft({ ...USUAL, mix: MIX });
  expect(draftErrors({ ...draft, shares: { ...MIX, eager: 21 } })).toEqual({
    mix: "The six shares make 101 per cent. They have to make 100.",
  });
  // Shares that are not used may be what they are.
  expect(draftErrors({ ...draft, own_mix: false, shares: { ...MIX, eager: 21 } })).toEqual({});
  expect(Object.keys(draftErrors({ ...draft, seed: undefined }))).toEqual(["seed"]);
  expect(Object.keys(draftErrors({ ...draft, seed: 2 ** 53 }))).toEqual(["seed"]);
  const months = draft.months.with(11, 1001);
  expect(Object.keys(draftErrors({ ...draft, season: "months", months }))).toEqual(["season"]);
  expect(Object.keys(draftErrors({ ...draft, season: "months", months: months.with(11, undefined) }))).toEqual([
    "season",
  ]);
  expect(draftErrors({ ...draft, season: "retail", months })).toEqual({});
});

test("a share is told as what it means, from the worst to the best", () => {
  expect([0, 0.3, 0.7, 1].map(qualityWord)).toEqual(["bought", "mixed", "fair", "confirmed"]);
  expect([0, 0.4, 0.7, 0.95].map(deliveryWord)).toEqual(["bad", "poor", "good", "best"]);
});
