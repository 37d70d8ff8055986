import { expect, test } from "vitest";
import {
  addGroup,
  addRange,
  addRule,
  changeRule,
  companiesOf,
  countBy,
  freeKey,
  newGrade,
  newPoints,
  removeRule,
  withCompanies,
} from "./draft";

test("keys of rules and groups are never given twice", () => {
  const first = newPoints("Shop");
  const more = addRule(addGroup(first, "Fit"), "group_1");
  const keys = more.groups.flatMap((group) => [group.key, ...group.rules.map((rule) => rule.key)]);
  expect(keys).toEqual(["group_1", "rule_1", "rule_3", "group_2", "rule_2"]);
  const fewer = addRule(removeRule(more, "rule_2"), "group_2");
  expect(fewer.groups[1]?.rules.map((rule) => rule.key)).toEqual(["rule_2"]);
});

test("another way of counting keeps the points", () => {
  const each = countBy({ per: "once", points: 7 }, "each");
  expect(each).toEqual({ per: "each", points: 7 });
  const ranges = countBy(each, "ranges");
  expect(ranges).toEqual({ per: "ranges", ranges: [{ from: 1, to: null, points: 7 }] });
  expect(countBy(ranges, "while")).toEqual({ per: "while", points: 7 });
});

test("a new range begins behind the last one, which then ends", () => {
  const two = addRange([{ from: 1, to: null, points: 3 }]);
  expect(two).toEqual([
    { from: 1, to: 2, points: 3 },
    { from: 3, to: null, points: 8 },
  ]);
  expect(addRange(two)[2]).toEqual({ from: 5, to: null, points: 13 });
});

test("a change of one rule leaves the others and the model before as they are", () => {
  const before = addRule(newPoints("Shop"), "group_1");
  const after = changeRule(before, "rule_1", (rule) => ({ ...rule, when: "did order" }));
  expect(after.groups[0]?.rules.map((rule) => rule.when)).toEqual(["did order", ""]);
  expect(before.groups[0]?.rules[0]?.when).toBe("");
  expect(after.groups[0]?.rules[1]).toBe(before.groups[0]?.rules[1]);
});

test("the bands of a new grade go down and the last one takes the rest", () => {
  const grade = newGrade(["fit", "engagement"]);
  expect(grade.rows.score).toBe("fit");
  expect(grade.columns.bands.map((band) => band.at_least)).toEqual([50, 20, null]);
});

test("a model whose companies are measured as by none is as if nobody had touched them", () => {
  const before = newPoints("Shop");
  const average = withCompanies(before, { ...companiesOf(before), roll_up: "average" });
  expect(average.companies?.roll_up).toBe("average");
  expect(withCompanies(average, { ...companiesOf(average), roll_up: "sum" })).toEqual(before);
  expect("companies" in withCompanies(average, companiesOf(before))).toBe(false);
});

test("a rule of companies has a key that neither groups nor rules nor other companies' rules have", () => {
  const rule = { key: "company_1", when: "", people: null, points: 1 };
  const model = withCompanies(newPoints("Shop"), { ...companiesOf(newPoints("Shop")), rules: [rule] });
  expect(freeKey(model, "company")).toBe("company_2");
  expect(freeKey(withCompanies(model, { ...companiesOf(model), rules: [{ ...rule, key: "rule_2" }] }), "rule")).toBe(
    "rule_3",
  );
});
