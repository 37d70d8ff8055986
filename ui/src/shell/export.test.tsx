import { screen } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { beforeEach, expect, test } from "vitest";
import type { JobView } from "@/api/gen/JobView";
import type { SaveRef } from "@/api/gen/SaveRef";
import { answering, type Program, show } from "@/testing";
import { ExportMenu } from "./export";

const view = (state: JobView["state"], result: unknown): JobView => ({
  id: 9,
  what: "exports.start",
  state,
  done: 5,
  total: 10,
  phase: "writing",
  started_at: "2026-11-22T10:00:00Z",
  result: result as JobView["result"],
  error: null,
});
let program: Program;
let job: JobView;
let purposes: string[];
let delivered: string[];
let to: SaveRef | null;

beforeEach(() => {
  job = view("running", null);
  to = { download: "x" };
  purposes = [];
  delivered = [];
  program = answering(
    { "exports.start": () => ({ job: 9, path: null, ticket: "t" }), "jobs.get": () => job },
    {
      chooseSave: async (purpose, name) => {
        purposes.push(`${purpose} ${name}`);
        return to;
      },
      deliver: (_saved, name) => void delivered.push(name),
    },
  );
});

const choose = async (format: string) => {
  await userEvent.click(screen.getByRole("button", { name: "Export" }));
  await userEvent.click(await screen.findByRole("menuitem", { name: format }));
};

test("a list is written as what was chosen, handed over when it is whole, and its rows are told", async () => {
  job = view("done", { path: null, ticket: "t", rows: 12, sheets: 1 });
  show(<ExportMenu list={{ of: "suppressions" }} name="not/written to" />);
  await choose("Parquet");
  expect(await screen.findByText("Exported 12 rows")).toBeDefined();
  expect(purposes).toEqual(["parquet notwritten to.parquet"]);
  expect(program.asked[0]).toEqual({
    name: "exports.start",
    args: { list: { of: "suppressions" }, to: { download: "x" }, format: "parquet" },
  });
  expect(delivered).toEqual(["notwritten to.parquet"]);
});

test("a workbook with more rows than a sheet has says that it has several", async () => {
  job = view("done", { path: null, ticket: "t", rows: 1_500_000, sheets: 2 });
  show(<ExportMenu list={{ of: "events", contact: null, name: null }} name="events" />);
  await choose("Excel (.xlsx)");
  expect(await screen.findByText(/in 2 sheets/)).toBeDefined();
});

test("while it is written its progress stands in the place of the button", async () => {
  show(<ExportMenu list={{ of: "suppressions" }} name="a" />);
  await choose("CSV");
  expect(await screen.findByText("50%")).toBeDefined();
  expect(screen.queryByRole("button", { name: "Export" })).toBeNull();
  expect(delivered).toEqual([]);
});

test("nothing is written where no file is named", async () => {
  to = null;
  show(<ExportMenu list={{ of: "suppressions" }} name="a" />);
  await choose("CSV");
  expect(program.asked).toEqual([]);
});
