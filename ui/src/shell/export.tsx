import { Download } from "lucide-react";
import { useState } from "react";
import { useWrite } from "@/api/client";
import type { Exported } from "@/api/gen/Exported";
import type { ExportFormat } from "@/api/gen/ExportFormat";
import type { ExportList } from "@/api/gen/ExportList";
import type { ExportStarted } from "@/api/gen/ExportStarted";
import { host } from "@/api/host";
import type { FilePurpose } from "@/api/words";
import { Button, IconButton, Menu, say, sayError } from "@/design";
import { t } from "@/i18n";
import { JobProgress, useJob } from "./job";

/** What a table can be written as, and what the dialog for its file is about. */
const FORMATS: readonly { format: ExportFormat; purpose: FilePurpose }[] = [
  { format: "csv", purpose: "export" },
  { format: "xlsx", purpose: "workbook" },
  { format: "parquet", purpose: "parquet" },
];

/** Writes a list to a file the user names, as CSV, a workbook or Parquet; `name` is what it is proposed to be called. */
export function ExportMenu({
  list,
  name,
  label = t("common.export.title"),
  compact = false,
  disabled = false,
}: {
  list: ExportList;
  name: string;
  label?: string;
  /** An icon alone, where there is no room for a word. */
  compact?: boolean;
  disabled?: boolean;
}) {
  const [writing, setWriting] = useState<(ExportStarted & { name: string }) | null>(null);
  const start = useWrite("exports.start", { onError: sayError });
  const job = useJob(writing?.job ?? null, (ended) => {
    setWriting(null);
    if (ended.state === "done" && writing !== null) {
      host().deliver(writing, writing.name);
      say(told(ended.result as Exported | null));
    } else if (ended.error !== null) sayError(ended.error);
  });
  const save = async ({ format, purpose }: (typeof FORMATS)[number]) => {
    const file = `${name.replace(/[^\p{L}\p{N} ._-]/gu, "")}.${format}`;
    try {
      const to = await host().chooseSave(purpose, file);
      if (to === null) return;
      start.mutate({ list, to, format }, { onSuccess: (started) => setWriting({ ...started, name: file }) });
    } catch (error) {
      sayError(error);
    }
  };
  if (writing !== null) {
    return (
      <div className="w-80 max-w-full">
        <JobProgress job={job} label={t("common.export.running")} />
      </div>
    );
  }
  const busy = start.isPending;
  return (
    <Menu
      align="end"
      trigger={
        compact ? (
          <IconButton icon={Download} label={label} disabled={disabled || busy} />
        ) : (
          <Button icon={Download} busy={busy} disabled={disabled}>
            {label}
          </Button>
        )
      }
      entries={FORMATS.map((each) => ({
        label: t(`common.export.formats.${each.format}`),
        onSelect: () => void save(each),
      }))}
    />
  );
}

function told(done: Exported | null): string {
  if (done === null) return t("common.export.done");
  if (done.sheets > 1) return t("common.export.done_sheets", { n: done.rows, sheets: done.sheets });
  return t("common.export.done_rows", { n: done.rows });
}
