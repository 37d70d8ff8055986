import { useEffect, useMemo, useState } from "react";
import { useRead } from "@/api/client";
import type { JourneyId } from "@/api/gen/JourneyId";
import type { JourneyView } from "@/api/gen/JourneyView";
import type { StepId } from "@/api/gen/StepId";
import { DragArea, ErrorView, SkeletonLines, SplitPane } from "@/design";
import { t } from "@/i18n";
import { useUnsaved } from "@/shell/unsaved";
import { Canvas } from "../canvas/Canvas";
import type { Figures } from "../canvas/paint";
import type { PaletteItem } from "../canvas/usePaletteDrag";
import { catalogueOf } from "../catalogue";
import { Inspector } from "../inspector/Inspector";
import { Palette, PaletteGhost } from "../palette/Palette";
import { CanvasKeys } from "../panels/CanvasKeys";
import { HistoryPanel } from "../panels/HistoryPanel";
import { ProblemsPanel } from "../panels/ProblemsPanel";
import { figuresOf } from "../simulate/report";
import { SimBar } from "../simulate/SimBar";
import { SimulatePanel } from "../simulate/SimulatePanel";
import { createDesigner, DesignerContext, useDesigner, useDesignerStore } from "../state";
import { useDraft } from "../useDraft";
import { TopBar } from "./TopBar";
import { useDesignerKeys } from "./useDesignerKeys";

/** A journey on its canvas. */
export function Designer({ id }: { id: JourneyId }) {
  const view = useRead("journeys.get", { id });
  const catalogue = useRead("journeys.catalogue", {});
  // Only where there was never an answer: one that fails later must not take a drawing away.
  if (view.isLoadingError) return <ErrorView error={view.error} onRetry={() => void view.refetch()} />;
  if (catalogue.isLoadingError) return <ErrorView error={catalogue.error} onRetry={() => void catalogue.refetch()} />;
  if (!view.data || !catalogue.data) return <SkeletonLines />;
  return <Opened key={id} view={view.data} faces={catalogue.data} />;
}

function Opened({ view, faces }: { view: JourneyView; faces: Parameters<typeof catalogueOf>[0] }) {
  const [store] = useState(() => createDesigner(view.id, view.document, catalogueOf(faces), view.problems));
  return (
    <DesignerContext value={store}>
      <Room view={view} />
    </DesignerContext>
  );
}

/** The canvas says in our own words where a step is and where it went. */
const SILENT = {
  onDragStart: () => undefined,
  onDragOver: () => undefined,
  onDragEnd: () => undefined,
  onDragCancel: () => undefined,
};

const NOTHING: ReadonlyMap<StepId, Figures> = new Map();

function Room({ view }: { view: JourneyView }) {
  const store = useDesignerStore();
  const draft = useDraft(store, view);
  const panel = useDesigner((state) => state.panel);
  const simulation = useDesigner((state) => state.simulation);
  const counts = useRead("journeys.counts", { id: view.id }, { enabled: view.version !== null, keep: true });
  const live = useMemo(
    () =>
      counts.data === undefined
        ? NOTHING
        : new Map(counts.data.steps.map(({ step, entered, waiting, left }) => [step, { entered, waiting, left }])),
    [counts.data],
  );
  useEffect(() => {
    if (counts.data) store.getState().reserve(counts.data.steps.map(({ step }) => step));
  }, [counts.data, store]);
  const figures = useMemo(() => (simulation ? figuresOf(simulation.report, simulation.day) : live), [simulation, live]);

  useDesignerKeys(draft);
  useUnsaved(draft.state.is !== "saved", draft.save);

  const canvas = (
    <div className="flex min-h-0 min-w-0 flex-1">
      <Palette />
      <div className="flex min-w-0 flex-1 flex-col">
        <SimBar />
        <div className="min-h-0 flex-1">
          <Canvas figures={figures} />
        </div>
      </div>
    </div>
  );
  return (
    <DragArea<PaletteItem> onDrop={() => {}} ghost={({ kind }) => <PaletteGhost kind={kind} />} announcements={SILENT}>
      <div className="flex min-h-0 flex-1 flex-col">
        <TopBar view={view} draft={draft} active={counts.data?.active ?? 0} />
        {panel === null ? (
          canvas
        ) : (
          <SplitPane
            label={t("journeys.inspector.title")}
            remember="journey"
            initial={344}
            min={300}
            max={560}
            first={canvas}
            second={
              <div className="min-h-0 flex-1 overflow-auto bg-surface">
                {panel === "inspector" && <Inspector figures={figures} live={simulation === null ? view : null} />}
                {panel === "problems" && <ProblemsPanel checking={draft.checking} />}
                {panel === "history" && <HistoryPanel />}
                {panel === "simulate" && <SimulatePanel />}
              </div>
            }
          />
        )}
      </div>
      <CanvasKeys />
    </DragArea>
  );
}
