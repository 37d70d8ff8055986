import { useNavigate } from "@tanstack/react-router";
import { Gauge, Grid3x3, Plus } from "lucide-react";
import { useRead } from "@/api/client";
import type { ScoreRow } from "@/api/gen/ScoreRow";
import { Button, EmptyState, ErrorView, PageHead, SkeletonLines, StatusDot, Table } from "@/design";
import { count, day } from "@/format";
import { t } from "@/i18n";

/** How far a score is: what people see before they look at its rules. */
const stateOf = (row: ScoreRow) => {
  if (row.archived_at !== null) return "archived";
  if (row.published === null) return "draft";
  return row.changed ? "changed" : "published";
};
const TONES = { archived: "neutral", draft: "neutral", changed: "warn", published: "ok" } as const;

/** Every score and grade. */
export function ScoresScreen() {
  const navigate = useNavigate();
  const list = useRead("scores.list", {});
  const open = (score: string) => void navigate({ to: "/scores/$score", params: { score } });
  const buttons = (
    <>
      <Button icon={Grid3x3} onClick={() => open("new-grade")}>
        {t("scores.create_grade")}
      </Button>
      <Button look="primary" icon={Plus} onClick={() => open("new")}>
        {t("scores.create")}
      </Button>
    </>
  );
  return (
    <>
      <PageHead title={t("scores.title")} about={t("scores.about")}>
        {list.data?.length !== 0 && buttons}
      </PageHead>
      <div className="min-h-0 flex-1 overflow-auto px-6 pb-6">
        {list.isError && <ErrorView error={list.error} onRetry={() => void list.refetch()} />}
        {list.isPending && <SkeletonLines />}
        {list.data?.length === 0 && (
          <EmptyState icon={Gauge} title={t("scores.empty.title")} about={t("scores.empty.about")}>
            <Button look="primary" icon={Plus} onClick={() => open("new")}>
              {t("scores.create")}
            </Button>
          </EmptyState>
        )}
        {list.data !== undefined && list.data.length > 0 && (
          <Table
            label={t("scores.title")}
            rows={list.data}
            keyOf={(row) => row.id}
            onOpen={(row) => open(String(row.id))}
            nameOf={(row) => row.name}
            columns={[
              { key: "name", title: t("scores.columns.name"), width: "26%", cell: (row) => row.name },
              {
                key: "kind",
                title: t("scores.columns.kind"),
                width: "110px",
                cell: (row) => t(`scores.kinds.${row.draft.kind}`),
              },
              {
                key: "field",
                title: t("scores.columns.field"),
                cell: (row) => <span className="font-mono text-ink-2">{`score_${row.key}`}</span>,
              },
              {
                key: "rules",
                title: t("scores.columns.rules"),
                width: "80px",
                numeric: true,
                cell: (row) =>
                  row.draft.kind === "points"
                    ? count(row.draft.groups.reduce((sum, group) => sum + group.rules.length, 0))
                    : "–",
              },
              {
                key: "state",
                title: t("scores.columns.state"),
                width: "190px",
                cell: (row) => <StatusDot tone={TONES[stateOf(row)]}>{t(`scores.states.${stateOf(row)}`)}</StatusDot>,
              },
              {
                key: "published",
                title: t("scores.columns.published"),
                width: "120px",
                numeric: true,
                cell: (row) => (row.published_at === null ? "–" : day(row.published_at)),
              },
            ]}
          />
        )}
      </div>
    </>
  );
}
