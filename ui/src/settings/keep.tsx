import { type ReactNode, useState } from "react";
import { useRead } from "@/api/client";
import type { Keep } from "@/api/gen/Keep";
import { Choices, Field, Note, TextInput } from "@/design";
import { t } from "@/i18n";

/** Where a secret is to be kept, as it goes to the program. */
export interface Place {
  keep: Keep;
  passphrase: string | null;
}

/** Asks where a secret is kept. `place` is null until that is answered. */
export function useKeeping(): { place: Place | null; fields: ReactNode } {
  const diagnostics = useRead("diagnostics.get", {});
  const keychain = diagnostics.data?.keychain ?? "available";
  const [chosen, setKeep] = useState<Keep | null>(null);
  const [passphrase, setPassphrase] = useState("");
  const keep = chosen ?? (keychain === "available" ? "keychain" : null);
  const ready = keep !== null && (keep === "keychain" || passphrase.length >= 8);
  return {
    place: ready ? { keep, passphrase: keep === "passphrase_file" ? passphrase : null } : null,
    fields: (
      <>
        {keychain !== "available" && (
          <Note tone="warn" title={t("settings.secret.keychain_closed")}>
            {`${keychain} ${t("settings.secret.keychain_about")}`}
          </Note>
        )}
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
      </>
    ),
  };
}
