import { describe, expect, it } from "vitest";
import { CARD } from "../drawing";
import { arbitrary, drawingOf, portsOf } from "../testing";
import { tidy } from "../tidy";
import { landingAt, nearestRoute, portPlace, routesOf } from "./routes";

const drawn = (text: string, direction: "down" | "right" = "down") => {
  const doc = drawingOf(text);
  const { places, lanes } = tidy(doc, portsOf, direction);
  return { places, ...routesOf(doc, portsOf, places, lanes, direction) };
};

describe("arrows", () => {
  it("run straight down between cards of one column", () => {
    const { routes } = drawn("s1:entry_manual next=s2; s2:exit");
    expect(routes[0]?.points).toEqual([
      { x: 0, y: CARD.height },
      { x: 0, y: CARD.height + 64 },
    ]);
  });

  it("turn only at right angles", () => {
    let slanted = 0;
    for (let seed = 1; seed <= 40; seed += 1) {
      const doc = arbitrary(seed, 25);
      for (const direction of ["down", "right"] as const) {
        const { places, lanes } = tidy(doc, portsOf, direction);
        for (const route of routesOf(doc, portsOf, places, lanes, direction).routes) {
          route.points.slice(1).forEach((point, at) => {
            const last = route.points[at] ?? point;
            if (Math.min(Math.abs(point.x - last.x), Math.abs(point.y - last.y)) >= 0.5) slanted += 1;
          });
        }
      }
    }
    expect(slanted).toBe(0);
  });

  it("cross no card on their way to a merge in a tidy drawing without circles", () => {
    for (let seed = 1; seed <= 60; seed += 1) {
      const doc = arbitrary(seed, 24, false);
      const { places, lanes } = tidy(doc, portsOf, "down");
      let crossings = 0;
      for (const route of routesOf(doc, portsOf, places, lanes, "down").routes) {
        route.points.slice(1).forEach((point, at) => {
          const last = route.points[at] ?? point;
          if (last.x !== point.x) return;
          for (const [id, card] of places) {
            if (id === route.from || id === route.to) continue;
            const across = point.x > card.x && point.x < card.x + CARD.width;
            const high = Math.min(last.y, point.y);
            const low = Math.max(last.y, point.y);
            if (across && high < card.y + CARD.height && low > card.y) crossings += 1;
          }
        });
      }
      expect(crossings, `seed ${seed}`).toBe(0);
    }
  });

  it("leave a stub where a port leads nowhere", () => {
    const { stubs, places } = drawn("s1:entry_manual next=s2; s2:if_else yes=s3; s3:exit");
    const card = places.get("s2") ?? { x: 0, y: 0 };
    expect(stubs.map((stub) => stub.port)).toEqual(["no"]);
    expect(stubs[0]?.from).toEqual(portPlace(card, 1, 2, "down"));
  });

  it("are found by the pointer within reach and not beyond", () => {
    const { routes } = drawn("s1:entry_manual next=s2; s2:exit");
    const point = { x: 9, y: CARD.height + 30 };
    expect(nearestRoute(routes, point, 10)?.distance).toBeCloseTo(9);
    expect(nearestRoute(routes, point, 8)).toBeNull();
  });

  it("take a dragged step on the nearest arrow or stub, never on its own", () => {
    const { routes, stubs } = drawn("s1:entry_manual next=s2; s2:wait");
    const onArrow = landingAt(routes, stubs, { x: 20, y: CARD.height + 30 }, 64, new Set());
    expect(onArrow).toMatchObject({ step: "s1", port: "next", open: false });
    const onStub = landingAt(routes, stubs, { x: 4, y: 2 * CARD.height + 64 + 40 }, 64, new Set());
    expect(onStub).toMatchObject({ step: "s2", port: "next", open: true });
    expect(landingAt(routes, stubs, { x: 20, y: CARD.height + 30 }, 64, new Set(["s1", "s2"]))).toBeNull();
  });
});
