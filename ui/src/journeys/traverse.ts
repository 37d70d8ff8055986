/** Where the arrow keys lead. Pure: first along the arrows of the drawing, then to the nearest card that way. */
import type { Journey } from "../api/gen/Journey";
import type { Place } from "../api/gen/Place";
import type { Problem } from "../api/gen/Problem";
import type { StepId } from "../api/gen/StepId";
import { orderedPorts, type PortsOf, stepOf } from "./drawing";
import type { Direction } from "./tidy";

export type Way = "onward" | "back" | "before" | "after";

/** What an arrow key means in a drawing that runs down or to the right. */
export function wayOf(key: string, direction: Direction): Way | null {
  const down: Record<string, Way> = { ArrowDown: "onward", ArrowUp: "back", ArrowLeft: "before", ArrowRight: "after" };
  const right: Record<string, Way> = { ArrowRight: "onward", ArrowLeft: "back", ArrowUp: "before", ArrowDown: "after" };
  return (direction === "down" ? down : right)[key] ?? null;
}

/** The neighbour of a step, or itself where there is none. */
export function neighbour(
  doc: Journey,
  portsOf: PortsOf,
  places: ReadonlyMap<StepId, Place>,
  direction: Direction,
  from: StepId,
  way: Way,
): StepId {
  const step = stepOf(doc, from);
  const here = places.get(from);
  if (!step || !here) return from;
  if (way === "onward") {
    for (const port of orderedPorts(step, portsOf)) {
      const to = step.next?.[port];
      if (to !== undefined && places.has(to)) return to;
    }
    return from;
  }
  if (way === "back") {
    const sources = doc.steps.filter((one) => Object.values(one.next ?? {}).includes(from));
    return (
      nearest(
        sources.map((one) => one.id),
        places,
        here,
      ) ?? from
    );
  }
  const along = (at: Place) => (direction === "down" ? at.y : at.x);
  const across = (at: Place) => (direction === "down" ? at.x : at.y);
  const sign = way === "after" ? 1 : -1;
  const beside = doc.steps
    .map((one) => one.id)
    .filter((id) => {
      const at = places.get(id);
      return at !== undefined && id !== from && (across(at) - across(here)) * sign > 1;
    });
  const level = beside.filter((id) => Math.abs(along(places.get(id) as Place) - along(here)) < 60);
  return nearest(level.length > 0 ? level : beside, places, here) ?? from;
}

function nearest(ids: readonly StepId[], places: ReadonlyMap<StepId, Place>, here: Place): StepId | undefined {
  let best: StepId | undefined;
  let least = Infinity;
  for (const id of ids) {
    const at = places.get(id);
    if (!at) continue;
    const distance = Math.hypot(at.x - here.x, at.y - here.y);
    if (distance < least) {
      least = distance;
      best = id;
    }
  }
  return best;
}

/** Steps as people read them: from top to bottom, then across (or the other way for a drawing to the right). */
export function readingOrder(places: ReadonlyMap<StepId, Place>, direction: Direction): StepId[] {
  return [...places.entries()]
    .sort(([, a], [, b]) => (direction === "down" ? a.y - b.y || a.x - b.x : a.x - b.x || a.y - b.y))
    .map(([id]) => id);
}

/** The next problem after the step the cursor is at, errors first, round and round. */
export function nextProblem(
  problems: readonly Problem[],
  order: readonly StepId[],
  cursor: StepId | null,
): Problem | null {
  const placed = problems
    .filter((problem) => problem.step !== null && order.includes(problem.step))
    .sort((a, b) => rank(a) - rank(b) || order.indexOf(a.step as StepId) - order.indexOf(b.step as StepId));
  const steps = [...new Set(placed.map((problem) => problem.step))];
  if (steps.length === 0) return problems[0] ?? null;
  const at = steps.indexOf(cursor);
  const next = steps[(at + 1) % steps.length];
  return placed.find((problem) => problem.step === next) ?? null;
}

const rank = (problem: Problem) => (problem.severity === "error" ? 0 : 1);
