/** Words and questions about a drawing. Pure; the operations are in `document.ts`. */
import type { Journey } from "../api/gen/Journey";
import type { Place } from "../api/gen/Place";
import type { Step } from "../api/gen/Step";
import type { StepId } from "../api/gen/StepId";

/** Size of a card on the canvas, in canvas pixels (`field/ui.md` §6). */
export const CARD = { width: 220, height: 84 } as const;

/** The value of `Journey.format`, as in `carillon-model`. */
export const JOURNEY_FORMAT = "carillon/journey/1";

/** Names the ports of a step in reading order: the settings decide for splits and goals. */
export type PortsOf = (step: Step) => readonly string[];

/** An arrow of the drawing. */
export type Arrow = { from: StepId; port: string; to: StepId };

/** One end of an arrow that may not exist yet. */
export type Port = { step: StepId; port: string };

/** A stable name for an arrow, for maps and hit tests. */
export function arrowKey(from: StepId, port: string): string {
  return `${from}\u0000${port}`;
}

/** An empty drawing. */
export function blankJourney(name: string): Journey {
  return { format: JOURNEY_FORMAT, name, re_entry: { policy: "never" }, steps: [] };
}

export function stepOf(doc: Journey, id: StepId): Step | undefined {
  return doc.steps.find((step) => step.id === id);
}

/** True for the kinds through which people come in: nothing may lead to them. */
export function isEntry(kind: string): boolean {
  return kind.startsWith("entry_");
}

/** Arrows that lead to steps which exist, ports in reading order, steps in the order of the document. */
export function arrowsOf(doc: Journey, portsOf: PortsOf): Arrow[] {
  const known = new Set(doc.steps.map((step) => step.id));
  const arrows: Arrow[] = [];
  for (const step of doc.steps) {
    for (const port of orderedPorts(step, portsOf)) {
      const to = step.next?.[port];
      if (to !== undefined && known.has(to)) arrows.push({ from: step.id, port, to });
    }
  }
  return arrows;
}

/** The ports a step has, then those only its arrows name (a file may know more than this program). */
export function orderedPorts(step: Step, portsOf: PortsOf): string[] {
  const ports = [...portsOf(step)];
  for (const port of Object.keys(step.next ?? {})) {
    if (!ports.includes(port)) ports.push(port);
  }
  return ports;
}

/** True while nobody has placed a box by hand: the drawing keeps itself tidy. */
export function isTidy(doc: Journey): boolean {
  return doc.layout === undefined || Object.keys(doc.layout).length === 0;
}

/** Steps that can be reached from `start`, itself included. */
export function downstream(doc: Journey, start: StepId): Set<StepId> {
  return reach(start, (id) => Object.values(stepOf(doc, id)?.next ?? {}));
}

/** Steps from which `start` can be reached, itself included. */
export function upstream(doc: Journey, start: StepId): Set<StepId> {
  const into = new Map<StepId, StepId[]>();
  for (const step of doc.steps) {
    for (const to of Object.values(step.next ?? {})) {
      into.set(to, [...(into.get(to) ?? []), step.id]);
    }
  }
  return reach(start, (id) => into.get(id) ?? []);
}

function reach(start: StepId, following: (id: StepId) => readonly StepId[]): Set<StepId> {
  const seen = new Set<StepId>([start]);
  const open = [start];
  for (let id = open.pop(); id !== undefined; id = open.pop()) {
    for (const to of following(id)) {
      if (seen.has(to)) continue;
      seen.add(to);
      open.push(to);
    }
  }
  return seen;
}

/** Why an arrow may not be drawn; `null` when it may. */
export function refusal(doc: Journey, from: StepId, to: StepId): "same" | "entry" | "unknown" | null {
  if (from === to) return "same";
  const target = stepOf(doc, to);
  if (target === undefined || stepOf(doc, from) === undefined) return "unknown";
  return isEntry(target.kind) ? "entry" : null;
}

/** The number behind the highest `s<number>` id, 0 without one. */
export function highestStepNumber(ids: Iterable<StepId>): number {
  let highest = 0;
  for (const id of ids) {
    const number = /^s(\d{1,9})$/.exec(id)?.[1];
    if (number !== undefined) highest = Math.max(highest, Number(number));
  }
  return highest;
}

/** The same graph, whatever the layout says: what a version is made of. */
export function graphOf(doc: Journey): Journey {
  const { layout: _, ...graph } = doc;
  return { ...graph, steps: [...doc.steps].sort((a, b) => (a.id < b.id ? -1 : a.id > b.id ? 1 : 0)) };
}

/** Where a rectangle lies on the canvas. */
export type Box = { x: number; y: number; width: number; height: number };

/** The smallest box around all cards, `null` without any. */
export function extent(places: Iterable<Place>): Box | null {
  let left = Infinity;
  let top = Infinity;
  let right = -Infinity;
  let bottom = -Infinity;
  for (const { x, y } of places) {
    left = Math.min(left, x);
    top = Math.min(top, y);
    right = Math.max(right, x + CARD.width);
    bottom = Math.max(bottom, y + CARD.height);
  }
  return left === Infinity ? null : { x: left, y: top, width: right - left, height: bottom - top };
}
