import { useEffect, useLayoutEffect, useMemo, useRef } from "react";
import type { Journey } from "@/api/gen/Journey";
import type { Place } from "@/api/gen/Place";
import type { Problem } from "@/api/gen/Problem";
import type { Step } from "@/api/gen/Step";
import type { StepId } from "@/api/gen/StepId";
import { useShownTheme } from "@/design/theme";
import { compact } from "@/format";
import type { Catalogue } from "../catalogue";
import { orderedPorts } from "../drawing";
import { familyOf } from "../families";
import { useDesigner } from "../state";
import { portName, summaryOf, titleOf } from "../summary";
import { type Direction, placesOf, type Tidy } from "../tidy";
import { lookOf } from "./look";
import type { Card, Figures, Scene } from "./paint";
import { routesOf } from "./routes";
import { RELAYOUT_MS, type Stage } from "./stage";

/** Cards that are being moved by hand, and how far. */
export type Held = { ids: ReadonlySet<StepId>; dx: number; dy: number };

const NOBODY: ReadonlySet<StepId> = new Set();

export function emptyScene(): Scene {
  return {
    cards: new Map(),
    places: new Map(),
    routes: [],
    stubs: [],
    figures: new Map(),
    peak: 0,
    lit: null,
    selection: NOBODY,
    cursor: null,
    hover: null,
    landing: null,
    dragging: false,
    iconPaths: new Map(),
    format: compact,
  };
}

const written = new WeakMap<Step, { catalogue: Catalogue; card: Card }>();

/** What the card of a step says. Steps are immutable, so each is put into words once. */
export function cardOf(step: Step, catalogue: Catalogue, problems: readonly Problem[]): Card {
  let known = written.get(step);
  if (known?.catalogue !== catalogue) {
    const face = catalogue.of(step.kind);
    const ports = orderedPorts(step, catalogue.portsOf);
    const card: Card = {
      id: step.id,
      kind: step.kind,
      family: familyOf(step.kind, face?.group),
      icon: face?.icon ?? "",
      title: titleOf(step),
      summary: summaryOf(step, catalogue),
      ports,
      portNames: Object.fromEntries(ports.map((port) => [port, portName(step, port)])),
      problem: null,
      problems: 0,
    };
    known = { catalogue, card };
    written.set(step, known);
  }
  if (problems.length === 0) return known.card;
  const problem = problems.some((one) => one.severity === "error") ? "error" : "warning";
  return { ...known.card, problem, problems: problems.length };
}

export function useCards(doc: Journey, catalogue: Catalogue, problems: readonly Problem[]): ReadonlyMap<StepId, Card> {
  return useMemo(() => {
    const wrong = new Map<StepId, Problem[]>();
    for (const problem of problems) {
      if (problem.step !== null) wrong.set(problem.step, [...(wrong.get(problem.step) ?? []), problem]);
    }
    return new Map(doc.steps.map((step) => [step.id, cardOf(step, catalogue, wrong.get(step.id) ?? [])]));
  }, [doc, catalogue, problems]);
}

/** What a layout depends on: a change of texts must not lay a thousand steps out again. */
function shapeOf(doc: Journey, catalogue: Catalogue): string {
  const parts = doc.steps.map((step) => {
    const ports = orderedPorts(step, catalogue.portsOf).map((port) => `${port}>${step.next?.[port] ?? ""}`);
    return `${step.id}:${step.kind}:${ports.join(",")}`;
  });
  return `${parts.join(";")}|${JSON.stringify(doc.layout ?? null)}`;
}

export function useLayout(doc: Journey, catalogue: Catalogue, direction: Direction): Tidy {
  const shape = useMemo(() => shapeOf(doc, catalogue), [doc, catalogue]);
  // biome-ignore lint/correctness/useExhaustiveDependencies: `shape` stands for the part of the document that counts.
  return useMemo(() => placesOf(doc, catalogue.portsOf, direction), [shape, catalogue, direction]);
}

/** Keeps the canvas layer true to the designer, and lays out anew with movement. */
export function useScene(
  stage: Stage,
  element: React.RefObject<HTMLDivElement | null>,
  cards: ReadonlyMap<StepId, Card>,
  layout: Tidy,
  figures: ReadonlyMap<StepId, Figures>,
  held: Held | null,
): ReadonlyMap<StepId, Place> {
  const doc = useDesigner((state) => state.drawing.doc);
  const catalogue = useDesigner((state) => state.catalogue);
  const direction = useDesigner((state) => state.direction);
  const selection = useDesigner((state) => state.drawing.selection);
  const cursor = useDesigner((state) => state.cursor);
  const lit = useDesigner((state) => state.lit);
  const theme = useShownTheme();
  const last = useRef<Tidy | null>(null);

  const places = useMemo(() => {
    if (held === null) return layout.places;
    const moved = new Map(layout.places);
    for (const id of held.ids) {
      const at = moved.get(id);
      if (at) moved.set(id, { x: at.x + held.dx, y: at.y + held.dy });
    }
    return moved;
  }, [layout, held]);

  useLayoutEffect(() => {
    const relayout = last.current !== null && last.current !== layout && held === null;
    last.current = layout;
    stage.place(
      places,
      (at) => routesOf(doc, catalogue.portsOf, at, held === null ? layout.lanes : new Map(), direction),
      relayout,
    );
    if (!relayout) return;
    const flow = element.current?.querySelector(".journey-flow");
    flow?.classList.add("relayout");
    const timer = setTimeout(() => flow?.classList.remove("relayout"), RELAYOUT_MS + 40);
    return () => clearTimeout(timer);
  }, [stage, element, places, layout, held, doc, catalogue, direction]);

  useEffect(() => stage.setLook(lookOf(theme)), [stage, theme]);
  useEffect(() => {
    let peak = 0;
    for (const one of figures.values()) for (const flow of Object.values(one.left)) peak = Math.max(peak, flow);
    stage.update({ cards, figures, peak });
  }, [stage, cards, figures]);
  useEffect(() => stage.update({ selection: new Set(selection), cursor, lit }), [stage, selection, cursor, lit]);
  return places;
}
