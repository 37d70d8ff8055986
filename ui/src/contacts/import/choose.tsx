import { FileSpreadsheet } from "lucide-react";
import type { FileRef } from "@/api/gen/FileRef";
import { host } from "@/api/host";
import { Button, sayError } from "@/design";
import { t } from "@/i18n";

/** Asks for the file; dropping it on the window does the same. */
export function ChooseStep({ busy, onFile }: { busy: boolean; onFile: (file: FileRef, name: string) => void }) {
  const choose = async () => {
    try {
      const chosen = await host().chooseFile("contacts");
      if (chosen !== null) onFile(chosen.file, chosen.name);
    } catch (error) {
      sayError(error);
    }
  };
  return (
    <div className="mx-auto max-w-150 px-6 py-12">
      <div className="flex flex-col items-center rounded-card border border-line-control border-dashed bg-surface px-8 py-14 text-center">
        <FileSpreadsheet size={32} strokeWidth={1.5} aria-hidden className="mb-4 text-ink-3" />
        <h2 className="font-semibold text-section">{t("contacts.import.drop")}</h2>
        <p className="mt-1 max-w-100 text-ink-2">{t("contacts.import.drop_about")}</p>
        <Button look="primary" className="mt-5" busy={busy} onClick={() => void choose()}>
          {t("contacts.import.choose")}
        </Button>
        <p className="mt-3 text-ink-3 text-table">{t("contacts.import.paste")}</p>
      </div>
      <ul className="mt-6 list-disc space-y-1 pl-5 text-ink-2">
        <li>{t("contacts.import.promise_dry")}</li>
        <li>{t("contacts.import.promise_undo")}</li>
        <li>{t("contacts.import.promise_suppressed")}</li>
      </ul>
    </div>
  );
}
