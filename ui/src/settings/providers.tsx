import { CloudCog, KeyRound, Pencil, Plus, Power, ScanSearch, Trash2 } from "lucide-react";
import { useRead, useWrite } from "@/api/client";
import type { ProviderQuota } from "@/api/gen/ProviderQuota";
import type { ProviderView } from "@/api/gen/ProviderView";
import { Badge, Button, Confirm, EmptyState, ErrorView, IconButton, Progress, SkeletonLines, sayError } from "@/design";
import { ago, count } from "@/format";
import { t } from "@/i18n";
import { useClock } from "@/shell/now";
import { type Asking, useLed, type What } from "./led";
import { PartHead } from "./part";
import { ProviderDialog } from "./provider-form";
import { ProviderTestDialog } from "./provider-test";
import { ReadNow } from "./read-now";
import { ProviderSecretDialog } from "./secret";
import { Unlock } from "./unlock";

/** Companies that send for the user and tell what came back. A new one is led through its key and a test. */
export function Providers() {
  const list = useRead("providers.list", {});
  const led = useLed();
  const add = (
    <Button look="primary" icon={Plus} onClick={led.add}>
      {t("settings.providers.add")}
    </Button>
  );
  const some = list.data !== undefined && list.data.length > 0;
  return (
    <>
      <PartHead title={t("settings.parts.providers")} about={t("settings.providers.about")}>
        {some && (
          <>
            <ReadNow />
            {add}
          </>
        )}
      </PartHead>
      {list.isError && <ErrorView error={list.error} onRetry={() => void list.refetch()} />}
      {list.isPending && <SkeletonLines />}
      {list.data?.length === 0 && (
        <EmptyState icon={CloudCog} title={t("settings.providers.none")} about={t("settings.providers.none_about")}>
          {add}
        </EmptyState>
      )}
      {list.data?.some(({ locked }) => locked) && <Unlock about={t("settings.providers.locked_about")} />}
      <ul className="space-y-3">
        {list.data?.map((provider) => (
          <Row key={provider.id} provider={provider} onAsk={(what) => led.ask(what, provider.id)} />
        ))}
      </ul>
      <Asked asking={led.asking} list={list.data ?? []} onClose={led.close} onSaved={led.saved} onKept={led.kept} />
    </>
  );
}

/** Where the account lives there, in the words of its kind. */
export function placeOf({ settings }: Pick<ProviderView, "settings">): string {
  const { region, domain, key_id, stream } = settings;
  return [domain, region, key_id, stream ?? ""].filter((part) => part !== "").join(" · ");
}

function Row({ provider, onAsk }: { provider: ProviderView; onAsk: (what: What) => void }) {
  const { now } = useClock();
  const turn = useWrite("providers.switch", { onError: sayError });
  const { name, quota } = provider;
  const place = placeOf(provider);
  return (
    <li className="rounded-card border border-line-subtle bg-surface p-4">
      <div className="flex flex-wrap items-start gap-x-3 gap-y-2">
        <div className="min-w-0 flex-1 basis-72">
          <p className="flex flex-wrap items-center gap-2">
            <span className="min-w-0 truncate font-semibold">{name}</span>
            {!provider.has_secret && (
              <Badge tone="warn" dot>
                {t("settings.providers.no_key")}
              </Badge>
            )}
            {quota !== null && !quota.production && <Badge tone="warn">{t("settings.providers.sandbox")}</Badge>}
            {provider.off && <Badge tone="warn">{t("settings.providers.off")}</Badge>}
          </p>
          <p className="truncate text-ink-2">{place === "" ? provider.label : `${provider.label} · ${place}`}</p>
          <p className="truncate text-ink-3 text-table">
            {provider.accounts.length === 0
              ? t("settings.providers.unused")
              : t("settings.providers.used_by", { names: provider.accounts.join(", ") })}
          </p>
          <p className="text-ink-3 text-table">{heard(provider, now)}</p>
          {provider.trouble !== null && <p className="wrap-anywhere text-bad text-table">{provider.trouble}</p>}
        </div>
        <div className="flex shrink-0 items-center gap-1">
          <Button icon={ScanSearch} onClick={() => onAsk("test")}>
            {t("settings.providers.test")}
          </Button>
          <IconButton
            icon={KeyRound}
            label={t("settings.providers.secret", { name })}
            onClick={() => onAsk("secret")}
          />
          <IconButton icon={Pencil} label={t("settings.providers.edit", { name })} onClick={() => onAsk("edit")} />
          <IconButton
            icon={Power}
            label={t(provider.off ? "settings.providers.switch_on" : "settings.providers.switch_off", { name })}
            onClick={() => turn.mutate({ id: provider.id, off: !provider.off })}
          />
          <IconButton icon={Trash2} label={t("settings.providers.delete", { name })} onClick={() => onAsk("delete")} />
        </div>
      </div>
      {quota !== null && (
        <div className="mt-3 grid grid-cols-[1fr_auto] items-center gap-x-4 gap-y-1 text-table">
          <Progress done={quota.sent} total={quota.limit} label={t("settings.providers.quota")} />
          <span className="figures text-ink-2">
            {`${quotaWords(quota)} · ${t("settings.providers.told", { ago: ago(quota.at, now) })}`}
          </span>
        </div>
      )}
    </li>
  );
}

function heard({ tells, off, read_at }: ProviderView, now: string): string {
  if (!tells) return t("settings.providers.mute");
  if (off) return t("settings.providers.not_read");
  return read_at === null ? t("settings.listening.never") : t("settings.listening.read", { ago: ago(read_at, now) });
}

/** What a provider may send, in a line. */
export function quotaWords({ limit, sent, per_day, per_second }: ProviderQuota): string {
  const all =
    limit === null
      ? t("settings.providers.no_limit")
      : t(per_day ? "settings.providers.of_day" : "settings.providers.of_plan", {
          sent: count(sent),
          limit: count(limit),
        });
  return per_second === null ? all : `${all}, ${t("settings.providers.per_second", { n: count(per_second) })}`;
}

/** The dialog that is open, if one is. */
function Asked({
  asking,
  list,
  onClose,
  onSaved,
  onKept,
}: {
  asking: Asking;
  list: readonly ProviderView[];
  onClose: () => void;
  onSaved: (id: number) => void;
  onKept: (id: number) => void;
}) {
  const remove = useWrite("providers.delete", { onSuccess: onClose, onError: sayError });
  if (asking === null) return null;
  if (asking.what === "add") return <ProviderDialog provider={null} onClose={onClose} onSaved={onSaved} />;
  // A provider that was just added is in the list a moment later.
  const provider = list.find((each) => each.id === asking.id);
  if (provider === undefined) return null;
  switch (asking.what) {
    case "edit":
      return <ProviderDialog provider={provider} onClose={onClose} onSaved={onSaved} />;
    case "secret":
      return <ProviderSecretDialog provider={provider} onClose={onClose} onKept={() => onKept(provider.id)} />;
    case "test":
      return <ProviderTestDialog provider={provider} onClose={onClose} />;
    case "delete":
      return (
        <Confirm
          open
          onClose={onClose}
          onConfirm={() => remove.mutate({ id: provider.id })}
          busy={remove.isPending}
          title={t("settings.providers.delete_title", { name: provider.name })}
          about={t("settings.providers.delete_about")}
          action={t("settings.providers.delete_action")}
        />
      );
  }
}
