/**
 * The drawing as a pure reducer: every change is an `Op`, every op can be undone, and the list of what was done
 * has names. Settings of steps and of the journey are part of it, not only the graph.
 */
import { applyPatches, enablePatches, type Patch, produceWithPatches } from "immer";
import type { Journey } from "../api/gen/Journey";
import type { Place } from "../api/gen/Place";
import type { Step } from "../api/gen/Step";
import type { StepId } from "../api/gen/StepId";
import { highestStepNumber, type Port, type PortsOf } from "./drawing";
import * as edit from "./edits";

enablePatches();

/** What a new step starts from. */
export type StepSeed = { kind: string; name?: string; settings?: Record<string, unknown> };

/** Steps on their way through the clipboard: ids are local to the piece. */
export type Piece = { steps: Step[]; layout?: Record<StepId, Place> };

/** Everything that can be done to a drawing. `at` is a place on the canvas, used only in a free layout. */
export type Op =
  | { op: "add"; seed: StepSeed; at?: Place }
  | { op: "add_after"; seed: StepSeed; port: Port }
  | { op: "move"; places: Record<StepId, Place>; all: Record<StepId, Place> }
  | { op: "reinsert"; step: StepId; port: Port }
  | { op: "connect"; port: Port; to: StepId }
  | { op: "disconnect"; port: Port }
  | { op: "delete"; steps: readonly StepId[]; heal: "clear" | "always" | "never" }
  | { op: "rename"; step: StepId; name: string }
  | { op: "set"; step: StepId; settings: Record<string, unknown>; field?: string }
  | { op: "paste"; piece: Piece; at?: Place; after?: Port; word: "paste" | "duplicate" }
  | { op: "tidy" }
  | { op: "journey"; change: Partial<Pick<Journey, "name" | "re_entry" | "exit_when">> };

/** What the undo list shows: `journeys.undo.<key>` with the step meant, by kind and name. */
export type Label = { key: string; kind?: string; name?: string; count?: number };

/** One thing that was done. */
export type Entry = {
  /** Grows by one with each entry of a session; identity in the list. */
  id: number;
  label: Label;
  /** Selection to return to. */
  before: readonly StepId[];
  after: readonly StepId[];
  redo: Patch[];
  undo: Patch[];
  /** Ops with the same word directly after one another are one entry, until `seal`. */
  merge: string | null;
};

/** A drawing with its past, its future, and what is selected. */
export type Drawing = {
  doc: Journey;
  past: readonly Entry[];
  future: readonly Entry[];
  selection: readonly StepId[];
  /** Number of the next new step; never goes down, so that an id is never given twice. */
  nextStep: number;
  nextEntry: number;
};

/** Opens a document. `used` are step ids of earlier versions, which must not come back as other steps. */
export function open(doc: Journey, used: Iterable<StepId> = []): Drawing {
  const taken = [...doc.steps.map((step) => step.id), ...used];
  return { doc, past: [], future: [], selection: [], nextStep: highestStepNumber(taken) + 1, nextEntry: 1 };
}

/** Does one thing. An op that changes nothing leaves the drawing as it is, and the undo list too. */
export function perform(drawing: Drawing, op: Op, portsOf: PortsOf): Drawing {
  let nextStep = drawing.nextStep;
  const fresh = () => `s${nextStep++}`;
  let touched: readonly StepId[] = drawing.selection;
  const [doc, redo, undo] = produceWithPatches(drawing.doc, (draft) => {
    touched = run(draft as Journey, op, portsOf, fresh) ?? touched;
  });
  if (redo.length === 0) return drawing;
  const present = new Set(doc.steps.map((step) => step.id));
  const selection = touched.filter((id) => present.has(id));
  const merge = mergeWord(op);
  const last = drawing.past[drawing.past.length - 1];
  const joins = merge !== null && last?.merge === merge && drawing.future.length === 0;
  const entry: Entry = {
    id: joins && last ? last.id : drawing.nextEntry,
    label: joins && last ? last.label : labelOf(op, drawing.doc),
    before: joins && last ? last.before : drawing.selection,
    after: selection,
    redo: joins && last ? [...last.redo, ...redo] : redo,
    undo: joins && last ? [...undo, ...last.undo] : undo,
    merge,
  };
  return {
    doc,
    past: [...(joins ? drawing.past.slice(0, -1) : drawing.past), entry],
    future: [],
    selection,
    nextStep,
    nextEntry: joins ? drawing.nextEntry : drawing.nextEntry + 1,
  };
}

/** Takes the last thing back; the drawing itself when there is nothing. */
export function undo(drawing: Drawing): Drawing {
  const entry = drawing.past[drawing.past.length - 1];
  if (!entry) return drawing;
  return {
    ...drawing,
    doc: applyPatches(drawing.doc, entry.undo),
    past: drawing.past.slice(0, -1),
    future: [entry, ...drawing.future],
    selection: entry.before,
  };
}

/** Does again what was taken back last. */
export function redo(drawing: Drawing): Drawing {
  const entry = drawing.future[0];
  if (!entry) return drawing;
  return {
    ...drawing,
    doc: applyPatches(drawing.doc, entry.redo),
    past: [...drawing.past, { ...entry, merge: null }],
    future: drawing.future.slice(1),
    selection: entry.after,
  };
}

/** Goes to the moment right after `entry` (0: before everything), in either direction. */
export function jump(drawing: Drawing, entry: number): Drawing {
  let at = drawing;
  const known = entry === 0 || [...at.past, ...at.future].some((one) => one.id === entry);
  if (!known) return drawing;
  while (at.past.length > 0 && (at.past[at.past.length - 1]?.id ?? 0) > entry) at = undo(at);
  while (at.future[0] !== undefined && at.future[0].id <= entry) at = redo(at);
  return at;
}

/** Ends the present run of merging changes: the next keystroke begins a new entry. */
export function seal(drawing: Drawing): Drawing {
  const last = drawing.past[drawing.past.length - 1];
  if (!last || last.merge === null) return drawing;
  return { ...drawing, past: [...drawing.past.slice(0, -1), { ...last, merge: null }] };
}

/** Selects steps; ids that do not exist are left out. Not an entry of the undo list. */
export function select(drawing: Drawing, ids: readonly StepId[]): Drawing {
  const present = new Set(drawing.doc.steps.map((step) => step.id));
  const selection = [...new Set(ids)].filter((id) => present.has(id));
  const same =
    selection.length === drawing.selection.length && selection.every((id, at) => id === drawing.selection[at]);
  return same ? drawing : { ...drawing, selection };
}

/** The chosen steps with the arrows among them, to be carried elsewhere. */
export function cut(doc: Journey, ids: readonly StepId[]): Piece {
  const chosen = new Set(ids);
  const steps = doc.steps
    .filter((step) => chosen.has(step.id))
    .map((step) => ({
      ...step,
      next: Object.fromEntries(Object.entries(step.next ?? {}).filter(([, to]) => chosen.has(to))),
    }));
  const places = Object.entries(doc.layout ?? {}).filter(([id]) => chosen.has(id));
  return places.length > 0 ? { steps, layout: Object.fromEntries(places) } : { steps };
}

function run(draft: Journey, op: Op, portsOf: PortsOf, fresh: () => StepId): readonly StepId[] | undefined {
  switch (op.op) {
    case "add":
      return [edit.addStep(draft, op.seed, fresh(), op.at)];
    case "add_after":
      return edit.addAfter(draft, op.seed, op.port, portsOf, fresh);
    case "move":
      return edit.moveSteps(draft, op.places, op.all);
    case "reinsert":
      return edit.reinsert(draft, op.step, op.port, portsOf);
    case "connect":
      return edit.connect(draft, op.port, op.to);
    case "disconnect":
      return edit.disconnect(draft, op.port);
    case "delete":
      return edit.deleteSteps(draft, op.steps, op.heal, portsOf);
    case "rename":
      return edit.renameStep(draft, op.step, op.name);
    case "set":
      return edit.setSettings(draft, op.step, op.settings, portsOf);
    case "paste":
      return edit.pastePiece(draft, op.piece, portsOf, fresh, op.at, op.after);
    case "tidy":
      delete draft.layout;
      return undefined;
    case "journey":
      edit.setJourney(draft, op.change);
      return undefined;
  }
}

function mergeWord(op: Op): string | null {
  switch (op.op) {
    case "rename":
      return `rename ${op.step}`;
    case "set":
      return op.field === undefined ? null : `set ${op.step} ${op.field}`;
    case "journey":
      return `journey ${Object.keys(op.change).sort().join(" ")}`;
    default:
      return null;
  }
}

function labelOf(op: Op, before: Journey): Label {
  const named = (id: StepId | undefined): Omit<Label, "key"> => {
    const step = before.steps.find((one) => one.id === id);
    if (!step) return {};
    return step.name ? { kind: step.kind, name: step.name } : { kind: step.kind };
  };
  switch (op.op) {
    case "add":
    case "add_after":
      return { key: "add", kind: op.seed.kind };
    case "move": {
      const ids = Object.keys(op.places);
      return ids.length === 1 ? { key: "move", ...named(ids[0]) } : { key: "move_many", count: ids.length };
    }
    case "delete":
      return op.steps.length === 1
        ? { key: "delete", ...named(op.steps[0]) }
        : { key: "delete_many", count: op.steps.length };
    case "connect":
    case "disconnect":
      return { key: op.op, ...named(op.port.step) };
    case "rename":
    case "set":
    case "reinsert":
      return { key: op.op, ...named(op.step) };
    case "paste":
      return { key: op.word, count: op.piece.steps.length };
    case "tidy":
      return { key: "tidy" };
    case "journey":
      return { key: `journey_${Object.keys(op.change)[0] ?? "name"}` };
  }
}
