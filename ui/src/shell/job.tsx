import { useEffect, useRef } from "react";
import { type ApiError, useRead, useWrite } from "@/api/client";
import type { JobView } from "@/api/gen/JobView";
import { Button, Progress, sayError } from "@/design";
import { count, percent } from "@/format";
import { t, tx } from "@/i18n";

/** Follows a job until it has ended: the bus tells when there is more to see. `onEnd` is called once. */
export function useJob(job: number | null, onEnd?: (job: JobView) => void): JobView | null {
  const { data: answer, error } = useRead("jobs.get", { id: job ?? 0 }, { enabled: job !== null, gcTime: 0 });
  const data = error === null || job === null ? answer : lost(job, error, answer);
  const ended = useRef<number | null>(null);
  useEffect(() => {
    if (job === null || data === undefined || data.state === "running" || ended.current === job) return;
    ended.current = job;
    onEnd?.(data);
  }, [job, data, onEnd]);
  return job === null ? null : (data ?? null);
}

/** A job nobody can tell of any more has failed, as far as the screen is concerned: nothing waits for it for ever. */
function lost(id: number, error: ApiError, last: JobView | undefined): JobView {
  const { code, message, fields, retry, trace } = error;
  const known = last ?? { id, what: "", done: 0, total: 0, phase: "", started_at: "", result: null };
  return { ...known, state: "failed", error: { code, message, fields, retry, trace } as JobView["error"] };
}

/** A long work with its progress and the way to stop it. */
export function JobProgress({ job, label }: { job: JobView | null; label: string }) {
  const cancel = useWrite("jobs.cancel", { onError: sayError });
  const total = job === null || job.total === 0 ? null : job.total;
  const phase = job === null || job.phase === "" ? "" : tx(`jobs.phases.${job.phase}`, "");
  return (
    <div>
      <div className="mb-2 flex items-center gap-3">
        <p className="min-w-0 flex-1 truncate" aria-live="polite">
          <span className="font-medium">{label}</span>
          {phase !== label && <span className="ml-2 text-ink-3 text-table">{phase}</span>}
        </p>
        <span className="figures text-ink-2 text-table">
          {job !== null && (total === null ? count(job.done) : percent(job.done / total))}
        </span>
        {job !== null && (
          <Button look="quiet" busy={cancel.isPending} onClick={() => cancel.mutate({ id: job.id })}>
            {t("common.cancel")}
          </Button>
        )}
      </div>
      <Progress done={job?.done ?? 0} total={total} label={label} />
    </div>
  );
}
