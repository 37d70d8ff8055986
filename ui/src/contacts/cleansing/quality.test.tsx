import { screen, within } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { expect, test } from "vitest";
import type { JobView } from "@/api/gen/JobView";
import type { QualityDay } from "@/api/gen/QualityDay";
import type { QualityShown } from "@/api/gen/QualityShown";
import { answering, showProgram } from "@/testing";
import { runsOf } from "./trend";

const on = (day: string, score: number): QualityDay => ({ day, known: 0, valid: 0, tidy: 0, score });

test("the line ends where nothing was measured, and a day alone is a point", () => {
  const days = [on("2026-11-01", 10), on("2026-11-02", 20), on("2026-11-05", 40), on("2026-11-10", 100)];
  expect(runsOf(days, "2026-11-01", "2026-11-11")).toEqual([
    [
      { x: 0, y: 90 },
      { x: 10, y: 80 },
    ],
    [{ x: 40, y: 60 }],
    [{ x: 90, y: 0 }],
  ]);
  expect(runsOf([], "2026-11-01", "2026-11-11")).toEqual([]);
});

const SHOWN: QualityShown = {
  measured: { day: "2026-11-20", at: "2026-11-20T09:00:00Z", contacts: 1000, pairs: 3 },
  running: null,
  at_hand: true,
  from: "2026-08-23",
  to: "2026-11-20",
  fields: [
    {
      key: "phone",
      label: "Phone",
      now: { known: 999, valid: 500, tidy: 500, score: 50 },
      days: [on("2026-11-19", 40), on("2026-11-20", 50)],
    },
    { key: "shoe", label: "Shoe", now: null, days: [] },
  ],
};

const job = (state: JobView["state"]): JobView => ({
  id: 5,
  what: "cleansing.measure",
  state,
  done: 10,
  total: 100,
  phase: "measuring",
  started_at: "2026-11-20T09:00:00Z",
  result: null,
  error: null,
});

function stand(shown: QualityShown, state: JobView["state"] = "done", at_hand = true) {
  const program = answering({
    "workspaces.current": () => ({
      file: "/a.carillon",
      workspace: {
        name: "A",
        clock: "real",
        sample: false,
        time_zone: "Europe/Berlin",
        postal_address: "",
        organisation: "",
        created_at: "2026-01-01T00:00:00Z",
      },
      warnings: [],
    }),
    "cleansing.show": () => ({ country: null, countries: [], found: null, past: [], running: null }),
    "cleansing.quality": () => shown,
    "cleansing.quality_contacts": () => ({
      at_hand,
      rows: at_hand ? [{ id: 7, email: "ada@x.example", value: { type: "text", value: "nonsense" } }] : [],
      total: 499,
    }),
    "cleansing.measure": () => ({ job: 5 }),
    "jobs.get": () => job(state),
    "segments.list": () => [],
  });
  showProgram("/contacts/cleansing?tab=quality");
  return program;
}

test("each field tells its score and its shares, and whom they are about", async () => {
  const program = stand(SHOWN);
  const row = (await screen.findByRole("rowheader", { name: "Phone" })).closest("tr");
  if (row === null) throw new Error("no row");
  expect(row.textContent).toContain("50");
  // 99.9 in a hundred are not all of them.
  expect(within(row).getByText("99%")).toBeDefined();
  expect(within(row).getByRole("link", { name: "1 without" }).getAttribute("href")).toContain("where=");
  expect(within(row).getByRole("img", { name: /2 days measured: 40 on .*, 50 on/ })).toBeDefined();
  expect(screen.getByText("Newer than the last measurement.")).toBeDefined();
  expect(screen.getByRole("link", { name: "3 pairs may be one person." })).toBeDefined();
  await userEvent.click(within(row).getByRole("button", { name: "499 cannot be right" }));
  const dialog = await screen.findByRole("dialog");
  expect((await within(dialog).findByRole("link", { name: "ada@x.example" })).getAttribute("href")).toContain(
    "/contacts/7",
  );
  expect(program.asked.find(({ name }) => name === "cleansing.quality_contacts")?.args).toMatchObject({
    field: "phone",
    verdict: "invalid",
  });
});

test("what was never measured is measured on request, and what is measuring already is followed", async () => {
  const program = stand({ ...SHOWN, measured: null, at_hand: false, fields: [] });
  await userEvent.click(await screen.findByRole("button", { name: "Measure now" }));
  expect(program.times("cleansing.measure")).toBe(1);
});

test("a measurement that was begun elsewhere is shown, and cannot be begun twice", async () => {
  stand({ ...SHOWN, running: 5 }, "running");
  expect(await screen.findByText("10%")).toBeDefined();
  expect(screen.getByRole("button", { name: "Measure again" }).getAttribute("aria-disabled") ?? "").toBe("true");
});

test("whom the figures are about is asked for by a new measurement where nobody knows", async () => {
  const program = stand(SHOWN, "done", false);
  await userEvent.click(await screen.findByRole("button", { name: "499 cannot be right" }));
  const dialog = await screen.findByRole("dialog");
  await userEvent.click(await within(dialog).findByRole("button", { name: "Measure again" }));
  expect(program.times("cleansing.measure")).toBe(1);
});
