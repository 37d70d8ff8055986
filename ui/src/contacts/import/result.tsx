import { Link } from "@tanstack/react-router";
import { CircleCheck, Download, Play, Undo2 } from "lucide-react";
import { useState } from "react";
import { useRead, useWrite } from "@/api/client";
import type { ImportCounts } from "@/api/gen/ImportCounts";
import type { ImportId } from "@/api/gen/ImportId";
import type { ImportReport } from "@/api/gen/ImportReport";
import type { ImportRow } from "@/api/gen/ImportRow";
import type { JobView } from "@/api/gen/JobView";
import { host } from "@/api/host";
import { Button, Card, Confirm, ErrorView, Note, say, sayError, Table } from "@/design";
import { count } from "@/format";
import { t, tx } from "@/i18n";
import { JobProgress, useJob } from "@/shell/job";
import { WatchFolder } from "./folders";

const KINDS = [
  "new",
  "changed",
  "unchanged",
  "skipped",
  "duplicate",
  "invalid",
  "with_gaps",
  "suppressed",
  "withdrawn",
  "not_permitted",
  "unsubscribed",
  "bounced",
  "blocked",
  "complained",
] as const;

/** What would happen, without anything having happened. */
export function CheckStep({
  report,
  job,
  error,
  onRetry,
}: {
  report: ImportReport | null;
  job: JobView | null;
  error: unknown;
  onRetry: () => void;
}) {
  if (error !== null && error !== undefined && report === null) return <ErrorView error={error} onRetry={onRetry} />;
  if (report === null) {
    return (
      <div className="mx-auto max-w-180 space-y-4 px-6 py-12">
        {job?.state === "cancelled" ? (
          <Note tone="warn" actions={<Button onClick={onRetry}>{t("contacts.import.to_check")}</Button>}>
            {t("contacts.import.dry_cancelled")}
          </Note>
        ) : (
          <JobProgress job={job} label={t("contacts.import.checking")} />
        )}
      </div>
    );
  }
  return (
    <div className="mx-auto max-w-180 space-y-4 px-6 py-6">
      <div>
        <h2 className="font-semibold text-section">{t("contacts.import.would")}</h2>
        <p className="text-ink-2">{t("contacts.import.would_about", { n: report.counts.rows })}</p>
      </div>
      <Counts counts={report.counts} />
      {report.examples.length > 0 && (
        <Card title={t("contacts.import.invalid_title")} about={t("contacts.import.invalid_about")} flush>
          <Table
            label={t("contacts.import.invalid_title")}
            rows={report.examples}
            keyOf={(row) => row.line}
            columns={[
              {
                key: "line",
                title: t("contacts.import.line"),
                width: "72px",
                numeric: true,
                cell: (row) => count(row.line),
              },
              { key: "reason", title: t("contacts.import.reason"), cell: (row) => row.reason },
              {
                key: "text",
                title: t("contacts.import.text"),
                cell: (row) => <span className="font-mono">{row.text}</span>,
              },
            ]}
          />
        </Card>
      )}
    </div>
  );
}

function Counts({ counts, events = false }: { counts: ImportCounts; events?: boolean }) {
  return (
    <dl className="divide-y divide-line-subtle rounded-card border border-line-subtle bg-surface">
      {KINDS.filter((kind) => counts[kind] > 0 || kind === "new" || (kind === "changed" && !events)).map((kind) => (
        <div key={kind} className="flex items-baseline gap-3 px-4 py-2.5">
          <dt className="min-w-0 flex-1">
            <span className="font-medium">{t(`contacts.import.counts.${kind}`)}</span>
            <span className="block text-ink-3 text-table">
              {tx(events ? `contacts.events.counts_about.${kind}` : `contacts.import.counts_about.${kind}`, "")}
            </span>
          </dt>
          <dd className="figures font-semibold text-section">{count(counts[kind])}</dd>
        </div>
      ))}
    </dl>
  );
}

/** The import itself, and what came of it. */
export function RunStep({ running, onRestart }: { running: { job: number; import: ImportId }; onRestart: () => void }) {
  const [ended, setEnded] = useState(false);
  const job = useJob(running.job, () => setEnded(true));
  const result = useRead("imports.get", { id: running.import }, { enabled: ended });
  if (!ended) {
    return (
      <div className="mx-auto max-w-180 px-6 py-12">
        <JobProgress job={job} label={t("contacts.import.running")} />
      </div>
    );
  }
  return (
    <div className="mx-auto max-w-180 space-y-4 px-6 py-6">
      {job?.state === "failed" && job.error !== null && <ErrorView error={job.error} />}
      {job?.state === "cancelled" && <Note tone="warn">{t("contacts.import.cancelled")}</Note>}
      {result.isError && <ErrorView error={result.error} onRetry={() => void result.refetch()} />}
      {result.data !== undefined && <Done row={result.data} onRestart={onRestart} finished={job?.state === "done"} />}
    </div>
  );
}

function Done({ row, finished, onRestart }: { row: ImportRow; finished: boolean; onRestart: () => void }) {
  return (
    <>
      {finished && (
        <div className="flex items-center gap-3">
          <CircleCheck size={20} aria-hidden className="text-ok" />
          <h2 className="font-semibold text-section">
            {row.what === "events"
              ? t("contacts.events.done", { n: row.counts.new })
              : t("contacts.import.done", { n: row.counts.new + row.counts.changed })}
          </h2>
        </div>
      )}
      <Counts counts={row.counts} events={row.what === "events"} />
      <div className="flex flex-wrap gap-2">
        <Link
          to="/contacts"
          className="inline-flex h-8 items-center rounded-control bg-accent-solid px-3 font-medium text-on-accent hover:bg-accent-hover"
        >
          {t("contacts.import.see")}
        </Link>
        <Button onClick={onRestart}>{t("contacts.import.another")}</Button>
        {finished && row.what === "contacts" && (
          <WatchFolder like={row.id}>{t("contacts.folders.from_now")}</WatchFolder>
        )}
        <ErrorFile row={row} />
        <UndoImport row={row} />
      </div>
    </>
  );
}

/** The rows that were not taken, each with its reason. */
export function ErrorFile({ row }: { row: ImportRow }) {
  const name = `${row.name.replace(/\.[^.]*$/, "")}-not-imported.csv`;
  const write = useWrite("imports.errors", {
    onSuccess: (saved) => {
      host().deliver(saved, name);
      say(t("contacts.import.errors_saved"));
    },
    onError: sayError,
  });
  if (!row.has_errors) return null;
  const save = async () => {
    try {
      const to = await host().chooseSave("errors", name);
      if (to !== null) write.mutate({ id: row.id, to });
    } catch (error) {
      sayError(error);
    }
  };
  return (
    <Button icon={Download} busy={write.isPending} onClick={() => void save()}>
      {t("contacts.import.errors", { n: row.counts.invalid + row.counts.with_gaps })}
    </Button>
  );
}

/** Goes on with an import that was interrupted, in the same file. */
export function ResumeImport({ row }: { row: ImportRow }) {
  const [job, setJob] = useState<number | null>(null);
  const resume = useWrite("contacts.import_resume", {
    onSuccess: (started) => setJob(started.job),
    onError: sayError,
  });
  const at = useJob(job, (ended) => {
    setJob(null);
    if (ended.state === "done") say(t("contacts.import.resumed", { name: row.name }));
    else if (ended.error !== null) sayError(ended.error);
  });
  if (job !== null) {
    return (
      <div className="w-72">
        <JobProgress job={at} label={t("contacts.import.running")} />
      </div>
    );
  }
  if (!row.resumable) return null;
  const choose = async () => {
    try {
      const chosen = await host().chooseFile("contacts");
      if (chosen !== null) resume.mutate({ id: row.id, file: chosen.file });
    } catch (error) {
      sayError(error);
    }
  };
  return (
    <Button icon={Play} busy={resume.isPending} onClick={() => void choose()}>
      {t("contacts.import.resume")}
    </Button>
  );
}

/** Takes an import back, after asking. */
export function UndoImport({ row }: { row: ImportRow }) {
  const [asking, setAsking] = useState(false);
  const [job, setJob] = useState<number | null>(null);
  const undo = useWrite("imports.undo", {
    onSuccess: (started) => {
      setAsking(false);
      setJob(started.job);
    },
    onError: sayError,
  });
  useJob(job, (ended) => {
    setJob(null);
    if (ended.state === "done") say(t("contacts.import.undone"));
    else if (ended.error !== null) sayError(ended.error);
  });
  if (!row.undoable) return null;
  return (
    <>
      <Button look="danger" icon={Undo2} busy={job !== null} onClick={() => setAsking(true)}>
        {t("contacts.import.undo")}
      </Button>
      <Confirm
        open={asking}
        onClose={() => setAsking(false)}
        onConfirm={() => undo.mutate({ id: row.id })}
        busy={undo.isPending}
        title={t("contacts.import.undo_title", { name: row.name })}
        about={t("contacts.import.undo_about")}
        action={t("contacts.import.undo")}
      />
    </>
  );
}
