// Scores, made up for the development of the screens.

import type { Listeners } from "./fixture.answers";
import { at } from "./fixture.people";
import type { BacktestGrade } from "./gen/BacktestGrade";
import type { BacktestModel } from "./gen/BacktestModel";
import type { CompanyScoring } from "./gen/CompanyScoring";
import type { ContactScore } from "./gen/ContactScore";
import type { SaveScore } from "./gen/SaveScore";
import type { ScoreBacktest } from "./gen/ScoreBacktest";
import type { ScoreLedgerRow } from "./gen/ScoreLedgerRow";
import type { ScoreModel } from "./gen/ScoreModel";
import type { ScorePreview } from "./gen/ScorePreview";
import type { ScoreRow } from "./gen/ScoreRow";

const OPEN = { least: null, most: null };
/** How the made-up score measures companies. */
export const COMPANIES: CompanyScoring = {
  roll_up: "average",
  rules: [
    { key: "company_1", when: 'company.industry is any of ("Retail", "Gastronomy")', people: null, points: 15 },
    { key: "company_2", when: "did order in the last 90 days", people: 3, points: 20 },
    { key: "company_3", when: 'tag "office"', people: 10, points: 5 },
  ],
  bounds: { least: 0, most: 100 },
};
const MODEL: ScoreModel = {
  kind: "points",
  groups: [
    {
      key: "group_1",
      name: "Shop",
      bounds: { least: null, most: 80 },
      decay: { decay: "half_life", days: 90 },
      rules: [
        {
          key: "rule_1",
          when: "did order in the last 365 days where total >= 10",
          points: { per: "each", points: 12 },
          bounds: OPEN,
          from: null,
          to: null,
        },
        {
          key: "rule_2",
          when: "did email_clicked",
          points: {
            per: "ranges",
            ranges: [
              { from: 1, to: 2, points: 3 },
              { from: 3, to: 9, points: 8 },
              { from: 10, to: null, points: 15 },
            ],
          },
          bounds: OPEN,
          from: null,
          to: null,
        },
      ],
    },
    {
      key: "group_2",
      name: "Fit",
      bounds: OPEN,
      decay: { decay: "none" },
      rules: [
        {
          key: "rule_3",
          when: 'country is "DE" and tag "office"',
          points: { per: "while", points: 20 },
          bounds: OPEN,
          from: null,
          to: null,
        },
      ],
    },
  ],
  bounds: { least: 0, most: 100 },
  stages: [
    { name: "Lead", at_least: 20 },
    { name: "Ready to talk", at_least: 50 },
  ],
  companies: COMPANIES,
};

const score = (id: number, name: string, model: ScoreModel, published: boolean): ScoreRow => ({
  id,
  key: name.toLowerCase(),
  name,
  draft: model,
  published: published ? model : null,
  version: published ? 3 : 0,
  created_at: at(80),
  published_at: published ? at(12) : null,
  archived_at: null,
  changed: !published,
});

const ENGAGEMENT: ContactScore = {
  id: 1,
  key: "engagement",
  name: "Engagement",
  model: MODEL,
  scored: {
    total: 52,
    adjusted: 5_000,
    until: at(-1),
    groups: [
      {
        key: "group_1",
        points: 27_300,
        rules: [
          { key: "rule_1", points: 19_300, count: 2, last: at(9) },
          { key: "rule_2", points: 8_000, count: 4, last: at(2) },
        ],
      },
      { key: "group_2", points: 20_000, rules: [{ key: "rule_3", points: 20_000, count: 1, last: null }] },
    ],
  },
  grade: null,
  stage: "Ready to talk",
  entered: [
    { stage: "Lead", at: at(60) },
    { stage: "Ready to talk", at: at(2) },
  ],
};

const LEDGER: ScoreLedgerRow[] = [
  {
    id: 3,
    score: 1,
    contact: 1,
    name: "Engagement",
    at: at(2),
    before: 46,
    after: 52,
    cause: "event",
    version: 3,
    stage: "Ready to talk",
    reasons: [],
    because: [{ when: "did email_clicked", points: 5_000, event: 9 }],
  },
  {
    id: 2,
    score: 1,
    contact: 1,
    name: "Engagement",
    at: at(3),
    before: 47,
    after: 46,
    cause: "time",
    version: 3,
    stage: null,
    reasons: [],
    because: [{ when: "did order in the last 365 days where total >= 10", points: -700, event: null }],
  },
  {
    id: 1,
    score: 1,
    contact: 1,
    name: "Engagement",
    at: at(12),
    before: null,
    after: 42,
    cause: "published",
    version: 3,
    stage: "Lead",
    reasons: [],
    because: [
      { when: 'country is "DE" and tag "office"', points: 20_000, event: null },
      { when: null, points: 5_000, event: null },
    ],
  },
];

/** Answers about scores: none in an empty workspace. */
export function scoresAnswers({ empty, total, tell }: Pick<Listeners, "empty" | "tell"> & { total: number }) {
  let rows: ScoreRow[] = empty
    ? []
    : [
        score(1, "Engagement", MODEL, true),
        score(2, "Fit", { ...MODEL, groups: MODEL.kind === "points" ? MODEL.groups.slice(1) : [] } as ScoreModel, true),
        score(
          3,
          "Grade",
          {
            kind: "grade",
            rows: {
              score: "fit",
              bands: [
                { label: "A", at_least: 20 },
                { label: "B", at_least: null },
              ],
            },
            columns: {
              score: "engagement",
              bands: [
                { label: "1", at_least: 50 },
                { label: "2", at_least: 20 },
                { label: "3", at_least: null },
              ],
            },
          },
          false,
        ),
      ];
  const put = (id: number, change: (row: ScoreRow) => ScoreRow): ScoreRow | undefined => {
    rows = rows.map((row) => (row.id === id ? change(row) : row));
    tell("scores");
    return rows.find((row) => row.id === id);
  };
  return {
    "scores.list": () => rows,
    "scores.get": ({ id }: { id: number }) => rows.find((row) => row.id === id),
    "scores.save": ({ id, name, draft }: SaveScore) => {
      if (id !== null) return put(id, (row) => ({ ...row, name, draft, changed: true }));
      const made = { ...score(rows.length + 1, name, draft, false), changed: true };
      rows = [...rows, made];
      tell("scores");
      return made;
    },
    "scores.check": ({ model }: { model: ScoreModel }) => {
      if (model.kind !== "points") return [];
      const blank = ({ when }: { when: string }) => when.trim() === "";
      const say = "Say what counts, like: ";
      const rules = model.groups.flatMap((group) => group.rules).filter(blank);
      const of_companies = (model.companies?.rules ?? []).filter(blank);
      return [
        ...rules.map(({ key }) => ({
          place: key,
          severity: "error" as const,
          message: `${say}did order in the last 30 days.`,
        })),
        ...of_companies.map(({ key }) => ({
          place: key,
          severity: "error" as const,
          message: `${say}company.name is known.`,
        })),
      ];
    },
    "scores.publish": ({ id }: { id: number }) =>
      put(id, (row) => ({
        ...row,
        published: row.draft,
        version: row.version + 1,
        published_at: at(0),
        changed: false,
      })),
    "scores.archive": ({ id }: { id: number }) => {
      put(id, (row) => ({ ...row, published: null, archived_at: at(0) }));
      return {};
    },
    "scores.backtest": ({
      id,
      model: asked,
      days,
    }: {
      id: number | null;
      model: ScoreModel;
      days: number;
    }): ScoreBacktest => {
      const people = Math.round(total / 10);
      const grades = (of: ScoreModel, worth: number): BacktestGrade[] => {
        if (of.kind !== "grade" || total === 0) return [];
        const labels = of.rows.bands.flatMap((row) => of.columns.bands.map((column) => `${row.label}${column.label}`));
        const each = Math.round((people * 10) / labels.length);
        return labels.map((grade, n) => ({ grade, people: each, reached: Math.round(each * worth * 0.6 ** n) }));
      };
      const model = (steep: number): BacktestModel => ({
        tenths:
          asked.kind === "grade"
            ? []
            : Array.from({ length: 10 }, (_, n) => ({
                from: 90 - n * 10,
                to: 99 - n * 10,
                people,
                reached: Math.round(people * 0.4 * steep ** n),
              })),
        grades: grades(asked, steep / 2),
        area: total === 0 || asked.kind === "grade" ? null : 0.5 + (1 - steep) / 1.2,
        error: total === 0 || asked.kind === "grade" ? null : 0.012,
      });
      const graded = asked.kind === "grade";
      return {
        since: new Date(Date.now() - days * 86_400_000).toISOString(),
        until: new Date().toISOString(),
        measured: people * 10,
        sampled: total,
        contacts: total,
        reached: [...model(0.7).tenths, ...model(0.7).grades].reduce((sum, part) => sum + part.reached, 0),
        draft: model(0.7),
        published: id === null ? null : model(0.8),
        difference: id === null || total === 0 || graded ? null : { by: 0.083, error: 0.011, sure: true },
        moves: id === null ? null : [{ from: graded ? "B3" : null, to: graded ? "A2" : "Interested", people: 31 }],
      };
    },
    "scores.preview": ({ model }: { model: ScoreModel }): ScorePreview => ({
      measured: Math.min(total, 1000),
      contacts: total,
      deciles: model.kind === "points" ? [0, 0, 0, 3, 8, 12, 20, 24, 36, 55, 98] : [],
      labels:
        model.kind === "grade"
          ? ["A1", "A2", "A3", "B1", "B2", "B3"].map((label, n) => ({ label, count: 40 + n * 50 }))
          : [
              ...model.stages.map(({ name }, n) => ({ label: name, count: 260 - n * 120 })),
              ...(model.stages.length > 0 ? [{ label: null, count: 600 }] : []),
            ],
      differ: model.kind === "points" ? 214 : null,
    }),
    "scores.of": () =>
      empty
        ? []
        : [ENGAGEMENT, { ...ENGAGEMENT, id: 3, name: "Grade", scored: null, grade: "A1", stage: null, entered: [] }],
    "scores.ledger": () => (empty ? [] : LEDGER),
    "scores.adjust": () => {
      tell("scores");
      return {};
    },
  };
}
