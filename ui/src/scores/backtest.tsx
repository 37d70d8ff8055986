import { History } from "lucide-react";
import { useState } from "react";
import { useRead } from "@/api/client";
import type { BacktestModel } from "@/api/gen/BacktestModel";
import type { ScoreBacktest } from "@/api/gen/ScoreBacktest";
import type { ScoreModel } from "@/api/gen/ScoreModel";
import { Button, cx, ErrorView, Field, Note, Select, SkeletonLines } from "@/design";
import { count, day, number, percent } from "@/format";
import { t } from "@/i18n";
import { ExpressionEditor } from "@/shell/expressions/editor";

const DAYS = ["7", "30", "60", "90", "180", "365"] as const;
type Days = (typeof DAYS)[number];

/** Standard errors on either side that hold the truth in 95 of 100 cases. */
const SURE = 1.96;

interface Asked {
  model: ScoreModel;
  goal: string;
  days: number;
}

/** The rules tried on the past, against what people did since. */
export function BacktestPanel({ id, model }: { id: number | null; model: ScoreModel | null }) {
  const [goal, setGoal] = useState("did order");
  const [days, setDays] = useState<Days>("30");
  const [asked, setAsked] = useState<Asked | null>(null);
  const tried = useRead("scores.backtest", { id, ...(asked ?? NOTHING) }, { enabled: asked !== null, keep: true });
  const ready = model !== null && goal.trim() !== "";
  const run = () => {
    if (model !== null) setAsked({ model, goal: goal.trim(), days: Number(days) });
  };
  // What is shown is of another model by now.
  const old = asked !== null && asked.model !== model;
  return (
    <section aria-label={t("scores.backtest.title")} className="space-y-3 border-line-subtle border-t pt-4">
      <p className="flex items-center gap-2 text-ink-2">
        <History size={16} aria-hidden />
        {t("scores.backtest.title")}
      </p>
      <p className="text-ink-3 text-table">{t("scores.backtest.about")}</p>
      <div>
        <p className="mb-1 font-medium">{t("scores.backtest.goal")}</p>
        <ExpressionEditor label={t("scores.backtest.goal")} value={goal} onChange={setGoal} />
        <p className="mt-1 text-ink-3 text-table">{t("scores.backtest.goal_help")}</p>
      </div>
      <div className="flex items-end gap-3">
        <Field label={t("scores.backtest.days")} className="w-36">
          <Select
            label={t("scores.backtest.days")}
            value={days}
            onChange={setDays}
            options={DAYS.map((value) => ({ value, label: t("scores.backtest.in_days", { days: Number(value) }) }))}
          />
        </Field>
        <Button disabled={!ready} busy={tried.isFetching} onClick={run}>
          {t("scores.backtest.run")}
        </Button>
      </div>
      <div aria-live="polite" className={cx("space-y-4", (old || tried.isPlaceholderData) && "opacity-60")}>
        {tried.isError && <ErrorView error={tried.error} onRetry={() => void tried.refetch()} />}
        {asked !== null && tried.data === undefined && tried.isPending && <SkeletonLines lines={6} />}
        {asked !== null && tried.data !== undefined && <Tried of={tried.data} days={asked.days} />}
      </div>
    </section>
  );
}

const NOTHING: Asked = {
  model: { kind: "points", groups: [], bounds: { least: null, most: null }, stages: [] },
  goal: "",
  days: 1,
};

function Tried({ of, days }: { of: ScoreBacktest; days: number }) {
  if (of.measured === 0) return <p className="text-ink-3">{t("scores.backtest.nobody")}</p>;
  const average = of.reached / of.measured;
  const compared = of.published !== null;
  const graded = of.draft.grades.length > 0;
  return (
    <>
      <p>
        {t("scores.backtest.people", {
          day: day(of.since),
          n: of.measured,
          count: count(of.measured),
          reached: count(of.reached),
          share: percent(average),
          days,
        })}{" "}
        {of.sampled < of.contacts && (
          <span className="text-ink-3">
            {t("scores.backtest.sampled", { n: count(of.sampled), all: count(of.contacts) })}
          </span>
        )}
      </p>
      {graded ? (
        <Shares
          label={t("scores.backtest.grades")}
          head={t("scores.backtest.grade")}
          lines={grades(of.draft, of.published)}
          {...{ compared, average }}
        />
      ) : (
        <>
          <Shares
            label={t("scores.backtest.table")}
            head={t("scores.backtest.points")}
            lines={tenths(of.draft, of.published)}
            {...{ compared, average }}
          />
          <Judged draft={of.draft} />
        </>
      )}
      {of.difference !== null && <Difference {...of.difference} />}
      {of.moves !== null && <Moves moves={of.moves} graded={graded} />}
    </>
  );
}

const share = ({ people, reached }: { people: number; reached: number }) => (people === 0 ? 0 : reached / people);

/** One line: who is meant, what share of them reached the goal, and by the published model. */
interface Line {
  key: string;
  name: string;
  draft: number | null;
  published: number | null;
}

/** The tenths of both models, side by side. */
function tenths(draft: BacktestModel, published: BacktestModel | null): Line[] {
  return draft.tenths.map((tenth, at) => {
    const other = published?.tenths[at];
    return {
      key: String(at),
      name: t("scores.preview.between", { from: count(tenth.from), to: count(tenth.to) }),
      draft: share(tenth),
      published: other === undefined ? null : share(other),
    };
  });
}

/** The grades of both models; one that only the other gives has no share here. */
function grades(draft: BacktestModel, published: BacktestModel | null): Line[] {
  const others = published?.grades ?? [];
  const known = new Set(draft.grades.map(({ grade }) => grade));
  const all = [...draft.grades, ...others.filter(({ grade }) => !known.has(grade))];
  return all.map(({ grade, people }) => {
    const other = others.find((one) => one.grade === grade);
    const name = grade ?? t("scores.backtest.ungraded");
    const own = draft.grades.find((one) => one.grade === grade);
    return {
      key: name,
      name: t("scores.backtest.graded", { grade: name, people: count(people) }),
      draft: own === undefined ? null : share(own),
      published: other === undefined ? null : share(other),
    };
  });
}

interface Table {
  /** What is counted in it, and what its lines are. */
  label: string;
  head: string;
  lines: Line[];
  compared: boolean;
  average: number;
}

function Shares({ label, head, lines, compared, average }: Table) {
  const high = Math.max(0.001, ...lines.flatMap(({ draft, published }) => [draft ?? 0, published ?? 0]));
  const shown = (value: number | null) => (value === null ? "–" : percent(value));
  const lift = (value: number | null) =>
    average === 0 || value === null ? undefined : t("scores.backtest.lift", { times: number(value / average) });
  return (
    <table aria-label={label} className="w-full text-table">
      <thead>
        <tr className="text-ink-3">
          <th scope="col" className="text-left font-normal">
            {head}
          </th>
          <th scope="col" colSpan={2} className="text-right font-normal">
            {compared ? t("scores.backtest.draft") : t("scores.backtest.reached")}
          </th>
          {compared && (
            <th scope="col" className="w-20 text-right font-normal">
              {t("scores.backtest.published")}
            </th>
          )}
        </tr>
      </thead>
      <tbody>
        {lines.map(({ key, name, draft, published }) => (
          <tr key={key} className="h-6">
            <th scope="row" className="figures w-28 whitespace-nowrap pr-2 text-left font-normal text-ink-2">
              {name}
            </th>
            <td aria-hidden>
              <span className="block h-2 overflow-hidden rounded-full bg-sunken">
                <span
                  className="block h-full rounded-full bg-chart-1"
                  style={{ width: `${((draft ?? 0) / high) * 100}%` }}
                />
              </span>
            </td>
            <td className="figures w-16 pl-2 text-right" title={lift(draft)}>
              {shown(draft)}
            </td>
            {compared && (
              <td className="figures pl-2 text-right text-ink-3" title={lift(published)}>
                {shown(published)}
              </td>
            )}
          </tr>
        ))}
      </tbody>
    </table>
  );
}

function Judged({ draft }: { draft: BacktestModel }) {
  if (draft.area === null || draft.error === null) return <Note>{t("scores.backtest.too_few")}</Note>;
  return <p>{t("scores.backtest.area", { share: percent(draft.area), error: percent(SURE * draft.error) })}</p>;
}

function Difference({ by, error, sure }: { by: number; error: number; sure: boolean }) {
  const key = sure ? (by > 0 ? "better" : "worse") : "chance";
  return (
    <Note>{t(`scores.backtest.${key}`, { by: number(100 * Math.abs(by)), error: number(100 * SURE * error) })}</Note>
  );
}

function Moves({ moves, graded }: { moves: NonNullable<ScoreBacktest["moves"]>; graded: boolean }) {
  if (moves.length === 0) {
    return <p className="text-ink-3">{t(graded ? "scores.backtest.no_regraded" : "scores.backtest.no_moves")}</p>;
  }
  const name = (label: string | null) => label ?? t(graded ? "scores.backtest.ungraded" : "scores.preview.none");
  return (
    <div>
      <p className="mb-1 font-medium">{t(graded ? "scores.backtest.regraded" : "scores.backtest.moves")}</p>
      <ul>
        {moves.map((each) => (
          <li key={`${each.from}-${each.to}`} className="flex min-h-7 items-center gap-3 text-table">
            <span className="min-w-0 flex-1 truncate">
              {t("scores.backtest.moved", { from: name(each.from), to: name(each.to) })}
            </span>
            <span className="figures shrink-0">{count(each.people)}</span>
          </li>
        ))}
      </ul>
    </div>
  );
}
