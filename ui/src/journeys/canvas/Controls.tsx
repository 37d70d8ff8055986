import { ArrowDown, ArrowRight, LayoutGrid, Maximize, Minus, Plus } from "lucide-react";
import { useEffect, useState } from "react";
import { IconButton, Tooltip } from "@/design";
import { percent } from "@/format";
import { t } from "@/i18n";
import { isTidy } from "../drawing";
import { useDesigner, useDesignerStore } from "../state";
import type { Stage } from "./stage";

/** Zoom, fit and layout, in the corner of the canvas. */
export function Controls({ stage }: { stage: Stage }) {
  const store = useDesignerStore();
  const direction = useDesigner((state) => state.direction);
  const neat = useDesigner((state) => isTidy(state.drawing.doc));
  const [zoom, setZoom] = useState(1);
  useEffect(() => {
    const timer = setInterval(() => setZoom(stage.view.zoom), 150);
    return () => clearInterval(timer);
  }, [stage]);
  const canvas = () => store.getState().canvas;
  const turn = () => {
    const state = store.getState();
    state.show({ direction: direction === "down" ? "right" : "down" });
    if (!neat) state.perform({ op: "tidy" });
    requestAnimationFrame(() => canvas()?.fit());
  };
  return (
    <div className="absolute bottom-3 left-3 flex items-center rounded-menu border border-line-default bg-surface">
      <IconButton
        icon={Minus}
        label={t("journeys.canvas.zoom_out")}
        shortcut="−"
        onClick={() => canvas()?.zoomBy(0.8)}
      />
      <Tooltip text="100 %" shortcut="0">
        <button
          type="button"
          aria-label={t("journeys.canvas.zoom", { percent: percent(zoom) })}
          className="figures h-8 w-12 rounded-control text-center text-ink-2 text-table hover:bg-hover"
          onClick={() => canvas()?.zoomTo(1)}
        >
          {Math.round(zoom * 100)} %
        </button>
      </Tooltip>
      <IconButton
        icon={Plus}
        label={t("journeys.canvas.zoom_in")}
        shortcut="+"
        onClick={() => canvas()?.zoomBy(1.25)}
      />
      <IconButton icon={Maximize} label={t("journeys.canvas.fit")} shortcut="1" onClick={() => canvas()?.fit()} />
      <span className="mx-1 h-4 border-line-default border-l" />
      <IconButton
        icon={LayoutGrid}
        label={t(neat ? "journeys.canvas.tidy_on" : "journeys.canvas.tidy_off")}
        shortcut="⇧ T"
        pressed={neat}
        onClick={() => store.getState().perform({ op: "tidy" })}
      />
      <IconButton
        icon={direction === "down" ? ArrowRight : ArrowDown}
        label={t(direction === "down" ? "journeys.canvas.direction_right" : "journeys.canvas.direction_down")}
        onClick={turn}
      />
    </div>
  );
}
