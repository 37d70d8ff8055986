import { useRead, useWrite } from "@/api/client";
import type { JourneyId } from "@/api/gen/JourneyId";
import { Button, Dialog, ErrorView, Note, SkeletonLines, say, sayError } from "@/design";
import { t } from "@/i18n";
import type { PublishPreview } from "../commands.draft";
import { useDesigner, useDesignerStore } from "../state";

/** What happens when this drawing becomes a version, before it does. */
export function PublishSheet({ id, revision, onClose }: { id: JourneyId; revision: number; onClose: () => void }) {
  const store = useDesignerStore();
  const name = useDesigner((state) => state.drawing.doc.name);
  const preview = useRead("journeys.publish_preview", { id });
  const publish = useWrite("journeys.publish", {
    onSuccess: ({ version }) => {
      onClose();
      say(t("journeys.publish.done", { version }));
    },
    onError: sayError,
  });
  const errors = preview.data?.problems.filter((problem) => problem.severity === "error").length ?? 0;
  const show = () => {
    onClose();
    store.getState().show({ panel: "problems" });
  };
  return (
    <Dialog
      open
      onClose={onClose}
      width="small"
      title={t("journeys.publish.title", { version: preview.data?.version ?? "…" })}
      about={name}
      actions={
        <>
          <Button onClick={onClose}>{t("journeys.act.cancel")}</Button>
          {errors > 0 ? (
            <Button look="primary" onClick={show}>
              {t("journeys.publish.show_problems")}
            </Button>
          ) : (
            <Button
              look="primary"
              disabled={!preview.data}
              busy={publish.isPending}
              onClick={() => publish.mutate({ id, revision })}
            >
              {t("journeys.publish.button", { count: preview.data?.enter_now ?? 0 })}
            </Button>
          )}
        </>
      }
    >
      {preview.isError && <ErrorView error={preview.error} onRetry={() => void preview.refetch()} />}
      {preview.isPending && <SkeletonLines lines={3} />}
      {preview.data && <What preview={preview.data} errors={errors} />}
    </Dialog>
  );
}

function What({ preview, errors }: { preview: PublishPreview; errors: number }) {
  if (errors > 0) return <Note tone="bad">{t("journeys.publish.blocked", { count: errors })}</Note>;
  const warnings = preview.problems.length;
  return (
    <ul className="list-disc space-y-1.5 pb-1 pl-5 marker:text-ink-3">
      <li className="font-medium">{t("journeys.publish.enter_now", { count: preview.enter_now })}</li>
      {preview.inside.length === 0 && <li>{t("journeys.publish.inside_none")}</li>}
      {preview.inside.map(({ version, people }) => (
        <li key={version}>{t("journeys.publish.inside", { count: people, version })}</li>
      ))}
      <li>
        {preview.most_mails === null
          ? t("journeys.publish.mails_open")
          : t("journeys.publish.mails", { count: preview.most_mails })}
      </li>
      {warnings > 0 && <li className="text-warn">{t("journeys.publish.warnings", { count: warnings })}</li>}
      <li className="text-ink-3">{t("journeys.publish.fixed")}</li>
    </ul>
  );
}
