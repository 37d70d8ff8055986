import { type KeyboardEvent, type PointerEvent, type ReactNode, useRef, useState } from "react";
import { cx } from "./cx";

const STEP = 16;

/** Two panes with a bar between them that moves by pointer and by arrow keys. One has a width, the other takes the rest. */
export function SplitPane({
  first,
  second,
  label,
  initial = 360,
  min = 280,
  max = 640,
  remember,
  sized = "second",
}: {
  first: ReactNode;
  second: ReactNode;
  /** What the bar resizes. */
  label: string;
  initial?: number;
  min?: number;
  max?: number;
  /** Name under which the width is kept on this machine. */
  remember?: string;
  /** Which of them has the width. */
  sized?: "first" | "second";
}) {
  const key = remember === undefined ? null : `carillon.split.${remember}`;
  const [size, setSize] = useState(() => {
    const kept = key === null ? Number.NaN : Number.parseInt(localStorage.getItem(key) ?? "", 10);
    return Number.isNaN(kept) ? initial : Math.min(max, Math.max(min, kept));
  });
  // The first grows when the bar goes to the right.
  const grows = sized === "first" ? 1 : -1;
  const pane = (which: "first" | "second") =>
    which === sized
      ? { className: "flex min-h-0 max-w-[58%] shrink-0 flex-col", style: { width: size } }
      : { className: "flex min-h-0 min-w-0 flex-1 flex-col" };
  const start = useRef<{ x: number; size: number } | null>(null);
  const put = (next: number) => {
    const kept = Math.round(Math.min(max, Math.max(min, next)));
    setSize(kept);
    if (key !== null) localStorage.setItem(key, String(kept));
  };
  const onKeyDown = (event: KeyboardEvent) => {
    const by: Record<string, number> = { ArrowLeft: -STEP, ArrowRight: STEP, Home: -max, End: max };
    const move = by[event.key];
    if (move === undefined) return;
    event.preventDefault();
    put(size + grows * move);
  };
  const onPointerDown = (event: PointerEvent<HTMLElement>) => {
    event.currentTarget.setPointerCapture(event.pointerId);
    start.current = { x: event.clientX, size };
  };
  const onPointerMove = (event: PointerEvent) => {
    if (start.current !== null) put(start.current.size + grows * (event.clientX - start.current.x));
  };
  return (
    <div className="flex min-h-0 min-w-0 flex-1">
      <div {...pane("first")}>{first}</div>
      <div
        role="separator"
        tabIndex={0}
        aria-label={label}
        aria-orientation="vertical"
        aria-valuenow={size}
        aria-valuemin={min}
        aria-valuemax={max}
        onKeyDown={onKeyDown}
        onPointerDown={onPointerDown}
        onPointerMove={onPointerMove}
        onPointerUp={() => {
          start.current = null;
        }}
        className={cx(
          "group ring-inside relative z-10 w-px shrink-0 cursor-col-resize touch-none bg-line-subtle",
          "before:-left-1.5 before:absolute before:inset-y-0 before:w-3 hover:bg-accent-solid focus-visible:bg-accent-solid",
        )}
      />
      <div {...pane("second")}>{second}</div>
    </div>
  );
}
