import { screen, waitFor, within } from "@testing-library/react";
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

test("a reply that may be a wish to be left alone is decided on with two buttons, and that can be taken back", async () => {
  stand("much");
  showProgram("/replies");
  const waiting = await screen.findByRole("region", { name: "3 replies may be wishes to be left alone" });
  const [first] = within(waiting).getAllByRole("listitem");
  expect(first?.textContent).toContain("This may be a wish to be left alone.");
  expect(first?.textContent).toContain("Marketing to this person waits until you decide.");
  await userEvent.click(within(first as HTMLElement).getByRole("button", { name: /^Take off the list: / }));
  await screen.findByRole("region", { name: "2 replies may be wishes to be left alone" });
  await userEvent.click(await screen.findByRole("button", { name: "Undo" }));
  const again = await screen.findByRole("region", { name: "3 replies may be wishes to be left alone" });
  const [other] = within(again).getAllByRole("button", { name: /^Keep mailing / });
  await userEvent.click(other as HTMLElement);
  await screen.findByRole("region", { name: "2 replies may be wishes to be left alone" });
});
