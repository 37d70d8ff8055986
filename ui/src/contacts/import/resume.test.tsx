import { screen } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { beforeEach, expect, test } from "vitest";
import type { ImportRow } from "@/api/gen/ImportRow";
import type { JobView } from "@/api/gen/JobView";
import { answering, type Program, show } from "@/testing";
import { ResumeImport } from "./result";

const row = { id: 7, name: "people.csv", what: "contacts", state: "failed", resumable: true } as ImportRow;
const running: JobView = {
  id: 3,
  what: "contacts.import_run",
  state: "running",
  done: 40,
  total: 80,
  phase: "writing",
  started_at: "2026-11-22T10:00:00Z",
  result: null,
  error: null,
};
let program: Program;
let chosen: { file: { upload: string }; name: string } | null;

beforeEach(() => {
  chosen = { file: { upload: "again" }, name: "people.csv" };
  program = answering(
    { "contacts.import_resume": () => ({ job: 3, import: 7 }), "jobs.get": () => running },
    { chooseFile: async () => chosen },
  );
});

test("an import that was interrupted goes on with the file that is chosen, and shows how far it is", async () => {
  show(<ResumeImport row={row} />);
  await userEvent.click(screen.getByRole("button", { name: "Go on…" }));
  expect(await screen.findByText("50%")).toBeDefined();
  expect(program.asked[0]).toEqual({
    name: "contacts.import_resume",
    args: { id: 7, file: { upload: "again" } },
  });
  expect(program.times("contacts.import_resume")).toBe(1);
});

test("nothing happens where no file is chosen", async () => {
  chosen = null;
  show(<ResumeImport row={row} />);
  await userEvent.click(screen.getByRole("button", { name: "Go on…" }));
  expect(program.asked).toEqual([]);
  expect(screen.getByRole("button", { name: "Go on…" })).toBeDefined();
  expect(screen.queryByText("That did not work")).toBeNull();
});

test("an import that came to its end offers nothing", () => {
  show(<ResumeImport row={{ ...row, resumable: false }} />);
  expect(screen.queryByRole("button", { name: "Go on…" })).toBeNull();
});
