import "@xyflow/react/dist/base.css";
import "./canvas.css";
import {
  type Connection,
  ConnectionLineType,
  ConnectionMode,
  type NodeChange,
  type OnConnectEnd,
  ReactFlow,
  ReactFlowProvider,
  useReactFlow,
  type Viewport,
} from "@xyflow/react";
import { useCallback, useEffect, useLayoutEffect, useMemo, useRef, useState } from "react";
import type { Place } from "@/api/gen/Place";
import type { StepId } from "@/api/gen/StepId";
import { t } from "@/i18n";
import { CARD, extent, isEntry, type Port, refusal, stepOf } from "../drawing";
import { useDesigner, useDesignerStore } from "../state";
import { portName, titleOf } from "../summary";
import { Controls } from "./Controls";
import { EmptyCanvas } from "./EmptyCanvas";
import { IconSheet } from "./iconPaths";
import { Minimap } from "./Minimap";
import { type Figures, stepsIn, visibleBox } from "./paint";
import { QuickAddMenu } from "./QuickAdd";
import { landingAt, nearestRoute } from "./routes";
import { StepCard, type StepNode } from "./StepCard";
import { Stage } from "./stage";
import { useCanvasKeys } from "./useCanvasKeys";
import { usePaletteDrag } from "./usePaletteDrag";
import { emptyScene, type Held, useCards, useLayout, useScene } from "./useScene";

/** More cards than this are drawn by the canvas layer, whatever the zoom. */
const MOST_DOM_CARDS = 150;
/** Below this the DOM shows no cards. */
export const DOM_ZOOM = 0.5;
/** After a zoom gesture the canvas stays up so long before the DOM takes over. */
const SETTLE_MS = 120;
const MARGIN = 240;
const MIN_ZOOM = 0.02;
/** The first look is never so far away that the small print of a card cannot be read. */
const READABLE_ZOOM = 0.85;
/** Room for the controls at the lower edge, and for the stub of a card above them. */
const UNDER = 40;

const nodeTypes = { step: StepCard };
const NO_EDGES: never[] = [];
const NO_NODES: StepNode[] = [];

/** The drawing, up close in the DOM and from afar on a canvas. `figures`: numbers on steps and arrows. */
export function Canvas({ figures }: { figures: ReadonlyMap<StepId, Figures> }) {
  return (
    <ReactFlowProvider>
      <Flow figures={figures} />
    </ReactFlowProvider>
  );
}

function Flow({ figures }: { figures: ReadonlyMap<StepId, Figures> }) {
  const store = useDesignerStore();
  const doc = useDesigner((state) => state.drawing.doc);
  const selection = useDesigner((state) => state.drawing.selection);
  const catalogue = useDesigner((state) => state.catalogue);
  const direction = useDesigner((state) => state.direction);
  const problems = useDesigner((state) => state.problems);
  const cursor = useDesigner((state) => state.cursor);
  const connecting = useDesigner((state) => state.connecting);
  const lit = useDesigner((state) => state.lit);
  const said = useDesigner((state) => state.said);
  const element = useRef<HTMLDivElement>(null);
  const sheet = useRef<HTMLCanvasElement>(null);
  const [stage] = useState(() => new Stage(emptyScene()));
  const [held, setHeld] = useState<Held | null>(null);
  const [shown, setShown] = useState<readonly StepId[]>([]);
  const [dom, setDom] = useState(false);
  const [drawingArrow, setDrawingArrow] = useState(false);
  const [inside, setInside] = useState(false);
  const flow = useReactFlow<StepNode>();
  const cards = useCards(doc, catalogue, problems);
  const layout = useLayout(doc, catalogue, direction);
  const places = useScene(stage, element, cards, layout, figures, held);
  const placesNow = useRef(places);
  useLayoutEffect(() => {
    placesNow.current = places;
  }, [places]);

  useEffect(() => (sheet.current ? stage.attach(sheet.current) : undefined), [stage]);

  // Which cards the DOM holds: those in view and a margin, as long as they are few and near.
  const settle = useRef<ReturnType<typeof setTimeout> | null>(null);
  const covered = useRef({ x: 0, y: 0, width: 0, height: 0 });
  const cull = useCallback(
    (fresh: boolean) => {
      const { view } = stage;
      const box = visibleBox(view, 0);
      const old = covered.current;
      const within =
        box.x >= old.x &&
        box.y >= old.y &&
        box.x + box.width <= old.x + old.width &&
        box.y + box.height <= old.y + old.height;
      if (within && !fresh) return;
      covered.current = visibleBox(view, MARGIN);
      const ids = view.zoom < DOM_ZOOM ? [] : stepsIn(placesNow.current, covered.current);
      const near = view.zoom >= DOM_ZOOM && ids.length <= MOST_DOM_CARDS;
      setShown((before) => (near ? (same(before, ids) ? before : ids) : before.length === 0 ? before : []));
      setDom(near);
    },
    [stage],
  );
  useEffect(() => {
    stage.cards = !dom;
    stage.draw();
  }, [stage, dom]);
  // biome-ignore lint/correctness/useExhaustiveDependencies: new places put other cards into view.
  useEffect(() => cull(true), [cull, places]);

  const onMove = useCallback(
    (_: unknown, { x, y, zoom }: Viewport) => {
      const before = stage.view.zoom;
      stage.setView(x, y, zoom);
      if (settle.current !== null) clearTimeout(settle.current);
      settle.current = null;
      if (zoom < DOM_ZOOM) {
        if (before >= DOM_ZOOM) cull(true);
      } else if (before !== zoom) {
        // While zooming nothing is mounted; 120 ms after the last step it is.
        settle.current = setTimeout(() => cull(true), SETTLE_MS);
      } else cull(false);
    },
    [stage, cull],
  );
  const onMoveEnd = useCallback(
    (_: unknown, { x, y, zoom }: Viewport) => {
      // Text on half pixels is blurred.
      if (x === Math.round(x) && y === Math.round(y)) return;
      void flow.setViewport({ x: Math.round(x), y: Math.round(y), zoom });
    },
    [flow],
  );

  const toCanvas = useCallback(
    ({ x, y }: Place): Place => {
      const frame = element.current?.getBoundingClientRect();
      const { view } = stage;
      return { x: (x - (frame?.left ?? 0) - view.x) / view.zoom, y: (y - (frame?.top ?? 0) - view.y) / view.zoom };
    },
    [stage],
  );
  const show = useCallback(
    (ids: readonly StepId[], duration: number, least = MIN_ZOOM) => {
      const box = extent(ids.flatMap((id) => placesNow.current.get(id) ?? []));
      const { width, height } = stage.view;
      if (!box || width < 50) return;
      const pad = 56;
      const fits = Math.min((width - 2 * pad) / box.width, (height - 2 * pad) / box.height);
      const zoom = Math.max(least, Math.min(1, fits));
      // What is larger than the view is shown from its beginning.
      const place = (start: number, size: number, room: number) =>
        Math.round(
          size * zoom > room - pad || size < 2 * CARD.height
            ? pad - start * zoom
            : room / 2 - (start + size / 2) * zoom,
        );
      const x =
        direction === "down" ? Math.round(width / 2 - (box.x + box.width / 2) * zoom) : place(box.x, box.width, width);
      const y =
        direction === "down"
          ? place(box.y, box.height, height)
          : Math.round(height / 2 - (box.y + box.height / 2) * zoom);
      void flow.setViewport({ x, y, zoom }, { duration });
    },
    [flow, stage, direction],
  );
  const reveal = useCallback(
    (id: StepId) => {
      const at = placesNow.current.get(id);
      if (!at) return;
      const { x, y, zoom, width, height } = stage.view;
      const left = at.x * zoom + x;
      const top = at.y * zoom + y;
      const pad = 40;
      const dx = left < pad ? pad - left : Math.min(0, width - pad - (left + CARD.width * zoom));
      const dy = top < pad ? pad - top : Math.min(0, height - pad - UNDER - (top + CARD.height * zoom));
      if (dx !== 0 || dy !== 0) {
        void flow.setViewport({ x: Math.round(x + dx), y: Math.round(y + dy), zoom }, { duration: 120 });
      }
    },
    [flow, stage],
  );
  useEffect(() => {
    store.getState().show({
      canvas: {
        fit: () => show([...placesNow.current.keys()], 180),
        fitSteps: (ids) => show(ids, 180),
        reveal,
        zoomTo: (zoom) => void flow.zoomTo(zoom, { duration: 120 }),
        zoomBy: (factor) => void flow.zoomTo(stage.view.zoom * factor, { duration: 120 }),
        focus: () => element.current?.focus({ preventScroll: true }),
        toCanvas,
        places: () => placesNow.current,
      },
    });
    return () => store.getState().show({ canvas: null });
  }, [store, flow, stage, show, reveal, toCanvas]);
  useEffect(() => {
    if (cursor !== null) reveal(cursor);
  }, [cursor, reveal]);

  // The first look: everything, once the canvas has its size.
  const opened = useRef(false);
  useEffect(() => {
    if (opened.current) return;
    const frame = requestAnimationFrame(() => {
      opened.current = true;
      show([...placesNow.current.keys()], 0, READABLE_ZOOM);
      cull(true);
    });
    return () => cancelAnimationFrame(frame);
  }, [show, cull]);

  // The first step of an empty drawing comes to the middle, wherever the view was.
  const empty = places.size === 0;
  const wasEmpty = useRef(empty);
  useEffect(() => {
    if (wasEmpty.current && !empty) show([...placesNow.current.keys()], 0);
    wasEmpty.current = empty;
  }, [empty, show]);

  const keys = useCanvasKeys(stage);
  const nodes = useNodes(dom ? shown : [], cards, figures, places, {
    selection,
    cursor: inside ? cursor : null,
    lit,
    direction,
    target: drawingArrow || connecting !== null,
  });

  const put = (point: Place): StepId | null => {
    for (const [id, at] of placesNow.current) {
      if (point.x >= at.x && point.x <= at.x + CARD.width && point.y >= at.y && point.y <= at.y + CARD.height)
        return id;
    }
    return null;
  };
  /** Draws the arrow, or says why it cannot be. True when it is there. */
  const connect = (port: Port, to: StepId): boolean => {
    const state = store.getState();
    const why = refusal(state.drawing.doc, port.step, to);
    if (why !== null) {
      state.say(t(`journeys.refused.${why}`));
      return false;
    }
    state.perform({ op: "connect", port, to });
    const step = stepOf(state.drawing.doc, to);
    state.say(t("journeys.canvas.said_connected", { step: step ? titleOf(step) : to }));
    return true;
  };
  const finishConnection = (to: StepId) => {
    const from = store.getState().connecting;
    if (from && connect(from, to)) store.getState().show({ connecting: null });
  };
  const local = (event: { clientX: number; clientY: number }): Place => {
    const frame = element.current?.getBoundingClientRect();
    return { x: event.clientX - (frame?.left ?? 0), y: event.clientY - (frame?.top ?? 0) };
  };
  const onPaneClick = (event: React.MouseEvent) => {
    const state = store.getState();
    const point = toCanvas({ x: event.clientX, y: event.clientY });
    const card = put(point);
    if (card !== null) {
      if (state.connecting) return finishConnection(card);
      return choose(card, event.shiftKey || event.ctrlKey || event.metaKey);
    }
    const reach = 12 / Math.min(1, stage.view.zoom);
    const stub = stage.scene.stubs.find((one) => Math.hypot(one.to.x - point.x, one.to.y - point.y) <= reach);
    if (stub) return state.show({ quickAdd: { port: stub, arrow: false, ...local(event) }, connecting: null });
    const near = nearestRoute(stage.scene.routes, point, 8 / Math.min(1, stage.view.zoom));
    if (near && stage.view.zoom >= 0.3) {
      const port = { step: near.route.from, port: near.route.port };
      return state.show({ quickAdd: { port, arrow: true, ...local(event) }, connecting: null });
    }
    state.show({ quickAdd: null, connecting: null, inserting: null });
    state.select([], null);
  };
  const choose = (id: StepId, add: boolean) => {
    const state = store.getState();
    const chosen = state.drawing.selection;
    const next = !add ? [id] : chosen.includes(id) ? chosen.filter((one) => one !== id) : [...chosen, id];
    state.select(next, id);
    state.show({ quickAdd: null });
    element.current?.focus({ preventScroll: true });
  };

  const hoverFrame = useRef(0);
  const onMouseMove = (event: React.MouseEvent) => {
    if (event.buttons !== 0 || hoverFrame.current !== 0) return;
    const { clientX, clientY, target } = event;
    hoverFrame.current = requestAnimationFrame(() => {
      hoverFrame.current = 0;
      const onPane = target instanceof Element && target.classList.contains("react-flow__pane");
      const point = toCanvas({ x: clientX, y: clientY });
      const grown = Math.min(1, stage.view.zoom);
      const free = onPane && stage.view.zoom >= 0.3 && (dom || put(point) === null);
      const stub = free
        ? stage.scene.stubs.find((one) => Math.hypot(one.to.x - point.x, one.to.y - point.y) <= 12 / grown)
        : undefined;
      const near = free && !stub ? nearestRoute(stage.scene.routes, point, 8 / grown) : null;
      const hover = stub ? { stub: stub.key } : near ? { route: near.route.key } : null;
      if (JSON.stringify(hover) !== JSON.stringify(stage.scene.hover)) stage.update({ hover });
      if (element.current) element.current.style.cursor = hover || (!dom && put(point)) ? "pointer" : "";
    });
  };

  const onNodeDrag = (_: unknown, node: StepNode, moved: StepNode[]) => {
    const home = layout.places.get(node.id);
    if (!home) return;
    const chosen = store.getState().drawing.selection;
    const ids = new Set(moved.length > 1 || chosen.includes(node.id) ? [...chosen, node.id] : [node.id]);
    setHeld({ ids, dx: node.position.x - home.x, dy: node.position.y - home.y });
    const alone = ids.size === 1 && !isEntry(node.data.card.kind);
    const middle = { x: node.position.x + CARD.width / 2, y: node.position.y + CARD.height / 2 };
    const landing = alone
      ? landingAt(stage.scene.routes, stage.scene.stubs, middle, 44 / Math.min(1, stage.view.zoom), ids)
      : null;
    stage.update({ landing, dragging: alone });
  };
  const onNodeDragStop = (_: unknown, node: StepNode) => {
    const landing = stage.scene.landing;
    stage.update({ landing: null, dragging: false });
    setHeld(null);
    const state = store.getState();
    const home = layout.places.get(node.id);
    if (!home || !held) return;
    if (landing) return state.perform({ op: "reinsert", step: node.id, port: landing });
    if (Math.hypot(held.dx, held.dy) < 6) return;
    const moved = Object.fromEntries(
      [...held.ids].flatMap((id) => {
        const at = places.get(id);
        return at ? [[id, { x: snap(at.x), y: snap(at.y) }]] : [];
      }),
    );
    state.perform({ op: "move", places: moved, all: Object.fromEntries(layout.places) });
  };

  const box = useRef<Place | null>(null);
  const onSelectionEnd = (event: React.MouseEvent) => {
    const from = box.current;
    box.current = null;
    if (!from) return;
    const a = toCanvas(from);
    const b = toCanvas({ x: event.clientX, y: event.clientY });
    const area = {
      x: Math.min(a.x, b.x),
      y: Math.min(a.y, b.y),
      width: Math.abs(a.x - b.x),
      height: Math.abs(a.y - b.y),
    };
    store.getState().select(stepsIn(placesNow.current, area));
  };
  const onNodesChange = useCallback(
    (changes: NodeChange<StepNode>[]) => {
      if (box.current === null) return;
      const chosen = new Set(store.getState().drawing.selection);
      for (const change of changes) {
        if (change.type !== "select") continue;
        if (change.selected) chosen.add(change.id);
        else chosen.delete(change.id);
      }
      store.getState().select([...chosen]);
    },
    [store],
  );
  const onConnectEnd: OnConnectEnd = (event, ended) => {
    setDrawingArrow(false);
    if (ended.isValid || !ended.fromNode || !ended.fromHandle?.id) return;
    const at = "changedTouches" in event ? event.changedTouches[0] : event;
    if (!at) return;
    const port = { step: ended.fromNode.id, port: ended.fromHandle.id };
    const over = put(toCanvas({ x: at.clientX, y: at.clientY }));
    const state = store.getState();
    if (over === null) return state.show({ quickAdd: { port, arrow: false, ...local(at) } });
    if (over !== port.step) connect(port, over);
  };

  usePaletteDrag(stage, element, toCanvas);

  const from = connecting && stepOf(doc, connecting.step);
  return (
    <div
      ref={element}
      role="application"
      aria-label={t("journeys.canvas.label")}
      aria-roledescription={t("journeys.canvas.label")}
      aria-describedby="journey-canvas-help"
      // biome-ignore lint/a11y/noNoninteractiveTabindex: the one tab stop of the drawing; arrows go on from here.
      tabIndex={0}
      className="@container relative h-full min-h-0 overflow-hidden bg-app outline-none ring-inside focus-visible:outline-2"
      onKeyDown={keys}
      onFocus={(event) => event.target === event.currentTarget && setInside(true)}
      onBlur={(event) => event.target === event.currentTarget && setInside(false)}
      onMouseMove={onMouseMove}
    >
      <canvas ref={sheet} aria-hidden className="absolute inset-0 size-full" />
      <ReactFlow<StepNode>
        className="journey-flow"
        role="presentation"
        nodes={dom ? nodes : NO_NODES}
        edges={NO_EDGES}
        nodeTypes={nodeTypes}
        onNodesChange={onNodesChange}
        onMove={onMove}
        onMoveEnd={onMoveEnd}
        onPaneClick={onPaneClick}
        onNodeClick={(event, node) =>
          store.getState().connecting
            ? finishConnection(node.id)
            : choose(node.id, event.shiftKey || event.ctrlKey || event.metaKey)
        }
        onNodeDoubleClick={() => store.getState().show({ panel: "inspector" })}
        onNodeDrag={onNodeDrag}
        onNodeDragStop={onNodeDragStop}
        onSelectionStart={(event) => {
          box.current = { x: event.clientX, y: event.clientY };
        }}
        onSelectionEnd={onSelectionEnd}
        onConnectStart={() => setDrawingArrow(true)}
        onConnect={({ source, sourceHandle, target }: Connection) =>
          sourceHandle !== null && connect({ step: source, port: sourceHandle }, target)
        }
        onConnectEnd={onConnectEnd}
        isValidConnection={({ source, target }) => refusal(store.getState().drawing.doc, source, target) === null}
        connectionMode={ConnectionMode.Strict}
        connectionLineType={ConnectionLineType.SmoothStep}
        connectionRadius={36}
        connectOnClick={false}
        minZoom={MIN_ZOOM}
        maxZoom={2}
        panOnScroll
        zoomOnDoubleClick={false}
        selectNodesOnDrag={false}
        nodeDragThreshold={4}
        paneClickDistance={4}
        nodesFocusable={false}
        edgesFocusable={false}
        disableKeyboardA11y
        deleteKeyCode={null}
        multiSelectionKeyCode={null}
        selectionKeyCode="Shift"
        panActivationKeyCode="Space"
        attributionPosition="top-right"
      />
      {doc.steps.length === 0 && <EmptyCanvas />}
      {from && connecting && (
        <div className="-translate-x-1/2 pointer-events-none absolute top-3 left-1/2 rounded-menu border border-accent-solid bg-surface px-3 py-1.5 shadow-(--shadow-float)">
          {t("journeys.canvas.connect_hint", { step: titleOf(from), port: portName(from, connecting.port) })}
        </div>
      )}
      <Controls stage={stage} />
      {doc.steps.length > 0 && <Minimap stage={stage} cards={cards} figures={figures} places={places} />}
      <QuickAddMenu />
      <IconSheet onRead={(iconPaths) => stage.update({ iconPaths })} />
      <p id="journey-canvas-help" className="sr-only">
        {t("journeys.canvas.help")}
      </p>
      <p aria-live="polite" className="sr-only">
        {said}
      </p>
    </div>
  );
}

type Marks = {
  selection: readonly StepId[];
  cursor: StepId | null;
  lit: { steps: ReadonlySet<StepId> } | null;
  direction: StepNode["data"]["direction"];
  target: boolean;
};

/** React Flow's nodes for the cards in view. A node that says the same as before stays the same object. */
function useNodes(
  shown: readonly StepId[],
  cards: Parameters<typeof Minimap>[0]["cards"],
  figures: ReadonlyMap<StepId, Figures>,
  places: ReadonlyMap<StepId, Place>,
  marks: Marks,
): StepNode[] {
  const before = useRef(new Map<StepId, StepNode>());
  return useMemo(() => {
    const next = new Map<StepId, StepNode>();
    for (const id of shown) {
      const card = cards.get(id);
      const at = places.get(id);
      if (!card || !at) continue;
      const selected = marks.selection.includes(id);
      const data: StepNode["data"] = {
        card,
        figures: figures.get(id) ?? null,
        direction: marks.direction,
        cursor: marks.cursor === id,
        dim: marks.lit !== null && !marks.lit.steps.has(id),
        lit: marks.lit?.steps.has(id) ?? false,
        target: marks.target,
        entry: isEntry(card.kind),
      };
      const old = before.current.get(id);
      const unchanged =
        old !== undefined &&
        old.selected === selected &&
        old.position.x === at.x &&
        old.position.y === at.y &&
        (Object.keys(data) as (keyof typeof data)[]).every((key) => old.data[key] === data[key]);
      next.set(
        id,
        unchanged
          ? old
          : {
              id,
              type: "step",
              position: at,
              width: CARD.width,
              height: CARD.height,
              measured: CARD,
              selected,
              data,
            },
      );
    }
    before.current = next;
    return [...next.values()];
  }, [shown, cards, figures, places, marks.selection, marks.cursor, marks.lit, marks.direction, marks.target]);
}

function same(a: readonly StepId[], b: readonly StepId[]): boolean {
  return a.length === b.length && a.every((id, at) => id === b[at]);
}

/** Steps placed by hand stand on an 8-pixel grid, so that two in one column are in one column. */
function snap(value: number): number {
  return Math.round(value / 8) * 8;
}
