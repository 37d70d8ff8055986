import { Copy } from "lucide-react";
import { useState } from "react";
import { useWrite } from "@/api/client";
import { Button, Dialog, ErrorNote, Field, Note, say, TextArea, TextInput } from "@/design";
import { t } from "@/i18n";
import { copy } from "./copy";
import { useKeeping } from "./keep";

const LEAST_PASSPHRASE = 8;

/** Makes a text with which another machine of the workspace comes in. It is shown once. */
export function InviteDialog({ onClose }: { onClose: () => void }) {
  const [machine, setMachine] = useState("");
  const [passphrase, setPassphrase] = useState("");
  const invite = useWrite("relay.invite");
  const ready = machine.trim() !== "" && passphrase.length >= LEAST_PASSPHRASE;
  const run = () => invite.mutate({ machine: machine.trim(), passphrase });
  return (
    <Dialog
      open
      onClose={onClose}
      width="small"
      title={t("settings.machines.invite_title")}
      about={t("settings.machines.invite_about")}
      {...(invite.data === undefined
        ? { submit: { label: t("settings.machines.make"), run, disabled: !ready, busy: invite.isPending } }
        : {
            actions: (
              <Button look="primary" onClick={onClose}>
                {t("common.close")}
              </Button>
            ),
          })}
    >
      <div className="space-y-4">
        {invite.isError && <ErrorNote error={invite.error} onRetry={run} />}
        {invite.data === undefined ? (
          <>
            <Field label={t("settings.machines.name")}>
              <TextInput value={machine} onChange={(event) => setMachine(event.target.value)} />
            </Field>
            <Field label={t("settings.machines.passphrase")} help={t("settings.machines.passphrase_help")}>
              <TextInput
                type="password"
                autoComplete="new-password"
                value={passphrase}
                onChange={(event) => setPassphrase(event.target.value)}
              />
            </Field>
          </>
        ) : (
          <>
            <Note tone="ok">{t("settings.machines.made")}</Note>
            <Field label={t("settings.machines.invitation")}>
              <TextArea readOnly rows={6} className="break-all font-mono" value={invite.data.text} />
            </Field>
            <Button icon={Copy} onClick={() => void copy(invite.data.text, t("settings.machines.copied"))}>
              {t("settings.machines.copy")}
            </Button>
          </>
        )}
      </div>
    </Dialog>
  );
}

/** Comes in with what another machine made. */
export function JoinDialog({ onClose }: { onClose: () => void }) {
  const [invitation, setInvitation] = useState("");
  const [passphrase, setPassphrase] = useState("");
  const { place, fields } = useKeeping();
  const join = useWrite("relay.join", {
    onSuccess: () => {
      onClose();
      say(t("settings.relay.paired"));
    },
  });
  const run = () => {
    if (place === null) return;
    join.mutate({
      invitation: invitation.trim(),
      passphrase,
      ca_file: null,
      keep: place.keep,
      file_passphrase: place.passphrase,
    });
  };
  const ready = place !== null && invitation.trim() !== "" && passphrase.length >= LEAST_PASSPHRASE;
  return (
    <Dialog
      open
      onClose={onClose}
      width="small"
      title={t("settings.machines.join_title")}
      about={t("settings.machines.join_about")}
      submit={{ label: t("settings.machines.join"), run, disabled: !ready, busy: join.isPending }}
    >
      <div className="space-y-4">
        {join.isError && <ErrorNote error={join.error} onRetry={run} />}
        <Field label={t("settings.machines.invitation")}>
          <TextArea
            rows={4}
            spellCheck={false}
            autoComplete="off"
            className="break-all font-mono"
            value={invitation}
            onChange={(event) => setInvitation(event.target.value)}
          />
        </Field>
        <Field label={t("settings.machines.passphrase")} help={t("settings.machines.told_help")}>
          <TextInput
            type="password"
            autoComplete="off"
            value={passphrase}
            onChange={(event) => setPassphrase(event.target.value)}
          />
        </Field>
        {fields}
      </div>
    </Dialog>
  );
}
