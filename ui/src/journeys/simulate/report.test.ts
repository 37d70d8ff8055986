import { describe, expect, it } from "vitest";
import type { Fact } from "../../api/gen/Fact";
import type { SimReport } from "../../api/gen/SimReport";
import { arrowKey } from "../drawing";
import { drawingOf } from "../testing";
import { dayOf, figuresOf, litOf, mostMails, stayers } from "./report";

const report: SimReport = {
  days: 3,
  contacts: 10,
  entered: 9,
  never_left: 2,
  cut_short: 0,
  steps: [
    { step: "s1", entered: [3, 3, 3], left: [{ port: "next", per_day: [2, 2, 3] }], waiting: 2 },
    { step: "s2", entered: [2, 2, 3], left: [{ port: "end", per_day: [2, 2, 3] }], waiting: 0 },
  ],
  mails: [0, 1, 2],
  refused: [0, 0, 0],
  held: [0, 0, 0],
  still_held: 0,
  partly_fixed_scores: [],
  ranked_segments: [],
  ended: [],
  goals: [],
};

describe("a simulation", () => {
  it("counts up to the end of the day and stays at the ends", () => {
    expect(figuresOf(report, 1).get("s1")).toEqual({ entered: 6, waiting: 2, left: { next: 4 } });
    expect(figuresOf(report, 99).get("s1")).toEqual({ entered: 9, waiting: 2, left: { next: 7 } });
    expect(figuresOf(report, -1).get("s1")?.entered).toBe(3);
  });

  it("tells who still stands somewhere", () => {
    expect(stayers(report)).toEqual([{ step: "s1", count: 2 }]);
  });

  it("counts days from its start, 24 hours each", () => {
    expect(dayOf("2026-03-01T00:00:00Z", 2)).toBe("2026-03-03T00:00:00.000Z");
  });
});

describe("one contact's way", () => {
  const doc = drawingOf("s1:entry_manual next=s2; s2:if_else yes=s3 no=s4; s3:exit; s4:exit");
  const facts: Fact[] = [
    { step: "s1", at: "2026-03-01T00:00:00Z", fact: "entered", visit: 1 },
    { step: "s1", at: "2026-03-01T00:00:00Z", fact: "left", port: "next" },
    { step: "s2", at: "2026-03-01T00:00:00Z", fact: "entered", visit: 1 },
    { step: "s2", at: "2026-03-01T00:00:00Z", fact: "left", port: "no" },
    { step: "s4", at: "2026-03-01T00:00:00Z", fact: "entered", visit: 1 },
  ];

  it("is lit as far as one has read", () => {
    const half = litOf(doc, facts, 1);
    expect([...half.steps]).toEqual(["s1"]);
    expect([...half.arrows]).toEqual([arrowKey("s1", "next")]);
    const whole = litOf(doc, facts, 4);
    expect([...whole.steps]).toEqual(["s1", "s2", "s4"]);
    expect(whole.arrows.has(arrowKey("s2", "yes"))).toBe(false);
  });
});

describe("mails on one pass", () => {
  it("are those of the way that has the most", () => {
    const doc = drawingOf(
      "s1:entry_manual next=s2; s2:if_else yes=s3 no=s5; s3:send_email next=s4; s4:send_email next=s5; s5:send_email next=s6; s6:exit",
    );
    expect(mostMails(doc)).toBe(3);
  });

  it("have no limit where a circle sends, and one where a circle only waits", () => {
    expect(mostMails(drawingOf("s1:entry_manual next=s2; s2:send_email next=s3; s3:wait next=s2"))).toBeNull();
    expect(
      mostMails(drawingOf("s1:entry_manual next=s2; s2:wait next=s3; s3:if_else yes=s2 no=s4; s4:send_email")),
    ).toBe(1);
  });
});
