import type { KeyboardEvent } from "react";
import type { Place } from "@/api/gen/Place";
import type { StepId } from "@/api/gen/StepId";
import { say } from "@/design/toast";
import { count } from "@/format";
import { t } from "@/i18n";
import { parsePiece, pieceText } from "../clipboard";
import { cut } from "../document";
import { CARD, downstream, isTidy, orderedPorts, refusal, stepOf, upstream } from "../drawing";
import { type DesignerState, type DesignerStore, useDesignerStore } from "../state";
import { portName, summaryOf, titleOf, titleOfKind } from "../summary";
import { neighbour, nextProblem, readingOrder, wayOf } from "../traverse";
import { labelText } from "../words";
import type { Stage } from "./stage";

/** The keys of the canvas (`field/ui.md` §2.3). Returns whether the key was one of ours. */
export function useCanvasKeys(stage: Stage): (event: KeyboardEvent<HTMLElement>) => void {
  const store = useDesignerStore();
  return (event) => {
    if (event.target !== event.currentTarget) return;
    if (press(event, store, stage)) {
      event.preventDefault();
      event.stopPropagation();
    }
  };
}

/** What is said of a step when the keyboard comes to it. */
export function describe(state: DesignerState, stage: Stage, id: StepId): string {
  const { doc } = state.drawing;
  const step = stepOf(doc, id);
  if (!step) return "";
  const figures = stage.scene.figures.get(id);
  const wrong = state.problems.filter((problem) => problem.step === id).length;
  const above = doc.steps.find((one) => Object.values(one.next ?? {}).includes(id));
  const port = above && orderedPorts(above, state.catalogue.portsOf).find((one) => above.next?.[one] === id);
  const several = above && orderedPorts(above, state.catalogue.portsOf).length > 1;
  return t("journeys.canvas.step_said", {
    title: titleOf(step),
    kind: titleOfKind(step.kind),
    summary: summaryOf(step, state.catalogue),
    figures: figures
      ? t("journeys.canvas.said_figures", { entered: count(figures.entered), waiting: count(figures.waiting) })
      : "",
    problems: wrong > 0 ? t("journeys.canvas.said_problems", { count: wrong }) : "",
    place:
      above && port !== undefined && several ? t("journeys.canvas.said_branch", { port: portName(above, port) }) : "",
  });
}

function press(event: KeyboardEvent, store: DesignerStore, stage: Stage): boolean {
  const state = store.getState();
  const key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
  const command = event.ctrlKey || event.metaKey;
  if (command) return pressed(key, event.shiftKey, store, stage);
  const way = wayOf(event.key, state.direction);
  if (way !== null) {
    if (event.altKey) nudge(store, event.key);
    else walk(store, stage, event, way);
    return true;
  }
  if (event.altKey || afterG(key)) return false;
  switch (key) {
    case "j":
    case "k":
      read(store, stage, key === "j" ? 1 : -1);
      return true;
    case "a":
    case "/":
      openQuickAdd(store, stage, false);
      return true;
    case "i":
      openQuickAdd(store, stage, true);
      return true;
    case "c":
      startConnecting(store);
      return true;
    case "Enter":
      enter(store);
      return true;
    case "Escape":
      leave(store);
      return true;
    case "F2":
      if (state.cursor !== null) state.show({ panel: "inspector", field: "name" });
      return true;
    case "F8":
      goToProblem(store);
      return true;
    case "Delete":
    case "Backspace":
      remove(store, event.shiftKey ? "never" : "clear");
      return true;
    case "0":
      state.canvas?.zoomTo(1);
      return true;
    case "1":
      state.canvas?.fit();
      return true;
    case "2":
      state.canvas?.fitSteps(state.drawing.selection);
      return true;
    case "+":
    case "=":
      state.canvas?.zoomBy(1.25);
      return true;
    case "-":
      state.canvas?.zoomBy(0.8);
      return true;
    case "?":
      state.show({ keysShown: true });
      return true;
    case "t":
      if (!event.shiftKey) return false;
      state.perform({ op: "tidy" });
      return true;
    case "p":
      state.show({ panel: "simulate" });
      return true;
    default:
      return false;
  }
}

let pressedG = 0;

/** `G` and a letter go to another screen, from the canvas too. */
function afterG(key: string): boolean {
  const now = Date.now();
  const follows = now - pressedG < 1200;
  pressedG = key === "g" ? now : 0;
  return key === "g" || follows;
}

/** Keys with Ctrl or Command. Undo and redo also work outside the canvas (`useUndoKeys`). */
function pressed(key: string, shift: boolean, store: DesignerStore, stage: Stage): boolean {
  const state = store.getState();
  switch (key) {
    case "z":
      undoOrRedo(store, shift);
      return true;
    case "y":
      undoOrRedo(store, true);
      return true;
    case "a":
      selectAll(store);
      return true;
    case "d":
      duplicate(store);
      return true;
    case "c":
      void copy(store);
      return true;
    case "x":
      void copy(store).then((done) => done && remove(store, "clear"));
      return true;
    case "v":
      void paste(store, stage);
      return true;
    case "Delete":
    case "Backspace":
      remove(store, "always");
      return true;
    case "ArrowDown":
    case "ArrowUp": {
      if (!shift || state.cursor === null) return false;
      const reach = key === "ArrowDown" ? downstream : upstream;
      state.select([...reach(state.drawing.doc, state.cursor)], state.cursor);
      return true;
    }
    default:
      return false;
  }
}

export function undoOrRedo(store: DesignerStore, forward: boolean): void {
  const state = store.getState();
  const entry = forward ? state.drawing.future[0] : state.drawing.past[state.drawing.past.length - 1];
  if (!entry) return;
  if (forward) state.redo();
  else state.undo();
  const what = labelText(entry.label);
  state.say(t(forward ? "journeys.canvas.said_redone" : "journeys.canvas.said_undone", { what }));
}

function goTo(store: DesignerStore, stage: Stage, id: StepId, keep: boolean): void {
  const state = store.getState();
  if (state.connecting !== null) state.show({ cursor: id });
  else state.select(keep ? [...state.drawing.selection, id] : [id], id);
  state.say(describe(store.getState(), stage, id));
}

function walk(
  store: DesignerStore,
  stage: Stage,
  event: KeyboardEvent,
  way: "onward" | "back" | "before" | "after",
): void {
  const state = store.getState();
  const { places } = stage.scene;
  const from = state.cursor ?? state.drawing.selection[0];
  if (from === undefined) {
    read(store, stage, 1);
    return;
  }
  const to = neighbour(state.drawing.doc, state.catalogue.portsOf, places, state.direction, from, way);
  goTo(store, stage, to, event.shiftKey);
}

function read(store: DesignerStore, stage: Stage, by: 1 | -1): void {
  const state = store.getState();
  const order = readingOrder(stage.scene.places, state.direction);
  if (order.length === 0) return;
  const at = state.cursor === null ? (by === 1 ? -1 : 0) : order.indexOf(state.cursor);
  const to = order[(at + by + order.length) % order.length];
  if (to !== undefined) goTo(store, stage, to, false);
}

function nudge(store: DesignerStore, key: string): void {
  const state = store.getState();
  const places = state.canvas?.places();
  if (!places || state.drawing.selection.length === 0) return;
  const by: Record<string, Place> = {
    ArrowDown: { x: 0, y: 16 },
    ArrowUp: { x: 0, y: -16 },
    ArrowLeft: { x: -16, y: 0 },
    ArrowRight: { x: 16, y: 0 },
  };
  const step = by[key] ?? { x: 0, y: 0 };
  const moved = Object.fromEntries(
    state.drawing.selection.flatMap((id) => {
      const at = places.get(id);
      return at ? [[id, { x: at.x + step.x, y: at.y + step.y }]] : [];
    }),
  );
  state.perform({ op: "move", places: moved, all: Object.fromEntries(places) });
}

/** Opens the choice of steps beside the step the keyboard is at. */
function openQuickAdd(store: DesignerStore, stage: Stage, onArrow: boolean): void {
  const state = store.getState();
  const { doc } = state.drawing;
  const step = state.cursor === null ? undefined : stepOf(doc, state.cursor);
  const { view } = stage;
  if (!step) {
    state.show({ quickAdd: { port: null, arrow: false, x: view.width / 2, y: 120 } });
    return;
  }
  const ports = orderedPorts(step, state.catalogue.portsOf);
  const open = ports.find((port) => step.next?.[port] === undefined);
  const led = ports.find((port) => step.next?.[port] !== undefined);
  const port = onArrow ? led : (open ?? led);
  if (port === undefined) return;
  const at = stage.scene.places.get(step.id);
  if (!at) return;
  if (onArrow) state.say(t("journeys.canvas.said_insert", { step: titleOf(step) }));
  state.show({
    quickAdd: {
      port: { step: step.id, port },
      arrow: false,
      x: (at.x + CARD.width / 2) * view.zoom + view.x,
      y: (at.y + CARD.height + 16) * view.zoom + view.y,
    },
  });
}

function startConnecting(store: DesignerStore): void {
  const state = store.getState();
  const step = state.cursor === null ? undefined : stepOf(state.drawing.doc, state.cursor);
  if (!step) return;
  const ports = orderedPorts(step, state.catalogue.portsOf);
  const present = state.connecting?.step === step.id ? ports.indexOf(state.connecting.port) : -1;
  // C again takes the next port; the first time it is one that leads nowhere.
  const port =
    present >= 0
      ? ports[(present + 1) % ports.length]
      : (ports.find((one) => step.next?.[one] === undefined) ?? ports[0]);
  if (port === undefined) return;
  state.show({ connecting: { step: step.id, port }, quickAdd: null });
  state.say(t("journeys.canvas.said_connect", { step: titleOf(step), port: portName(step, port) }));
}

function enter(store: DesignerStore): void {
  const state = store.getState();
  const { connecting, cursor } = state;
  if (!connecting) {
    state.show({ panel: "inspector", field: state.cursor === null ? null : "first" });
    return;
  }
  if (cursor === null) return;
  const why = refusal(state.drawing.doc, connecting.step, cursor);
  if (why !== null) {
    state.say(t(`journeys.refused.${why}`));
    return;
  }
  state.perform({ op: "connect", port: connecting, to: cursor });
  state.show({ connecting: null });
  const step = stepOf(state.drawing.doc, cursor);
  state.say(t("journeys.canvas.said_connected", { step: step ? titleOf(step) : cursor }));
}

/** Marks every step, in the order they are read. */
export function selectAll(store: DesignerStore): void {
  const state = store.getState();
  const { doc } = state.drawing;
  const order = readingOrder(state.canvas?.places() ?? new Map(), state.direction);
  state.select(order.length > 0 ? order : doc.steps.map((step) => step.id), state.cursor);
}

/** Ends what was begun, else lets go of what is marked. */
export function leave(store: DesignerStore): void {
  const state = store.getState();
  if (state.connecting || state.quickAdd) {
    state.show({ connecting: null, quickAdd: null });
    state.say(t("journeys.canvas.said_cancelled"));
    return;
  }
  state.select([], state.cursor);
}

export function goToProblem(store: DesignerStore): void {
  const state = store.getState();
  const order = readingOrder(state.canvas?.places() ?? new Map(), state.direction);
  const problem = nextProblem(state.problems, order, state.cursor);
  if (!problem) {
    state.show({ panel: "problems" });
    return;
  }
  if (problem.step !== null) state.select([problem.step], problem.step);
  state.show({ panel: "problems", field: null });
}

export function remove(store: DesignerStore, heal: "clear" | "always" | "never"): void {
  const state = store.getState();
  const steps = state.drawing.selection;
  if (steps.length === 0) return;
  state.perform({ op: "delete", steps, heal });
  state.say(t("journeys.canvas.said_deleted", { count: steps.length }));
}

export function duplicate(store: DesignerStore): void {
  const state = store.getState();
  const { doc, selection } = state.drawing;
  if (selection.length === 0) return;
  state.perform({ op: "paste", piece: cut(doc, selection), word: "duplicate" });
}

/** Puts the selection on the clipboard as text. True when it is there. */
export async function copy(store: DesignerStore): Promise<boolean> {
  const { doc, selection } = store.getState().drawing;
  if (selection.length === 0) return false;
  try {
    await navigator.clipboard.writeText(pieceText(cut(doc, selection)));
  } catch {
    say(t("journeys.paste.denied"));
    return false;
  }
  store.getState().say(t("journeys.paste.copied", { count: selection.length }));
  return true;
}

/** Takes steps from the clipboard: behind the step the keyboard is at, else freely. */
export async function paste(store: DesignerStore, stage: Stage): Promise<void> {
  let text: string;
  try {
    text = await navigator.clipboard.readText();
  } catch {
    return say(t("journeys.paste.denied"));
  }
  const read = parsePiece(text);
  if (!read.ok) return say(t(`journeys.paste.${read.why}`));
  const state = store.getState();
  const step = state.cursor === null ? undefined : stepOf(state.drawing.doc, state.cursor);
  const port = step && orderedPorts(step, state.catalogue.portsOf)[0];
  const { view } = stage;
  const middle = { x: (view.width / 2 - view.x) / view.zoom - 110, y: (view.height / 2 - view.y) / view.zoom - 42 };
  state.perform({
    op: "paste",
    piece: read.piece,
    word: "paste",
    ...(step && port !== undefined ? { after: { step: step.id, port } } : {}),
    ...(isTidy(state.drawing.doc) || step ? {} : { at: middle }),
  });
}
