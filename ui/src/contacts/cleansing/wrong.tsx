import { Link } from "@tanstack/react-router";
import { useState } from "react";
import { useRead } from "@/api/client";
import type { QualityField } from "@/api/gen/QualityField";
import type { QualityVerdict } from "@/api/gen/QualityVerdict";
import { Button, Dialog, ErrorView, SkeletonLines } from "@/design";
import { value } from "@/format";
import { t } from "@/i18n";

const SOME = 50;
const MOST = 200;

/** The contacts whose value of a field is wrong, as it was measured. */
export function Wrong({
  field,
  verdict,
  measuring,
  onClose,
}: {
  field: QualityField;
  verdict: QualityVerdict;
  measuring: { busy: boolean; start: () => void };
  onClose: () => void;
}) {
  const [limit, setLimit] = useState(SOME);
  const asked = { field: field.key, verdict, offset: 0, limit };
  const page = useRead("cleansing.quality_contacts", asked, { keep: true });
  return (
    <Dialog
      open
      onClose={onClose}
      title={t(`contacts.cleansing.quality.${verdict}_title`, { field: field.label })}
      about={t(`contacts.cleansing.quality.${verdict}_about`)}
      actions={
        verdict === "untidy" && (
          <Link
            to="/contacts/cleansing"
            search={{ tab: "found" }}
            onClick={onClose}
            className="flex h-8 items-center rounded-control px-3 font-medium text-accent-text hover:bg-hover"
          >
            {t("contacts.cleansing.quality.clean_up")}
          </Link>
        )
      }
    >
      {page.isError && <ErrorView error={page.error} onRetry={() => void page.refetch()} />}
      {page.data === undefined && !page.isError && <SkeletonLines lines={5} />}
      {page.data?.at_hand === false && (
        <div className="space-y-3 pb-3">
          <p>{t("contacts.cleansing.quality.not_at_hand")}</p>
          <Button busy={measuring.busy} onClick={measuring.start}>
            {t("contacts.cleansing.quality.again")}
          </Button>
        </div>
      )}
      {page.data?.at_hand === true && (
        <>
          {page.data.rows.length === 0 && <p className="text-ink-2">{t("contacts.cleansing.quality.mended")}</p>}
          <ul className="divide-y divide-line-subtle">
            {page.data.rows.map((row) => (
              <li key={row.id} className="flex items-baseline gap-3 py-1.5">
                <Link
                  to="/contacts/$contact"
                  params={{ contact: String(row.id) }}
                  className="min-w-0 flex-1 truncate text-accent-text hover:underline"
                >
                  {row.email}
                </Link>
                <span className="max-w-1/2 truncate" title={value(row.value)}>
                  {value(row.value)}
                </span>
              </li>
            ))}
          </ul>
          {page.data.total > limit && limit < MOST && (
            <Button look="quiet" className="mt-2" busy={page.isFetching} onClick={() => setLimit(MOST)}>
              {t("contacts.history.more")}
            </Button>
          )}
          {page.data.total > MOST && limit >= MOST && (
            <p className="mt-2 text-ink-3 text-table">
              {t("contacts.cleansing.quality.first", { n: MOST, total: page.data.total })}
            </p>
          )}
        </>
      )}
    </Dialog>
  );
}
