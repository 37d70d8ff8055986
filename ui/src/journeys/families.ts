/** Families of steps: hue, and a left edge that tells them apart without colour (`field/ui.md` §6). */

export type Family = "trigger" | "message" | "wait" | "split" | "data" | "experiment" | "goal" | "exit";

/** Group of the palette to family; a kind may say otherwise below. */
const OF_GROUP: Record<string, Family> = {
  entry: "trigger",
  entries: "trigger",
  trigger: "trigger",
  wait: "wait",
  waits: "wait",
  branch: "split",
  branches: "split",
  split: "split",
  splits: "split",
  message: "message",
  messages: "message",
  data: "data",
  action: "data",
  actions: "data",
  goal: "goal",
  end: "exit",
  ends: "exit",
};

const OF_KIND: Record<string, Family> = {
  if_else: "split",
  split: "split",
  random: "experiment",
  send_email: "message",
  goal: "goal",
  exit: "exit",
};

/** The family of a kind, from its own name first, then from its group. Unknown kinds look like data. */
export function familyOf(kind: string, group?: string): Family {
  const own = OF_KIND[kind];
  if (own) return own;
  if (kind.startsWith("entry_")) return "trigger";
  if (kind.startsWith("wait")) return "wait";
  return (group !== undefined && OF_GROUP[group]) || "data";
}

/** The left edge of a card as an SVG path in a strip 12 wide and 84 high. */
export const EDGE: Record<Family, string> = {
  trigger: "M0 0H5V84H0V51L4 42L0 33Z",
  message: "M0 0H4V84H0Z",
  wait: [0, 13, 26, 39, 52, 65, 78].map((y) => `M0 ${y}H4V${y + 8}H0Z`).join(""),
  split: "M0 0H4V34L9 42L4 50V84H0Z",
  data: "M0 0H2.5V84H0ZM4.5 0H7V84H4.5Z",
  experiment: [-6, 10, 26, 42, 58, 74].map((y) => `M0 ${y + 8}L6 ${y}V${y + 9}L0 ${y + 17}Z`).join(""),
  goal: "M0 0H4V14L12 20L4 26V84H0Z",
  exit: "M0 0H2V84H0Z",
};
