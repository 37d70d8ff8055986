/** Drawings for tests: from a short text, or random by a seed. Not part of the program. */
import type { Journey } from "../api/gen/Journey";
import type { Step } from "../api/gen/Step";
import { blankJourney, isEntry } from "./drawing";

/** Ports as `engine/src/steps` has them, enough for tests without a catalogue. */
export function portsOf(step: Step): readonly string[] {
  switch (step.kind) {
    case "if_else":
      return ["yes", "no"];
    case "wait_event":
    case "wait_response":
      return ["happened", "timed_out"];
    case "wait_date":
      return ["next", "none"];
    case "split":
    case "random": {
      const branches = step.settings?.branches;
      const ports = Array.isArray(branches) ? branches.map((branch: { port: string }) => branch.port) : [];
      return step.kind === "split" ? [...ports, "else"] : ports;
    }
    case "exit":
      return [];
    default:
      return ["next"];
  }
}

/** Reads `id:kind port=id port=id; ...`. */
export function drawingOf(text: string): Journey {
  const doc = blankJourney("test");
  for (const part of text.split(";")) {
    const [head = "", ...ports] = part.trim().split(/\s+/);
    const [id = "", kind = ""] = head.split(":");
    const next = Object.fromEntries(ports.map((port) => port.split("=") as [string, string]));
    doc.steps.push(Object.keys(next).length > 0 ? { id, kind, next } : { id, kind });
  }
  return doc;
}

/** A repeatable stream of numbers in [0, 1) (mulberry32). */
export function dice(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

const KINDS = ["wait", "send_email", "if_else", "wait_event", "split", "set_field", "goal", "exit", "entry_event"];

/** A random drawing of `count` steps with merges, open ports and (with `circles`) arrows that lead back. */
export function arbitrary(seed: number, count: number, circles = true): Journey {
  const roll = dice(seed);
  const doc = blankJourney(`random ${seed}`);
  for (let n = 1; n <= count; n += 1) {
    const kind = n === 1 ? "entry_segment" : (KINDS[Math.floor(roll() * KINDS.length)] ?? "wait");
    const step: Step = { id: `s${n}`, kind };
    if (kind === "split") {
      step.settings = { branches: [{ port: "a" }, { port: "b" }] };
    }
    doc.steps.push(step);
  }
  doc.steps.forEach((step, at) => {
    for (const port of portsOf(step)) {
      if (roll() < 0.12) continue;
      const low = circles && roll() < 0.08 ? 0 : at + 1;
      const target = doc.steps[low + Math.floor(roll() * Math.min(6, count - low))];
      if (!target || target.id === step.id || isEntry(target.kind)) continue;
      step.next = { ...step.next, [port]: target.id };
    }
  });
  return doc;
}
