import { screen, waitFor } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { beforeEach, expect, test } from "vitest";
import { setHost } from "@/api/host";
import { fixtureHost } from "@/api/host.fixture";
import { showProgram } from "@/testing";

const stand = (amount: string) => setHost(fixtureHost(`?fixture=${amount}&clock=real`));
beforeEach(() => localStorage.clear());

test("while nothing listens, the screen leads to where that is set up", async () => {
  stand("empty");
  showProgram("/replies");
  const link = await screen.findByRole("link", { name: "Set up replies and opt-outs" });
  expect(link.getAttribute("href")).toMatch(/settings\?part=replies/);
});

test("older rows are shown on request, without showing any twice", async () => {
  stand("much");
  showProgram("/replies?tab=bounced");
  const panel = await screen.findByRole("tabpanel");
  await waitFor(() => expect(panel.querySelectorAll("li")).toHaveLength(50));
  await userEvent.click(screen.getByRole("button", { name: "Show older" }));
  await waitFor(() => expect(panel.querySelectorAll("li")).toHaveLength(100));
  const people = [...panel.querySelectorAll("li a[href*='contacts']")].map((link) => link.getAttribute("href"));
  expect(new Set(people).size).toBe(100);
});

test("a row leads to its contact and to its message", async () => {
  stand("some");
  showProgram("/replies?tab=unsubscribed");
  const panel = await screen.findByRole("tabpanel");
  await waitFor(() => expect(panel.querySelector("li")).not.toBeNull());
  const hrefs = [...panel.querySelectorAll("li:first-child a")].map((link) => link.getAttribute("href"));
  expect(hrefs[0]).toMatch(/contacts\/\d+/);
  expect(hrefs[1]).toMatch(/outbox\?message=\d+/);
  expect(panel.textContent).toContain("With the unsubscribe button of the mail program.");
});
