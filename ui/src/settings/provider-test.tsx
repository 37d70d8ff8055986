import { useEffect } from "react";
import { useWrite } from "@/api/client";
import type { ProviderTest } from "@/api/gen/ProviderTest";
import type { ProviderView } from "@/api/gen/ProviderView";
import { Dialog, ErrorView, Facts, Note, Progress } from "@/design";
import { count } from "@/format";
import { t } from "@/i18n";
import { quotaWords } from "./providers";

/** Asks a provider whether it takes the key, what may be sent, and what waits to be read. */
export function ProviderTestDialog({ provider, onClose }: { provider: ProviderView; onClose: () => void }) {
  const test = useWrite("providers.test");
  const { mutate } = test;
  const { id, label } = provider;
  useEffect(() => mutate({ id }), [mutate, id]);
  return (
    <Dialog
      open
      onClose={onClose}
      width="small"
      title={t("settings.provider_test.title", { name: provider.name })}
      about={t("settings.provider_test.about")}
      submit={{
        label: t("settings.provider_test.run"),
        run: () => mutate({ id }),
        busy: test.isPending,
        close: t("common.close"),
      }}
    >
      <div aria-live="polite" className="min-h-24 space-y-4">
        {test.isPending && (
          <div className="space-y-2">
            <p className="text-ink-2">{t("settings.provider_test.running", { label })}</p>
            <Progress done={0} total={null} label={t("settings.provider_test.running", { label })} />
          </div>
        )}
        {test.isError && <ErrorView error={test.error} />}
        {test.data?.ok === false && !test.isPending && (
          <Note tone="bad" title={t("settings.provider_test.failed", { label })}>
            <span className="wrap-anywhere">{test.data.message}</span>
          </Note>
        )}
        {test.data?.ok && !test.isPending && <Went test={test.data} label={label} />}
      </div>
    </Dialog>
  );
}

function Went({ test, label }: { test: ProviderTest; label: string }) {
  const { quota } = test;
  return (
    <>
      <Note tone="ok" title={t("settings.provider_test.ok", { label })} />
      {quota !== null && !quota.production && <Note tone="warn">{t("settings.provider_test.sandbox")}</Note>}
      {!test.tells && <Note tone="warn">{t("settings.provider_test.mute")}</Note>}
      <Facts
        items={[
          {
            label: t("settings.provider_test.quota"),
            value: quota === null ? t("settings.provider_test.no_quota", { label }) : quotaWords(quota),
          },
          ...(test.tells ? [{ label: t("settings.provider_test.found"), value: count(test.found) }] : []),
        ]}
      />
    </>
  );
}
