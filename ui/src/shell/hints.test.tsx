import { act, render, screen } from "@testing-library/react";
import { beforeEach, expect, test } from "vitest";
import { endHint, useHint } from "./hints";

beforeEach(() => localStorage.clear());

function Watch() {
  return <p>{useHint("clock") ? "given" : "ended"}</p>;
}

test("a hint is given until it was followed, wherever that was, and never again", () => {
  const { unmount } = render(<Watch />);
  expect(screen.getByText("given")).toBeTruthy();
  act(() => endHint("clock"));
  expect(screen.getByText("ended")).toBeTruthy();
  unmount();
  render(<Watch />);
  expect(screen.getByText("ended")).toBeTruthy();
});
