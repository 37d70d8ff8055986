import { Link, useNavigate } from "@tanstack/react-router";
import { CircleAlert, Copy, Download, Ellipsis, FileUp, Plus, Route, Trash2 } from "lucide-react";
import { useState } from "react";
import { useRead } from "@/api/client";
import type { JourneyId } from "@/api/gen/JourneyId";
import type { JourneyRow } from "@/api/gen/JourneyRow";
import {
  Badge,
  Button,
  Confirm,
  EmptyState,
  ErrorView,
  IconButton,
  Menu,
  PageHead,
  SearchInput,
  SkeletonLines,
} from "@/design";
import { ago, count } from "@/format";
import { t } from "@/i18n";
import { JOURNEY_TONES } from "@/shell/tones";
import { useJourneyActions } from "../actions";

/** All journeys, the living ones first. */
export function JourneysList() {
  const rows = useRead("journeys.list", {});
  const clock = useRead("clock.get", {});
  const actions = useJourneyActions();
  const navigate = useNavigate();
  const [search, setSearch] = useState("");
  const [doomed, setDoomed] = useState<JourneyRow | null>(null);
  const open = (id: JourneyId | null) => {
    if (id !== null) void navigate({ to: "/journeys/$journey", params: { journey: String(id) } });
  };
  // One at a time: who presses twice wants one journey.
  const [making, setMaking] = useState(false);
  const make = async (work: () => Promise<JourneyId | null>) => {
    setMaking(true);
    open(await work());
    setMaking(false);
  };
  const verbs = (
    <>
      <Button icon={FileUp} disabled={making} onClick={() => void make(actions.importFile)}>
        {t("journeys.import")}
      </Button>
      <Button look="primary" icon={Plus} busy={making} onClick={() => void make(actions.create)}>
        {t("journeys.new")}
      </Button>
    </>
  );
  if (rows.isError) return <ErrorView error={rows.error} onRetry={() => void rows.refetch()} />;
  if (!rows.data) return <SkeletonLines />;
  if (rows.data.length === 0) {
    return (
      <>
        <PageHead title={t("journeys.title")} />
        <EmptyState icon={Route} title={t("journeys.empty_title")} about={t("journeys.empty_text")}>
          {verbs}
        </EmptyState>
      </>
    );
  }
  const wanted = search.trim().toLocaleLowerCase();
  const shown = [...rows.data]
    .filter((row) => row.name.toLocaleLowerCase().includes(wanted))
    .sort((a, b) => ORDER.indexOf(a.state) - ORDER.indexOf(b.state) || b.updated_at.localeCompare(a.updated_at));
  const now = clock.data?.now;
  return (
    <div className="flex min-h-0 flex-1 flex-col">
      <PageHead title={t("journeys.title")}>
        <SearchInput value={search} onChange={setSearch} label={t("journeys.search")} className="w-56" />
        {verbs}
      </PageHead>
      <div className="min-h-0 flex-1 overflow-auto px-6 pb-6">
        <table aria-label={t("journeys.title")} className="w-full table-fixed border-collapse text-table">
          <colgroup>
            <col />
            <col style={{ width: 190 }} />
            <col style={{ width: 92 }} />
            <col style={{ width: 124 }} />
            <col style={{ width: 108 }} />
            <col style={{ width: 112 }} />
            <col style={{ width: 44 }} />
          </colgroup>
          <thead>
            <tr className="row-h text-ink-3">
              <Head>{t("journeys.columns.name")}</Head>
              <Head>{t("journeys.columns.state")}</Head>
              <Head numeric>{t("journeys.columns.active")}</Head>
              <Head numeric>{t("journeys.columns.entered")}</Head>
              <Head numeric>{t("journeys.columns.sent")}</Head>
              <Head numeric>{t("journeys.columns.updated")}</Head>
              <th>
                <span className="sr-only">{t("journeys.columns.actions")}</span>
              </th>
            </tr>
          </thead>
          <tbody>
            {shown.map((row) => (
              <Row key={row.id} row={row} now={now} onOpen={open} onDelete={() => setDoomed(row)} />
            ))}
          </tbody>
        </table>
        {shown.length === 0 && <p className="px-3 py-4 text-ink-3">{t("journeys.none_found", { search })}</p>}
      </div>
      <Confirm
        open={doomed !== null}
        onClose={() => setDoomed(null)}
        onConfirm={() => {
          if (doomed) void actions.remove(doomed.id, doomed.name);
          setDoomed(null);
        }}
        title={t("journeys.delete_title", { name: doomed?.name ?? "" })}
        about={t("journeys.delete_text")}
        action={t("journeys.delete")}
      />
    </div>
  );
}

const ORDER = ["live", "paused", "draining", "draft", "stopped"];

function Head({ children, numeric = false }: { children: string; numeric?: boolean }) {
  return (
    <th scope="col" className={`truncate px-3 font-normal ${numeric ? "text-right" : "text-left"}`}>
      {children}
    </th>
  );
}

function Row({
  row,
  now,
  onOpen,
  onDelete,
}: {
  row: JourneyRow;
  now: string | undefined;
  onOpen: (id: JourneyId | null) => void;
  onDelete: () => void;
}) {
  const actions = useJourneyActions();
  const cell = "border-line-subtle border-t px-3";
  const figure = `${cell} figures text-right`;
  const quiet = (value: number) => (value === 0 ? <span className="text-ink-3">0</span> : count(value));
  return (
    <tr className="row-h relative hover:bg-hover">
      <td className={cell}>
        <span className="flex items-center gap-2">
          <Link
            to="/journeys/$journey"
            params={{ journey: String(row.id) }}
            className="min-w-0 truncate font-medium before:absolute before:inset-0"
          >
            {row.name}
          </Link>
          <Problems row={row} />
        </span>
      </td>
      <td className={cell}>
        <span className="flex items-center gap-2">
          <Badge tone={JOURNEY_TONES[row.state]} dot>
            {t(`common.journey_states.${row.state}`)}
          </Badge>
          {row.version !== null && (
            <span className="truncate text-ink-3">
              {t(row.changed ? "journeys.version_changed" : "journeys.version", { version: row.version })}
            </span>
          )}
        </span>
      </td>
      <td className={figure}>{quiet(row.active)}</td>
      <td className={figure}>{quiet(row.entered_30_days)}</td>
      <td className={figure}>{quiet(row.sent_30_days)}</td>
      <td className={`${cell} truncate text-right text-ink-2`}>{now === undefined ? "" : ago(row.updated_at, now)}</td>
      <td className="relative border-line-subtle border-t">
        <Menu
          align="end"
          trigger={<IconButton icon={Ellipsis} label={`${t("journeys.bar.more")}: ${row.name}`} />}
          entries={[
            {
              label: t("journeys.duplicate"),
              icon: Copy,
              onSelect: () => void actions.duplicate(row.id).then(onOpen),
            },
            { label: t("journeys.export"), icon: Download, onSelect: () => void actions.exportFile(row.id, row.name) },
            // What people have been in stays: its numbers and reasons are part of the record.
            ...(row.version === null
              ? [{ label: t("journeys.delete"), icon: Trash2, danger: true, divided: true, onSelect: onDelete }]
              : []),
          ]}
        />
      </td>
    </tr>
  );
}

function Problems({ row }: { row: JourneyRow }) {
  if (row.problems === 0) return null;
  const words = t("journeys.problems.count", { count: row.problems });
  return (
    <span className="figures inline-flex shrink-0 items-center gap-1 text-bad" title={words}>
      <CircleAlert size={14} aria-hidden />
      <span aria-hidden>{count(row.problems)}</span>
      <span className="sr-only">{words}</span>
    </span>
  );
}
