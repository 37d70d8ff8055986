import { Ban, Plus, X } from "lucide-react";
import { useState } from "react";
import { useWrite } from "@/api/client";
import type { Suppression } from "@/api/commands.draft";
import {
  Button,
  Dialog,
  EmptyState,
  ErrorView,
  Field,
  Grid,
  IconButton,
  SearchInput,
  sayError,
  TextInput,
} from "@/design";
import { day } from "@/format";
import { t } from "@/i18n";
import { useDelayed } from "@/shell/delayed";
import { usePages } from "@/shell/pages";
import { sourceText } from "@/shell/timeline";
import { PartHead } from "./part";

/** Addresses that are never written to. */
export function Suppressions() {
  const [typed, setTyped] = useState("");
  const search = useDelayed(typed.trim(), 120);
  const list = usePages("suppressions.list", { search: search === "" ? null : search });
  const [adding, setAdding] = useState(false);
  const [removing, setRemoving] = useState<Suppression | null>(null);
  if (list.error !== null) return <ErrorView error={list.error} onRetry={list.refetch} />;
  return (
    <>
      <PartHead title={t("settings.parts.suppressions")} about={t("settings.suppressions.about")}>
        <Button icon={Plus} onClick={() => setAdding(true)}>
          {t("settings.suppressions.add")}
        </Button>
      </PartHead>
      <SearchInput className="w-72" label={t("settings.suppressions.search")} value={typed} onChange={setTyped} />
      <div className="flex h-130 flex-col overflow-hidden rounded-card border border-line-subtle bg-surface">
        <Grid
          label={t("settings.parts.suppressions")}
          rows={list.total ?? 0}
          rowAt={list.rowAt}
          onRange={list.onRange}
          keyOf={(row) => row.id}
          empty={
            list.total === undefined ? undefined : (
              <EmptyState
                icon={Ban}
                title={t("settings.suppressions.none")}
                about={t("settings.suppressions.none_about")}
              />
            )
          }
          columns={[
            {
              key: "email",
              title: t("settings.suppressions.email"),
              width: 260,
              cell: (row) => row.email ?? <span className="text-ink-3">{t("settings.suppressions.hash_only")}</span>,
            },
            {
              key: "reason",
              title: t("settings.suppressions.reason"),
              width: 160,
              cell: (row) => t(`common.suppression_reasons.${row.reason}`),
            },
            {
              key: "source",
              title: t("settings.suppressions.source"),
              width: 150,
              cell: (row) => <span className="text-ink-2">{sourceText(row.source)}</span>,
            },
            {
              key: "at",
              title: t("settings.suppressions.since"),
              width: 110,
              numeric: true,
              cell: (row) => day(row.at),
            },
            {
              key: "do",
              title: t("common.actions"),
              quiet: true,
              width: 64,
              cell: (row) => (
                <IconButton icon={X} label={t("settings.suppressions.remove")} onClick={() => setRemoving(row)} />
              ),
            },
          ]}
        />
      </div>
      {adding && <Add onClose={() => setAdding(false)} />}
      {removing !== null && <Remove row={removing} onClose={() => setRemoving(null)} />}
    </>
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
      actions={
        <>
          <Button onClick={onClose}>{t("common.cancel")}</Button>
          <Button
            look="primary"
            disabled={!/^\S+@\S+$/.test(email.trim()) || source.trim() === ""}
            busy={add.isPending}
            onClick={() => add.mutate({ email: email.trim(), reason: "manual", source: source.trim() })}
          >
            {t("settings.suppressions.add")}
          </Button>
        </>
      }
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

function Remove({ row, onClose }: { row: Suppression; onClose: () => void }) {
  const [why, setWhy] = useState("");
  const remove = useWrite("suppressions.remove", { onSuccess: onClose, onError: sayError });
  return (
    <Dialog
      open
      onClose={onClose}
      width="small"
      title={t("settings.suppressions.remove_title", { email: row.email ?? t("settings.suppressions.hash_only") })}
      about={t("settings.suppressions.remove_about")}
      actions={
        <>
          <Button onClick={onClose}>{t("common.cancel")}</Button>
          <Button
            look="danger"
            disabled={why.trim() === ""}
            busy={remove.isPending}
            onClick={() => remove.mutate({ id: row.id, why: why.trim() })}
          >
            {t("settings.suppressions.remove")}
          </Button>
        </>
      }
    >
      <Field label={t("settings.suppressions.why")} help={t("settings.suppressions.why_help")}>
        <TextInput value={why} onChange={(event) => setWhy(event.target.value)} />
      </Field>
    </Dialog>
  );
}
