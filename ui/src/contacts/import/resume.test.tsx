import { QueryClientProvider } from "@tanstack/react-query";
import { render, screen } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { beforeEach, expect, test } from "vitest";
import { newQueryClient } from "@/api/client";
import type { ImportRow } from "@/api/gen/ImportRow";
import { type Host, setHost } from "@/api/host";
import { Toasts } from "@/design";
import { ResumeImport } from "./result";

const row = { id: 7, name: "people.csv", what: "contacts", state: "failed", resumable: true } as ImportRow;
let asked: unknown[];
let chosen: { file: { upload: string }; name: string } | null;

beforeEach(() => {
  asked = [];
  chosen = { file: { upload: "again" }, name: "people.csv" };
  setHost({
    kind: "fixture",
    chooseFile: async () => chosen,
    query: async () => ({ id: 3, state: "running", done: 40, total: 80, phase: "writing", result: null, error: null }),
    mutate: async (name: string, args: unknown) => {
      asked.push([name, args]);
      return { job: 3, import: 7 };
    },
  } as unknown as Host);
});

const show = (of: ImportRow) =>
  render(
    <QueryClientProvider client={newQueryClient()}>
      <ResumeImport row={of} />
      <Toasts />
    </QueryClientProvider>,
  );

test("an import that was interrupted goes on with the file that is chosen, and shows how far it is", async () => {
  show(row);
  await userEvent.click(screen.getByRole("button", { name: "Go on…" }));
  expect(await screen.findByText("50%")).toBeDefined();
  expect(asked).toEqual([["contacts.import_resume", { id: 7, file: { upload: "again" } }]]);
});

test("nothing happens where no file is chosen", async () => {
  chosen = null;
  show(row);
  await userEvent.click(screen.getByRole("button", { name: "Go on…" }));
  expect(asked).toEqual([]);
  expect(screen.getByRole("button", { name: "Go on…" })).toBeDefined();
  expect(screen.queryByText("That did not work")).toBeNull();
});

test("an import that came to its end offers nothing", () => {
  show({ ...row, resumable: false });
  expect(screen.queryByRole("button", { name: "Go on…" })).toBeNull();
});
