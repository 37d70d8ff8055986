import { describe, expect, it } from "vitest";
import type { Journey } from "../api/gen/Journey";
import { arrowKey, arrowsOf, blankJourney, CARD, isEntry } from "./drawing";
import { arbitrary, drawingOf, portsOf } from "./testing";
import { tidy } from "./tidy";

const at = (doc: Journey, id: string, direction: "down" | "right" = "down") => {
  const place = tidy(doc, portsOf, direction).places.get(id);
  if (!place) throw new Error(`no place for ${id}`);
  return place;
};

describe("the tidy layout", () => {
  it("stands a chain in one column from top to bottom", () => {
    const doc = drawingOf("s1:entry_manual next=s2; s2:wait next=s3; s3:exit");
    expect(at(doc, "s1")).toEqual({ x: -110, y: 0 });
    expect(at(doc, "s2").x).toBe(-110);
    expect(at(doc, "s3").y).toBe(2 * (CARD.height + 64));
  });

  it("puts branches side by side in port order with the split above their middle", () => {
    const doc = drawingOf("s1:entry_manual next=s2; s2:if_else yes=s4 no=s3; s3:exit; s4:exit");
    expect(at(doc, "s4").x).toBeLessThan(at(doc, "s3").x);
    expect(at(doc, "s2").x).toBe((at(doc, "s3").x + at(doc, "s4").x) / 2);
  });

  it("puts a merge under the middle of what leads to it, below the longest way", () => {
    const doc = drawingOf(
      "s1:entry_manual next=s2; s2:if_else yes=s3 no=s4; s3:wait next=s5; s5:wait next=s6; s4:wait next=s6; s6:exit",
    );
    expect(at(doc, "s6").y).toBeGreaterThan(at(doc, "s5").y);
    expect(at(doc, "s6").x).toBe(at(doc, "s2").x);
  });

  it("keeps a lane free for an arrow that skips layers on its way to a merge", () => {
    const doc = drawingOf("s1:entry_manual next=s2; s2:if_else yes=s3 no=s4; s3:wait next=s4; s4:exit");
    const { places, lanes } = tidy(doc, portsOf, "down");
    const lane = lanes.get(arrowKey("s2", "no"));
    const card = places.get("s3");
    expect(lane).toBeDefined();
    expect(lane ?? 0).toBeGreaterThan((card?.x ?? 0) + CARD.width);
  });

  it("draws a circle without hanging and keeps the way in on top", () => {
    const doc = drawingOf("s1:entry_manual next=s2; s2:wait next=s3; s3:if_else yes=s2 no=s4; s4:exit");
    expect(at(doc, "s2").y).toBeLessThan(at(doc, "s3").y);
    expect(at(doc, "s1").y).toBe(0);
  });

  it("exchanges the axes when drawn to the right", () => {
    const doc = drawingOf("s1:entry_manual next=s2; s2:exit");
    expect(at(doc, "s2", "right")).toEqual({ x: CARD.width + 84, y: at(doc, "s1", "right").y });
  });

  it("never lets two cards touch and keeps entries at the beginning, on random drawings", () => {
    const touching: string[] = [];
    for (let seed = 1; seed <= 80; seed += 1) {
      const doc = arbitrary(seed, 2 + (seed % 40));
      for (const direction of ["down", "right"] as const) {
        const { places } = tidy(doc, portsOf, direction);
        const all = [...places];
        all.forEach(([one, a], i) => {
          for (const [other, b] of all.slice(i + 1)) {
            const apart = Math.abs(a.x - b.x) >= CARD.width || Math.abs(a.y - b.y) >= CARD.height;
            if (!apart) touching.push(`seed ${seed} ${direction}: ${one} and ${other}`);
          }
        });
        for (const step of doc.steps.filter((one) => isEntry(one.kind))) {
          const place = places.get(step.id);
          expect(direction === "down" ? place?.y : place?.x).toBe(0);
        }
      }
    }
    expect(touching).toEqual([]);
  });

  it("leads every arrow onward in a drawing without circles", () => {
    for (let seed = 1; seed <= 60; seed += 1) {
      const doc = arbitrary(seed, 30, false);
      const { places } = tidy(doc, portsOf, "down");
      for (const { from, to } of arrowsOf(doc, portsOf)) {
        expect(places.get(from)?.y ?? 0).toBeLessThan(places.get(to)?.y ?? 0);
      }
    }
  });

  it("lays a chain of ten thousand steps and a bush of one thousand out", () => {
    const chain = blankJourney("chain");
    for (let n = 1; n <= 10_000; n += 1) {
      chain.steps.push(
        n === 10_000 ? { id: `s${n}`, kind: "exit" } : { id: `s${n}`, kind: "wait", next: { next: `s${n + 1}` } },
      );
    }
    expect(tidy(chain, portsOf, "down").places.size).toBe(10_000);
    expect(tidy(arbitrary(7, 1000), portsOf, "down").places.size).toBe(1000);
  });
});
