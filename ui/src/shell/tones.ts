import type { JourneyState } from "@/api/gen/JourneyState";
import type { MessageState } from "@/api/gen/MessageState";
import type { Tone } from "@/design";

/** Colour of a message's state, beside its word. */
export const MESSAGE_TONES: Record<MessageState, Tone> = {
  queued: "neutral",
  claimed: "neutral",
  in_flight: "live",
  accepted: "ok",
  deferred: "info",
  bounced: "bad",
  unknown: "warn",
  suppressed: "neutral",
  expired: "neutral",
  cancelled: "neutral",
  frozen: "warn",
};

/** Colour of a journey's state, beside its word. */
export const JOURNEY_TONES: Record<JourneyState, Tone> = {
  draft: "neutral",
  live: "live",
  paused: "warn",
  draining: "info",
  stopped: "neutral",
};
