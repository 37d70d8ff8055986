import { ArchiveRestore } from "lucide-react";
import { useState } from "react";
import { useRead, useWrite } from "@/api/client";
import { Button, Dialog, EmptyState, say, sayError } from "@/design";
import { moment } from "@/format";
import { t } from "@/i18n";

/** Gives a company back, and says what came back with it. */
export function useRestore(): (id: number) => void {
  const restore = useWrite("companies.restore", {
    onSuccess: ({ contacts, without_domain }) => {
      const back = t("companies.restored", { n: contacts });
      say(without_domain ? `${back} ${t("companies.without_domain")}` : back);
    },
    onError: sayError,
  });
  return (id) => restore.mutate({ id });
}

/** The companies that were removed, with the way back; nothing where there are none. */
export function RemovedCompanies() {
  const removed = useRead("companies.removed", {});
  const [open, setOpen] = useState(false);
  const restore = useRestore();
  const gone = removed.data ?? [];
  if (gone.length === 0 && !open) return null;
  return (
    <>
      <Button icon={ArchiveRestore} onClick={() => setOpen(true)}>
        {t("companies.gone")}
      </Button>
      {open && (
        <Dialog open onClose={() => setOpen(false)} title={t("companies.gone")} about={t("companies.gone_about")}>
          {gone.length === 0 ? (
            <EmptyState icon={ArchiveRestore} title={t("companies.gone_none")} about={t("companies.gone_none_about")} />
          ) : (
            <ul className="divide-y divide-line-subtle">
              {gone.map((company) => (
                <li key={company.id} className="flex items-center gap-3 py-2">
                  <div className="min-w-0 flex-1">
                    <p className="truncate font-medium">{company.name}</p>
                    <p className="figures truncate text-ink-2 text-table">
                      {t("companies.gone_at", { at: moment(company.at), n: company.contacts })}
                    </p>
                  </div>
                  <Button
                    aria-label={t("companies.restore_of", { name: company.name })}
                    onClick={() => restore(company.id)}
                  >
                    {t("companies.restore")}
                  </Button>
                </li>
              ))}
            </ul>
          )}
        </Dialog>
      )}
    </>
  );
}
