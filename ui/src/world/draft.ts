// The settings of the world as they stand in their form: whole per cents, and what is typed may be wrong for a while.
import { personas } from "@assets/rules/mail_world.json";
import type { WorldMix } from "@/api/gen/WorldMix";
import type { WorldPersona } from "@/api/gen/WorldPersona";
import type { WorldSeason } from "@/api/gen/WorldSeason";
import type { WorldSettings } from "@/api/gen/WorldSettings";
import { t } from "@/i18n";
import { PERSONAS } from "./answers";

export const SEED_MAX = Number.MAX_SAFE_INTEGER;
export const MONTH_MAX = 1000;

export type SeasonKind = WorldSeason["kind"];
type Months = Extract<WorldSeason, { kind: "months" }>["per_cent"];
export type Shares = Record<WorldPersona, number>;

export interface Draft {
  on: boolean;
  seed: number | undefined;
  list_quality: number;
  deliverability: number;
  season: SeasonKind;
  /** January to December, kept while another season is chosen. */
  months: (number | undefined)[];
  own_mix: boolean;
  /** Per cent of all people, kept while the list's own mix is chosen. */
  shares: Shares;
}

/** Weights as whole per cents that make 100 together: what is left over goes where most was cut off. */
export function shares(weights: WorldMix): Shares {
  const all = PERSONAS.reduce((sum, persona) => sum + weights[persona], 0);
  const exact = PERSONAS.map((persona) => ({ persona, share: all === 0 ? 0 : (weights[persona] * 100) / all }));
  const found = Object.fromEntries(exact.map(({ persona, share }) => [persona, Math.floor(share)])) as Shares;
  const left = all === 0 ? 0 : 100 - sum(found);
  const cut = exact.toSorted((one, other) => (other.share % 1) - (one.share % 1));
  for (const { persona } of cut.slice(0, left)) found[persona] += 1;
  return found;
}

export const sum = (of: Shares): number => PERSONAS.reduce((total, persona) => total + of[persona], 0);

/** Who is on a list of this quality, as the rules of the world have it. */
export function usualShares(quality: number): Shares {
  const weight = (persona: WorldPersona) => personas[persona].worst * (1 - quality) + personas[persona].best * quality;
  return shares(Object.fromEntries(PERSONAS.map((persona) => [persona, weight(persona)])) as Shares);
}

export function toDraft(settings: WorldSettings): Draft {
  const { on, seed, list_quality, deliverability, season, mix } = settings;
  return {
    on,
    seed,
    list_quality,
    deliverability,
    season: season.kind,
    months: season.kind === "months" ? [...season.per_cent] : Array.from({ length: 12 }, () => 100),
    own_mix: mix !== null,
    shares: mix === null ? usualShares(list_quality) : shares(mix),
  };
}

export type DraftErrors = Partial<Record<keyof WorldSettings, string>>;

/** What is wrong with a draft, by field; nothing where it can be saved. */
export function draftErrors(draft: Draft): DraftErrors {
  const errors: DraftErrors = {};
  const { seed } = draft;
  if (seed === undefined || !Number.isInteger(seed) || seed < 0 || seed > SEED_MAX)
    errors.seed = t("world.settings.seed_error", { max: SEED_MAX });
  const wrong = (month: number | undefined) => month === undefined || month < 0 || month > MONTH_MAX;
  if (draft.season === "months" && draft.months.some(wrong))
    errors.season = t("world.settings.month_error", { max: MONTH_MAX });
  if (draft.own_mix && sum(draft.shares) !== 100) errors.mix = t("world.settings.sum_error", { n: sum(draft.shares) });
  return errors;
}

/** The settings a draft without errors stands for. */
export function toSettings(draft: Draft): WorldSettings {
  const { on, list_quality, deliverability } = draft;
  return {
    on,
    seed: draft.seed ?? 0,
    list_quality,
    deliverability,
    season:
      draft.season === "months"
        ? { kind: "months", per_cent: draft.months.map((month) => month ?? 0) as Months }
        : { kind: draft.season },
    mix: draft.own_mix ? draft.shares : null,
  };
}

/** What the quality of a list means, as the word of its sentence. */
export function qualityWord(quality: number): "bought" | "mixed" | "fair" | "confirmed" {
  if (quality < 0.25) return "bought";
  if (quality < 0.55) return "mixed";
  return quality < 0.9 ? "fair" : "confirmed";
}

/** What a deliverability means. Below 60 per cent mail servers begin to refuse the sender. */
export function deliveryWord(deliverability: number): "bad" | "poor" | "good" | "best" {
  if (deliverability < 0.25) return "bad";
  if (deliverability < 0.6) return "poor";
  return deliverability < 0.9 ? "good" : "best";
}
