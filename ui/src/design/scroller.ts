// A scroll box cannot be higher than 33,554,428 px (WebKitGTK and Chromium alike), so a million rows do not fit
// one to one. The spacer is at most 8 million px; a turn of the wheel still moves by its own length, a jump of
// the thumb moves in proportion.

/** Height of the spacer where the rows do not fit one to one, in CSS pixels. */
export const SPACER_MAX = 8_000_000;

export interface Geometry {
  rows: number;
  rowHeight: number;
  /** Height of the visible part. */
  view: number;
}

/** Where the list stands: `offset` in the rows' own pixels, `top` in those of the scroll box. */
export interface Position {
  offset: number;
  top: number;
}

export const contentHeight = (g: Geometry): number => g.rows * g.rowHeight;
export const spacerHeight = (g: Geometry): number => Math.min(contentHeight(g), SPACER_MAX);
const offsetEnd = (g: Geometry): number => Math.max(0, contentHeight(g) - g.view);
const topEnd = (g: Geometry): number => Math.max(0, spacerHeight(g) - g.view);
const scaled = (g: Geometry): boolean => contentHeight(g) > SPACER_MAX;
const clamp = (n: number, low: number, high: number): number => Math.min(high, Math.max(low, n));

/** The box was scrolled to `top`. */
export function scrolledTo(from: Position, top: number, g: Geometry): Position {
  if (!scaled(g)) return { offset: clamp(top, 0, offsetEnd(g)), top };
  const by = top - from.top;
  const near = Math.abs(by) <= g.view * 1.5;
  const offset = near ? from.offset + by : (top / topEnd(g)) * offsetEnd(g);
  return { offset: clamp(offset, 0, offsetEnd(g)), top };
}

/** Where the box has to stand for an offset; asked once the movement has ended. */
export function settledTop(offset: number, g: Geometry): number {
  if (!scaled(g)) return clamp(offset, 0, topEnd(g));
  return Math.round((offset / offsetEnd(g)) * topEnd(g));
}

/** The offset at which a row is wholly seen, moving as little as possible. */
export function revealRow(row: number, offset: number, g: Geometry): number {
  const start = row * g.rowHeight;
  if (start < offset) return clamp(start, 0, offsetEnd(g));
  const end = start + g.rowHeight - g.view;
  return end > offset ? clamp(end, 0, offsetEnd(g)) : offset;
}

/** Rows drawn beyond each edge. */
const BEYOND = 6;

/** Places for drawn rows, wherever the list stands. A row that leaves gives its place to the one that comes: to fill it anew
 * costs less than to take it away and make another. */
export const ringOf = (g: Geometry): number => Math.ceil(g.view / g.rowHeight) + 1 + 2 * BEYOND;

/** First row to draw and the row after the last, with some beyond the edges. */
export function visibleRows(offset: number, g: Geometry, beyond = BEYOND): { first: number; end: number } {
  const first = Math.max(0, Math.floor(offset / g.rowHeight) - beyond);
  return { first, end: Math.min(g.rows, Math.ceil((offset + g.view) / g.rowHeight) + beyond) };
}
