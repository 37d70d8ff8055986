import { expect, test } from "vitest";
import { blankCampaign, blankTest, type Edit, edited, freeName, letter, MOST_VARIANTS, unfinished } from "./draft";

const after = (...edits: Edit[]) => edits.reduce(edited, blankCampaign("June"));

test("a second variant brings a test, and the last one takes it away", () => {
  const two = after({ do: "variant", at: 0, variant: { template: "Hello" } }, { do: "add_variant" });
  expect(two.variants).toEqual([
    { template: "Hello", subject: null },
    { template: "Hello", subject: null },
  ]);
  expect(two.test).toEqual(blankTest());
  const one = edited(two, { do: "remove_variant", at: 0 });
  expect(one.test).toBeNull();
  expect(edited(one, { do: "remove_variant", at: 0 })).toEqual(one);
});

test("what was said of a test stays when a third variant comes", () => {
  const three = after(
    { do: "add_variant" },
    { do: "test", test: { metric: "order", sample_percent: 50 } },
    { do: "add_variant" },
  );
  expect(three.variants).toHaveLength(3);
  expect(three.test?.metric).toBe("order");
  expect(three.test?.sample_percent).toBe(50);
});

test("there are no more variants than a test can have", () => {
  const many = after(...Array.from({ length: 20 }, (): Edit => ({ do: "add_variant" })));
  expect(many.variants).toHaveLength(MOST_VARIANTS);
  expect(letter(MOST_VARIANTS - 1)).toBe("H");
});

test("a test never ends before its window", () => {
  const long = after({ do: "add_variant" }, { do: "test", test: { window_hours: 200 } });
  expect(long.test?.ends_after_hours).toBe(200);
  expect(edited(long, { do: "test", test: { ends_after_hours: 10 } }).test?.ends_after_hours).toBe(200);
});

test("opens are no metric that a test begins with", () => {
  expect(blankTest().metric).not.toContain("open");
});

test("the segment it goes to is never among those that are left out", () => {
  const both = after({ do: "exclude", exclude: ["All", "VIP"] }, { do: "segment", segment: "All" });
  expect(both.exclude).toEqual(["VIP"]);
  expect(edited(both, { do: "exclude", exclude: ["All", "Bonn"] }).exclude).toEqual(["Bonn"]);
});

test("what those get whose time is over is kept while the time is changed", () => {
  const local = after(
    { do: "when", when: "at_local", at: "2026-06-01T09:00:00" },
    { do: "past", past: "skip" },
    { do: "when", when: "at_local", at: "2026-06-02T09:00:00" },
  );
  expect(local.when).toEqual({ when: "at_local", at: "2026-06-02T09:00:00", past: "skip" });
  expect(edited(local, { do: "when", when: "now", at: "" }).when).toEqual({ when: "now" });
  expect(edited(after(), { do: "past", past: "skip" }).when).toEqual({ when: "now" });
});

test("a share that is held out stays between nothing and half", () => {
  expect(after({ do: "hold_out", percent: 80 }).hold_out_percent).toBe(50);
  expect(after({ do: "hold_out", percent: -3 }).hold_out_percent).toBe(0);
});

test("steps that lack something are named", () => {
  expect(unfinished(after())).toEqual(["who", "what"]);
  const ready = after({ do: "segment", segment: "All" }, { do: "variant", at: 0, variant: { template: "Hello" } });
  expect(unfinished(ready)).toEqual([]);
  expect(unfinished(edited(ready, { do: "when", when: "at", at: "" }))).toEqual(["when"]);
  expect(unfinished(edited(ready, { do: "add_variant" }))).toEqual([]);
});

test("a new campaign gets a name that is free", () => {
  expect(freeName("June", [])).toBe("June");
  expect(freeName("June", ["June", "June 2"])).toBe("June 3");
});
