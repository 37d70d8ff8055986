import { useState } from "react";
import { useWrite } from "@/api/client";
import type { AccountRow } from "@/api/gen/AccountRow";
import type { MailboxView } from "@/api/gen/MailboxView";
import type { ProviderView } from "@/api/gen/ProviderView";
import { Dialog, Field, say, sayError, TextInput } from "@/design";
import { t } from "@/i18n";
import { type Place, useKeeping } from "./keep";

/** Takes the password of a sender in. */
export function SecretDialog({ account, onClose }: { account: AccountRow; onClose: () => void }) {
  const set = useWrite("accounts.set_secret", {
    onSuccess: () => {
      onClose();
      say(t("settings.secret.kept"));
    },
    onError: sayError,
  });
  return (
    <PasswordDialog
      name={account.name}
      onClose={onClose}
      busy={set.isPending}
      onSave={(secret, place) => set.mutate({ id: account.id, client: false, secret, ...place })}
    />
  );
}

/** Takes the password of a mailbox in. */
export function MailboxSecretDialog({
  mailbox,
  onClose,
  onKept,
}: {
  mailbox: Pick<MailboxView, "id" | "name">;
  onClose: () => void;
  onKept: () => void;
}) {
  const set = useWrite("mailboxes.set_secret", {
    onSuccess: () => {
      onKept();
      say(t("settings.secret.kept"));
    },
    onError: sayError,
  });
  return (
    <PasswordDialog
      name={mailbox.name}
      onClose={onClose}
      busy={set.isPending}
      onSave={(secret, place) => set.mutate({ id: mailbox.id, client: false, secret, ...place })}
    />
  );
}

/** Takes the key of a provider in. */
export function ProviderSecretDialog({
  provider,
  onClose,
  onKept,
}: {
  provider: ProviderView;
  onClose: () => void;
  onKept: () => void;
}) {
  const set = useWrite("providers.set_secret", {
    onSuccess: () => {
      onKept();
      say(t("settings.key.kept"));
    },
    onError: sayError,
  });
  const words = {
    title: t("settings.key.title", { name: provider.name }),
    field: t(provider.settings.kind === "ses" ? "settings.key.ses" : "settings.key.key"),
    save: t("settings.key.save"),
  };
  return (
    <PasswordDialog
      name={provider.name}
      words={words}
      onClose={onClose}
      busy={set.isPending}
      onSave={(secret, place) => set.mutate({ id: provider.id, secret, ...place })}
    />
  );
}

/** Takes a password in. It is never shown again, not even to this screen. */
function PasswordDialog({
  name,
  onClose,
  onSave,
  busy,
  words,
}: {
  name: string;
  /** What it is called, where it is no password. */
  words?: { title: string; field: string; save: string };
  onClose: () => void;
  onSave: (secret: string, place: Place) => void;
  busy: boolean;
}) {
  const [secret, setSecret] = useState("");
  const { place, fields } = useKeeping();
  return (
    <Dialog
      open
      onClose={onClose}
      width="small"
      title={words?.title ?? t("settings.secret.title", { name })}
      about={t("settings.secret.about")}
      submit={{
        label: words?.save ?? t("settings.secret.save"),
        run: () => place !== null && onSave(secret, place),
        disabled: secret === "" || place === null,
        busy,
      }}
    >
      <div className="space-y-4">
        <Field label={words?.field ?? t("settings.secret.password")}>
          <TextInput
            type="password"
            autoComplete="new-password"
            value={secret}
            onChange={(event) => setSecret(event.target.value)}
          />
        </Field>
        {fields}
      </div>
    </Dialog>
  );
}
