/** Step kinds as the program describes them: palette, inspector and ports are made from this, never from a list here. */
import type { Group } from "@/api/gen/Group";
import type { Setting } from "@/api/gen/Setting";
import type { Step } from "@/api/gen/Step";
import type { StepKindFace } from "@/api/gen/StepKindFace";
import type { PortsOf } from "./drawing";

/** Groups of the palette, in their order. */
export const GROUPS: readonly Group[] = ["entries", "time", "decisions", "messages", "contact", "ends"];

/** A branch of a split, as the settings carry it. */
export type Branch = { port: string; name?: string; when?: string; percent?: number };

/** The catalogue with questions answered quickly. */
export type Catalogue = {
  faces: readonly StepKindFace[];
  of: (kind: string) => StepKindFace | undefined;
  portsOf: PortsOf;
};

export function catalogueOf(faces: readonly StepKindFace[]): Catalogue {
  const sorted = [...faces].sort(
    (a, b) => GROUPS.indexOf(a.group) - GROUPS.indexOf(b.group) || a.order - b.order || (a.kind < b.kind ? -1 : 1),
  );
  const known = new Map(sorted.map((face) => [face.kind, face]));
  return { faces: sorted, of: (kind) => known.get(kind), portsOf: (step) => portsOf(step, known.get(step.kind)) };
}

/** Ports of a step: its branches in order, then those of the kind. */
export function portsOf(step: Step, face: StepKindFace | undefined): readonly string[] {
  if (!face) return Object.keys(step.next ?? {});
  const branches = face.settings.find((setting) => setting.form === "branches");
  const own = branches ? branchesOf(step, branches.name).map((branch) => branch.port) : [];
  return [...own, ...face.ports.map((port) => port.name)];
}

/** The branches of a step; whatever else stands there counts as none. */
export function branchesOf(step: Step, setting = "branches"): Branch[] {
  const value = step.settings?.[setting];
  if (!Array.isArray(value)) return [];
  const branches: Branch[] = [];
  for (const one of value) {
    if (typeof one !== "object" || one === null || typeof (one as Branch).port !== "string") continue;
    if (branches.some((other) => other.port === (one as Branch).port)) continue;
    branches.push(one as Branch);
  }
  return branches;
}

/** Settings a new step of a kind starts with: required ones that have a sensible beginning. */
export function seedSettings(face: StepKindFace): Record<string, unknown> {
  const settings: Record<string, unknown> = {};
  for (const setting of face.settings) {
    if (!setting.required) continue;
    const start = startOf(setting);
    if (start !== undefined) settings[setting.name] = start;
  }
  return settings;
}

function startOf(setting: Setting): unknown {
  switch (setting.form) {
    case "duration":
      return { amount: setting.name === "timeout" ? 7 : 1, unit: "days" };
    case "choice":
      return setting.options?.[0];
    case "bool":
      return false;
    case "time":
      return setting.name === "to" || setting.name === "until" ? "17:00" : "09:00";
    case "days":
      return ["mon", "tue", "wed", "thu", "fri"];
    case "schedule":
      return { every: "week", days: ["mon"] };
    case "branches":
      return setting.options?.includes("percent")
        ? [
            { port: "a", name: "A", percent: 50 },
            { port: "b", name: "B", percent: 50 },
          ]
        : [{ port: "a", name: "A", when: "" }];
    default:
      return undefined;
  }
}

/** The first port letter that is free: `a` to `z`, then `b27`, `b28` ... */
export function freePort(branches: readonly Branch[]): string {
  const taken = new Set(branches.map((branch) => branch.port));
  for (let at = 0; ; at += 1) {
    const port = at < 26 ? String.fromCharCode(97 + at) : `b${at + 1}`;
    if (!taken.has(port)) return port;
  }
}
