import { Sparkles } from "lucide-react";
import { useState } from "react";
import type { CleansingView } from "@/api/gen/CleansingView";
import { Badge, Button, Confirm, EmptyState } from "@/design";
import { moment } from "@/format";
import { t } from "@/i18n";
import type { Work } from "./work";

/** Cleansings so far, with the way back. */
export function Past({ past, work }: { past: readonly CleansingView[]; work: Work }) {
  if (past.length === 0) {
    return (
      <EmptyState
        icon={Sparkles}
        title={t("contacts.cleansing.no_past.title")}
        about={t("contacts.cleansing.no_past.about")}
      />
    );
  }
  return (
    <ul className="max-w-220 divide-y divide-line-subtle px-6 py-2">
      {past.map((row) => (
        <Row key={row.id} row={row} work={work} />
      ))}
    </ul>
  );
}

function Row({ row, work }: { row: CleansingView; work: Work }) {
  const [asking, setAsking] = useState(false);
  return (
    <li className="flex items-center gap-4 py-3">
      <div className="min-w-0 flex-1">
        <p className="font-medium">{t("contacts.cleansing.past", { values: row.values, contacts: row.contacts })}</p>
        <p className="figures text-ink-3 text-table">{moment(row.at)}</p>
      </div>
      {row.cut_off && <Badge tone="warn">{t("contacts.cleansing.cut_off")}</Badge>}
      {row.undone_at === null ? (
        <Button disabled={work.busy} onClick={() => setAsking(true)}>
          {t("contacts.cleansing.take_back")}
        </Button>
      ) : (
        <Badge>{t("contacts.cleansing.was_undone", { at: moment(row.undone_at) })}</Badge>
      )}
      <Confirm
        open={asking}
        onClose={() => setAsking(false)}
        onConfirm={() => {
          setAsking(false);
          work.undo(row.id);
        }}
        title={t("contacts.cleansing.take_back_title")}
        about={t("contacts.cleansing.take_back_about")}
        action={t("contacts.cleansing.take_back")}
        danger={false}
      />
    </li>
  );
}
