import { History as Clock } from "lucide-react";
import { useState } from "react";
import { useRead } from "@/api/client";
import type { HistoryEntry } from "@/api/gen/HistoryEntry";
import type { WrittenBy } from "@/api/gen/WrittenBy";
import { Badge, Button, Dialog, ErrorView, IconButton, Popover, SkeletonLines } from "@/design";
import { ago, moment, value } from "@/format";
import { t } from "@/i18n";
import { ExportMenu } from "@/shell/export";
import { useNow } from "@/shell/now";
import { sourceText } from "@/shell/timeline";

const FEW = 20;
const MOST = 200;

/** Where a value came from and what it was before, beside the value. */
export function FieldHistory({ contact, field, label }: { contact: number; field: string; label: string }) {
  return (
    <Popover
      align="end"
      className="max-h-100 w-90 overflow-auto"
      title={t("contacts.history.of", { field: label })}
      trigger={
        <IconButton
          icon={Clock}
          label={t("contacts.history.show", { field: label })}
          className="opacity-0 focus-visible:opacity-100 group-focus-within:opacity-100 group-hover:opacity-100 aria-expanded:opacity-100"
        />
      }
    >
      <Entries contact={contact} field={field} />
    </Popover>
  );
}

/** All values there are and were, with a file of them. */
export function AllHistory({ contact, email }: { contact: number; email: string }) {
  const [open, setOpen] = useState(false);
  return (
    <>
      <Button look="quiet" icon={Clock} onClick={() => setOpen(true)}>
        {t("contacts.history.all")}
      </Button>
      <Dialog
        open={open}
        onClose={() => setOpen(false)}
        width="medium"
        title={t("contacts.history.all_title")}
        about={t("contacts.history.all_about")}
        actions={<ExportMenu list={{ of: "history", contact }} name={email} />}
      >
        <Entries contact={contact} />
      </Dialog>
    </>
  );
}

function Entries({ contact, field }: { contact: number; field?: string }) {
  const [limit, setLimit] = useState(FEW);
  const now = useNow();
  const asked = { id: contact, offset: 0, limit, ...(field !== undefined && { field }) };
  const found = useRead("contacts.history", asked, { keep: true });
  if (found.isError) return <ErrorView error={found.error} onRetry={() => void found.refetch()} />;
  if (found.data === undefined) return <SkeletonLines lines={3} />;
  const { rows, total } = found.data;
  if (rows.length === 0) return <p className="text-ink-2">{t("contacts.history.none")}</p>;
  return (
    <>
      <ol className="divide-y divide-line-subtle">
        {rows.map((entry, at) => (
          <Entry key={`${entry.key}-${entry.from.at}-${at}`} entry={entry} now={now} named={field === undefined} />
        ))}
      </ol>
      {rows.length < total && rows.length < MOST && (
        <Button look="quiet" className="mt-2" busy={found.isFetching} onClick={() => setLimit(MOST)}>
          {t("contacts.history.more")}
        </Button>
      )}
      {total > MOST && rows.length >= MOST && (
        <p className="mt-2 text-ink-3 text-table">{t("contacts.history.newest", { n: MOST, total })}</p>
      )}
    </>
  );
}

/** Who wrote it, with the name of the file, journey or person that is only numbered. */
const byText = (by: WrittenBy) => [sourceText(by.source), by.name].filter(Boolean).join(" · ");

function Entry({ entry, now, named }: { entry: HistoryEntry; now: string; named: boolean }) {
  const { from, until, of, merged } = entry;
  return (
    <li className="py-2">
      {named && (
        <p className="flex items-center gap-2 text-ink-3 text-meta">
          {entry.label}
          {entry.retired && <Badge>{t("contacts.history.retired")}</Badge>}
        </p>
      )}
      <p className="flex items-start gap-2">
        <span className={entry.value === null ? "text-ink-3" : "line-clamp-4 min-w-0 flex-1 break-words"}>
          {entry.value === null ? t("contacts.history.empty") : value(entry.value)}
        </span>
        {until === null && (
          <Badge tone="ok" dot>
            {t("contacts.history.now")}
          </Badge>
        )}
      </p>
      {entry.cut && <p className="text-ink-3 text-meta">{t("contacts.history.cut")}</p>}
      <p className="text-ink-2 text-table" title={moment(from.at)}>
        {t("contacts.history.from", { by: byText(from), ago: ago(from.at, now) })}
      </p>
      {merged !== null && (
        <p className="text-ink-3 text-table">
          {t("contacts.history.merged", { email: merged.email, at: moment(merged.at) })}
        </p>
      )}
      {until !== null && (
        <p className="text-ink-3 text-table">
          {t("contacts.history.until", { at: moment(until.at), by: byText(until) })}
        </p>
      )}
      {of !== null && <p className="text-ink-3 text-table">{t("contacts.history.other", { email: of.email })}</p>}
    </li>
  );
}
