import { expect, test } from "vitest";
import type { FunnelReport } from "@/api/gen/FunnelReport";
import { endText, funnelRows } from "./ways";

const report: FunnelReport = {
  journey: 1,
  version: 2,
  entered: 10,
  steps: [
    {
      step: "s1",
      title: "First mail",
      kind: "wait",
      reached: 9,
      now: 1,
      accepted: 8,
      bounced: 0,
      suppressed: 1,
      unknown: 0,
    },
  ],
  ended: [
    { end: "completed", reason: "thanked", title: "thanked", count: 4 },
    { end: "completed", reason: "no order", title: "no order", count: 3 },
    { end: "goal", reason: "s9", title: "Second order", count: 1 },
    { end: "completed", reason: "", title: "", count: 1 },
  ],
};

test("each way out is named by its own reason", () => {
  expect(report.ended.map(endText)).toEqual([
    "Came to the end: thanked",
    "Came to the end: no order",
    "Reached the goal Second order",
    "Came to the end",
  ]);
});

test("the file has the steps and then a row for each way out", () => {
  const rows = funnelRows(report);
  expect(rows.map(({ key, reached, now }) => [key, reached, now])).toEqual([
    ["s1", 9, 1],
    ["completed/thanked", 4, null],
    ["completed/no order", 3, null],
    ["goal/s9", 1, null],
    ["completed/", 1, null],
  ]);
  expect(new Set(rows.map((row) => row.key)).size).toBe(rows.length);
});
