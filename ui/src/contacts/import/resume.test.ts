import { expect, test } from "vitest";
import type { ImportRow } from "@/api/gen/ImportRow";
import { wayOn } from "./resume";

const row = (change: Partial<ImportRow>) =>
  ({ what: "contacts", state: "done", resumable: false, ...change }) as ImportRow;

test("a list that was interrupted goes on, whoever stopped it", () => {
  expect(wayOn(row({ state: "failed", resumable: true }))).toBe("interrupted");
  expect(wayOn(row({ state: "cancelled", resumable: true }))).toBe("interrupted");
});

test("a file of events is imported again instead", () => {
  expect(wayOn(row({ what: "events", state: "failed" }))).toBe("interrupted_events");
});

test("what is done, at work or taken back needs nothing", () => {
  for (const state of ["done", "running", "undone"]) {
    expect(wayOn(row({ state }))).toBeNull();
    expect(wayOn(row({ what: "events", state }))).toBeNull();
  }
});
