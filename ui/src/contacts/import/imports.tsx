import { getRouteApi, Link, useNavigate } from "@tanstack/react-router";
import { ArrowLeft, FileClock, History } from "lucide-react";
import { useRead } from "@/api/client";
import type { ImportRow } from "@/api/gen/ImportRow";
import { Badge, Button, cx, EmptyState, ErrorView, SkeletonLines, type Tone } from "@/design";
import { count, moment } from "@/format";
import { t, tx } from "@/i18n";
import { WatchedFolders, WatchFolder } from "./folders";
import { ErrorFile, ResumeImport, UndoImport } from "./result";
import { wayOn } from "./resume";

const route = getRouteApi("/contacts/imports");

const tones: Record<string, Tone> = {
  running: "live",
  done: "ok",
  cancelled: "warn",
  failed: "bad",
  undone: "neutral",
};

/** Every import of the past, with the way back. */
export function ImportsScreen() {
  const navigate = useNavigate();
  const list = useRead("imports.list", {});
  const { of } = route.useSearch();
  return (
    <>
      <header className="flex shrink-0 items-center gap-3 border-line-subtle border-b px-4 py-3">
        <Link
          to="/contacts"
          aria-label={t("contacts.back")}
          className="flex size-8 items-center justify-center rounded-control text-ink-2 hover:bg-hover"
        >
          <ArrowLeft size={16} aria-hidden />
        </Link>
        <h1 className="min-w-0 flex-1 font-semibold text-section">{t("contacts.imports")}</h1>
        <WatchFolder>{t("contacts.folders.add")}</WatchFolder>
        <Button icon={FileClock} onClick={() => void navigate({ to: "/contacts/import-events" })}>
          {t("contacts.events.title")}
        </Button>
      </header>
      <div className="min-h-0 flex-1 overflow-auto">
        <WatchedFolders />
        {list.isError && <ErrorView error={list.error} onRetry={() => void list.refetch()} />}
        {list.isPending && <SkeletonLines />}
        {list.data?.length === 0 && (
          <EmptyState icon={History} title={t("contacts.import.none")} about={t("contacts.import.none_about")} />
        )}
        <ul className="mx-auto max-w-240 divide-y divide-line-subtle px-6">
          {list.data?.map((row) => (
            <li
              key={row.id}
              ref={row.id === of ? (line) => line?.scrollIntoView({ block: "center" }) : undefined}
              className={cx("flex items-center gap-4 py-3", row.id === of && "-mx-2 rounded-card bg-selected px-2")}
            >
              <div className="min-w-0 flex-1">
                <p className="flex items-center gap-2">
                  <span className="truncate font-medium">{row.name}</span>
                  <Badge tone={tones[row.state] ?? "neutral"} dot>
                    {tx(`contacts.import.states.${row.state}`, row.state)}
                  </Badge>
                </p>
                <p className="figures truncate text-ink-2 text-table">
                  {t(row.what === "events" ? "contacts.import.summary_events" : "contacts.import.summary", {
                    at: moment(row.at),
                    created: count(row.counts.new),
                    changed: count(row.counts.changed),
                    invalid: count(row.counts.invalid),
                  })}
                </p>
                <WayOn row={row} />
              </div>
              <ResumeImport row={row} />
              <ErrorFile row={row} />
              <UndoImport row={row} />
            </li>
          ))}
        </ul>
      </div>
    </>
  );
}

function WayOn({ row }: { row: ImportRow }) {
  const way = wayOn(row);
  return way === null ? null : <p className="text-table text-warn">{t(`contacts.import.${way}`)}</p>;
}
