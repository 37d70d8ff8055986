/** What the ops of `document.ts` do to a draft. Each returns the steps that should be selected afterwards. */
import type { Journey } from "../api/gen/Journey";
import type { Place } from "../api/gen/Place";
import type { Step } from "../api/gen/Step";
import type { StepId } from "../api/gen/StepId";
import type { Piece, StepSeed } from "./document";
import { CARD, downstream, isEntry, isTidy, orderedPorts, type Port, type PortsOf, refusal, stepOf } from "./drawing";

/** Distance between the top edges of two cards that follow one another in a free layout. */
const PITCH = CARD.height + 64;

export function addStep(draft: Journey, seed: StepSeed, id: StepId, at?: Place): StepId {
  draft.steps.push(stepFrom(seed, id));
  if (at !== undefined && !isTidy(draft)) place(draft, id, at);
  return id;
}

/** Adds behind a port. What the port led to follows the new step: nothing is cut off. */
export function addAfter(
  draft: Journey,
  seed: StepSeed,
  port: Port,
  portsOf: PortsOf,
  fresh: () => StepId,
): StepId[] | undefined {
  const from = stepOf(draft, port.step);
  if (!from) return undefined;
  const id = fresh();
  addStep(draft, seed, id);
  if (isEntry(seed.kind)) return [id];
  putBetween(draft, id, port, portsOf);
  return [id];
}

/** Takes a step out of its chain and puts it on an arrow elsewhere. */
export function reinsert(draft: Journey, id: StepId, port: Port, portsOf: PortsOf): StepId[] | undefined {
  const step = stepOf(draft, id);
  if (!step || !stepOf(draft, port.step) || isEntry(step.kind) || port.step === id) return undefined;
  if (stepOf(draft, port.step)?.next?.[port.port] === id) return undefined;
  const onward = continuation(step, portsOf);
  detach(draft, new Set([id]), () => onward);
  if (onward !== undefined) {
    for (const key of Object.keys(step.next ?? {})) {
      if (step.next?.[key] === onward) delete step.next[key];
    }
    dropEmpty(step);
  }
  putBetween(draft, id, port, portsOf);
  return [id];
}

export function moveSteps(draft: Journey, places: Record<StepId, Place>, all: Record<StepId, Place>): StepId[] {
  for (const step of draft.steps) {
    const at = places[step.id] ?? draft.layout?.[step.id] ?? all[step.id];
    if (at !== undefined) place(draft, step.id, at);
  }
  return Object.keys(places);
}

export function connect(draft: Journey, port: Port, to: StepId): StepId[] | undefined {
  const from = stepOf(draft, port.step);
  if (!from || refusal(draft, port.step, to) !== null || from.next?.[port.port] === to) return undefined;
  from.next = { ...from.next, [port.port]: to };
  return undefined;
}

export function disconnect(draft: Journey, port: Port): undefined {
  const from = stepOf(draft, port.step);
  if (from?.next?.[port.port] === undefined) return undefined;
  delete from.next[port.port];
  dropEmpty(from);
  return undefined;
}

/**
 * Deletes steps. `clear` leads what came in on to the next step where there is only one; `always` follows the
 * first port; `never` leaves the arrows open.
 */
export function deleteSteps(
  draft: Journey,
  ids: readonly StepId[],
  heal: "clear" | "always" | "never",
  portsOf: PortsOf,
): StepId[] {
  const gone = new Set(ids.filter((id) => stepOf(draft, id) !== undefined));
  const landing = (start: StepId): StepId | undefined => {
    if (heal === "never") return undefined;
    const passed = new Set<StepId>();
    let at: StepId | undefined = start;
    while (at !== undefined && gone.has(at)) {
      if (passed.has(at)) return undefined;
      passed.add(at);
      const step = stepOf(draft, at);
      at = step && continuation(step, portsOf, heal === "clear");
    }
    return at;
  };
  let neighbour: StepId | undefined;
  for (const id of gone) neighbour ??= landing(id);
  detach(draft, gone, landing);
  draft.steps = draft.steps.filter((step) => !gone.has(step.id));
  for (const id of gone) {
    if (draft.layout) delete draft.layout[id];
  }
  if (draft.layout && Object.keys(draft.layout).length === 0) delete draft.layout;
  return neighbour === undefined ? [] : [neighbour];
}

export function renameStep(draft: Journey, id: StepId, name: string): undefined {
  const step = stepOf(draft, id);
  if (!step || (step.name ?? "") === name) return undefined;
  if (name === "") delete step.name;
  else step.name = name;
  return undefined;
}

/** Replaces the settings. Arrows of ports which the new settings no longer have are taken away. */
export function setSettings(
  draft: Journey,
  id: StepId,
  settings: Record<string, unknown>,
  portsOf: PortsOf,
): undefined {
  const step = stepOf(draft, id);
  if (!step || JSON.stringify(step.settings ?? {}) === JSON.stringify(settings)) return undefined;
  const before = new Set(portsOf(step));
  if (Object.keys(settings).length === 0) delete step.settings;
  else step.settings = settings;
  const after = new Set(portsOf(step));
  for (const port of Object.keys(step.next ?? {})) {
    if (before.has(port) && !after.has(port)) delete step.next?.[port];
  }
  dropEmpty(step);
  return undefined;
}

/** Puts a piece in under new ids. Behind a port, its first step takes the arrow and its open end leads on. */
export function pastePiece(
  draft: Journey,
  piece: Piece,
  portsOf: PortsOf,
  fresh: () => StepId,
  at?: Place,
  after?: Port,
): StepId[] {
  const names = new Map(piece.steps.map((step) => [step.id, fresh()]));
  const copies = piece.steps.map((step): Step => {
    const next = Object.entries(step.next ?? {}).flatMap(([port, to]) => {
      const name = names.get(to);
      return name === undefined ? [] : [[port, name] as const];
    });
    const copy: Step = { ...structuredClone({ ...step, next: {} }), id: names.get(step.id) ?? step.id };
    if (next.length > 0) copy.next = Object.fromEntries(next);
    else delete copy.next;
    return copy;
  });
  draft.steps.push(...copies);
  if (!isTidy(draft)) placePiece(draft, piece, names, at);
  if (after) joinPiece(draft, copies, after, portsOf);
  return copies.map((step) => step.id);
}

export function setJourney(draft: Journey, change: Partial<Pick<Journey, "name" | "re_entry" | "exit_when">>): void {
  if (change.name !== undefined && change.name !== draft.name) draft.name = change.name;
  if (change.re_entry !== undefined && JSON.stringify(change.re_entry) !== JSON.stringify(draft.re_entry)) {
    draft.re_entry = change.re_entry;
  }
  if (change.exit_when !== undefined && JSON.stringify(change.exit_when) !== JSON.stringify(draft.exit_when ?? [])) {
    if (change.exit_when.length === 0) delete draft.exit_when;
    else draft.exit_when = change.exit_when;
  }
}

function stepFrom(seed: StepSeed, id: StepId): Step {
  const step: Step = { id, kind: seed.kind };
  if (seed.name) step.name = seed.name;
  if (seed.settings && Object.keys(seed.settings).length > 0) step.settings = structuredClone(seed.settings);
  return step;
}

/** The port a chain goes on by: the first that leads somewhere; with `only`, none where it would be a choice. */
function continuation(step: Step, portsOf: PortsOf, only = false): StepId | undefined {
  const targets = orderedPorts(step, portsOf).flatMap((port) => {
    const to = step.next?.[port];
    return to === undefined || to === step.id ? [] : [to];
  });
  if (only && new Set(targets).size > 1) return undefined;
  return targets[0];
}

/** Redirects every arrow into `gone` to where `landing` says, or opens it. */
function detach(draft: Journey, gone: ReadonlySet<StepId>, landing: (id: StepId) => StepId | undefined): void {
  for (const step of draft.steps) {
    if (gone.has(step.id) || !step.next) continue;
    for (const [port, to] of Object.entries(step.next)) {
      if (!gone.has(to)) continue;
      const onward = landing(to);
      if (onward === undefined || onward === step.id) delete step.next[port];
      else step.next[port] = onward;
    }
    dropEmpty(step);
  }
}

function putBetween(draft: Journey, id: StepId, port: Port, portsOf: PortsOf): void {
  const from = stepOf(draft, port.step);
  const step = stepOf(draft, id);
  if (!from || !step) return;
  const target = from.next?.[port.port];
  from.next = { ...from.next, [port.port]: id };
  const exit = portsOf(step)[0];
  if (target !== undefined && target !== id && exit !== undefined && step.next?.[exit] === undefined) {
    step.next = { ...step.next, [exit]: target };
  }
  if (!isTidy(draft)) makeRoom(draft, id, port.step, target);
}

/** In a free layout a step put in between takes the place of what follows, and that moves down by one card. */
function makeRoom(draft: Journey, id: StepId, from: StepId, target: StepId | undefined): void {
  const origin = draft.layout?.[from];
  const old = target === undefined ? undefined : draft.layout?.[target];
  if (target === undefined || old === undefined || !origin) {
    if (origin) place(draft, id, { x: origin.x, y: origin.y + PITCH });
    return;
  }
  const room = old.y - origin.y;
  place(draft, id, { x: old.x, y: room >= 2 * PITCH ? origin.y + room / 2 : Math.max(old.y, origin.y + PITCH) });
  if (room >= 2 * PITCH) return;
  for (const later of downstream(draft, target)) {
    const at = draft.layout?.[later];
    if (at && later !== id && at.y >= old.y) place(draft, later, { x: at.x, y: at.y + PITCH });
  }
}

function placePiece(draft: Journey, piece: Piece, names: ReadonlyMap<StepId, StepId>, at?: Place): void {
  const known = piece.steps.map((step, row) => piece.layout?.[step.id] ?? { x: 0, y: row * PITCH });
  const left = Math.min(...known.map((one) => one.x));
  const top = Math.min(...known.map((one) => one.y));
  const origin = at ?? { x: left + 40, y: top + 40 };
  piece.steps.forEach((step, row) => {
    const name = names.get(step.id);
    const from = known[row];
    if (name !== undefined && from) place(draft, name, { x: origin.x + from.x - left, y: origin.y + from.y - top });
  });
}

function joinPiece(draft: Journey, copies: readonly Step[], after: Port, portsOf: PortsOf): void {
  const from = stepOf(draft, after.step);
  const led = new Set(copies.flatMap((step) => Object.values(step.next ?? {})));
  const head = copies.find((step) => !led.has(step.id) && !isEntry(step.kind));
  if (!from || !head) return;
  const target = from.next?.[after.port];
  from.next = { ...from.next, [after.port]: head.id };
  if (target === undefined) return;
  for (const copy of copies) {
    const step = stepOf(draft, copy.id);
    const open = step && portsOf(step).find((port) => step.next?.[port] === undefined);
    if (!step || open === undefined) continue;
    step.next = { ...step.next, [open]: target };
    return;
  }
}

function place(draft: Journey, id: StepId, at: Place): void {
  const spot = { x: Math.round(at.x), y: Math.round(at.y) };
  const old = draft.layout?.[id];
  if (old?.x === spot.x && old.y === spot.y) return;
  draft.layout = { ...draft.layout, [id]: spot };
}

function dropEmpty(step: Step): void {
  if (step.next && Object.keys(step.next).length === 0) delete step.next;
}
