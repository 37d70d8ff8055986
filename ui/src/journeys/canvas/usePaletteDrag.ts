import { type Active, useDndMonitor } from "@dnd-kit/core";
import type { RefObject } from "react";
import type { Place } from "@/api/gen/Place";
import { t } from "@/i18n";
import { seedSettings } from "../catalogue";
import { isEntry, stepOf } from "../drawing";
import { useDesignerStore } from "../state";
import { portName, titleOf, titleOfKind } from "../summary";
import { landingAt } from "./routes";
import type { Stage } from "./stage";

/** What is dragged out of the palette. */
export type PaletteItem = { kind: string };

const NOBODY: ReadonlySet<string> = new Set();
/** How near an arrow has to be, in screen pixels. */
const REACH = 64;

/** Takes steps from the palette: shows where they would go, and puts them there. Mouse, touch and keyboard alike. */
export function usePaletteDrag(
  stage: Stage,
  element: RefObject<HTMLDivElement | null>,
  toCanvas: (point: Place) => Place,
): void {
  const store = useDesignerStore();

  const follow = (active: Active, activator: Event | null, delta: Place): Place | null => {
    const point = pointOf(active, activator, delta);
    const frame = element.current?.getBoundingClientRect();
    const item = itemOf(active);
    if (!point || !frame || !item) return null;
    const within = point.x >= frame.left && point.x <= frame.right && point.y >= frame.top && point.y <= frame.bottom;
    const at = within ? toCanvas(point) : null;
    const { routes, stubs } = stage.scene;
    const reach = REACH / Math.min(1, stage.view.zoom);
    const landing = at && !isEntry(item.kind) ? landingAt(routes, stubs, at, reach, NOBODY) : null;
    if (landing?.key !== stage.scene.landing?.key) tell(landing);
    stage.update({ dragging: !isEntry(item.kind), landing });
    return at;
  };
  const tell = (landing: { step: string; port: string } | null) => {
    const state = store.getState();
    const step = landing && stepOf(state.drawing.doc, landing.step);
    state.say(
      step && landing
        ? t("journeys.canvas.said_over", { port: portName(step, landing.port), step: titleOf(step) })
        : t("journeys.canvas.said_nowhere"),
    );
  };
  const drop = (item: PaletteItem, at: Place) => {
    const state = store.getState();
    const face = state.catalogue.of(item.kind);
    const seed = face ? { kind: item.kind, settings: seedSettings(face) } : { kind: item.kind };
    const landing = stage.scene.landing;
    state.perform(
      landing ? { op: "add_after", seed, port: landing } : { op: "add", seed, at: { x: at.x - 110, y: at.y - 42 } },
    );
    state.show({ panel: "inspector" });
    state.say(t("journeys.canvas.said_added", { step: titleOfKind(item.kind) }));
    state.canvas?.focus();
  };
  const clear = () => stage.update({ dragging: false, landing: null });

  useDndMonitor({
    onDragStart: ({ active }) => {
      const item = itemOf(active);
      if (item) store.getState().say(t("journeys.canvas.said_lifted", { step: titleOfKind(item.kind) }));
    },
    onDragMove: ({ active, activatorEvent, delta }) => {
      if (itemOf(active)) follow(active, activatorEvent, delta);
    },
    onDragEnd: ({ active, activatorEvent, delta }) => {
      const item = itemOf(active);
      if (!item) return;
      const at = follow(active, activatorEvent, delta);
      if (at) drop(item, at);
      clear();
    },
    onDragCancel: () => {
      clear();
      store.getState().say(t("journeys.canvas.said_cancelled"));
    },
  });
}

function itemOf(active: Active): PaletteItem | null {
  const what: unknown = active.data.current?.what;
  return typeof what === "object" && what !== null && "kind" in what ? (what as PaletteItem) : null;
}

/** Where the pointer is; for the keyboard, the middle of what it moves. */
function pointOf(active: Active, activator: Event | null, delta: Place): Place | null {
  const touch = activator && "touches" in activator ? (activator as TouchEvent).touches[0] : undefined;
  const start = touch ?? (activator instanceof MouseEvent ? activator : null);
  if (start) return { x: start.clientX + delta.x, y: start.clientY + delta.y };
  const moved = active.rect.current.translated;
  return moved ? { x: moved.left + moved.width / 2, y: moved.top + moved.height / 2 } : null;
}
