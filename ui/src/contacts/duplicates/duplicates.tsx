import { getRouteApi, Link, useNavigate } from "@tanstack/react-router";
import { ArrowLeft, CheckCheck, Merge, Search } from "lucide-react";
import { useCallback, useState } from "react";
import { useRead, useWrite } from "@/api/client";
import type { DuplicateRow } from "@/api/gen/DuplicateRow";
import type { DuplicateSearch } from "@/api/gen/DuplicateSearch";
import type { JobView } from "@/api/gen/JobView";
import { Button, cx, EmptyState, ErrorView, SkeletonLines, SplitPane, say, sayError, Tabs } from "@/design";
import { ago, count, percent } from "@/format";
import { t } from "@/i18n";
import { JobProgress, useJob } from "@/shell/job";
import { useNow } from "@/shell/now";
import { Merges } from "./merges";
import { Pair } from "./pair";
import { Rules } from "./rules";

const route = getRouteApi("/contacts/duplicates");
const TABS = ["queue", "merges", "rules"] as const;
type Tab = (typeof TABS)[number];

/** Contacts that may be one person. */
export function DuplicatesScreen() {
  const navigate = useNavigate();
  const { tab } = route.useSearch();
  const [job, setJob] = useState<number | null>(null);
  const ended = useCallback((view: JobView) => {
    setJob(null);
    if (view.state === "failed") sayError(view.error);
    const found = view.result as DuplicateSearch | null;
    if (view.state === "done" && found !== null) say(t("contacts.duplicates.found", { n: found.pairs }));
  }, []);
  const running = useJob(job, ended);
  const find = useWrite("duplicates.find", { onSuccess: (started) => setJob(started.job), onError: sayError });
  const search = (
    <Button look="primary" icon={Search} busy={find.isPending || job !== null} onClick={() => find.mutate({})}>
      {t("contacts.duplicates.find")}
    </Button>
  );
  return (
    <>
      <header className="flex shrink-0 items-center gap-3 px-4 py-3">
        <Link
          to="/contacts"
          aria-label={t("contacts.duplicates.back")}
          className="flex size-8 items-center justify-center rounded-control text-ink-2 hover:bg-hover"
        >
          <ArrowLeft size={16} aria-hidden />
        </Link>
        <h1 className="min-w-0 flex-1 font-semibold text-section">{t("contacts.duplicates.title")}</h1>
        {search}
      </header>
      {job !== null && (
        <div className="px-6 pb-3">
          <JobProgress job={running} label={t("contacts.duplicates.finding")} />
        </div>
      )}
      <Tabs
        label={t("contacts.duplicates.tabs_label")}
        className="min-h-0 flex-1"
        value={TABS.find((each) => each === tab) ?? "queue"}
        onChange={(next) => void navigate({ to: "/contacts/duplicates", search: { tab: next }, replace: true })}
        tabs={TABS.map((each) => ({
          value: each,
          label: t(`contacts.duplicates.tabs.${each}`),
          panel: PANELS[each],
          fills: each === "queue",
        }))}
      />
    </>
  );
}

const PANELS: Record<Tab, React.ReactNode> = { queue: <Queue />, merges: <Merges />, rules: <Rules /> };

/** Rows that are shown at first, and at most: whoever has decided so many sees the next ones. */
const FIRST = 50;
const MOST = 200;

const keyOf = (row: { a: number; b: number }) => `${row.a}-${row.b}`;

function Queue() {
  const now = useNow();
  const [limit, setLimit] = useState(FIRST);
  const [chosen, setChosen] = useState<string | null>(null);
  const [skipped, setSkipped] = useState<ReadonlySet<string>>(new Set());
  const page = useRead("duplicates.page", { offset: 0, limit }, { keep: true });
  if (page.isError) return <ErrorView error={page.error} onRetry={() => void page.refetch()} />;
  if (page.data === undefined) return <SkeletonLines lines={10} />;
  const { rows, total, last } = page.data;
  if (rows.length === 0) {
    const state = last === null ? "empty" : "nothing";
    return (
      <EmptyState
        icon={last === null ? Merge : CheckCheck}
        title={t(`contacts.duplicates.${state}.title`)}
        about={t(`contacts.duplicates.${state}.about`)}
      />
    );
  }
  const at = Math.max(
    0,
    rows.findIndex((row) => (chosen === null ? !skipped.has(keyOf(row)) : keyOf(row) === chosen)),
  );
  const row = rows[at];
  const go = (by: number) => {
    const next = rows[Math.min(rows.length - 1, Math.max(0, at + by))];
    if (next !== undefined) setChosen(keyOf(next));
  };
  const skip = () => {
    if (row !== undefined) setSkipped(new Set([...skipped, keyOf(row)]));
    go(1);
  };
  return (
    <SplitPane
      label={t("contacts.duplicates.queue")}
      remember="duplicates"
      sized="first"
      initial={340}
      first={
        <div className="min-h-0 flex-1 overflow-auto">
          <p className="px-4 py-2 text-ink-3 text-table">
            {t("contacts.duplicates.about", { n: total })}{" "}
            {last !== null && t("contacts.duplicates.last", { contacts: last.contacts, at: ago(last.at, now) })}{" "}
            {last !== null && last.left_out > 0 && t("contacts.duplicates.left_out", { n: last.left_out })}
          </p>
          <ul aria-label={t("contacts.duplicates.queue")}>
            {rows.map((each, i) => (
              <Row key={keyOf(each)} row={each} current={i === at} onOpen={() => setChosen(keyOf(each))} />
            ))}
          </ul>
          {rows.length < total && limit < MOST && (
            <Button className="m-3" onClick={() => setLimit(MOST)}>
              {t("contacts.duplicates.more")}
            </Button>
          )}
        </div>
      }
      second={
        row !== undefined && (
          <Pair key={keyOf(row)} a={row.a} b={row.b} onDone={() => setChosen(null)} onSkip={skip} onGo={go} />
        )
      }
    />
  );
}

function Row({ row, current, onOpen }: { row: DuplicateRow; current: boolean; onOpen: () => void }) {
  const name = (name: string, email: string) => (
    <span className="block truncate">
      <span className="font-medium">{name === "" ? t("contacts.duplicates.nameless") : name}</span>{" "}
      <span className="text-ink-3 text-table">{email}</span>
    </span>
  );
  return (
    <li>
      <button
        type="button"
        aria-current={current || undefined}
        onClick={onOpen}
        className={cx(
          "ring-inside flex w-full items-center gap-3 border-line-subtle border-b px-4 py-2 text-left",
          current ? "bg-selected" : "hover:bg-hover",
        )}
      >
        <span className="min-w-0 flex-1">
          {name(row.name_a, row.email_a)}
          {name(row.name_b, row.email_b)}
        </span>
        <span className="figures shrink-0 text-ink-2 text-table" title={count(row.probability * 100)}>
          <span className="sr-only">{t("contacts.duplicates.probability", { share: percent(row.probability) })}</span>
          <span aria-hidden>{percent(row.probability)}</span>
        </span>
      </button>
    </li>
  );
}
