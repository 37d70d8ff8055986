import type { CampaignState } from "@/api/gen/CampaignState";
import type { Tone } from "@/design";

/** Colour of a campaign's state, beside its word. */
export const CAMPAIGN_TONES: Record<CampaignState, Tone> = {
  draft: "neutral",
  scheduled: "info",
  recallable: "info",
  sending: "live",
  testing: "live",
  decided: "warn",
  paused: "warn",
  done: "ok",
  recalled: "neutral",
  stopped: "neutral",
};
