import { RefreshCw } from "lucide-react";
import { useCallback, useState } from "react";
import { query, useWrite } from "@/api/client";
import type { JobView } from "@/api/gen/JobView";
import { Button, say, sayError } from "@/design";
import { t } from "@/i18n";
import { useJob } from "@/shell/job";

/** Reads every source of opt-outs at once. */
export function ReadNow() {
  const [job, setJob] = useState<number | null>(null);
  const read = useWrite("mailboxes.read_now", { onSuccess: (started) => setJob(started.job), onError: sayError });
  const onEnd = useCallback((ended: JobView) => {
    setJob(null);
    if (ended.error !== null) return sayError(ended.error);
    // The job goes from source to source and stops at none: how each went stands with it.
    void query("listening.get", {}).then(({ sources }) => {
      if (sources.every(({ trouble }) => trouble === null)) say(t("settings.mailboxes.read_done"));
      else sayError(new Error(t("settings.mailboxes.read_partly")));
    }, sayError);
  }, []);
  useJob(job, onEnd);
  return (
    <Button look="quiet" icon={RefreshCw} busy={read.isPending || job !== null} onClick={() => read.mutate({})}>
      {t("settings.mailboxes.read_now")}
    </Button>
  );
}
