import { describe, expect, test } from "vitest";
import {
  type Geometry,
  revealRow,
  ringOf,
  SPACER_MAX,
  scrolledTo,
  settledTop,
  spacerHeight,
  visibleRows,
} from "./scroller";

const million: Geometry = { rows: 1_000_000, rowHeight: 36, view: 720 };
const small: Geometry = { rows: 500, rowHeight: 32, view: 640 };

describe("the scroller of long tables", () => {
  test("a list that fits is scrolled one to one", () => {
    expect(spacerHeight(small)).toBe(16_000);
    expect(scrolledTo({ offset: 0, top: 0 }, 4321, small)).toEqual({ offset: 4321, top: 4321 });
  });

  test("the spacer of a million rows stays under the height that engines allow", () => {
    expect(spacerHeight(million)).toBe(SPACER_MAX);
  });

  test("the end of the box shows the last of a million rows", () => {
    const end = scrolledTo({ offset: 0, top: 0 }, SPACER_MAX - million.view, million);
    const { end: last } = visibleRows(end.offset, million);
    expect(last).toBe(1_000_000);
    expect(end.offset).toBe(1_000_000 * 36 - 720);
  });

  test("a turn of the wheel moves by its own length in the middle of a million rows", () => {
    const middle = { offset: 18_000_000, top: settledTop(18_000_000, million) };
    expect(scrolledTo(middle, middle.top + 100, million).offset).toBe(18_000_100);
  });

  test("no two rows that are drawn at once share a place, wherever the list stands", () => {
    for (const view of [1, 35, 36, 37, 700, 733]) {
      const g = { ...million, view };
      for (let offset = 10_000; offset < 10_000 + 2 * g.rowHeight; offset += 0.5) {
        const { first, end } = visibleRows(offset, g);
        expect(end - first).toBeLessThanOrEqual(ringOf(g));
      }
    }
  });

  test("every row can be reached and settling keeps it in sight", () => {
    for (const row of [0, 1, 17, 250_000, 932_076, 999_999]) {
      const offset = revealRow(row, 0, million);
      const jumped = scrolledTo({ offset: 0, top: 0 }, settledTop(offset, million), million);
      // A pixel of the box is 4.5 pixels of rows here, so a jump by the thumb alone is that exact and no more.
      expect(Math.abs(jumped.offset - offset)).toBeLessThan(6);
      const { first, end } = visibleRows(offset, million, 0);
      expect(row).toBeGreaterThanOrEqual(first);
      expect(row).toBeLessThan(end);
    }
  });

  test("revealing a row that is in sight moves nothing", () => {
    expect(revealRow(5, 100, small)).toBe(100);
  });

  test("an empty list draws nothing", () => {
    expect(visibleRows(0, { rows: 0, rowHeight: 32, view: 640 })).toEqual({ first: 0, end: 0 });
  });
});
