import { Copy } from "lucide-react";
import { useState } from "react";
import { useRead, useWrite } from "@/api/client";
import type { AccountRow } from "@/api/gen/AccountRow";
import type { Dkim } from "@/api/gen/Dkim";
import { Button, Dialog, ErrorView, Field, IconButton, Note, sayError, TextInput } from "@/design";
import { t } from "@/i18n";
import { copy } from "./copy";
import { useKeeping } from "./keep";

/** The key that signs an account's mail: made here, its record published by hand, then switched on. */
export function DkimDialog({ account, onClose }: { account: AccountRow; onClose: () => void }) {
  return account.dkim === null ? (
    <Make account={account} onClose={onClose} />
  ) : (
    <Published account={account} dkim={account.dkim} onClose={onClose} />
  );
}

const about = (account: AccountRow) => ({
  title: t("settings.dkim.title", { name: account.name }),
  about: t("settings.dkim.about"),
});

function Make({ account, onClose }: { account: AccountRow; onClose: () => void }) {
  const [domain, setDomain] = useState(account.from_email.split("@").at(-1) ?? "");
  const [selector, setSelector] = useState("carillon1");
  const { place, fields } = useKeeping();
  const make = useWrite("accounts.dkim_make", { onError: sayError });
  const ready = domain.trim() !== "" && selector.trim() !== "";
  return (
    <Dialog
      open
      onClose={onClose}
      {...about(account)}
      submit={{
        label: t("settings.dkim.make"),
        run: () => place !== null && make.mutate({ id: account.id, domain, selector, ...place }),
        disabled: place === null || !ready,
        busy: make.isPending,
      }}
    >
      <div className="space-y-4">
        <Note>{t("settings.dkim.when")}</Note>
        <div className="grid grid-cols-2 gap-4">
          <Field label={t("settings.dkim.domain")} help={t("settings.dkim.domain_help")}>
            <TextInput value={domain} onChange={(event) => setDomain(event.target.value)} />
          </Field>
          <Field label={t("settings.dkim.selector")} help={t("settings.dkim.selector_help")}>
            <TextInput value={selector} onChange={(event) => setSelector(event.target.value)} />
          </Field>
        </div>
        {fields}
      </div>
    </Dialog>
  );
}

function Published({ account, dkim, onClose }: { account: AccountRow; dkim: Dkim; onClose: () => void }) {
  const { id } = account;
  const record = useRead("accounts.dkim_record", { id });
  const turn = useWrite("accounts.dkim_switch", { onError: sayError });
  const remove = useWrite("accounts.dkim_remove", { onSuccess: onClose, onError: sayError });
  return (
    <Dialog
      open
      onClose={onClose}
      {...about(account)}
      submit={{
        label: t(dkim.on ? "settings.dkim.stop" : "settings.dkim.start"),
        run: () => turn.mutate({ id, on: !dkim.on }),
        busy: turn.isPending,
        close: t("common.close"),
      }}
    >
      <div className="space-y-4">
        <Note tone={dkim.on ? "ok" : "warn"} title={t(dkim.on ? "settings.dkim.on" : "settings.dkim.off")}>
          {t(dkim.on ? "settings.dkim.on_about" : "settings.dkim.off_about", { domain: dkim.domain })}
        </Note>
        {record.isError && <ErrorView error={record.error} onRetry={() => void record.refetch()} />}
        {record.data !== undefined && (
          <dl className="space-y-3">
            <Line label={t("settings.dkim.name")} text={record.data.name} />
            <Line label={t("settings.dkim.value")} text={record.data.value} />
            <Line label={t("settings.dkim.quoted")} text={record.data.quoted} />
          </dl>
        )}
        <p className="text-ink-3 text-table">{t("settings.dkim.check")}</p>
        <Button look="quiet" busy={remove.isPending} onClick={() => remove.mutate({ id })}>
          {t("settings.dkim.remove")}
        </Button>
      </div>
    </Dialog>
  );
}

function Line({ label, text }: { label: string; text: string }) {
  return (
    <div>
      <dt className="text-ink-3 text-table">{label}</dt>
      <dd className="flex items-start gap-1">
        <code className="wrap-anywhere max-h-28 min-w-0 flex-1 select-all overflow-auto rounded-control bg-sunken px-2 py-1 font-mono text-table">
          {text}
        </code>
        <IconButton
          icon={Copy}
          label={t("settings.dkim.copy", { what: label })}
          onClick={() => void copy(text, t("settings.dkim.copied"))}
        />
      </dd>
    </div>
  );
}
