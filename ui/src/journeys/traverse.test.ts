import { describe, expect, it } from "vitest";
import type { Problem } from "../api/gen/Problem";
import { drawingOf, portsOf } from "./testing";
import { tidy } from "./tidy";
import { neighbour, nextProblem, readingOrder, type Way, wayOf } from "./traverse";

const doc = drawingOf("s1:entry_manual next=s2; s2:if_else yes=s3 no=s4; s3:wait next=s5; s4:wait next=s5; s5:exit");
const { places } = tidy(doc, portsOf, "down");
const go = (from: string, way: Way) => neighbour(doc, portsOf, places, "down", from, way);

describe("the arrow keys", () => {
  it("follow the first branch down and come back up", () => {
    expect(go("s2", "onward")).toBe("s3");
    expect(go("s3", "back")).toBe("s2");
    expect(go("s5", "onward")).toBe("s5");
  });

  it("go to the sibling on the same level", () => {
    expect(go("s3", "after")).toBe("s4");
    expect(go("s4", "before")).toBe("s3");
    expect(go("s4", "after")).toBe("s4");
  });

  it("turn with the drawing", () => {
    expect(wayOf("ArrowRight", "right")).toBe("onward");
    expect(wayOf("ArrowRight", "down")).toBe("after");
    expect(wayOf("x", "down")).toBeNull();
  });

  it("reach every step in reading order", () => {
    expect(readingOrder(places, "down")).toEqual(["s1", "s2", "s3", "s4", "s5"]);
  });
});

describe("the next problem", () => {
  const problem = (step: string | null, severity: "error" | "warning"): Problem => ({
    severity,
    code: "dangling",
    step,
    field: null,
  });

  it("goes round, errors before warnings", () => {
    const problems = [problem("s2", "warning"), problem("s4", "error"), problem("s3", "error")];
    const order = readingOrder(places, "down");
    expect(nextProblem(problems, order, null)?.step).toBe("s3");
    expect(nextProblem(problems, order, "s3")?.step).toBe("s4");
    expect(nextProblem(problems, order, "s4")?.step).toBe("s2");
    expect(nextProblem(problems, order, "s2")?.step).toBe("s3");
    expect(nextProblem([problem(null, "error")], order, null)?.step).toBeNull();
    expect(nextProblem([], order, null)).toBeNull();
  });
});
