import { useState } from "react";
import { useRead, useWrite } from "@/api/client";
import type { AccountRow } from "@/api/gen/AccountRow";
import { Choices, Dialog, Field, Note, say, sayError, TextInput } from "@/design";
import { t } from "@/i18n";

/** Takes the password in. It is never shown again, not even to this screen. */
export function SecretDialog({ account, onClose }: { account: AccountRow; onClose: () => void }) {
  const diagnostics = useRead("diagnostics.get", {});
  const keychain = diagnostics.data?.keychain ?? "available";
  const [secret, setSecret] = useState("");
  const [chosen, setKeep] = useState<"keychain" | "passphrase_file" | null>(null);
  const [passphrase, setPassphrase] = useState("");
  const keep = chosen ?? (keychain === "available" ? "keychain" : null);
  const set = useWrite("accounts.set_secret", {
    onSuccess: () => {
      onClose();
      say(t("settings.secret.kept"));
    },
    onError: sayError,
  });
  const ready = secret !== "" && keep !== null && (keep === "keychain" || passphrase.length >= 8);
  const save = () => {
    if (keep === null) return;
    set.mutate({ id: account.id, secret, keep, passphrase: keep === "passphrase_file" ? passphrase : null });
  };
  return (
    <Dialog
      open
      onClose={onClose}
      width="small"
      title={t("settings.secret.title", { name: account.name })}
      about={t("settings.secret.about")}
      submit={{ label: t("settings.secret.save"), run: save, disabled: !ready, busy: set.isPending }}
    >
      <div className="space-y-4">
        {keychain !== "available" && (
          <Note tone="warn" title={t("settings.secret.keychain_closed")}>
            {`${keychain} ${t("settings.secret.keychain_about")}`}
          </Note>
        )}
        <Field label={t("settings.secret.password")}>
          <TextInput
            type="password"
            autoComplete="new-password"
            value={secret}
            onChange={(event) => setSecret(event.target.value)}
          />
        </Field>
        <Choices
          label={t("settings.secret.keep")}
          value={keep}
          onChange={setKeep}
          options={[
            {
              value: "keychain",
              label: t("settings.secrets.keychain"),
              about: t("settings.secret.keychain_choice"),
              disabled: keychain !== "available",
            },
            {
              value: "passphrase_file",
              label: t("settings.secrets.passphrase_file"),
              about: t("settings.secret.file_choice"),
            },
          ]}
        />
        {keep === "passphrase_file" && (
          <Field label={t("settings.secret.passphrase")} help={t("settings.secret.passphrase_help")}>
            <TextInput
              type="password"
              autoComplete="new-password"
              value={passphrase}
              onChange={(event) => setPassphrase(event.target.value)}
            />
          </Field>
        )}
      </div>
    </Dialog>
  );
}
