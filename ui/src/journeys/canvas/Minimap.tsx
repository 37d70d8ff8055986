import { useReactFlow } from "@xyflow/react";
import { useEffect, useRef } from "react";
import type { Place } from "@/api/gen/Place";
import type { StepId } from "@/api/gen/StepId";
import { useShownTheme } from "@/design/theme";
import { t } from "@/i18n";
import { CARD, extent } from "../drawing";
import { lookOf } from "./look";
import { type Card, type Figures, visibleBox } from "./paint";
import type { Stage } from "./stage";

const WIDTH = 168;
const HEIGHT = 112;

/** The whole drawing in the corner: families, where people wait, problems, and what the view shows. Drag to go there. */
export function Minimap({
  stage,
  cards,
  figures,
  places,
}: {
  stage: Stage;
  cards: ReadonlyMap<StepId, Card>;
  figures: ReadonlyMap<StepId, Figures>;
  places: ReadonlyMap<StepId, Place>;
}) {
  const sheet = useRef<HTMLCanvasElement>(null);
  const flow = useReactFlow();
  const theme = useShownTheme();
  const scale = useRef({ zoom: 1, x: 0, y: 0 });

  useEffect(() => {
    const canvas = sheet.current;
    const context = canvas?.getContext("2d");
    if (!canvas || !context) return;
    const look = lookOf(theme);
    const ratio = globalThis.devicePixelRatio || 1;
    canvas.width = Math.round(WIDTH * ratio);
    canvas.height = Math.round(HEIGHT * ratio);
    const all = extent(places.values()) ?? { x: 0, y: 0, width: 1, height: 1 };
    const zoom = Math.min((WIDTH - 16) / all.width, (HEIGHT - 16) / all.height, 0.2);
    const x = (WIDTH - all.width * zoom) / 2 - all.x * zoom;
    const y = (HEIGHT - all.height * zoom) / 2 - all.y * zoom;
    scale.current = { zoom, x, y };
    // The cards are drawn once; while the view moves only its frame is.
    const still = document.createElement("canvas");
    still.width = canvas.width;
    still.height = canvas.height;
    const pen = still.getContext("2d");
    if (!pen) return;
    pen.scale(ratio, ratio);
    for (const [id, at] of places) {
      const card = cards.get(id);
      if (!card) continue;
      const waiting = figures.get(id)?.waiting ?? 0;
      pen.globalAlpha = waiting > 0 ? 1 : 0.55;
      pen.fillStyle = card.problem === "error" ? look.bad : waiting > 0 ? look.live : look.family[card.family];
      pen.beginPath();
      pen.roundRect(
        at.x * zoom + x,
        at.y * zoom + y,
        Math.max(2, CARD.width * zoom),
        Math.max(1.5, CARD.height * zoom),
        Math.min(2, 10 * zoom),
      );
      pen.fill();
    }
    let last = "";
    let frame = 0;
    const draw = () => {
      frame = requestAnimationFrame(draw);
      const box = visibleBox(stage.view, 0);
      const now = `${box.x} ${box.y} ${box.width} ${box.height}`;
      if (now === last) return;
      last = now;
      context.setTransform(1, 0, 0, 1, 0, 0);
      context.clearRect(0, 0, canvas.width, canvas.height);
      context.drawImage(still, 0, 0);
      context.setTransform(ratio, 0, 0, ratio, 0, 0);
      context.strokeStyle = look.accent;
      context.lineWidth = 1.5;
      context.strokeRect(box.x * zoom + x, box.y * zoom + y, box.width * zoom, box.height * zoom);
    };
    draw();
    return () => cancelAnimationFrame(frame);
  }, [stage, cards, figures, places, theme]);

  const go = (event: React.PointerEvent<HTMLElement>) => {
    if ((event.buttons & 1) === 0) return;
    const frame = event.currentTarget.getBoundingClientRect();
    const { zoom, x, y } = scale.current;
    const { view } = stage;
    const at = { x: (event.clientX - frame.left - x) / zoom, y: (event.clientY - frame.top - y) / zoom };
    void flow.setViewport({
      x: Math.round(view.width / 2 - at.x * view.zoom),
      y: Math.round(view.height / 2 - at.y * view.zoom),
      zoom: view.zoom,
    });
  };
  return (
    <div
      role="img"
      aria-label={t("journeys.canvas.minimap")}
      className="absolute right-3 bottom-3 @max-[560px]:hidden touch-none overflow-hidden rounded-menu border border-line-default bg-surface"
      onPointerDown={(event) => {
        event.currentTarget.setPointerCapture(event.pointerId);
        go(event);
      }}
      onPointerMove={go}
    >
      <canvas ref={sheet} className="block" style={{ width: WIDTH, height: HEIGHT }} />
    </div>
  );
}
