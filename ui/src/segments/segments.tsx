import { useNavigate } from "@tanstack/react-router";
import { Filter, Plus } from "lucide-react";
import { useRead } from "@/api/client";
import type { SegmentRow } from "@/api/gen/SegmentRow";
import { Button, EmptyState, ErrorView, PageHead, SkeletonLines, Sparkline, Table } from "@/design";
import { count, day } from "@/format";
import { t } from "@/i18n";

/** Every saved segment with its members at this moment. */
export function SegmentsScreen() {
  const navigate = useNavigate();
  const list = useRead("segments.list", {});
  const create = () => void navigate({ to: "/segments/$segment", params: { segment: "new" } });
  const open = (row: SegmentRow) => void navigate({ to: "/segments/$segment", params: { segment: String(row.id) } });
  return (
    <>
      <PageHead title={t("segments.title")} about={t("segments.about")}>
        {list.data?.length !== 0 && (
          <Button look="primary" icon={Plus} onClick={create}>
            {t("segments.create")}
          </Button>
        )}
      </PageHead>
      <div className="min-h-0 flex-1 overflow-auto px-6 pb-6">
        {list.isError && <ErrorView error={list.error} onRetry={() => void list.refetch()} />}
        {list.isPending && <SkeletonLines />}
        {list.data?.length === 0 && (
          <EmptyState icon={Filter} title={t("segments.empty.title")} about={t("segments.empty.about")}>
            <Button look="primary" icon={Plus} onClick={create}>
              {t("segments.create")}
            </Button>
          </EmptyState>
        )}
        {list.data !== undefined && list.data.length > 0 && (
          <Table
            label={t("segments.title")}
            rows={list.data}
            keyOf={(row) => row.id}
            onOpen={open}
            nameOf={(row) => row.name}
            columns={[
              { key: "name", title: t("segments.columns.name"), width: "24%", cell: (row) => row.name },
              {
                key: "text",
                title: t("segments.columns.text"),
                cell: (row) => <span className="font-mono text-ink-2">{row.text}</span>,
              },
              {
                key: "history",
                title: t("segments.columns.history"),
                width: "140px",
                cell: (row) => <Sparkline values={row.history} className="block h-5 w-28" />,
              },
              {
                key: "count",
                title: t("segments.columns.count"),
                width: "110px",
                numeric: true,
                cell: (row) => <span className="font-medium">{count(row.count)}</span>,
              },
              {
                key: "used",
                title: t("segments.columns.used"),
                width: "90px",
                numeric: true,
                cell: (row) => (row.used_by === 0 ? "–" : count(row.used_by)),
              },
              {
                key: "created",
                title: t("segments.columns.created"),
                width: "120px",
                numeric: true,
                cell: (row) => <span className="text-ink-2">{day(row.created_at)}</span>,
              },
            ]}
          />
        )}
      </div>
    </>
  );
}
