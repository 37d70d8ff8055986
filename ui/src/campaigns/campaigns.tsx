import { Link, useNavigate } from "@tanstack/react-router";
import { Copy, Ellipsis, Megaphone, Plus, Trash2 } from "lucide-react";
import { useState } from "react";
import { useRead, useWrite } from "@/api/client";
import type { CampaignListRow } from "@/api/gen/CampaignListRow";
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
  sayError,
  Table,
} from "@/design";
import { ago, count, moment } from "@/format";
import { t } from "@/i18n";
import { useNow } from "@/shell/now";
import { blankCampaign, freeName } from "./draft";
import { CAMPAIGN_TONES } from "./tones";

/** All campaigns, the last one changed first. */
export function CampaignsScreen() {
  const rows = useRead("campaigns.list", {});
  const now = useNow();
  const navigate = useNavigate();
  const [search, setSearch] = useState("");
  const [doomed, setDoomed] = useState<CampaignListRow | null>(null);
  const open = (id: number) => void navigate({ to: "/campaigns/$campaign", params: { campaign: String(id) } });
  const save = useWrite("campaigns.save", { onSuccess: ({ id }) => open(id), onError: sayError });
  const duplicate = useWrite("campaigns.duplicate", { onSuccess: ({ id }) => open(id), onError: sayError });
  const remove = useWrite("campaigns.delete", { onSuccess: () => setDoomed(null), onError: sayError });
  if (rows.isError) return <ErrorView error={rows.error} onRetry={() => void rows.refetch()} />;
  if (!rows.data) return <SkeletonLines />;
  const names = rows.data.map((row) => row.name);
  const create = (
    <Button
      look="primary"
      icon={Plus}
      busy={save.isPending}
      onClick={() => save.mutate({ id: null, campaign: blankCampaign(freeName(t("campaigns.new_name"), names)) })}
    >
      {t("campaigns.new")}
    </Button>
  );
  if (rows.data.length === 0) {
    return (
      <>
        <PageHead title={t("campaigns.title")} />
        <EmptyState icon={Megaphone} title={t("campaigns.empty_title")} about={t("campaigns.empty_text")}>
          {create}
        </EmptyState>
      </>
    );
  }
  const wanted = search.trim().toLocaleLowerCase();
  const shown = rows.data.filter((row) => row.name.toLocaleLowerCase().includes(wanted));
  return (
    <div className="flex min-h-0 flex-1 flex-col">
      <PageHead title={t("campaigns.title")}>
        <SearchInput value={search} onChange={setSearch} label={t("campaigns.search")} className="w-56" />
        {create}
      </PageHead>
      <div className="min-h-0 flex-1 overflow-auto px-6 pb-6">
        <Table
          label={t("campaigns.title")}
          rows={shown}
          keyOf={(row) => row.id}
          columns={[
            {
              key: "name",
              title: t("campaigns.columns.name"),
              cell: (row) => (
                <Link
                  to="/campaigns/$campaign"
                  params={{ campaign: String(row.id) }}
                  className="block truncate font-medium before:absolute before:inset-0"
                >
                  {row.name}
                </Link>
              ),
            },
            {
              key: "state",
              title: t("campaigns.columns.state"),
              width: "150px",
              cell: (row) => (
                <Badge tone={CAMPAIGN_TONES[row.state]} dot>
                  {t(`campaigns.states.${row.state}`)}
                </Badge>
              ),
            },
            {
              key: "segment",
              title: t("campaigns.columns.segment"),
              width: "180px",
              cell: (row) => <span className="text-ink-2">{row.segment}</span>,
            },
            {
              key: "when",
              title: t("campaigns.columns.when"),
              width: "170px",
              cell: (row) => <span className="text-ink-2">{row.starts_at === null ? "" : moment(row.starts_at)}</span>,
            },
            {
              key: "count",
              title: t("campaigns.columns.count"),
              width: "100px",
              numeric: true,
              cell: (row) => (row.count === null ? "" : count(row.count)),
            },
            {
              key: "accepted",
              title: t("campaigns.columns.accepted"),
              width: "100px",
              numeric: true,
              cell: (row) => (row.count === null ? "" : count(row.accepted)),
            },
            {
              key: "updated",
              title: t("campaigns.columns.updated"),
              width: "120px",
              numeric: true,
              cell: (row) => <span className="text-ink-2">{ago(row.updated_at, now)}</span>,
            },
            {
              key: "actions",
              title: t("campaigns.columns.actions"),
              quiet: true,
              width: "64px",
              cell: (row) => (
                <Menu
                  align="end"
                  trigger={
                    <IconButton icon={Ellipsis} label={`${t("campaigns.more")}: ${row.name}`} className="relative" />
                  }
                  entries={[
                    {
                      label: t("campaigns.duplicate"),
                      icon: Copy,
                      onSelect: () => duplicate.mutate({ id: row.id }),
                    },
                    // What was confirmed once stays: it is part of the record.
                    ...(row.state === "draft" && row.count === null
                      ? [
                          {
                            label: t("campaigns.delete"),
                            icon: Trash2,
                            danger: true,
                            divided: true,
                            onSelect: () => setDoomed(row),
                          },
                        ]
                      : []),
                  ]}
                />
              ),
            },
          ]}
        />
        {shown.length === 0 && <p className="px-3 py-4 text-ink-3">{t("campaigns.none_found", { search })}</p>}
      </div>
      {doomed !== null && (
        <Confirm
          open
          onClose={() => setDoomed(null)}
          onConfirm={() => remove.mutate({ id: doomed.id })}
          busy={remove.isPending}
          title={t("campaigns.delete_title", { name: doomed.name })}
          about={t("campaigns.delete_text")}
          action={t("campaigns.delete")}
        />
      )}
    </div>
  );
}
