/**
 * The tidy layout: layers by the longest way from an entry, branches side by side in the order of their ports, a
 * merge under the middle of what leads to it. Pure and deterministic; the same graph always looks the same.
 *
 * A step hangs in a tree below the last step through which every way to it leads (its dominator), so a branch keeps
 * its own columns. An arrow that leads out of its branch to a merge keeps a narrow lane of its own down to it.
 */
import type { Journey } from "../api/gen/Journey";
import type { Place } from "../api/gen/Place";
import type { StepId } from "../api/gen/StepId";
import { arrowKey, arrowsOf, CARD, isEntry, isTidy, type PortsOf } from "./drawing";

export type Direction = "down" | "right";

/** Where the cards stand, and the lane (its x when drawn downwards, else its y) of arrows that need one. */
export type Tidy = { places: Map<StepId, Place>; lanes: Map<string, number> };

const GAP = { down: { layer: 64, side: 32 }, right: { layer: 84, side: 28 } } as const;
const LANE = 28;

type Edge = { key: string; from: number; to: number };

/** A subtree's outline: for each layer below its top, the spans that are taken, left to right, relative to its node. */
type Shape = { top: number; rows: Array<Array<[number, number]>>; shift: number };

/** A member of the tree: a step, or the lane of an arrow down to a merge, which is free again from layer `until`. */
type Member = {
  rank: number;
  until: number;
  width: number;
  dx: number;
  parent: number;
  branches: number[];
  merges: number[];
};

/** Lays a drawing out. Time and memory grow with steps and arrows, times the height of branches side by side. */
export function tidy(doc: Journey, portsOf: PortsOf, direction: Direction): Tidy {
  const index = new Map(doc.steps.map((step, at) => [step.id, at]));
  const edges: Edge[] = arrowsOf(doc, portsOf).map(({ from, port, to }) => ({
    key: arrowKey(from, port),
    from: index.get(from) ?? 0,
    to: index.get(to) ?? 0,
  }));
  const count = doc.steps.length;
  const { order, forward, roots } = topology(
    count,
    edges,
    doc.steps.map((step) => isEntry(step.kind)),
  );
  const size = direction === "down" ? CARD.width : CARD.height;
  const { members, lanes } = plant(count, order, forward, roots, size);
  spread(members, order, forward, lanes, GAP[direction].side);
  const across = positions(members);
  const places = new Map<StepId, Place>();
  const pitch = (direction === "down" ? CARD.height : CARD.width) + GAP[direction].layer;
  doc.steps.forEach((step, at) => {
    const side = Math.round((across[at] ?? 0) - size / 2);
    const along = (members[at]?.rank ?? 0) * pitch;
    places.set(step.id, direction === "down" ? { x: side, y: along } : { x: along, y: side });
  });
  return { places, lanes: new Map([...lanes].map(([key, at]) => [key, Math.round(across[at] ?? 0)])) };
}

/** Places of all steps: tidy, or as the document says with a spot found for those it does not name. */
export function placesOf(doc: Journey, portsOf: PortsOf, direction: Direction): Tidy {
  const neat = tidy(doc, portsOf, direction);
  if (isTidy(doc)) return neat;
  const places = new Map<StepId, Place>();
  let floor = Number.NEGATIVE_INFINITY;
  for (const step of doc.steps) {
    const at = doc.layout?.[step.id];
    if (!at || !Number.isFinite(at.x) || !Number.isFinite(at.y)) continue;
    places.set(step.id, at);
    floor = Math.max(floor, at.y);
  }
  let column = 0;
  for (const step of doc.steps) {
    if (places.has(step.id)) continue;
    const below = Number.isFinite(floor) ? floor + CARD.height + GAP.down.layer : 0;
    places.set(step.id, { x: column * (CARD.width + GAP.down.side), y: below });
    column += 1;
  }
  return { places, lanes: new Map() };
}

/** An order in which every arrow that does not close a circle leads onward, and those arrows. */
function topology(count: number, edges: readonly Edge[], entry: readonly boolean[]) {
  const out: Edge[][] = Array.from({ length: count }, () => []);
  const incoming = new Array<number>(count).fill(0);
  for (const edge of edges) {
    out[edge.from]?.push(edge);
    incoming[edge.to] = (incoming[edge.to] ?? 0) + 1;
  }
  const starts = [...Array(count).keys()].sort((a, b) => rankOfStart(a) - rankOfStart(b) || a - b);
  function rankOfStart(at: number): number {
    return entry[at] ? 0 : (incoming[at] ?? 0) === 0 ? 1 : 2;
  }
  const state = new Uint8Array(count);
  const roots: number[] = [];
  const closing = new Set<string>();
  const finished: number[] = [];
  for (const start of starts) {
    if (state[start] !== 0) continue;
    roots.push(start);
    const stack: Array<[number, number]> = [[start, 0]];
    state[start] = 1;
    while (stack.length > 0) {
      const top = stack[stack.length - 1] as [number, number];
      const edge = out[top[0]]?.[top[1]];
      if (!edge) {
        state[top[0]] = 2;
        finished.push(top[0]);
        stack.pop();
        continue;
      }
      top[1] += 1;
      if (state[edge.to] === 1) closing.add(edge.key);
      else if (state[edge.to] === 0) {
        state[edge.to] = 1;
        stack.push([edge.to, 0]);
      }
    }
  }
  return { order: finished.reverse(), forward: edges.filter((edge) => !closing.has(edge.key)), roots };
}

/** Builds the tree: the root (last member) holds the starts; lanes follow the steps. */
function plant(
  count: number,
  order: readonly number[],
  forward: readonly Edge[],
  roots: readonly number[],
  size: number,
) {
  const into: Edge[][] = Array.from({ length: count }, () => []);
  const out: Edge[][] = Array.from({ length: count }, () => []);
  for (const edge of forward) {
    into[edge.to]?.push(edge);
    out[edge.from]?.push(edge);
  }
  const root = count;
  const blank = (rank: number, width: number, parent: number): Member => ({
    rank,
    until: rank + 1,
    width,
    dx: 0,
    parent,
    branches: [],
    merges: [],
  });
  const members: Member[] = Array.from({ length: count }, () => blank(0, size, root));
  members.push(blank(-1, 0, root));
  const depth = new Array<number>(count + 1).fill(0);
  const meet = (a: number, b: number): number => {
    let [left, right] = [a, b];
    while (left !== right) {
      if ((depth[left] ?? 0) >= (depth[right] ?? 0)) left = members[left]?.parent ?? root;
      else right = members[right]?.parent ?? root;
    }
    return left;
  };
  for (const at of order) {
    const member = members[at] as Member;
    const sources = into[at] ?? [];
    member.rank = sources.reduce((rank, edge) => Math.max(rank, (members[edge.from]?.rank ?? 0) + 1), 0);
    if (sources.length > 0) member.parent = sources.map((edge) => edge.from).reduce(meet);
    depth[at] = (depth[member.parent] ?? 0) + 1;
  }
  const lanes = new Map<string, number>();
  for (const at of roots) members[root]?.branches.push(at);
  for (const at of order) {
    const member = members[at] as Member;
    for (const edge of out[at] ?? []) {
      const target = members[edge.to] as Member;
      const only = (into[edge.to] ?? []).length === 1;
      if (only) {
        member.branches.push(edge.to);
        continue;
      }
      if (target.rank - member.rank <= 1) continue;
      lanes.set(edge.key, members.length);
      member.branches.push(members.length);
      members.push({ ...blank(member.rank + 1, LANE, at), until: target.rank });
    }
    if ((into[at] ?? []).length > 1) members[member.parent]?.merges.push(at);
  }
  for (const member of members) member.merges.sort((a, b) => (members[a]?.rank ?? 0) - (members[b]?.rank ?? 0));
  return { members, lanes };
}

/** Gives every member its distance from its parent, deepest first. */
function spread(
  members: Member[],
  order: readonly number[],
  forward: readonly Edge[],
  lanes: ReadonlyMap<string, number>,
  gap: number,
): void {
  const root = order.length;
  const sources = new Map<number, number[]>();
  for (const edge of forward) {
    const above = lanes.get(edge.key) ?? edge.from;
    sources.set(edge.to, [...(sources.get(edge.to) ?? []), above]);
  }
  const shapes = new Map<number, Shape>();
  for (let at = root + 1; at < members.length; at += 1) {
    const lane = members[at] as Member;
    const rows = lane.until - lane.rank;
    const span = (): Array<[number, number]> => [[-lane.width / 2, lane.width / 2]];
    shapes.set(at, { top: lane.rank, rows: Array.from({ length: rows }, span), shift: 0 });
  }
  for (const at of [...order].reverse().concat(root)) {
    const member = members[at] as Member;
    const body = pack(member, members, shapes, gap);
    for (const merge of member.merges) {
      const from = sources.get(merge) ?? [];
      const wish = from.reduce((sum, one) => sum + offset(members, one, at), 0) / Math.max(1, from.length);
      const shape = shapes.get(merge) as Shape;
      const dx = nearestFree(body, shape, wish, gap);
      (members[merge] as Member).dx = dx;
      unite(body, shape, dx);
      shapes.delete(merge);
    }
    if (at === root) return;
    const half = member.width / 2;
    // The top row belongs to the member itself; rows between it and a merge further down stay open.
    while (body.top > member.rank + 1) {
      body.rows.push([]);
      body.top -= 1;
    }
    body.rows.push([[-half - body.shift, half - body.shift]]);
    body.top = member.rank;
    shapes.set(at, body);
  }
}

/** Rows are kept deepest first, so that a chain grows by a push and shares one array all the way up. */
function row(shape: Shape, rank: number): Array<[number, number]> | undefined {
  return shape.rows[shape.rows.length - 1 - (rank - shape.top)];
}

/** Puts the branches of a member side by side and the member above their middle. */
function pack(member: Member, members: Member[], shapes: Map<number, Shape>, gap: number): Shape {
  const first = member.branches[0];
  if (first === undefined) return { top: member.rank + 1, rows: [], shift: 0 };
  const body = shapes.get(first) as Shape;
  shapes.delete(first);
  (members[first] as Member).dx = 0;
  for (const branch of member.branches.slice(1)) {
    const shape = shapes.get(branch) as Shape;
    shapes.delete(branch);
    let dx = 0;
    for (let rank = shape.top; rank < shape.top + shape.rows.length; rank += 1) {
      const right = row(body, rank)?.at(-1)?.[1];
      const left = row(shape, rank)?.[0]?.[0];
      if (right !== undefined && left !== undefined) {
        dx = Math.max(dx, right + body.shift + gap - (left + shape.shift));
      }
    }
    (members[branch] as Member).dx = dx;
    unite(body, shape, dx);
  }
  const last = member.branches[member.branches.length - 1] as number;
  const middle = ((members[first] as Member).dx + (members[last] as Member).dx) / 2;
  for (const branch of member.branches) (members[branch] as Member).dx -= middle;
  body.shift -= middle;
  return body;
}

/** Adds the spans of `part`, moved by `dx`, to `body`. */
function unite(body: Shape, part: Shape, dx: number): void {
  for (let rank = part.top; rank < part.top + part.rows.length; rank += 1) {
    while (rank >= body.top + body.rows.length) body.rows.unshift([]);
    while (rank < body.top) {
      body.rows.push([]);
      body.top -= 1;
    }
    const target = row(body, rank) as Array<[number, number]>;
    const move = part.shift + dx - body.shift;
    for (const [left, right] of row(part, rank) ?? []) target.push([left + move, right + move]);
    target.sort((a, b) => a[0] - b[0]);
  }
}

/** The place nearest to `wish` at which `part` touches nothing of `body`. */
function nearestFree(body: Shape, part: Shape, wish: number, gap: number): number {
  const barred: Array<[number, number]> = [];
  for (let rank = part.top; rank < part.top + part.rows.length; rank += 1) {
    for (const [left, right] of row(body, rank) ?? []) {
      for (const [from, to] of row(part, rank) ?? []) {
        barred.push([left + body.shift - gap - (to + part.shift), right + body.shift + gap - (from + part.shift)]);
      }
    }
  }
  barred.sort((a, b) => a[0] - b[0]);
  let low = wish;
  let high = wish;
  for (const [from, to] of barred) if (high > from && high < to) high = to;
  for (const [from, to] of barred.sort((a, b) => b[1] - a[1])) if (low > from && low < to) low = from;
  return high - wish <= wish - low ? high : low;
}

/** How far `member` stands from its ancestor `from`. */
function offset(members: readonly Member[], member: number, from: number): number {
  let sum = 0;
  for (let at = member; at !== from; at = (members[at] as Member).parent) {
    sum += (members[at] as Member).dx;
    if ((members[at] as Member).parent === at) break;
  }
  return sum;
}

/** Absolute positions; a parent always comes before its members, so walking up is memoised. */
function positions(members: readonly Member[]): number[] {
  const known = new Array<number | undefined>(members.length);
  return members.map((_, start) => {
    const path: number[] = [];
    let at = start;
    while (known[at] === undefined && (members[at] as Member).parent !== at) {
      path.push(at);
      at = (members[at] as Member).parent;
    }
    let x = known[at] ?? 0;
    for (const one of path.reverse()) {
      x += (members[one] as Member).dx;
      known[one] = x;
    }
    return x;
  });
}
