// What a campaign is to be, as it is being set up: pure, so that every rule of the form is one line here.
import type { AbTest } from "@/api/gen/AbTest";
import type { Campaign } from "@/api/gen/Campaign";
import type { CampaignPurpose } from "@/api/gen/CampaignPurpose";
import type { Measure } from "@/api/gen/Measure";
import type { Past } from "@/api/gen/Past";
import type { Variant } from "@/api/gen/Variant";

/** Variants of one test. */
export const MOST_VARIANTS = 8;

export type Edit =
  | { do: "name"; name: string }
  | { do: "segment"; segment: string }
  | { do: "exclude"; exclude: string[] }
  | { do: "purpose"; purpose: CampaignPurpose }
  | { do: "account"; account: string | null }
  | { do: "hold_out"; percent: number }
  | { do: "measure"; measure: Partial<Measure> }
  | { do: "variant"; at: number; variant: Partial<Variant> }
  | { do: "add_variant" }
  | { do: "remove_variant"; at: number }
  | { do: "test"; test: Partial<AbTest> }
  | { do: "when"; when: "now" | "at" | "at_local"; at: string }
  | { do: "past"; past: Past };

/** A campaign of which nothing is known but its name. */
export function blankCampaign(name: string): Campaign {
  return {
    name,
    segment: "",
    exclude: [],
    variants: [{ template: "", subject: null }],
    account: null,
    purpose: "marketing",
    when: { when: "now" },
    hold_out_percent: 0,
    measure: null,
    test: null,
  };
}

/** Two weeks: by then most who were moved to do something have done it. */
export const blankMeasure: Measure = { metric: "", window_days: 14 };

/** What a test begins with: a click of a person, seen for a day, on a fifth of the audience. */
export function blankTest(): AbTest {
  return {
    metric: "email_clicked",
    window_hours: 24,
    sample_percent: 20,
    base_rate: 0.03,
    minimum_effect: 0.3,
    ends_after_hours: 72,
    winner: "itself",
    undecided: "hand",
    rest_at: null,
  };
}

/** A window that is longer than the test would leave everybody uncounted. */
function sound(test: AbTest): AbTest {
  return test.ends_after_hours < test.window_hours ? { ...test, ends_after_hours: test.window_hours } : test;
}

export function edited(campaign: Campaign, edit: Edit): Campaign {
  switch (edit.do) {
    case "name":
      return { ...campaign, name: edit.name };
    case "segment":
      return { ...campaign, segment: edit.segment, exclude: campaign.exclude.filter((each) => each !== edit.segment) };
    case "exclude":
      return { ...campaign, exclude: edit.exclude.filter((each) => each !== campaign.segment) };
    case "purpose":
      return { ...campaign, purpose: edit.purpose };
    case "account":
      return { ...campaign, account: edit.account };
    case "hold_out":
      return { ...campaign, hold_out_percent: Math.min(50, Math.max(0, Math.trunc(edit.percent))) };
    case "measure": {
      const measure = { ...(campaign.measure ?? blankMeasure), ...edit.measure };
      return { ...campaign, measure: measure.metric.trim() === "" ? null : measure };
    }
    case "variant":
      return {
        ...campaign,
        variants: campaign.variants.map((each, at) => (at === edit.at ? { ...each, ...edit.variant } : each)),
      };
    case "add_variant": {
      if (campaign.variants.length >= MOST_VARIANTS) return campaign;
      const last = campaign.variants.at(-1);
      const variants = [...campaign.variants, { template: last?.template ?? "", subject: null }];
      return { ...campaign, variants, test: campaign.test ?? blankTest() };
    }
    case "remove_variant": {
      if (campaign.variants.length < 2) return campaign;
      const variants = campaign.variants.filter((_, at) => at !== edit.at);
      return { ...campaign, variants, test: variants.length > 1 ? campaign.test : null };
    }
    case "test":
      return campaign.test === null ? campaign : { ...campaign, test: sound({ ...campaign.test, ...edit.test }) };
    case "when": {
      if (edit.when === "now") return { ...campaign, when: { when: "now" } };
      if (edit.when === "at") return { ...campaign, when: { when: "at", at: edit.at } };
      const past = campaign.when.when === "at_local" ? campaign.when.past : "send_now";
      return { ...campaign, when: { when: "at_local", at: edit.at, past } };
    }
    case "past":
      return campaign.when.when === "at_local"
        ? { ...campaign, when: { ...campaign.when, past: edit.past } }
        : campaign;
  }
}

/** The letter a variant is called by. */
export const letter = (at: number): string => String.fromCharCode(65 + at);

/** A name that no other campaign has. */
export function freeName(wanted: string, taken: readonly string[]): string {
  if (!taken.includes(wanted)) return wanted;
  for (let n = 2; ; n++) if (!taken.includes(`${wanted} ${n}`)) return `${wanted} ${n}`;
}

/** The steps, in order. */
export const STEPS = ["who", "what", "when", "check"] as const;
export type StepName = (typeof STEPS)[number];

/** Steps that still lack something, so that nobody is sent to look for it at the end. */
export function unfinished(campaign: Campaign): StepName[] {
  const missing: StepName[] = [];
  if (campaign.name.trim() === "" || campaign.segment === "") missing.push("who");
  if (campaign.variants.some((each) => each.template === "")) missing.push("what");
  if (campaign.when.when !== "now" && campaign.when.at === "") missing.push("when");
  return missing;
}
