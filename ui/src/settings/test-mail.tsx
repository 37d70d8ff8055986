import { Check, X } from "lucide-react";
import { useState } from "react";
import { useRead, useWrite } from "@/api/client";
import type { AccountRow } from "@/api/gen/AccountRow";
import { Dialog, ErrorView, Field, Select, TextInput } from "@/design";
import { t, tx } from "@/i18n";

const PLAIN = "plain";

/** Sends one mail to an address of yours and tells how each phase went. */
export function TestDialog({ account, onClose }: { account: AccountRow; onClose: () => void }) {
  const templates = useRead("templates.list", {});
  const [to, setTo] = useState(account.reply_to ?? account.from_email);
  const [template, setTemplate] = useState(PLAIN);
  const test = useWrite("accounts.test");
  const run = () =>
    test.mutate({ id: account.id, to: to.trim(), template: template === PLAIN ? null : Number(template) });
  return (
    <Dialog
      open
      onClose={onClose}
      width="small"
      title={t("settings.accounts.test")}
      about={t("settings.test.about", { name: account.name })}
      submit={{
        label: t("settings.test.send"),
        run,
        disabled: !/^\S+@\S+$/.test(to.trim()),
        busy: test.isPending,
        close: t("common.close"),
      }}
    >
      <div className="space-y-4">
        <Field label={t("settings.test.to")}>
          <TextInput type="email" value={to} onChange={(event) => setTo(event.target.value)} />
        </Field>
        <Field label={t("settings.test.what")}>
          <Select
            value={template}
            onChange={setTemplate}
            options={[
              { value: PLAIN, label: t("settings.test.plain") },
              ...(templates.data ?? []).map((each) => ({ value: String(each.id), label: each.name })),
            ]}
          />
        </Field>
        {test.isError && <ErrorView error={test.error} />}
        {test.data !== undefined && (
          <ol aria-live="polite" className="divide-y divide-line-subtle rounded-menu border border-line-subtle">
            {test.data.phases.map((phase) => {
              const Icon = phase.ok ? Check : X;
              return (
                <li key={phase.phase} className="flex gap-2 px-3 py-2">
                  <Icon
                    size={16}
                    aria-hidden
                    className={phase.ok ? "mt-0.5 shrink-0 text-ok" : "mt-0.5 shrink-0 text-bad"}
                  />
                  <span className="min-w-0">
                    <span className="block font-medium">{tx(`settings.test.phases.${phase.phase}`, phase.phase)}</span>
                    <span className="block break-words font-mono text-ink-2 text-table">{phase.detail}</span>
                  </span>
                </li>
              );
            })}
          </ol>
        )}
      </div>
    </Dialog>
  );
}
