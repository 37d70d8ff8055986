/** How arrows run between cards: right angles with rounded corners, one lane each. Pure. */
import type { Journey } from "../../api/gen/Journey";
import type { Place } from "../../api/gen/Place";
import type { StepId } from "../../api/gen/StepId";
import { arrowKey, CARD, orderedPorts, type PortsOf } from "../drawing";
import type { Direction } from "../tidy";

/** An arrow as it is drawn. */
export type Route = {
  key: string;
  from: StepId;
  port: string;
  to: StepId;
  points: readonly Place[];
  /** Where a step can be put in: a place that no other arrow shares. */
  middle: Place;
  /** Where the name of the port is written. */
  label: Place;
  /** The label lies on a level part, where it has room to its sides. */
  level: boolean;
  left: number;
  top: number;
  right: number;
  bottom: number;
};

/** A port without an arrow: a short stub with a plus. */
export type Stub = { key: string; step: StepId; port: string; from: Place; to: Place };

/** Length of the stub of an open port. */
export const STUB = 26;
const CLEAR = 24;

/** Where the ports of a card are; `count` ports share the side evenly. */
export function portPlace(card: Place, at: number, count: number, direction: Direction): Place {
  const share = (at + 1) / (count + 1);
  return direction === "down"
    ? { x: card.x + CARD.width * share, y: card.y + CARD.height }
    : { x: card.x + CARD.width, y: card.y + CARD.height * share };
}

/** Where arrows come in. */
export function inletPlace(card: Place, direction: Direction): Place {
  return direction === "down" ? { x: card.x + CARD.width / 2, y: card.y } : { x: card.x, y: card.y + CARD.height / 2 };
}

/** Routes all arrows and stubs for cards at `places`. */
export function routesOf(
  doc: Journey,
  portsOf: PortsOf,
  places: ReadonlyMap<StepId, Place>,
  lanes: ReadonlyMap<string, number>,
  direction: Direction,
): { routes: Route[]; stubs: Stub[] } {
  const incoming = new Map<StepId, number>();
  for (const step of doc.steps) {
    for (const to of Object.values(step.next ?? {})) incoming.set(to, (incoming.get(to) ?? 0) + 1);
  }
  const routes: Route[] = [];
  const stubs: Stub[] = [];
  for (const step of doc.steps) {
    const card = places.get(step.id);
    if (!card) continue;
    const ports = orderedPorts(step, portsOf);
    ports.forEach((port, at) => {
      const start = portPlace(card, at, ports.length, direction);
      const key = arrowKey(step.id, port);
      const to = step.next?.[port];
      const target = to === undefined ? undefined : places.get(to);
      if (to === undefined || !target) {
        const end = direction === "down" ? { x: start.x, y: start.y + STUB } : { x: start.x + STUB, y: start.y };
        stubs.push({ key, step: step.id, port, from: start, to: end });
        return;
      }
      const merges = (incoming.get(to) ?? 0) > 1;
      const points = bend(start, inletPlace(target, direction), lanes.get(key), merges, direction);
      routes.push(finish({ key, from: step.id, port, to }, points, merges));
    });
  }
  return { routes, stubs };
}

function bend(from: Place, to: Place, lane: number | undefined, merges: boolean, direction: Direction): Place[] {
  if (direction === "right") {
    const turned = bend(swap(from), swap(to), lane, merges, "down");
    return turned.map(swap);
  }
  const points: Place[] = [from];
  const gap = to.y - from.y;
  if (gap < CLEAR) {
    const side = lane ?? Math.max(from.x, to.x) + CARD.width / 2 + 24;
    points.push({ x: from.x, y: from.y + CLEAR }, { x: side, y: from.y + CLEAR });
    points.push({ x: side, y: to.y - CLEAR }, { x: to.x, y: to.y - CLEAR });
  } else if (lane !== undefined && gap >= 2 * CLEAR) {
    points.push({ x: from.x, y: from.y + CLEAR }, { x: lane, y: from.y + CLEAR });
    points.push({ x: lane, y: to.y - CLEAR }, { x: to.x, y: to.y - CLEAR });
  } else {
    const turn = gap < 2 * CLEAR ? from.y + gap / 2 : merges ? to.y - CLEAR : from.y + CLEAR;
    points.push({ x: from.x, y: turn }, { x: to.x, y: turn });
  }
  points.push(to);
  return straightened(points);
}

/** Leaves out points in which nothing turns. */
function straightened(points: readonly Place[]): Place[] {
  const kept: Place[] = [];
  for (const point of points) {
    const last = kept[kept.length - 1];
    if (last && Math.abs(last.x - point.x) < 0.5 && Math.abs(last.y - point.y) < 0.5) continue;
    const before = kept[kept.length - 2];
    if (last && before) {
      const vertical = Math.abs(before.x - last.x) < 0.5 && Math.abs(last.x - point.x) < 0.5;
      const level = Math.abs(before.y - last.y) < 0.5 && Math.abs(last.y - point.y) < 0.5;
      if (vertical || level) kept.pop();
    }
    kept.push(point);
  }
  return kept;
}

function finish(
  arrow: { key: string; from: StepId; port: string; to: StepId },
  points: readonly Place[],
  merges: boolean,
): Route {
  let left = Infinity;
  let top = Infinity;
  let right = -Infinity;
  let bottom = -Infinity;
  let longest = -1;
  let middle = points[0] ?? { x: 0, y: 0 };
  points.forEach((point, at) => {
    left = Math.min(left, point.x);
    top = Math.min(top, point.y);
    right = Math.max(right, point.x);
    bottom = Math.max(bottom, point.y);
    const next = points[at + 1];
    if (!next) return;
    const length = Math.hypot(next.x - point.x, next.y - point.y);
    if (length <= longest) return;
    longest = length;
    middle = { x: (point.x + next.x) / 2, y: (point.y + next.y) / 2 };
  });
  const end = points[points.length - 1];
  const turn = points[points.length - 2];
  // Before a merge the last part is everybody's; elsewhere it is this arrow's own, and free of the label.
  if (!merges && end && turn) middle = { x: turn.x + (end.x - turn.x) * 0.62, y: turn.y + (end.y - turn.y) * 0.62 };
  const label = labelPlace(points);
  const level = points.length > 2 && points[0] !== undefined && label.x !== points[0].x && label.y !== points[0].y;
  return { ...arrow, points, middle, label, level, left, top, right, bottom };
}

/** The name of the port stands near its start: on the first part where that is long enough, else on the second. */
function labelPlace(points: readonly Place[]): Place {
  const [a, b, c] = points;
  if (!a || !b) return { x: 0, y: 0 };
  const first = Math.hypot(b.x - a.x, b.y - a.y);
  if (!c || first >= 40) return along(a, b, Math.min(24, first * 0.38));
  const level = Math.hypot(c.x - b.x, c.y - b.y);
  return level > 84 ? { x: (b.x + c.x) / 2, y: (b.y + c.y) / 2 } : along(a, b, 12);
}

function along(a: Place, b: Place, distance: number): Place {
  const length = Math.hypot(b.x - a.x, b.y - a.y) || 1;
  return { x: a.x + ((b.x - a.x) * distance) / length, y: a.y + ((b.y - a.y) * distance) / length };
}

function swap({ x, y }: Place): Place {
  return { x: y, y: x };
}

/** The route nearest to a point and its distance; `null` when none is within `reach`. */
export function nearestRoute(
  routes: readonly Route[],
  point: Place,
  reach: number,
): { route: Route; distance: number; at: Place } | null {
  let best: { route: Route; distance: number; at: Place } | null = null;
  for (const route of routes) {
    if (point.x < route.left - reach || point.x > route.right + reach) continue;
    if (point.y < route.top - reach || point.y > route.bottom + reach) continue;
    for (let n = 1; n < route.points.length; n += 1) {
      const at = nearestOn(route.points[n - 1] as Place, route.points[n] as Place, point);
      const distance = Math.hypot(at.x - point.x, at.y - point.y);
      if (distance <= reach && (best === null || distance < best.distance)) best = { route, distance, at };
    }
  }
  return best;
}

function nearestOn(a: Place, b: Place, point: Place): Place {
  const dx = b.x - a.x;
  const dy = b.y - a.y;
  const square = dx * dx + dy * dy;
  const share = square === 0 ? 0 : Math.max(0, Math.min(1, ((point.x - a.x) * dx + (point.y - a.y) * dy) / square));
  return { x: a.x + dx * share, y: a.y + dy * share };
}

/** Where a dragged step would go: onto an arrow or a stub within `reach`, else nowhere. */
export type Landing = { key: string; step: StepId; port: string; at: Place; distance: number; open: boolean };

export function landingAt(
  routes: readonly Route[],
  stubs: readonly Stub[],
  point: Place,
  reach: number,
  barred: ReadonlySet<StepId>,
): Landing | null {
  const allowed = routes.filter((route) => !barred.has(route.from) && !barred.has(route.to));
  const edge = nearestRoute(allowed, point, reach);
  let best: Landing | null = edge && {
    key: edge.route.key,
    step: edge.route.from,
    port: edge.route.port,
    at: edge.at,
    distance: edge.distance,
    open: false,
  };
  for (const stub of stubs) {
    if (barred.has(stub.step)) continue;
    const distance = Math.hypot(stub.to.x - point.x, stub.to.y - point.y);
    if (distance > reach || (best !== null && distance >= best.distance)) continue;
    best = { key: stub.key, step: stub.step, port: stub.port, at: stub.to, distance, open: true };
  }
  return best;
}
