import { Link } from "@tanstack/react-router";
import type { ReactNode } from "react";
import type { CompanyScore } from "@/api/gen/CompanyScore";
import { Card, cx } from "@/design";
import { count, number, signedPoints } from "@/format";
import { t } from "@/i18n";

/** What a company has by each published score, and what that is made of. */
export function CompanyScores({ scores }: { scores: readonly CompanyScore[] }) {
  return (
    <section className="mt-4" aria-label={t("companies.scores.title")}>
      <h2 className="mb-2 font-semibold">{t("companies.scores.title")}</h2>
      <ul className="space-y-3">
        {scores.map((score) => (
          <li key={score.id}>
            <OneScore score={score} />
          </li>
        ))}
      </ul>
    </section>
  );
}

function OneScore({ score }: { score: CompanyScore }) {
  const { scored, model } = score;
  const known = new Map(model.rules.map((rule) => [rule.key, rule]));
  return (
    <Card
      title={
        <Link to="/scores/$score" params={{ score: String(score.id) }} className="hover:text-accent-text">
          {score.name}
        </Link>
      }
    >
      <p className="figures font-semibold text-hero">{count(scored.total)}</p>
      <ul className="mt-2">
        {model.roll_up !== "nothing" && (
          <Part points={scored.rolled_up}>
            {t(`companies.scores.rolled_up.${model.roll_up}`, { n: scored.contacts })}
          </Part>
        )}
        {scored.rules.map((rule) => {
          const people = known.get(rule.key)?.people ?? null;
          return (
            <Part key={rule.key} points={rule.points}>
              <span className="font-mono">{known.get(rule.key)?.when}</span>
              {people !== null && (
                <span className="block text-ink-3">
                  {t("companies.scores.people", { n: rule.count, least: people })}
                </span>
              )}
            </Part>
          );
        })}
        {scored.limited !== 0 && <Part points={scored.limited}>{t("companies.scores.limited")}</Part>}
      </ul>
      {scored.highest !== null && (
        <p className="mt-2 text-ink-3 text-meta">
          {t("companies.scores.of_people", {
            sum: count(scored.sum),
            highest: count(scored.highest),
            average: number(Math.round((scored.sum / scored.contacts) * 10) / 10),
          })}
        </p>
      )}
    </Card>
  );
}

/** One part of the points; a rule that gives none now is there, but steps back. */
function Part({ points, children }: { points: number; children: ReactNode }) {
  return (
    <li className={cx("flex gap-3 border-line-subtle border-t py-1 text-table", points === 0 && "text-ink-3")}>
      <span className="min-w-0 flex-1 break-words">{children}</span>
      <span className="figures shrink-0">{signedPoints(points)}</span>
    </li>
  );
}
