import { Ban, Mail } from "lucide-react";
import { useRead, useWrite } from "@/api/client";
import type { MayLeave } from "@/api/gen/MayLeave";
import type { Response } from "@/api/gen/Response";
import { Button, Note, say, sayError } from "@/design";
import { t } from "@/i18n";

/** How many replies may be a wish to be left alone and wait for a decision. */
export const useUndecided = (): number => useRead("responses.undecided", {}).data?.count ?? 0;

/** Decides on a reply; each decision can be taken back. */
function useDecide() {
  const write = useWrite("responses.decide", { onError: sayError });
  const decide = (id: number, decided: MayLeave, before: MayLeave, who: string) =>
    write.mutate(
      { id, decided },
      {
        onSuccess: () =>
          say(t(`replies.may_leave.said.${decided}`, { who }), {
            label: t("replies.may_leave.undo"),
            run: () => write.mutate({ id, decided: before }),
          }),
      },
    );
  return { decide, busy: write.isPending };
}

/** A reply that may be a wish to be left alone: what it holds, and the two ways on. Nothing for other replies. */
export function Decide({ of, who }: { of: Pick<Response, "id" | "may_leave">; who: string | null }) {
  const { decide, busy } = useDecide();
  if (of.may_leave === null) return null;
  const name = who ?? t("replies.nobody");
  if (of.may_leave !== "open") {
    return (
      <p className="flex flex-wrap items-center gap-x-3 text-ink-3 text-table">
        {t(`replies.may_leave.${of.may_leave}`)}
        <Button look="quiet" busy={busy} onClick={() => decide(of.id, "open", of.may_leave ?? "open", name)}>
          {t("replies.may_leave.again")}
        </Button>
      </p>
    );
  }
  return (
    <Note tone="warn" title={t("replies.may_leave.title")}>
      <p>{t("replies.may_leave.about")}</p>
      <div className="mt-2 flex flex-wrap gap-2">
        <Button
          icon={Ban}
          busy={busy}
          aria-label={t("replies.may_leave.leave_label", { who: name })}
          onClick={() => decide(of.id, "left", "open", name)}
        >
          {t("replies.may_leave.leave")}
        </Button>
        <Button
          icon={Mail}
          busy={busy}
          aria-label={t("replies.may_leave.keep_label", { who: name })}
          onClick={() => decide(of.id, "kept", "open", name)}
        >
          {t("replies.may_leave.keep")}
        </Button>
      </div>
    </Note>
  );
}
