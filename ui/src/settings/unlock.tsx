import { useState } from "react";
import { useWrite } from "@/api/client";
import { Button, Field, Note, say, sayError, TextInput } from "@/design";
import { t } from "@/i18n";

/** Asks for the passphrase of the file of passwords, once after each start. */
export function Unlock({ about }: { about: string }) {
  const [passphrase, setPassphrase] = useState("");
  const unlock = useWrite("accounts.unlock", {
    onSuccess: () => {
      setPassphrase("");
      say(t("settings.accounts.unlocked"));
    },
    onError: sayError,
  });
  return (
    <Note tone="warn" title={t("settings.accounts.locked_title")}>
      <p>{about}</p>
      <form
        className="mt-3 flex items-end gap-2"
        onSubmit={(event) => {
          event.preventDefault();
          if (passphrase !== "") unlock.mutate({ passphrase });
        }}
      >
        <Field label={t("settings.secret.passphrase")}>
          <TextInput
            type="password"
            autoComplete="current-password"
            value={passphrase}
            onChange={(event) => setPassphrase(event.target.value)}
          />
        </Field>
        <Button type="submit" disabled={passphrase === ""} busy={unlock.isPending}>
          {t("settings.accounts.unlock")}
        </Button>
      </form>
    </Note>
  );
}
