// A score as it is edited: changes of its model, none of them in place.
import type { CompanyScoring } from "@/api/gen/CompanyScoring";
import type { Decay } from "@/api/gen/Decay";
import type { FrequencyRange } from "@/api/gen/FrequencyRange";
import type { GradeAxis } from "@/api/gen/GradeAxis";
import type { RulePoints } from "@/api/gen/RulePoints";
import type { ScoreGroup } from "@/api/gen/ScoreGroup";
import type { ScoreModel } from "@/api/gen/ScoreModel";
import type { ScoreRule } from "@/api/gen/ScoreRule";

export type PointsModel = Extract<ScoreModel, { kind: "points" }>;
export type GradeModel = Extract<ScoreModel, { kind: "grade" }>;

const OPEN = { least: null, most: null };

/** A key that nothing in the model has: it is kept through versions, so it says nothing that may change. */
export function freeKey(model: PointsModel, stem: "group" | "rule" | "company"): string {
  const rules = [...model.groups.flatMap((group) => group.rules), ...companiesOf(model).rules];
  const taken = new Set([...model.groups, ...rules].map(({ key }) => key));
  let n = 1;
  while (taken.has(`${stem}_${n}`)) n += 1;
  return `${stem}_${n}`;
}

const rule = (key: string): ScoreRule => ({
  key,
  when: "",
  points: { per: "each", points: 5 },
  bounds: OPEN,
  from: null,
  to: null,
});

/** What a new score begins with: one group with one rule. */
export function newPoints(groupName: string): PointsModel {
  const empty: PointsModel = { kind: "points", groups: [], bounds: OPEN, stages: [] };
  return addGroup(empty, groupName);
}

/** What a new grade begins with: three bands of the first score, three of the second. */
export function newGrade(scores: readonly string[]): GradeModel {
  const axis = (score: string | undefined, labels: readonly string[]): GradeAxis => ({
    score: score ?? "",
    bands: labels.map((label, at) => ({ label, at_least: at === labels.length - 1 ? null : 50 - at * 30 })),
  });
  return { kind: "grade", rows: axis(scores[0], ["A", "B", "C"]), columns: axis(scores[1], ["1", "2", "3"]) };
}

export function addGroup(model: PointsModel, name: string): PointsModel {
  const group = { key: freeKey(model, "group"), name, bounds: OPEN, decay: { decay: "none" } as Decay, rules: [] };
  return addRule({ ...model, groups: [...model.groups, group] }, group.key);
}

export function addRule(model: PointsModel, group: string): PointsModel {
  const added = rule(freeKey(model, "rule"));
  return changeGroup(model, group, (known) => ({ ...known, rules: [...known.rules, added] }));
}

export function changeGroup(model: PointsModel, key: string, change: (group: ScoreGroup) => ScoreGroup): PointsModel {
  return { ...model, groups: model.groups.map((group) => (group.key === key ? change(group) : group)) };
}

export function changeRule(model: PointsModel, key: string, change: (rule: ScoreRule) => ScoreRule): PointsModel {
  const groups = model.groups.map((group) => ({
    ...group,
    rules: group.rules.map((known) => (known.key === key ? change(known) : known)),
  }));
  return { ...model, groups };
}

export function removeRule(model: PointsModel, key: string): PointsModel {
  const groups = model.groups.map((group) => ({ ...group, rules: group.rules.filter((known) => known.key !== key) }));
  return { ...model, groups };
}

/** The way of counting, with the points it had. */
export function countBy(points: RulePoints, per: RulePoints["per"]): RulePoints {
  const had = points.per === "ranges" ? (points.ranges[0]?.points ?? 5) : points.points;
  if (per !== "ranges") return { per, points: had };
  return points.per === "ranges" ? points : { per, ranges: [{ from: 1, to: null, points: had }] };
}

/** One more range behind the last, which ends before it. */
export function addRange(ranges: readonly FrequencyRange[]): FrequencyRange[] {
  const last = ranges.at(-1);
  if (last === undefined) return [{ from: 1, to: null, points: 5 }];
  const end = last.to ?? last.from + 1;
  return [...ranges.slice(0, -1), { ...last, to: end }, { from: end + 1, to: null, points: last.points + 5 }];
}

/** A decay of another kind, as it is most often wanted. */
export function decayOf(kind: Decay["decay"]): Decay {
  switch (kind) {
    case "none":
      return { decay: "none" };
    case "linear":
      return { decay: "linear", percent: 25, months: 1 };
    case "half_life":
      return { decay: "half_life", days: 90 };
  }
}

/** How companies are measured where a model does not say it. */
const ADDED_UP: CompanyScoring = { roll_up: "sum", rules: [], bounds: OPEN };

export const companiesOf = (model: PointsModel): CompanyScoring => model.companies ?? ADDED_UP;

/** The model with companies measured so; one that says nothing of its own is written as if it had never been touched. */
export function withCompanies(model: PointsModel, companies: CompanyScoring): PointsModel {
  const { companies: _, ...rest } = model;
  return same(companies, ADDED_UP) ? rest : { ...rest, companies };
}

/** The condition of everybody with at least so many points. */
export const reached = (key: string, points: number): string => `score_${key} >= ${points}`;

export const same = (a: unknown, b: unknown): boolean => JSON.stringify(a) === JSON.stringify(b);
