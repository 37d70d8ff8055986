import { Ban, Plus } from "lucide-react";
import { useState } from "react";
import { useRead, useWrite } from "@/api/client";
import {
  Badge,
  Button,
  Card,
  Dialog,
  EmptyState,
  ErrorView,
  Field,
  SearchInput,
  SkeletonLines,
  sayError,
  TextInput,
} from "@/design";
import { count } from "@/format";
import { t } from "@/i18n";
import { useDelayed } from "@/shell/delayed";
import { ExportMenu } from "@/shell/export";
import { PartHead } from "./part";

const isAddress = (text: string) => /^\S+@\S+$/.test(text);

/** Addresses that are never written to: how many and why, and whether one of them is there. */
export function Suppressions() {
  const counts = useRead("suppressions.counts", {});
  const [adding, setAdding] = useState(false);
  if (counts.isError) return <ErrorView error={counts.error} onRetry={() => void counts.refetch()} />;
  const reasons = (counts.data ?? []).filter((each) => each.count > 0);
  return (
    <>
      <PartHead title={t("settings.parts.suppressions")} about={t("settings.suppressions.about")}>
        {reasons.length > 0 && <ExportMenu list={{ of: "suppressions" }} name="suppressions" />}
        <Button icon={Plus} onClick={() => setAdding(true)}>
          {t("settings.suppressions.add")}
        </Button>
      </PartHead>
      <LookUp />
      {counts.data === undefined ? (
        <SkeletonLines />
      ) : reasons.length === 0 ? (
        <EmptyState icon={Ban} title={t("settings.suppressions.none")} about={t("settings.suppressions.none_about")} />
      ) : (
        <dl className="divide-y divide-line-subtle rounded-card border border-line-subtle bg-surface">
          {reasons.map((each) => (
            <div key={each.reason} className="flex items-baseline gap-3 px-4 py-2.5">
              <dt className="min-w-0 flex-1 font-medium">{t(`common.suppression_reasons.${each.reason}`)}</dt>
              <dd className="figures font-semibold">{count(each.count)}</dd>
            </div>
          ))}
        </dl>
      )}
      {adding && <Add onClose={() => setAdding(false)} />}
    </>
  );
}

function LookUp() {
  const [typed, setTyped] = useState("");
  const [lifting, setLifting] = useState(false);
  const email = useDelayed(typed.trim(), 250);
  const check = useRead("suppressions.check", { email }, { enabled: isAddress(email), gcTime: 0 });
  return (
    <Card title={t("settings.suppressions.look_up")} about={t("settings.suppressions.look_up_about")}>
      <div className="flex min-h-8 flex-wrap items-center gap-3">
        <SearchInput className="w-72" label={t("settings.suppressions.look_up")} value={typed} onChange={setTyped} />
        {isAddress(email) && check.data !== undefined && (
          <span role="status" className="flex items-center gap-3">
            <Badge tone={check.data.suppressed ? "bad" : "neutral"} dot>
              {t(check.data.suppressed ? "settings.suppressions.listed" : "settings.suppressions.not_listed", {
                email,
              })}
            </Badge>
            {check.data.suppressed && (
              <Button look="danger" onClick={() => setLifting(true)}>
                {t("settings.suppressions.remove")}
              </Button>
            )}
          </span>
        )}
        {isAddress(email) && check.isError && <span className="text-bad">{check.error.message}</span>}
      </div>
      {lifting && <Lift email={email} onClose={() => setLifting(false)} />}
    </Card>
  );
}

function Add({ onClose }: { onClose: () => void }) {
  const [email, setEmail] = useState("");
  const [source, setSource] = useState("");
  const add = useWrite("suppressions.add", { onSuccess: onClose, onError: sayError });
  return (
    <Dialog
      open
      onClose={onClose}
      width="small"
      title={t("settings.suppressions.add")}
      about={t("settings.suppressions.add_about")}
      submit={{
        label: t("settings.suppressions.add"),
        run: () => add.mutate({ email: email.trim(), reason: "manual", source: source.trim() }),
        disabled: !isAddress(email.trim()) || source.trim() === "",
        busy: add.isPending,
      }}
    >
      <div className="space-y-4">
        <Field label={t("settings.suppressions.email")}>
          <TextInput type="email" value={email} onChange={(event) => setEmail(event.target.value)} />
        </Field>
        <Field label={t("settings.suppressions.source")} help={t("settings.suppressions.source_help")}>
          <TextInput value={source} onChange={(event) => setSource(event.target.value)} />
        </Field>
      </div>
    </Dialog>
  );
}

function Lift({ email, onClose }: { email: string; onClose: () => void }) {
  const [why, setWhy] = useState("");
  const remove = useWrite("suppressions.lift", { onSuccess: onClose, onError: sayError });
  return (
    <Dialog
      open
      onClose={onClose}
      width="small"
      title={t("settings.suppressions.remove_title", { email })}
      about={t("settings.suppressions.remove_about")}
      submit={{
        label: t("settings.suppressions.remove"),
        run: () => remove.mutate({ email, why: why.trim() }),
        disabled: why.trim() === "",
        busy: remove.isPending,
        danger: true,
      }}
    >
      <Field label={t("settings.suppressions.why")} help={t("settings.suppressions.why_help")}>
        <TextInput value={why} onChange={(event) => setWhy(event.target.value)} />
      </Field>
    </Dialog>
  );
}
