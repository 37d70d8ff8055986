import { screen, within } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { beforeEach, expect, test } from "vitest";
import { setHost } from "@/api/host";
import { fixtureHost } from "@/api/host.fixture";
import { showProgram } from "@/testing";

beforeEach(() => {
  localStorage.clear();
  setHost(fixtureHost("?fixture=some&clock=real"));
});

test("whom one clause keeps out is shown by clause, and leads to why", async () => {
  showProgram("/segments/1");
  await userEvent.click(await screen.findByRole("tab", { name: "Nearly" }));
  const [clause] = await screen.findAllByText(/^keeps [\d,]+ out$/);
  const part = clause?.closest("section") as HTMLElement;
  const [someone] = within(part).getAllByRole("button", { name: /^Why .+@.+ is not in$/ });
  await userEvent.click(someone as HTMLElement);
  expect(screen.getByRole("tab", { name: "Why" }).getAttribute("aria-selected")).toBe("true");
  await screen.findByText(/^Not in, at /);
});

test("other segments are compared, and whoever uses this one is a link", async () => {
  showProgram("/segments/1");
  await userEvent.click(await screen.findByRole("tab", { name: "Around it" }));
  const shared = await screen.findAllByRole("link", { name: /belong(s)? here too, of / });
  expect(shared.length).toBeGreaterThan(0);
  const journey = await screen.findByRole("link", { name: /Welcome/ });
  expect(journey.getAttribute("href")).toMatch(/journeys\/1/);
});

test("what it takes to be in the top is told, as it was measured and as it is now", async () => {
  showProgram("/segments/4");
  await screen.findByText(/^Its members are among the top 10% by spent, from 412.00 EUR up, as measured/);
  await screen.findByText("among the top 10% by spent, from 412.00 EUR up");
});
