import { screen, waitFor, within } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { expect, test } from "vitest";
import { setHost } from "@/api/host";
import { fixtureHost } from "@/api/host.fixture";
import { showProgram } from "@/testing";
import { away } from "./absence";

test("an absence is told in hours, and in days from two days on", () => {
  const from = "2026-11-20T18:00:00Z";
  expect(away({ from, to: "2026-11-20T19:10:00Z" })).toBe("1 hour");
  expect(away({ from, to: "2026-11-21T08:00:00Z" })).toBe("14 hours");
  expect(away({ from, to: "2026-11-23T06:00:00Z" })).toBe("3 days");
});

test("what fell due while nobody was here waits for an answer for each journey, and can be put away afterwards", async () => {
  setHost(fixtureHost("?fixture=much"));
  showProgram("/home");
  const list = await screen.findByRole("list", { name: "What fell due" });
  const [welcome, advent] = within(list).getAllByRole("listitem") as [HTMLElement, HTMLElement];
  expect(screen.queryByRole("button", { name: "Put this list away" })).toBeNull();
  expect(screen.getByRole("link", { name: /Say under Home/ }).textContent).toMatch(/1,352 wait/);
  await userEvent.click(within(welcome).getByRole("button", { name: "Skip" }));
  expect(await within(welcome).findByText("Skipped")).toBeDefined();
  await userEvent.click(within(advent).getByRole("button", { name: "At 9 in the morning" }));
  expect(await within(advent).findByText(/by each contact/)).toBeDefined();
  await userEvent.click(screen.getByRole("button", { name: "Put this list away" }));
  await waitFor(() => expect(screen.queryByRole("list", { name: "What fell due" })).toBeNull());
});

test("where nothing fell due nothing is said of it", async () => {
  setHost(fixtureHost("?fixture=empty"));
  showProgram("/home");
  await screen.findByRole("region", { name: "Figures" });
  expect(screen.queryByText(/Welcome back/)).toBeNull();
});
