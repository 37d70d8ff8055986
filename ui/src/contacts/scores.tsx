import { Link } from "@tanstack/react-router";
import { Gauge, Plus } from "lucide-react";
import { useState } from "react";
import { useRead, useWrite } from "@/api/client";
import type { ContactScore } from "@/api/gen/ContactScore";
import type { ScoreLedgerRow } from "@/api/gen/ScoreLedgerRow";
import {
  Badge,
  Button,
  Card,
  Dialog,
  EmptyState,
  ErrorView,
  Field,
  NumberInput,
  Select,
  SkeletonLines,
  sayError,
  TextInput,
} from "@/design";
import { count, day, moment, signedPoints } from "@/format";
import { t } from "@/i18n";

const SOME = 50;

/** What a contact is measured at, rule by rule, and how it came to that. */
export function Scores({ contact }: { contact: number }) {
  const scores = useRead("scores.of", { contact }, { keep: true });
  const [adjusting, setAdjusting] = useState(false);
  if (scores.isError) return <ErrorView error={scores.error} onRetry={() => void scores.refetch()} />;
  if (scores.data === undefined) return <SkeletonLines />;
  if (scores.data.length === 0)
    return (
      <EmptyState icon={Gauge} title={t("scores.contact.none")} about={t("scores.contact.none_about")}>
        <Link to="/scores" className="text-accent-text">
          {t("scores.title")}
        </Link>
      </EmptyState>
    );
  const withPoints = scores.data.filter((each) => each.scored !== null);
  return (
    <div className="space-y-4 p-4">
      <ul className="grid gap-4 xl:grid-cols-2">
        {scores.data.map((each) => (
          <li key={each.id}>
            <OneScore score={each} />
          </li>
        ))}
      </ul>
      <Card
        flush
        title={t("scores.contact.ledger")}
        about={t("scores.contact.ledger_about")}
        actions={
          withPoints.length > 0 && (
            <Button icon={Plus} onClick={() => setAdjusting(true)}>
              {t("scores.contact.adjust")}
            </Button>
          )
        }
      >
        <Ledger contact={contact} />
      </Card>
      {adjusting && <Adjust contact={contact} scores={withPoints} onClose={() => setAdjusting(false)} />}
    </div>
  );
}

function OneScore({ score }: { score: ContactScore }) {
  const { scored, model } = score;
  const rules = model.kind === "points" ? model.groups.flatMap((group) => group.rules) : [];
  const found = (scored?.groups ?? []).flatMap((group) => group.rules).filter((rule) => rule.points !== 0);
  const latest = score.entered.find(({ stage }) => stage === score.stage);
  return (
    <Card
      title={
        <Link to="/scores/$score" params={{ score: String(score.id) }} className="hover:text-accent-text">
          {score.name}
        </Link>
      }
      actions={score.stage !== null && <Badge tone="accent">{score.stage}</Badge>}
    >
      <p className="figures font-semibold text-hero">{scored === null ? (score.grade ?? "–") : count(scored.total)}</p>
      {latest !== undefined && (
        <p className="text-ink-3 text-table">
          {t("scores.contact.since", { stage: latest.stage, at: day(latest.at) })}
        </p>
      )}
      {scored !== null && (
        <ul className="mt-2">
          {found.map((rule) => (
            <li key={rule.key} className="flex gap-3 border-line-subtle border-t py-1 text-table">
              <span className="min-w-0 flex-1 break-words font-mono">
                {rules.find(({ key }) => key === rule.key)?.when}
              </span>
              <span className="figures shrink-0">{signedPoints(rule.points)}</span>
            </li>
          ))}
          {scored.adjusted !== 0 && (
            <li className="flex gap-3 border-line-subtle border-t py-1 text-table">
              <span className="min-w-0 flex-1">{t("scores.contact.by_hand")}</span>
              <span className="figures shrink-0">{signedPoints(scored.adjusted)}</span>
            </li>
          )}
        </ul>
      )}
      {scored !== null && scored.until !== null && (
        <p className="mt-2 text-ink-3 text-meta">{t("scores.contact.until", { at: moment(scored.until) })}</p>
      )}
    </Card>
  );
}

function Ledger({ contact }: { contact: number }) {
  const [limit, setLimit] = useState(SOME);
  const ledger = useRead("scores.ledger", { contact, score: null, before: null, limit }, { keep: true });
  if (ledger.isError) return <ErrorView error={ledger.error} onRetry={() => void ledger.refetch()} />;
  if (ledger.data === undefined) return <SkeletonLines lines={3} />;
  if (ledger.data.length === 0) return <p className="px-4 pb-4 text-ink-3">{t("scores.contact.no_changes")}</p>;
  return (
    <>
      <ol>
        {ledger.data.map((row) => (
          <li key={row.id} className="border-line-subtle border-t px-4 py-2">
            <Change row={row} />
          </li>
        ))}
      </ol>
      {ledger.data.length >= limit && limit < 500 && (
        <Button look="quiet" className="m-2" busy={ledger.isFetching} onClick={() => setLimit(limit + SOME)}>
          {t("scores.contact.more")}
        </Button>
      )}
    </>
  );
}

function Change({ row }: { row: ScoreLedgerRow }) {
  return (
    <>
      <div className="flex items-baseline gap-2">
        <span className="min-w-0 flex-1 truncate">
          <span className="font-medium">{row.name}</span>{" "}
          <span className="figures">
            {t("scores.contact.change", { before: count(row.before ?? 0), after: count(row.after) })}
          </span>
        </span>
        {row.stage !== null && <Badge tone="accent">{row.stage}</Badge>}
        <time dateTime={row.at} className="figures shrink-0 text-ink-3 text-table">
          {moment(row.at)}
        </time>
      </div>
      <p className="text-ink-3 text-table">{t(`scores.causes.${row.cause}`)}</p>
      <ul>
        {row.because.map((reason, at) => (
          <li key={at} className="flex gap-3 text-table">
            {reason.when === null ? (
              <span className="min-w-0 flex-1">{t("scores.contact.by_hand")}</span>
            ) : (
              <span className="min-w-0 flex-1 break-words font-mono text-ink-2">{reason.when}</span>
            )}
            <span className="figures shrink-0">{signedPoints(reason.points)}</span>
          </li>
        ))}
      </ul>
    </>
  );
}

function Adjust({
  contact,
  scores,
  onClose,
}: {
  contact: number;
  scores: readonly ContactScore[];
  onClose: () => void;
}) {
  const [score, setScore] = useState(String(scores[0]?.id ?? ""));
  const [added, setAdded] = useState<number | undefined>(5);
  const [why, setWhy] = useState("");
  const adjust = useWrite("scores.adjust", { onSuccess: onClose, onError: sayError });
  const run = () => {
    if (added !== undefined && added !== 0) adjust.mutate({ score: Number(score), contact, points: added, why });
  };
  return (
    <Dialog
      open
      onClose={onClose}
      title={t("scores.contact.adjust")}
      submit={{ label: t("scores.contact.adjust"), run, busy: adjust.isPending }}
    >
      <div className="space-y-4">
        <Field label={t("scores.contact.which")}>
          <Select
            value={score}
            onChange={setScore}
            options={scores.map(({ id, name }) => ({ value: String(id), label: name }))}
          />
        </Field>
        <Field label={t("scores.points")} help={t("scores.contact.points_help")}>
          <NumberInput className="w-32" optional value={added} onChange={setAdded} />
        </Field>
        <Field label={t("scores.contact.why")} optional>
          <TextInput value={why} onChange={(event) => setWhy(event.target.value)} />
        </Field>
      </div>
    </Dialog>
  );
}
