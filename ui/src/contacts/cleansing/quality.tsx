import { Link } from "@tanstack/react-router";
import { Gauge } from "lucide-react";
import { useState } from "react";
import { useRead, useWrite } from "@/api/client";
import type { JobView } from "@/api/gen/JobView";
import type { QualityField } from "@/api/gen/QualityField";
import type { QualityFigures } from "@/api/gen/QualityFigures";
import type { QualityShown } from "@/api/gen/QualityShown";
import type { QualityVerdict } from "@/api/gen/QualityVerdict";
import { Button, EmptyState, ErrorView, Note, SkeletonLines, sayError } from "@/design";
import { count, moment, percent } from "@/format";
import { t } from "@/i18n";
import { JobProgress, useJob } from "@/shell/job";
import { Trend } from "./trend";
import { Wrong } from "./wrong";

/** How good the data is, field by field, and how that changed. */
export function Quality() {
  const shown = useRead("cleansing.quality", {});
  const measuring = useMeasuring(shown.data?.running ?? null);
  if (shown.isError) return <ErrorView error={shown.error} onRetry={() => void shown.refetch()} />;
  if (shown.data === undefined) return <SkeletonLines lines={8} />;
  return (
    <div className="min-h-0 flex-1 overflow-auto px-6 py-4">
      {measuring.job !== null && (
        <div className="mb-4 max-w-220">
          <JobProgress job={measuring.job} label={t("contacts.cleansing.quality.measuring")} />
        </div>
      )}
      {shown.data.measured === null ? (
        <EmptyState
          icon={Gauge}
          title={t("contacts.cleansing.quality.never.title")}
          about={t("contacts.cleansing.quality.never.about")}
        >
          <Button look="primary" icon={Gauge} busy={measuring.busy} onClick={measuring.start}>
            {t("contacts.cleansing.quality.measure")}
          </Button>
        </EmptyState>
      ) : (
        <Measured shown={shown.data} measuring={measuring} />
      )}
    </div>
  );
}

interface MeasuringState {
  job: JobView | null;
  busy: boolean;
  start: () => void;
}

/** Measures, and goes on with what measures already: also what nobody here began. */
function useMeasuring(running: number | null): MeasuringState {
  const [started, setStarted] = useState<number | null>(null);
  const measure = useWrite("cleansing.measure", {
    onSuccess: ({ job }) => setStarted(job),
    onError: sayError,
  });
  const [heard, setHeard] = useState(0);
  // One that nobody asked for is number 0: it shows no progress, and gives way.
  const others = running !== null && running > heard ? running : null;
  const job = useJob(started ?? others, (view) => {
    setStarted(null);
    setHeard(view.id);
    if (view.state === "failed") sayError(view.error);
  });
  const atWork = job?.state === "running" ? job : null;
  return {
    job: atWork,
    busy: others !== null || started !== null || measure.isPending,
    start: () => measure.mutate({}),
  };
}

function Measured({ shown, measuring }: { shown: QualityShown; measuring: MeasuringState }) {
  const [asked, setAsked] = useState<{ field: QualityField; verdict: QualityVerdict } | null>(null);
  const { measured } = shown;
  if (measured === null) return null;
  return (
    <>
      <div className="mb-3 flex flex-wrap items-center gap-3">
        <p className="min-w-0 flex-1 text-ink-2">
          {t("contacts.cleansing.quality.measured", { n: measured.contacts, at: moment(measured.at) })}
          {measured.pairs !== null && measured.pairs > 0 && (
            <>
              {" "}
              <Link to="/contacts/duplicates" className="text-accent-text hover:underline">
                {t("contacts.cleansing.quality.pairs", { n: measured.pairs })}
              </Link>
            </>
          )}
        </p>
        <Button icon={Gauge} busy={measuring.busy} onClick={measuring.start}>
          {t("contacts.cleansing.quality.again")}
        </Button>
      </div>
      <Note title={t("contacts.cleansing.quality.score_title")}>
        <p>{t("contacts.cleansing.quality.score_about")}</p>
      </Note>
      <table className="mt-4 w-full max-w-280 table-fixed">
        <thead>
          <tr className="text-left text-ink-3 text-meta">
            <th className="w-1/5 py-2 pr-3 font-normal">{t("contacts.cleansing.quality.columns.field")}</th>
            <th className="w-16 pr-3 text-right font-normal">{t("contacts.cleansing.quality.columns.score")}</th>
            <th className="w-44 px-3 font-normal">{t("contacts.cleansing.quality.columns.trend")}</th>
            <th className="px-3 font-normal">{t("contacts.cleansing.quality.columns.known")}</th>
            <th className="px-3 font-normal">{t("contacts.cleansing.quality.columns.valid")}</th>
            <th className="pl-3 font-normal">{t("contacts.cleansing.quality.columns.tidy")}</th>
          </tr>
        </thead>
        <tbody>
          {shown.fields.map((field) => (
            <tr key={field.key} className="border-line-subtle border-t align-top">
              <th scope="row" className="truncate py-3 pr-3 text-left font-medium" title={field.key}>
                {field.label}
              </th>
              <td className="figures py-3 pr-3 text-right font-semibold">
                {field.now === null ? "–" : field.now.score}
              </td>
              <td className="px-3 py-3">
                <Trend days={field.days} from={shown.from} to={shown.to} className="h-6 w-full" />
              </td>
              {field.now === null ? (
                <td colSpan={3} className="px-3 py-3 text-ink-3">
                  {t("contacts.cleansing.quality.new_field")}
                </td>
              ) : (
                <Shares
                  field={field}
                  now={field.now}
                  all={measured.contacts}
                  onAsk={(verdict) => setAsked({ field, verdict })}
                />
              )}
            </tr>
          ))}
        </tbody>
      </table>
      {asked !== null && (
        <Wrong field={asked.field} verdict={asked.verdict} measuring={measuring} onClose={() => setAsked(null)} />
      )}
    </>
  );
}

/** The share of each measure among what passed the one before, with whom it is not true of. */
function Shares({
  field,
  now,
  all,
  onAsk,
}: {
  field: QualityField;
  now: QualityFigures;
  all: number;
  onAsk: (verdict: QualityVerdict) => void;
}) {
  const missing = all - now.known;
  return (
    <>
      <td className="px-3 py-3">
        <Share part={now.known} whole={all} />
        {missing > 0 && (
          <Link
            to="/contacts"
            search={{ where: `\`${field.key}\` is empty` }}
            className="block text-accent-text text-table hover:underline"
          >
            {t("contacts.cleansing.quality.missing", { n: count(missing) })}
          </Link>
        )}
      </td>
      <td className="px-3 py-3">
        <Share part={now.valid} whole={now.known} />
        <Ask n={now.known - now.valid} word="invalid" onAsk={onAsk} />
      </td>
      <td className="py-3 pl-3">
        <Share part={now.tidy} whole={now.valid} />
        <Ask n={now.valid - now.tidy} word="untidy" onAsk={onAsk} />
      </td>
    </>
  );
}

/** A share in whole percent, rounded down as the score is: a hundred is all of them. */
function Share({ part, whole }: { part: number; whole: number }) {
  if (whole === 0) return <span className="text-ink-3">–</span>;
  return (
    <span className="figures" title={`${count(part)} / ${count(whole)}`}>
      {percent(Math.floor((part * 100) / whole) / 100)}
    </span>
  );
}

function Ask({ n, word, onAsk }: { n: number; word: QualityVerdict; onAsk: (verdict: QualityVerdict) => void }) {
  if (n <= 0) return null;
  return (
    <button
      type="button"
      className="block rounded-control text-left text-accent-text text-table hover:underline"
      onClick={() => onAsk(word)}
    >
      {t(`contacts.cleansing.quality.${word}`, { n: count(n) })}
    </button>
  );
}
