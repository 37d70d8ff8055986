import { screen, waitFor, within } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { beforeEach, expect, test } from "vitest";
import { setHost } from "@/api/host";
import { fixtureHost } from "@/api/host.fixture";
import { showProgram } from "@/testing";

beforeEach(() => {
  localStorage.clear();
  setHost(fixtureHost("?fixture=some"));
});

test("a draft is saved before it is published, and neither while a rule says nothing", async () => {
  showProgram("/scores/new");
  await userEvent.type(await screen.findByRole("textbox", { name: "Name" }), "Interest");
  expect(await screen.findByText(/^Say what counts/)).toBeDefined();
  await userEvent.type(screen.getByRole("textbox", { name: "What counts" }), "did order");
  await userEvent.click(screen.getByRole("button", { name: "Save draft" }));
  expect(await screen.findByRole("heading", { level: 1, name: "Interest" })).toBeDefined();
  const publish = screen.getByRole("button", { name: "Publish" });
  await waitFor(() => expect(publish).toHaveProperty("disabled", false));
  await userEvent.click(publish);
  const asked = await screen.findByRole("alertdialog");
  await userEvent.click(within(asked).getByRole("button", { name: "Publish" }));
  expect(await screen.findByText("Version 1")).toBeDefined();
});

test("companies have rules of their own in the draft, about themselves or about their people", async () => {
  const fixture = fixtureHost("?fixture=some");
  const saved: unknown[] = [];
  setHost({
    ...fixture,
    mutate: async (name, args) => {
      if (name === "scores.save") saved.push(args);
      return fixture.mutate(name, args);
    },
  });
  showProgram("/scores/1");
  await userEvent.click(await screen.findByRole("button", { name: "Add a rule about companies" }));
  const rules = () => within(screen.getByRole("list", { name: "Rules of companies" })).getAllByRole("listitem");
  const added = () => within(rules().at(-1) ?? document.body);
  expect(rules()).toHaveLength(4);
  expect(await added().findByText("Say what counts, like: company.name is known.")).toBeDefined();
  await userEvent.click(added().getByRole("combobox", { name: "Who meets the rule" }));
  await userEvent.click(await screen.findByRole("option", { name: "At least" }));
  await userEvent.click(added().getByRole("textbox", { name: "What counts for companies" }));
  await userEvent.paste("score_engagement >= 50");
  await userEvent.click(screen.getByRole("combobox", { name: "Of its people’s points" }));
  await userEvent.click(await screen.findByRole("option", { name: "the most that one has" }));
  await userEvent.click(screen.getByRole("button", { name: "Save draft" }));
  await waitFor(() => expect(saved).toHaveLength(1));
  const rule = { key: "company_4", when: "score_engagement >= 50", people: 3, points: 10 };
  expect(saved[0]).toMatchObject({ draft: { companies: { roll_up: "highest", bounds: { least: 0, most: 100 } } } });
  expect(saved[0]).toHaveProperty("draft.companies.rules.3", rule);
});

test("the segment of those who reach the points is one button away", async () => {
  showProgram("/scores/1");
  expect(await screen.findByRole("button", { name: "Create the segment" })).toBeDefined();
});

test("a contact's page says each point with its rule and each change with its reason", async () => {
  showProgram("/contacts/1");
  await userEvent.click(await screen.findByRole("tab", { name: "Scores" }));
  expect(await screen.findByText("52")).toBeDefined();
  expect(screen.getAllByText("A1")).toHaveLength(1);
  const changes = await screen.findByText("46 → 52");
  expect(changes).toBeDefined();
  expect(screen.getAllByText("did email_clicked").length).toBeGreaterThan(1);
});

test("a draft is tried on the past, beside the published model", async () => {
  showProgram("/scores/1");
  const panel = await screen.findByRole("region", { name: "Tried on the past" });
  const run = within(panel).getByRole("button", { name: "Try it" });
  await waitFor(() => expect(run).toHaveProperty("disabled", false));
  await userEvent.click(run);
  const table = await within(panel).findByRole("table", { name: "Who reached the goal, by tenths of points" });
  expect(within(table).getAllByRole("row")).toHaveLength(11);
  expect(panel.textContent).toContain("Half is chance.");
  expect(panel.textContent).toContain("The draft is right in 8.3 more of 100 cases than the published model");
  expect(within(panel).getByText("None → Interested")).toBeDefined();
});

test("a grade is tried on the past by what people had of the scores it reads", async () => {
  showProgram("/scores/3");
  const panel = await screen.findByRole("region", { name: "Tried on the past" });
  const run = within(panel).getByRole("button", { name: "Try it" });
  await waitFor(() => expect(run).toHaveProperty("disabled", false));
  await userEvent.click(run);
  const table = await within(panel).findByRole("table", { name: "Who reached the goal, by grade" });
  expect(within(table).getAllByRole("rowheader")[0]?.textContent).toMatch(/^A1 \(/);
  expect(within(panel).getByText("Who would have another grade now")).toBeDefined();
  expect(panel.textContent).not.toContain("Half is chance.");
});
