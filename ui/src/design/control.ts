// How controls and their lists look, wherever they are made.
import { cx } from "./cx";

/** The frame of a control. */
export const control =
  "h-8 min-w-0 rounded-control border border-line-control bg-surface px-2 text-ink-1 data-disabled:text-ink-3 disabled:bg-sunken disabled:text-ink-3 aria-invalid:border-bad data-invalid:border-bad";

/** The given classes on a control that fills its place unless they set a width. */
export const sized = (className: string | undefined, ...more: string[]) =>
  cx(control, /(^|\s)w-/.test(className ?? "") || "w-full", ...more, className);

/** A list that hangs under a control. */
export const floating =
  "max-h-[min(320px,var(--available-height))] min-w-(--anchor-width) max-w-100 overflow-auto rounded-menu border border-line-default bg-surface p-1 shadow-(--shadow-float) outline-none";

/** A row of such a list. */
export const option =
  "flex min-h-8 cursor-default select-none items-center gap-2 rounded-control px-2 py-1 text-body outline-none data-disabled:text-ink-3 data-highlighted:bg-hover";
