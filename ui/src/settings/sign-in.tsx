import { useCallback, useState } from "react";
import { mutate, useWrite } from "@/api/client";
import type { Auth } from "@/api/gen/Auth";
import type { JobView } from "@/api/gen/JobView";
import { ApiError, host } from "@/api/host";
import { Dialog, ErrorNote, Field, Note, Progress, say, sayError, TextInput } from "@/design";
import { t } from "@/i18n";
import { useJob } from "@/shell/job";
import { type Place, useKeeping } from "./keep";

/** Leads through the sign-in at the provider of a mailbox or a sender, which happens in the browser. */
export function SignInDialog({
  what,
  to,
  onClose,
  onSignedIn,
}: {
  what: "mailboxes" | "accounts";
  to: { id: number; name: string; auth: Auth };
  onClose: () => void;
  onSignedIn: () => void;
}) {
  const wants = to.auth.kind === "oauth" && to.auth.provider.has_client_secret;
  const [client, setClient] = useState("");
  const [waiting, setWaiting] = useState<{ job: number; url: string } | null>(null);
  const [failed, setFailed] = useState<unknown>(null);
  const { place, fields } = useKeeping();
  const begin = useWrite(`${what}.sign_in` as const, { onSuccess: setWaiting, onError: setFailed });
  const stop = useWrite("jobs.cancel", { onError: sayError });
  const onEnd = useCallback(
    (ended: JobView) => {
      setWaiting(null);
      if (ended.state === "cancelled") return;
      if (ended.error !== null) return setFailed(ended.error);
      say(t("settings.mailboxes.signed_in"));
      onSignedIn();
    },
    [onSignedIn],
  );
  useJob(waiting?.job ?? null, onEnd);
  const run = async (kept: Place) => {
    setFailed(null);
    try {
      if (client !== "")
        await mutate(`${what}.set_secret` as const, { id: to.id, client: true, secret: client, ...kept });
      begin.mutate({ id: to.id, ...kept });
    } catch (error) {
      setFailed(ApiError.of(error));
    }
  };
  const leave = () => {
    if (waiting !== null) stop.mutate({ id: waiting.job });
    onClose();
  };
  // The answer of the provider comes back to a port of this machine, so a page of a browser may not ask for it.
  const here = host().kind !== "http";
  return (
    <Dialog
      open
      onClose={leave}
      width="small"
      title={t("settings.mailboxes.sign_in_title", { name: to.name })}
      about={t("settings.mailboxes.sign_in_about")}
      submit={{
        label: t("settings.mailboxes.sign_in_start"),
        run: () => place !== null && void run(place),
        disabled: place === null || !here,
        busy: begin.isPending || waiting !== null,
      }}
    >
      <div className="space-y-4">
        {!here && <Note tone="warn">{t("settings.mailboxes.sign_in_elsewhere")}</Note>}
        {failed !== null && <ErrorNote error={failed} onRetry={() => place !== null && void run(place)} />}
        {waiting === null ? (
          <>
            {wants && (
              <Field
                label={t("settings.mailboxes.client_secret")}
                help={t("settings.mailboxes.client_secret_help")}
                optional
              >
                <TextInput
                  type="password"
                  autoComplete="new-password"
                  value={client}
                  onChange={(event) => setClient(event.target.value)}
                />
              </Field>
            )}
            {fields}
          </>
        ) : (
          <div aria-live="polite" className="space-y-3">
            <p className="font-medium">{t("settings.mailboxes.sign_in_waits")}</p>
            <Progress done={0} total={null} label={t("settings.mailboxes.sign_in_waits")} />
            <div>
              <p className="text-ink-2">{t("settings.mailboxes.sign_in_link")}</p>
              <p className="select-all break-all font-mono text-table">{waiting.url}</p>
            </div>
          </div>
        )}
      </div>
    </Dialog>
  );
}
