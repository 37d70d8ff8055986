import { render, screen, within } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { expect, test } from "vitest";
import type { AskHistory } from "@/api/gen/AskHistory";
import type { HistoryEntry } from "@/api/gen/HistoryEntry";
import { answering, Ground } from "@/testing";
import { AllHistory, FieldHistory } from "./history";

const entry = (value: string | null, rest: Partial<HistoryEntry> = {}): HistoryEntry => ({
  key: "city",
  label: "City",
  retired: false,
  value: value === null ? null : { type: "text", value },
  cut: false,
  from: { source: "import:3", at: "2026-11-01T09:00:00Z", name: "fair.csv" },
  until: null,
  of: null,
  merged: null,
  ...rest,
});

const ROWS: HistoryEntry[] = [
  entry("Graz", { from: { source: "user", at: "2026-11-20T09:00:00Z", name: null } }),
  entry("Kiel", { until: { source: "undo:import:3", at: "2026-11-19T09:00:00Z", name: "fair.csv" } }),
  entry(null, {
    until: { source: "journey:2", at: "2026-11-18T09:00:00Z", name: "Welcome" },
    of: { id: 9, email: "old@x.example" },
  }),
];

function stand(total = ROWS.length) {
  return answering({
    "contacts.history": ({ field, limit }: AskHistory) => ({
      rows: Array.from({ length: Math.min(limit, total) }, (_, n) => ROWS[n % ROWS.length] ?? entry(field ?? null)),
      total,
    }),
    "workspaces.current": () => {
      throw new Error("not asked");
    },
  });
}

test("beside a value it is told who wrote what when, and nothing is asked before somebody wants to know", async () => {
  const program = stand();
  render(
    <Ground>
      <FieldHistory contact={7} field="city" label="City" />
    </Ground>,
  );
  expect(program.times("contacts.history")).toBe(0);
  await userEvent.click(await screen.findByRole("button", { name: "Where City came from" }));
  const lines = await screen.findAllByRole("listitem");
  expect(lines).toHaveLength(3);
  const [now, before, first] = lines.map((line) => line.textContent ?? "");
  expect(now).toMatch(/Graz.*now.*by hand/);
  expect(before).toMatch(/Kiel.*import 3 · fair\.csv.*taking back import 3 · fair\.csv/);
  expect(first).toMatch(/no value.*journey 2 · Welcome.*old@x\.example/);
  expect(program.asked.find(({ name }) => name === "contacts.history")?.args).toEqual({
    id: 7,
    field: "city",
    offset: 0,
    limit: 20,
  });
});

test("of thousands of values some are shown, then more, and it is said that there are others", async () => {
  stand(3_000);
  render(
    <Ground>
      <AllHistory contact={7} email="ada@x.example" />
    </Ground>,
  );
  await userEvent.click(await screen.findByRole("button", { name: "History" }));
  const dialog = await screen.findByRole("dialog");
  expect(await within(dialog).findAllByRole("listitem")).toHaveLength(20);
  await userEvent.click(within(dialog).getByRole("button", { name: "Show more" }));
  expect(await within(dialog).findByText(/The first 200 of 3,?000/)).toBeDefined();
  expect(within(dialog).getAllByRole("listitem")).toHaveLength(200);
});
