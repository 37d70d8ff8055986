/** One open designer: the drawing, where the keyboard is, and what is shown. React reads it through `useDesigner`. */
import { createContext, useContext } from "react";
import { useStore } from "zustand";
import { createStore, type StoreApi } from "zustand/vanilla";
import type { Journey } from "@/api/gen/Journey";
import type { JourneyId } from "@/api/gen/JourneyId";
import type { Place } from "@/api/gen/Place";
import type { Problem } from "@/api/gen/Problem";
import type { SimReport } from "@/api/gen/SimReport";
import type { SimulateJourney } from "@/api/gen/SimulateJourney";
import type { StepId } from "@/api/gen/StepId";
import type { Catalogue } from "./catalogue";

import * as drawing from "./document";
import { highestStepNumber, type Port } from "./drawing";
import type { Direction } from "./tidy";

/** What stands at the right of the canvas. */
export type Panel = "inspector" | "problems" | "history" | "simulate";

/** What the canvas can be asked to do by others. */
export type CanvasControl = {
  fit: () => void;
  fitSteps: (ids: readonly StepId[]) => void;
  reveal: (id: StepId) => void;
  zoomTo: (zoom: number) => void;
  zoomBy: (factor: number) => void;
  focus: () => void;
  /** A place on the canvas for a point of the window. */
  toCanvas: (point: Place) => Place;
  places: () => ReadonlyMap<StepId, Place>;
};

/** A choice of step kinds that floats at a point of the canvas element. */
export type QuickAdd = { port: Port | null; x: number; y: number; arrow: boolean };

/** A way through the drawing that is lit. */
export type Lit = { steps: ReadonlySet<StepId>; arrows: ReadonlySet<string> };

/** A simulated population: as it was asked for with its start, and the day that is shown. */
export type Simulation = { report: SimReport; asked: SimulateJourney & { start: string }; day: number };

export type DesignerState = {
  id: JourneyId;
  drawing: drawing.Drawing;
  catalogue: Catalogue;
  direction: Direction;
  problems: readonly Problem[];
  panel: Panel | null;
  /** The step the keyboard is at. */
  cursor: StepId | null;
  /** A port whose arrow is being drawn without a pointer. */
  connecting: Port | null;
  /** Arrows of the cursor's step are offered for an insertion. */
  inserting: StepId | null;
  quickAdd: QuickAdd | null;
  /** Field of the inspector to go to. */
  field: string | null;
  /** A simulated population and the day that is shown; `null`: the canvas has the numbers of the live journey. */
  simulation: Simulation | null;
  lit: Lit | null;
  keysShown: boolean;
  canvas: CanvasControl | null;
  /** Said to screen readers. */
  said: string;
  perform: (op: drawing.Op) => void;
  undo: () => void;
  redo: () => void;
  jump: (entry: number) => void;
  seal: () => void;
  select: (ids: readonly StepId[], cursor?: StepId | null) => void;
  show: (change: Partial<DesignerState>) => void;
  say: (text: string) => void;
  /** Takes another document in place of the present one: nothing of it can be undone. */
  replace: (doc: Journey) => void;
  /** Ids that steps of earlier versions had: they are never given to another step. */
  reserve: (ids: readonly StepId[]) => void;
};

export type DesignerStore = StoreApi<DesignerState>;

const DIRECTION_KEY = "carillon.journeys.direction";

export function createDesigner(
  id: JourneyId,
  doc: Journey,
  catalogue: Catalogue,
  problems: readonly Problem[],
): DesignerStore {
  const direction = globalThis.localStorage?.getItem(DIRECTION_KEY) === "right" ? "right" : "down";
  return createStore<DesignerState>()((set, get) => {
    const put = (next: drawing.Drawing) => {
      const { drawing: before, cursor } = get();
      if (next === before) return;
      const gone = cursor !== null && !next.doc.steps.some((step) => step.id === cursor);
      const chosen = next.selection[next.selection.length - 1];
      const moved = next.selection !== before.selection && chosen !== undefined;
      set({ drawing: next, cursor: moved ? chosen : gone ? (chosen ?? null) : cursor });
    };
    return {
      id,
      drawing: drawing.open(doc),
      catalogue,
      direction,
      problems,
      panel: "inspector",
      cursor: null,
      connecting: null,
      inserting: null,
      quickAdd: null,
      field: null,
      simulation: null,
      lit: null,
      keysShown: false,
      canvas: null,
      said: "",
      perform: (op) => put(drawing.perform(get().drawing, op, get().catalogue.portsOf)),
      undo: () => put(drawing.undo(get().drawing)),
      redo: () => put(drawing.redo(get().drawing)),
      jump: (entry) => put(drawing.jump(get().drawing, entry)),
      seal: () => put(drawing.seal(get().drawing)),
      select: (ids, cursor) => {
        put(drawing.select(drawing.seal(get().drawing), ids));
        const last = ids[ids.length - 1];
        if (cursor !== undefined) set({ cursor });
        else if (last !== undefined) set({ cursor: last });
      },
      show: (change) => {
        if (change.direction !== undefined) globalThis.localStorage?.setItem(DIRECTION_KEY, change.direction);
        set(change);
      },
      // A live region tells only what changed: a second same sentence needs a difference that is not heard.
      say: (text) => set(({ said }) => ({ said: said === text ? `${text}\u00a0` : text })),
      replace: (next) => {
        const { nextStep } = get().drawing;
        const fresh = drawing.open(next);
        set({
          drawing: { ...fresh, nextStep: Math.max(fresh.nextStep, nextStep) },
          cursor: null,
          quickAdd: null,
          connecting: null,
        });
      },
      reserve: (ids) => {
        const present = get().drawing;
        const nextStep = highestStepNumber(ids) + 1;
        if (nextStep > present.nextStep) set({ drawing: { ...present, nextStep } });
      },
    };
  });
}

export const DesignerContext = createContext<DesignerStore | null>(null);

export function useDesignerStore(): DesignerStore {
  const store = useContext(DesignerContext);
  if (!store) throw new Error("useDesignerStore outside a designer");
  return store;
}

/** Reads a part of the designer; the component draws again when that part changes. */
export function useDesigner<T>(read: (state: DesignerState) => T): T {
  return useStore(useDesignerStore(), read);
}
