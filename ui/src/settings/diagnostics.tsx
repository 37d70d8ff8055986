import { ClipboardCopy } from "lucide-react";
import { useRead } from "@/api/client";
import { Button, Card, ErrorView, Facts, SkeletonLines, say, sayError } from "@/design";
import { bytes, count } from "@/format";
import { t, tx } from "@/i18n";
import { PartHead } from "./part";

/** What to send along with a report: no names, no addresses, no secrets. */
export function DiagnosticsPart() {
  const diagnostics = useRead("diagnostics.get", {});
  const data = diagnostics.data;
  const items =
    data === undefined
      ? []
      : [
          { label: t("settings.diagnostics.version"), value: data.version },
          { label: t("settings.diagnostics.sqlite"), value: data.sqlite },
          // The path tells who works for whom: it is shown and not copied.
          {
            label: t("settings.diagnostics.file"),
            value: data.file,
            note: bytes(data.file_bytes),
            copied: bytes(data.file_bytes),
          },
          {
            label: t("settings.diagnostics.index"),
            value: t("settings.diagnostics.index_of", {
              taken: bytes(data.index_bytes),
              limit: bytes(data.index_limit),
            }),
            note: t("settings.diagnostics.index_held", {
              held: data.index_held,
              all: data.index_all,
              others: data.index_all - data.index_held,
            }),
          },
          {
            label: t("settings.diagnostics.contacts"),
            value: count(data.contacts),
          },
          { label: t("settings.diagnostics.seq"), value: count(data.seq) },
          {
            label: t("settings.diagnostics.keychain"),
            value: tx(`settings.diagnostics.keychains.${data.keychain}`, data.keychain),
          },
          { label: t("settings.diagnostics.owner"), value: data.owner },
          {
            label: t("settings.diagnostics.mended"),
            value: count(data.mended),
            note: data.mended > 0 ? t("settings.diagnostics.mended_about") : undefined,
          },
        ];
  const copy = async () => {
    try {
      await navigator.clipboard.writeText(
        items.map((item) => `${item.label}: ${item.copied ?? item.value}`).join("\n"),
      );
      say(t("common.copied"));
    } catch (error) {
      sayError(error);
    }
  };
  return (
    <>
      <PartHead title={t("settings.parts.diagnostics")} about={t("settings.diagnostics.about")}>
        <Button icon={ClipboardCopy} disabled={data === undefined} onClick={() => void copy()}>
          {t("settings.diagnostics.copy")}
        </Button>
      </PartHead>
      {diagnostics.isError && <ErrorView error={diagnostics.error} onRetry={() => void diagnostics.refetch()} />}
      {diagnostics.isPending && <SkeletonLines />}
      {data !== undefined && (
        <Card>
          <Facts items={items} />
        </Card>
      )}
    </>
  );
}
