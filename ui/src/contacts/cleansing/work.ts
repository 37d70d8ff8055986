import { useCallback, useState } from "react";
import { useWrite } from "@/api/client";
import type { ApplyCleansing } from "@/api/gen/ApplyCleansing";
import type { CleansingApplied } from "@/api/gen/CleansingApplied";
import type { CleansingFound } from "@/api/gen/CleansingFound";
import type { CleansingRunning } from "@/api/gen/CleansingRunning";
import type { CleansingTakenBack } from "@/api/gen/CleansingTakenBack";
import type { JobView } from "@/api/gen/JobView";
import { say, sayError } from "@/design";
import { t } from "@/i18n";
import { useJob } from "@/shell/job";

/** What is at work: a search, an application, or an undoing. */
type Running = CleansingRunning["what"];

export interface Work {
  running: Running | null;
  job: JobView | null;
  busy: boolean;
  find: (asked: { where: string | null; country: string | null }) => void;
  apply: (what: ApplyCleansing) => void;
  undo: (id: number) => void;
  /** What the last application left to be told; `null`: nothing. */
  told: CleansingApplied | null;
  hear: () => void;
}

/**
 * Searches, applies and undoes, one at a time, and says how it ended. `running` is what was at work already when the screen
 * was opened, or was begun elsewhere.
 */
export function useCleansing(running: CleansingRunning | null): Work {
  const [own, setStarted] = useState<CleansingRunning | null>(null);
  const [heard, setHeard] = useState(0);
  const started = own ?? (running !== null && running.job > heard ? running : null);
  const [told, setTold] = useState<CleansingApplied | null>(null);
  const starting = (what: Running) => ({
    onSuccess: (answer: { job: number }) => setStarted({ what, job: answer.job }),
    onError: sayError,
  });
  const find = useWrite("cleansing.find", starting("find"));
  const apply = useWrite("cleansing.apply", starting("apply"));
  const undo = useWrite("cleansing.undo", starting("undo"));
  const takeBack = undo.mutate;
  const ended = useCallback(
    (view: JobView) => {
      const what = started?.what;
      setStarted(null);
      setHeard(view.id);
      if (view.state === "failed") sayError(view.error);
      if (view.state !== "done" || view.result === null) return;
      if (what === "find") say(t("contacts.cleansing.found", { n: (view.result as CleansingFound).contacts }));
      if (what === "undo") {
        const back = view.result as CleansingTakenBack;
        say(t("contacts.cleansing.taken_back", { restored: back.restored, kept: back.kept }));
      }
      if (what !== "apply") return;
      const applied = view.result as CleansingApplied;
      const { id } = applied;
      setTold(applied.taken_total + applied.suppressed + applied.changed_since > 0 ? applied : null);
      if (id === null) say(t("contacts.cleansing.nothing_applied"));
      else {
        say(t("contacts.cleansing.applied", { values: applied.values, contacts: applied.contacts }), {
          label: t("contacts.cleansing.undo"),
          run: () => takeBack({ id }),
        });
      }
    },
    [started, takeBack],
  );
  const job = useJob(started?.job ?? null, ended);
  return {
    running: started?.what ?? null,
    job,
    busy: started !== null || find.isPending || apply.isPending || undo.isPending,
    find: (asked) => find.mutate(asked),
    apply: (what) => apply.mutate(what),
    undo: (id) => takeBack({ id }),
    told,
    hear: () => setTold(null),
  };
}
