import { getRouteApi, useNavigate } from "@tanstack/react-router";
import { ChartNoAxesColumn, ClipboardCopy, Table2 } from "lucide-react";
import { type ReactNode, useState } from "react";
import { useRead } from "@/api/client";
import type { ExportList } from "@/api/gen/ExportList";
import {
  Card,
  EmptyState,
  ErrorView,
  IconButton,
  PageHead,
  ScrollBox,
  Segmented,
  Select,
  SkeletonLines,
  say,
  sayError,
  Table,
  type TableColumn,
} from "@/design";
import { count, day, percent } from "@/format";
import { t } from "@/i18n";
import { ExportMenu } from "@/shell/export";
import { Chart, type Series } from "./chart";
import { csv } from "./csv";
import { Funnel } from "./funnel";
import { funnelRows } from "./ways";

const route = getRouteApi("/analytics");

/** What was sent, how people pass a journey, and how the list grows. */
export function AnalyticsScreen() {
  const navigate = useNavigate();
  const { days = 90, journey } = route.useSearch();
  const step = days > 200 ? "week" : "day";
  const change = (next: { days?: number; journey?: number }) =>
    void navigate({ to: "/analytics", search: { days, journey, ...next }, replace: true });
  return (
    <div className="min-h-0 flex-1 overflow-auto">
      <div className="mx-auto max-w-[1280px]">
        <PageHead title={t("analytics.title")}>
          <Segmented
            label={t("analytics.span")}
            value={String(days)}
            onChange={(next) => change({ days: Number(next) })}
            options={[30, 90, 365].map((n) => ({ value: String(n), label: t("analytics.days", { n }) }))}
          />
        </PageHead>
        <div className="space-y-4 px-6 pb-8">
          <Messages days={days} step={step} />
          <JourneyFunnel journey={journey ?? null} onJourney={(next) => change({ journey: next })} />
          <Growth days={days} step={step} />
        </div>
      </div>
    </div>
  );
}

interface Column<T> {
  key: string;
  title: string;
  numeric?: boolean;
  /** Plain, as a file carries it. */
  raw: (row: T) => string | number;
  /** As people read it. */
  shown?: (row: T) => string;
}

/** A report that can be seen as a table and copied as a file. */
function Report<T>({
  title,
  about,
  rows,
  columns,
  keyOf,
  tools,
  list,
  children,
}: {
  title: string;
  about?: string;
  rows: readonly T[];
  columns: Column<T>[];
  keyOf: (row: T) => string;
  tools?: ReactNode;
  /** The figures as a file, all there are. */
  list: ExportList;
  children: ReactNode;
}) {
  const [asTable, setAsTable] = useState(false);
  const copy = async () => {
    try {
      await navigator.clipboard.writeText(
        csv(
          columns.map((column) => column.title),
          rows.map((row) => columns.map((column) => column.raw(row))),
        ),
      );
      say(t("common.copied"));
    } catch (error) {
      sayError(error);
    }
  };
  const table: TableColumn<T>[] = columns.map((column) => ({
    key: column.key,
    title: column.title,
    numeric: column.numeric ?? false,
    cell: (row) => column.shown?.(row) ?? column.raw(row),
  }));
  return (
    <Card
      title={title}
      about={about}
      actions={
        <>
          {tools}
          <IconButton
            icon={asTable ? ChartNoAxesColumn : Table2}
            label={asTable ? t("analytics.as_chart") : t("analytics.as_table")}
            pressed={asTable}
            onClick={() => setAsTable(!asTable)}
          />
          <IconButton icon={ClipboardCopy} label={t("common.copy_csv")} onClick={() => void copy()} />
          <ExportMenu list={list} name={title} compact />
        </>
      }
    >
      {asTable ? (
        <ScrollBox label={title} className="max-h-96">
          <Table label={title} rows={rows} columns={table} keyOf={keyOf} />
        </ScrollBox>
      ) : (
        children
      )}
    </Card>
  );
}

const SENT = ["accepted", "bounced", "suppressed", "unknown"] as const;
const COLOURS: Record<(typeof SENT)[number], Series["colour"]> = { accepted: 1, bounced: 4, suppressed: 2, unknown: 5 };

function Messages({ days, step }: { days: number; step: "day" | "week" }) {
  const report = useRead("reports.messages", { days, step }, { keep: true });
  if (report.isError) return <ErrorView error={report.error} onRetry={() => void report.refetch()} />;
  if (report.data === undefined) return <SkeletonLines />;
  const rows = report.data.rows;
  const total = (key: (typeof SENT)[number]) => rows.reduce((sum, row) => sum + row[key], 0);
  const sent = SENT.reduce((sum, key) => sum + total(key), 0);
  // A series nobody needs to see is left out, but never the first: the axes stay.
  const series = SENT.filter((key) => key === "accepted" || total(key) > 0).map((key) => ({
    name: t(`common.message_states.${key}`),
    values: rows.map((row) => row[key]),
    colour: COLOURS[key],
  }));
  const label = t("analytics.messages_label", { n: total("accepted"), days });
  return (
    <Report
      list={{ of: "report", report: "messages" }}
      title={t("analytics.messages")}
      about={
        sent === 0
          ? undefined
          : t("analytics.messages_about", {
              accepted: count(total("accepted")),
              bounced: count(total("bounced")),
              share: percent(total("bounced") / Math.max(1, total("accepted") + total("bounced"))),
            })
      }
      rows={rows}
      keyOf={(row) => row.at}
      columns={[
        { key: "at", title: t("analytics.day"), raw: (row) => row.at.slice(0, 10), shown: (row) => day(row.at) },
        ...SENT.map((key) => ({
          key,
          title: t(`common.message_states.${key}`),
          numeric: true,
          raw: (row: (typeof rows)[number]) => row[key],
          shown: (row: (typeof rows)[number]) => count(row[key]),
        })),
      ]}
    >
      <div className="relative">
        <Chart kind="columns" days={rows.map((row) => row.at.slice(0, 10))} series={series} label={label} />
        {sent === 0 && (
          <p className="pointer-events-none absolute inset-0 flex items-center justify-center text-ink-2">
            {t("analytics.no_messages")}
          </p>
        )}
      </div>
    </Report>
  );
}

function JourneyFunnel({ journey, onJourney }: { journey: number | null; onJourney: (journey: number) => void }) {
  const journeys = useRead("journeys.list", {});
  const started = journeys.data?.filter((each) => each.version !== null) ?? [];
  const chosen = started.find((each) => each.id === journey) ?? started[0] ?? null;
  const report = useRead(
    "reports.funnel",
    { journey: chosen?.id ?? 0, version: null },
    { enabled: chosen !== null, keep: true },
  );
  if (journeys.data !== undefined && chosen === null) {
    return (
      <Card title={t("analytics.funnel")}>
        <EmptyState
          icon={ChartNoAxesColumn}
          title={t("analytics.no_journey")}
          about={t("analytics.no_journey_about")}
        />
      </Card>
    );
  }
  if (journeys.isError) return <ErrorView error={journeys.error} onRetry={() => void journeys.refetch()} />;
  if (report.isError) return <ErrorView error={report.error} onRetry={() => void report.refetch()} />;
  const data = report.data;
  return (
    <Report
      list={{ of: "funnel", journey: chosen?.id ?? 0 }}
      title={t("analytics.funnel")}
      about={data === undefined ? undefined : t("analytics.funnel_about", { n: data.entered })}
      tools={
        <Select
          label={t("analytics.journey")}
          className="w-56"
          value={chosen === null ? null : String(chosen.id)}
          onChange={(next) => onJourney(Number(next))}
          options={started.map((each) => ({ value: String(each.id), label: each.name }))}
        />
      }
      rows={data === undefined ? [] : funnelRows(data)}
      keyOf={(row) => row.key}
      columns={[
        { key: "title", title: t("analytics.step"), raw: (row) => row.title },
        { key: "kind", title: t("analytics.kind"), raw: (row) => row.kind },
        {
          key: "reached",
          title: t("analytics.reached"),
          numeric: true,
          raw: (row) => row.reached,
          shown: (row) => count(row.reached),
        },
        {
          key: "now",
          title: t("analytics.now"),
          numeric: true,
          raw: (row) => row.now ?? "",
          shown: (row) => (row.now === null ? "" : count(row.now)),
        },
      ]}
    >
      {data === undefined ? <SkeletonLines /> : <Funnel report={data} />}
    </Report>
  );
}

function Growth({ days, step }: { days: number; step: "day" | "week" }) {
  const report = useRead("reports.growth", { days, step }, { keep: true });
  if (report.isError) return <ErrorView error={report.error} onRetry={() => void report.refetch()} />;
  if (report.data === undefined) return <SkeletonLines />;
  const rows = report.data.rows;
  const last = rows.at(-1)?.total ?? 0;
  const first = rows[0];
  const before = first === undefined ? 0 : first.total - first.added;
  return (
    <Report
      list={{ of: "report", report: "growth" }}
      title={t("analytics.growth")}
      about={
        last === before
          ? t("analytics.growth_same", { n: last })
          : t("analytics.growth_about", {
              n: last,
              change: `${last > before ? "+" : "−"}${count(Math.abs(last - before))}`,
            })
      }
      rows={rows}
      keyOf={(row) => row.at}
      columns={[
        { key: "at", title: t("analytics.day"), raw: (row) => row.at.slice(0, 10), shown: (row) => day(row.at) },
        ...(["total", "added", "removed"] as const).map((key) => ({
          key,
          title: t(`analytics.growth_columns.${key}`),
          numeric: true,
          raw: (row: (typeof rows)[number]) => row[key],
          shown: (row: (typeof rows)[number]) => count(row[key]),
        })),
      ]}
    >
      <Chart
        kind="line"
        days={rows.map((row) => row.at.slice(0, 10))}
        series={[{ name: t("analytics.growth_columns.total"), values: rows.map((row) => row.total), colour: 3 }]}
        label={t("analytics.growth_label", { n: last })}
      />
    </Report>
  );
}
