import { cleanup, fireEvent, render, screen } from "@testing-library/react";
import { act } from "react";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { Grid } from "@/design";

const VIEW = 400;

beforeEach(() => {
  vi.useFakeTimers();
  vi.spyOn(HTMLElement.prototype, "clientHeight", "get").mockReturnValue(VIEW);
});

afterEach(() => {
  cleanup();
  vi.useRealTimers();
  vi.restoreAllMocks();
});

test("the End key right after a movement is not undone once the movement has settled", () => {
  render(
    <Grid
      label="People"
      columns={[{ key: "name", title: "Name", width: 200, cell: (row: { name: string }) => row.name }]}
      rows={10_000}
      rowAt={(index) => ({ name: `Person ${index}` })}
    />,
  );
  const grid = screen.getByRole("grid", { name: "People" });
  act(() => {
    grid.scrollTop = 90_000;
    fireEvent.scroll(grid);
  });
  expect(screen.queryByText("Person 0")).toBeNull();
  fireEvent.keyDown(grid, { key: "End" });
  expect(screen.getByText("Person 9999")).toBeTruthy();
  act(() => vi.advanceTimersByTime(1_000));
  expect(screen.getByText("Person 9999")).toBeTruthy();
});
