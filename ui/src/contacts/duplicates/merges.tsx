import { Link } from "@tanstack/react-router";
import { Merge } from "lucide-react";
import { useState } from "react";
import { useRead, useWrite } from "@/api/client";
import type { MergeView } from "@/api/gen/MergeView";
import { Badge, Button, Confirm, EmptyState, ErrorView, SkeletonLines, say, sayError } from "@/design";
import { moment } from "@/format";
import { t } from "@/i18n";

const LIMIT = 50;

/** Merges so far, with the way back. */
export function Merges() {
  const first = useRead("duplicates.merges", { before: null, limit: LIMIT });
  if (first.isError) return <ErrorView error={first.error} onRetry={() => void first.refetch()} />;
  if (first.data === undefined) return <SkeletonLines />;
  if (first.data.length === 0) {
    return (
      <EmptyState
        icon={Merge}
        title={t("contacts.duplicates.no_merges.title")}
        about={t("contacts.duplicates.no_merges.about")}
      />
    );
  }
  return (
    <div className="max-w-220 px-6 py-2">
      <Rows before={null} />
    </div>
  );
}

/** The merges before one, and those before the last of them once somebody wants them. */
function Rows({ before }: { before: number | null }) {
  const page = useRead("duplicates.merges", { before, limit: LIMIT });
  const [more, setMore] = useState(false);
  if (page.isError) return <ErrorView error={page.error} onRetry={() => void page.refetch()} />;
  if (page.data === undefined) return <SkeletonLines />;
  const last = page.data.at(-1);
  return (
    <>
      <ul className="divide-y divide-line-subtle">
        {page.data.map((row) => (
          <Row key={row.id} row={row} />
        ))}
      </ul>
      {last !== undefined && page.data.length === LIMIT && !more && (
        <Button className="my-3" onClick={() => setMore(true)}>
          {t("contacts.duplicates.more")}
        </Button>
      )}
      {last !== undefined && more && <Rows before={last.id} />}
    </>
  );
}

function Row({ row }: { row: MergeView }) {
  const [asking, setAsking] = useState(false);
  const unmerge = useWrite("duplicates.unmerge", {
    onSuccess: () => {
      setAsking(false);
      say(t("contacts.duplicates.unmerged"));
    },
    onError: (error) => {
      setAsking(false);
      sayError(error);
    },
  });
  return (
    <li className="flex items-center gap-4 py-3">
      <div className="min-w-0 flex-1">
        <p className="truncate">
          {row.email === "" ? (
            <span className="text-ink-3">{t("contacts.duplicates.erased")}</span>
          ) : (
            <Link
              to="/contacts/$contact"
              params={{ contact: String(row.survivor) }}
              className="font-medium underline decoration-line-control underline-offset-2 hover:text-accent-text"
            >
              {row.email}
            </Link>
          )}
        </p>
        <p className="truncate text-ink-2">{row.alias}</p>
        <p className="figures text-ink-3 text-table">{moment(row.at)}</p>
      </div>
      {row.undone_at === null ? (
        <Button onClick={() => setAsking(true)}>{t("contacts.duplicates.unmerge")}</Button>
      ) : (
        <Badge>{t("contacts.duplicates.was_undone", { at: moment(row.undone_at) })}</Badge>
      )}
      <Confirm
        open={asking}
        onClose={() => setAsking(false)}
        onConfirm={() => unmerge.mutate({ id: row.id })}
        title={t("contacts.duplicates.unmerge_title")}
        about={t("contacts.duplicates.unmerge_about", { email: row.email })}
        action={t("contacts.duplicates.unmerge")}
        busy={unmerge.isPending}
        danger={false}
      />
    </li>
  );
}
