import { screen } from "@testing-library/react";
import { expect, test } from "vitest";
import type { LiftView } from "@/api/gen/LiftView";
import { setHost } from "@/api/host";
import { fixtureHost } from "@/api/host.fixture";
import { show } from "@/testing";
import { Lift, liftWord } from "./lift";

const LIFT: LiftView = {
  metric: "order",
  until: "2026-12-01T10:00:00Z",
  over: true,
  treated: { of: 9000, did: 540 },
  held_out: { of: 1000, did: 40 },
  difference: { at: 0.02, low: 0.0058, high: 0.0318 },
  extra: { at: 180, low: 52.2, high: 286.2 },
};

test("a difference is only told when its time is over and chance does not explain it", () => {
  expect(liftWord(LIFT).word).toBe("more");
  expect(liftWord({ ...LIFT, over: false }).word).toBe("open");
  expect(liftWord({ ...LIFT, difference: null }).word).toBe("empty");
  expect(liftWord({ over: true, difference: { at: 0.01, low: -0.01, high: 0.03 } }).word).toBe("no_difference");
  expect(liftWord({ over: true, difference: { at: -0.02, low: -0.03, high: -0.01 } }).word).toBe("fewer");
});

test("what the campaign changed is told in points and in people", () => {
  setHost(fixtureHost("?fixture=empty"));
  show(<Lift lift={LIFT} />);
  expect(screen.getByText(/2 percentage points, between 0.6 and 3.2/).textContent).toMatch(
    /180 contacts .* between 52 and 286/,
  );
  expect(screen.getByText("Held out")).toBeDefined();
});
