import { Handle, type Node, type NodeProps, Position } from "@xyflow/react";
import { type CSSProperties, memo } from "react";
import { cx } from "@/design/cx";
import { compact, count } from "@/format";
import { t } from "@/i18n";
import { CARD } from "../drawing";
import { EDGE, type Family } from "../families";
import { iconOf } from "../icons";
import type { Direction } from "../tidy";
import type { Card, Figures } from "./paint";

export type StepNode = Node<
  {
    card: Card;
    figures: Figures | null;
    direction: Direction;
    /** The keyboard is here. */
    cursor: boolean;
    /** A way is lit and this step is not on it. */
    dim: boolean;
    lit: boolean;
    /** An arrow is being drawn and may end here. */
    target: boolean;
    entry: boolean;
  },
  "step"
>;

export const hues: Record<Family, string> = {
  trigger: "text-family-trigger",
  message: "text-family-message",
  wait: "text-family-wait",
  split: "text-family-split",
  data: "text-family-data",
  experiment: "text-family-experiment",
  goal: "text-family-goal",
  exit: "text-family-exit",
};

/** A step up close. Below half size and in crowds the canvas layer draws it instead. */
export const StepCard = memo(function StepCard({ id, data, selected }: NodeProps<StepNode>) {
  const { card, figures, direction, cursor, dim, lit, target, entry } = data;
  const Icon = iconOf(card.icon);
  const down = direction === "down";
  return (
    <div
      id={`step-${id}`}
      className={cx(
        "group relative overflow-visible rounded-card border bg-surface",
        card.problem === "error" ? "border-bad" : "border-line-default",
        selected && "outline-2 outline-accent-solid outline-offset-2",
        cursor && !selected && "outline-2 outline-accent-solid/50 outline-offset-2",
        lit && "border-live",
        dim && "opacity-45",
      )}
      style={{ width: CARD.width, height: CARD.height }}
    >
      <svg
        aria-hidden
        width={12}
        height={CARD.height - 2}
        viewBox={`0 0 12 ${CARD.height}`}
        preserveAspectRatio="none"
        className={cx("absolute top-0 left-0 rounded-l-[9px]", hues[card.family])}
        style={{ clipPath: "inset(0 round 9px 0 0 9px)" }}
      >
        <path d={EDGE[card.family]} fill="currentColor" />
      </svg>
      <div className="flex h-full flex-col py-2 pr-3 pl-4">
        <div className="flex items-center gap-2">
          <Icon size={16} aria-hidden className={cx("shrink-0", hues[card.family])} />
          <span className="min-w-0 flex-1 truncate font-medium text-body">{card.title}</span>
        </div>
        <p className={cx("mt-1 text-ink-2 text-table", figures === null ? "line-clamp-2" : "truncate")}>
          {card.summary}
        </p>
        {figures !== null && (
          <div className="figures mt-auto flex items-center justify-between text-meta">
            <span className="text-ink-3">{t("journeys.canvas.entered", { count: count(figures.entered) })}</span>
            {figures.waiting > 0 && (
              <span className="inline-flex items-center gap-1.5 font-medium text-ink-1">
                <span aria-hidden className="size-1.5 rounded-full bg-live" />
                {t("journeys.canvas.waiting", { count: compact(figures.waiting) })}
              </span>
            )}
          </div>
        )}
      </div>
      {card.problem !== null && (
        <span
          aria-hidden
          className={cx(
            "-top-2 -right-2 figures absolute flex h-4 min-w-4 items-center justify-center rounded-full px-1 font-semibold text-[10px] text-surface leading-none",
            card.problem === "error" ? "bg-bad" : "bg-warn",
          )}
        >
          {card.problems}
        </span>
      )}
      {!entry && (
        <Handle
          type="target"
          position={down ? Position.Top : Position.Left}
          isConnectableStart={false}
          style={{ "--card-width": `${CARD.width}px`, "--card-height": `${CARD.height}px` } as CSSProperties}
          className={cx(
            "journey-inlet",
            target ? "journey-awaiting pointer-events-auto! opacity-100!" : "pointer-events-none! opacity-0!",
          )}
        />
      )}
      {card.ports.map((port, at) => {
        const share = `${((at + 1) / (card.ports.length + 1)) * 100}%`;
        return (
          <Handle
            key={port}
            type="source"
            id={port}
            isConnectableEnd={false}
            position={down ? Position.Bottom : Position.Right}
            title={card.portNames[port] ?? port}
            className="journey-port"
            style={down ? { left: share } : { top: share }}
          />
        );
      })}
    </div>
  );
});
