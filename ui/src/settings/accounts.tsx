import { KeyRound, Pencil, Plus, Power, Send, Signature, Trash2 } from "lucide-react";
import { useState } from "react";
import { useRead, useWrite } from "@/api/client";
import type { AccountRow } from "@/api/gen/AccountRow";
import { Badge, Button, Confirm, EmptyState, ErrorView, IconButton, Progress, SkeletonLines, sayError } from "@/design";
import { ago, count } from "@/format";
import { t } from "@/i18n";
import { useNow } from "@/shell/now";
import { AccountDialog } from "./account-form";
import { BeforeLeaving } from "./before-leaving";
import { DkimDialog } from "./dkim";
import { PartHead } from "./part";
import { SecretDialog } from "./secret";
import { SignInDialog } from "./sign-in";
import { TestDialog } from "./test-mail";
import { Unlock } from "./unlock";

type Asking = { what: "edit" | "secret" | "sign" | "test" | "delete"; account: AccountRow } | { what: "add" } | null;

/** The accounts that mail leaves through. */
export function Accounts() {
  const accounts = useRead("accounts.list", {});
  const providers = useRead("providers.list", {});
  const now = useNow();
  const [asking, setAsking] = useState<Asking>(null);
  const close = () => setAsking(null);
  const remove = useWrite("accounts.delete", { onSuccess: close, onError: sayError });
  const turn = useWrite("accounts.switch", { onError: sayError });
  const add = (
    <Button look="primary" icon={Plus} onClick={() => setAsking({ what: "add" })}>
      {t("settings.accounts.add")}
    </Button>
  );
  return (
    <>
      <PartHead title={t("settings.parts.sending")} about={t("settings.accounts.about")}>
        {accounts.data !== undefined && accounts.data.length > 0 && add}
      </PartHead>
      {accounts.isError && <ErrorView error={accounts.error} onRetry={() => void accounts.refetch()} />}
      {accounts.isPending && <SkeletonLines />}
      {accounts.data?.length === 0 && (
        <EmptyState icon={Send} title={t("settings.accounts.none")} about={t("settings.accounts.none_about")}>
          {add}
        </EmptyState>
      )}
      {accounts.data?.some((account) => account.locked) && <Unlock about={t("settings.accounts.locked_about")} />}
      <ul className="space-y-3">
        {accounts.data?.map((account) => (
          <li key={account.id} className="rounded-card border border-line-subtle bg-surface p-4">
            <div className="flex items-start gap-3">
              <div className="min-w-0 flex-1">
                <p className="flex items-center gap-2">
                  <span className="truncate font-semibold">{account.name}</span>
                  <Secret account={account} />
                  {account.off && <Badge tone="warn">{t("settings.accounts.off")}</Badge>}
                </p>
                <p className="truncate text-ink-2">{`${account.from_name} <${account.from_email}>`}</p>
                <p className="truncate text-ink-3 text-table">
                  {account.provider === null
                    ? `${account.host}:${account.port} · ${t(`settings.accounts.tls.${account.tls}`)}`
                    : t("settings.accounts.through", {
                        name: providers.data?.find(({ id }) => id === account.provider)?.name ?? "",
                      })}
                  {account.user !== "" && ` · ${account.user}`}
                  {account.dkim?.on && account.provider === null && ` · ${t("settings.accounts.signed")}`}
                </p>
              </div>
              <Button icon={Send} onClick={() => setAsking({ what: "test", account })}>
                {t("settings.accounts.test")}
              </Button>
              {account.provider === null && (
                <>
                  <IconButton
                    icon={KeyRound}
                    label={
                      account.auth.kind === "oauth"
                        ? t("settings.mailboxes.sign_in", { name: account.name })
                        : t("settings.accounts.secret")
                    }
                    onClick={() => setAsking({ what: "secret", account })}
                  />
                  <IconButton
                    icon={Signature}
                    label={t("settings.accounts.sign", { name: account.name })}
                    onClick={() => setAsking({ what: "sign", account })}
                  />
                </>
              )}
              <IconButton
                icon={Pencil}
                label={t("settings.accounts.edit", { name: account.name })}
                onClick={() => setAsking({ what: "edit", account })}
              />
              <IconButton
                icon={Power}
                label={t(account.off ? "settings.accounts.switch_on" : "settings.accounts.switch_off", {
                  name: account.name,
                })}
                onClick={() => turn.mutate({ id: account.id, off: !account.off })}
              />
              <IconButton
                icon={Trash2}
                label={t("settings.accounts.delete", { name: account.name })}
                onClick={() => setAsking({ what: "delete", account })}
              />
            </div>
            <div className="mt-3 grid grid-cols-[1fr_auto] items-center gap-x-4 gap-y-1 text-table">
              <Progress done={account.sent_24_hours} total={account.per_day} label={t("settings.accounts.used")} />
              <span className="figures text-ink-2">
                {t("settings.accounts.limit", {
                  sent: count(account.sent_24_hours),
                  per_day: count(account.per_day),
                  per_minute: count(account.per_minute),
                })}
              </span>
            </div>
            {account.last_test !== null && (
              <p className={account.last_test.ok ? "mt-2 text-ink-3 text-table" : "mt-2 text-bad text-table"}>
                {account.last_test.ok
                  ? t("settings.accounts.test_ok", { ago: ago(account.last_test.at, now) })
                  : t("settings.accounts.test_bad", {
                      ago: ago(account.last_test.at, now),
                      message: account.last_test.message,
                    })}
              </p>
            )}
          </li>
        ))}
      </ul>
      <BeforeLeaving />
      {asking?.what === "add" && <AccountDialog account={null} onClose={close} />}
      {asking?.what === "edit" && <AccountDialog account={asking.account} onClose={close} />}
      {asking?.what === "secret" &&
        (asking.account.auth.kind === "oauth" ? (
          <SignInDialog what="accounts" to={asking.account} onClose={close} onSignedIn={close} />
        ) : (
          <SecretDialog account={asking.account} onClose={close} />
        ))}
      {asking?.what === "sign" && (
        <DkimDialog
          // What was made or switched meanwhile is in the list.
          account={accounts.data?.find(({ id }) => id === asking.account.id) ?? asking.account}
          onClose={close}
        />
      )}
      {asking?.what === "test" && <TestDialog account={asking.account} onClose={close} />}
      {asking?.what === "delete" && (
        <Confirm
          open
          onClose={close}
          onConfirm={() => remove.mutate({ id: asking.account.id })}
          busy={remove.isPending}
          title={t("settings.accounts.delete_title", { name: asking.account.name })}
          about={t("settings.accounts.delete_about")}
          action={t("settings.accounts.delete_action")}
        />
      )}
    </>
  );
}

function Secret({ account }: { account: AccountRow }) {
  if (account.secret === "not_needed") return null;
  return (
    <Badge tone={account.secret === "missing" ? "warn" : "ok"} dot>
      {t(`settings.secrets.${account.secret}`)}
    </Badge>
  );
}
