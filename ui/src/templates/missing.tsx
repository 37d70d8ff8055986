import { useState } from "react";
import { useRead } from "@/api/client";
import type { TemplateDraft } from "@/api/gen/TemplateDraft";
import { Badge, Button, ErrorView, Note, Select, SkeletonLines, Table } from "@/design";
import { count, percent } from "@/format";
import { t } from "@/i18n";

/** Stands for no condition: an empty value would show as nothing chosen. */
const EVERYBODY = "everybody";

/** How many would get a mail with a hole in it. */
export function Missing({ draft, onContact }: { draft: TemplateDraft; onContact: (contact: number) => void }) {
  const segments = useRead("segments.list", {});
  const [where, setWhere] = useState(EVERYBODY);
  const report = useRead("templates.missing", { draft, where: where === EVERYBODY ? null : where }, { keep: true });
  return (
    <div className="space-y-4 p-4">
      <Select
        label={t("templates.missing.whom")}
        className="w-72"
        value={where}
        onChange={setWhere}
        options={[
          { value: EVERYBODY, label: t("templates.missing.everybody") },
          ...(segments.data ?? []).map((each) => ({ value: each.text, label: each.name })),
        ]}
      />
      {report.isError && <ErrorView error={report.error} onRetry={() => void report.refetch()} />}
      {report.isPending && <SkeletonLines lines={3} />}
      {report.data !== undefined && (
        <>
          <Note tone={report.data.complete === report.data.looked_at ? "ok" : "warn"}>
            {t("templates.missing.summary", {
              complete: count(report.data.complete),
              all: count(report.data.looked_at),
              share: percent(report.data.looked_at === 0 ? 1 : report.data.complete / report.data.looked_at),
            })}
          </Note>
          {report.data.missing.length > 0 && (
            <Table
              label={t("templates.missing.title")}
              rows={report.data.missing}
              keyOf={(row) => `${row.key} ${row.has_fallback}`}
              columns={[
                {
                  key: "key",
                  title: t("templates.missing.value"),
                  cell: (row) => <span className="font-mono">{row.key}</span>,
                },
                {
                  key: "count",
                  title: t("templates.missing.without"),
                  width: "90px",
                  numeric: true,
                  cell: (row) => count(row.count),
                },
                {
                  key: "fallback",
                  title: t("templates.missing.fallback"),
                  width: "110px",
                  cell: (row) =>
                    row.has_fallback ? (
                      <Badge tone="ok">{t("templates.missing.has_fallback")}</Badge>
                    ) : (
                      <Badge tone="warn">{t("templates.missing.no_fallback")}</Badge>
                    ),
                },
                {
                  key: "example",
                  title: t("templates.missing.example"),
                  cell: (row) => {
                    const who = row.example;
                    return who === null ? null : (
                      <Button look="quiet" className="-mx-3" onClick={() => onContact(who.id)}>
                        {who.email}
                      </Button>
                    );
                  },
                },
              ]}
            />
          )}
        </>
      )}
    </div>
  );
}
