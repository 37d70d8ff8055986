import { useRead, useWrite } from "@/api/client";
import type { JourneyView } from "@/api/gen/JourneyView";
import { Button, Dialog, ErrorView, Note, SkeletonLines, say, sayError } from "@/design";
import { t } from "@/i18n";
import { mostMails } from "../simulate/report";
import { useDesigner, useDesignerStore } from "../state";

/** What happens when this drawing becomes a version, before it does. Published is what was saved as `revision`, or nothing. */
export function PublishSheet({
  view,
  revision,
  onClose,
}: {
  view: JourneyView;
  revision: number;
  onClose: () => void;
}) {
  const store = useDesignerStore();
  const name = useDesigner((state) => state.drawing.doc.name);
  const problems = useDesigner((state) => state.problems);
  const publish = useWrite("journeys.publish", {
    onSuccess: ({ version }) => {
      onClose();
      say(t("journeys.publish.done", { version }));
    },
    onError: sayError,
  });
  const errors = problems.filter((problem) => problem.severity === "error").length;
  const entering = useRead("journeys.entering", { id: view.id }, { enabled: errors === 0 });
  const show = () => {
    onClose();
    store.getState().show({ panel: "problems" });
  };
  return (
    <Dialog
      open
      onClose={onClose}
      width="small"
      title={t("journeys.publish.title", { version: (view.version ?? 0) + 1 })}
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
              disabled={!entering.data}
              busy={publish.isPending}
              onClick={() => publish.mutate({ id: view.id, revision })}
            >
              {t("journeys.publish.button", { count: entering.data?.now ?? 0 })}
            </Button>
          )}
        </>
      }
    >
      {errors > 0 && <Note tone="bad">{t("journeys.publish.blocked", { count: errors })}</Note>}
      {errors === 0 && entering.isError && <ErrorView error={entering.error} onRetry={() => void entering.refetch()} />}
      {errors === 0 && entering.isPending && <SkeletonLines lines={3} />}
      {errors === 0 && entering.data && (
        <What now={entering.data.now} inside={entering.data.inside} version={view.version} warnings={problems.length} />
      )}
    </Dialog>
  );
}

function What({
  now,
  inside,
  version,
  warnings,
}: {
  now: number;
  inside: number;
  version: number | null;
  warnings: number;
}) {
  const mails = useDesigner((state) => mostMails(state.drawing.doc));
  return (
    <ul className="list-disc space-y-1.5 pb-1 pl-5 marker:text-ink-3">
      <li className="font-medium">{t("journeys.publish.enter_now", { count: now })}</li>
      <li>
        {inside === 0 || version === null
          ? t("journeys.publish.inside_none")
          : t("journeys.publish.inside", { count: inside, version })}
      </li>
      <li>{mails === null ? t("journeys.publish.mails_open") : t("journeys.publish.mails", { count: mails })}</li>
      {warnings > 0 && <li className="text-warn">{t("journeys.publish.warnings", { count: warnings })}</li>}
      <li className="text-ink-3">{t("journeys.publish.fixed")}</li>
    </ul>
  );
}
