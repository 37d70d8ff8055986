import { Copy, Pencil, Plus, Trash2 } from "lucide-react";
import { useState } from "react";
import { useRead, useWrite } from "@/api/client";
import type { FormDefinition } from "@/api/gen/FormDefinition";
import type { RelaySettings } from "@/api/gen/RelaySettings";
import { Button, Card, Confirm, ErrorView, Field, IconButton, SkeletonLines, say, sayError, TextArea } from "@/design";
import { t } from "@/i18n";
import { Confirmation } from "./confirmation";
import { copy } from "./copy";
import { linesOf, waitsForLink, wrongSite } from "./form-draft";
import { FormDialog } from "./form-editor";

type Asking = { what: "edit" | "delete"; form: FormDefinition } | { what: "add" } | null;

/** The forms the relay shows, each with its address, and the sites that may report to it. */
export function Forms({ base }: { base: string }) {
  const settings = useRead("relay.settings", {});
  if (settings.data === undefined) {
    return settings.isError ? (
      <ErrorView error={settings.error} onRetry={() => void settings.refetch()} />
    ) : (
      <SkeletonLines lines={3} />
    );
  }
  return (
    <>
      <List settings={settings.data} base={base} />
      <Sites key={settings.data.sites.join("\n")} settings={settings.data} />
    </>
  );
}

function List({ settings, base }: { settings: RelaySettings; base: string }) {
  const [asking, setAsking] = useState<Asking>(null);
  const close = () => setAsking(null);
  const save = useWrite("relay.save_settings", {
    onSuccess: () => {
      close();
      say(t("settings.forms.saved"));
    },
    onError: sayError,
  });
  const { forms } = settings;
  const put = (next: FormDefinition[]) => save.mutate({ ...settings, forms: next });
  return (
    <Card
      flush
      title={t("settings.forms.title")}
      about={t("settings.forms.about")}
      actions={
        <Button icon={Plus} onClick={() => setAsking({ what: "add" })}>
          {t("settings.forms.add")}
        </Button>
      }
    >
      {forms.length === 0 && <p className="px-4 pb-4 text-ink-3">{t("settings.forms.none")}</p>}
      <ul className="divide-y divide-line-subtle border-line-subtle border-t empty:hidden">
        {forms.map((form) => (
          <li key={form.key} className="flex items-center gap-1 px-4 py-2">
            <div className="min-w-0 flex-1">
              <p className="truncate font-medium">{form.title}</p>
              <p className="select-all truncate font-mono text-ink-2 text-table">{base + form.key}</p>
              <p className="text-ink-3 text-table">
                {t("settings.forms.fields", { n: form.fields.length })}
                {form.consents.length > 0 &&
                  ` · ${t(waitsForLink(form) ? "settings.forms.counts_later" : "settings.forms.counts_at_once")}`}
              </p>
            </div>
            <IconButton
              icon={Copy}
              label={t("settings.forms.copy", { name: form.title })}
              onClick={() => void copy(base + form.key, t("settings.forms.copied"))}
            />
            <IconButton
              icon={Pencil}
              label={t("settings.forms.edit", { name: form.title })}
              onClick={() => setAsking({ what: "edit", form })}
            />
            <IconButton
              icon={Trash2}
              label={t("settings.forms.delete", { name: form.title })}
              onClick={() => setAsking({ what: "delete", form })}
            />
          </li>
        ))}
      </ul>
      {forms.some(waitsForLink) && (
        <div className="border-line-subtle border-t">
          <Confirmation />
        </div>
      )}
      {(asking?.what === "add" || asking?.what === "edit") && (
        <FormDialog
          form={asking.what === "edit" ? asking.form : null}
          base={base}
          taken={forms.filter((each) => asking.what === "add" || each.key !== asking.form.key).map(({ key }) => key)}
          busy={save.isPending}
          onClose={close}
          onSave={(made) =>
            put(
              asking.what === "add"
                ? [...forms, made]
                : forms.map((each) => (each.key === asking.form.key ? made : each)),
            )
          }
        />
      )}
      {asking?.what === "delete" && (
        <Confirm
          open
          onClose={close}
          onConfirm={() => put(forms.filter((each) => each.key !== asking.form.key))}
          busy={save.isPending}
          title={t("settings.forms.delete_title", { name: asking.form.title })}
          about={t("settings.forms.delete_about")}
          action={t("settings.forms.delete_action")}
        />
      )}
    </Card>
  );
}

function Sites({ settings }: { settings: RelaySettings }) {
  const before = settings.sites.join("\n");
  const [typed, setTyped] = useState(before);
  const save = useWrite("relay.save_settings", {
    onSuccess: () => say(t("settings.forms.saved")),
    onError: sayError,
  });
  const sites = linesOf(typed);
  const wrong = wrongSite(sites);
  const changed = sites.join("\n") !== before;
  return (
    <Card title={t("settings.forms.sites")} about={t("settings.forms.sites_about")}>
      <form
        className="space-y-3"
        onSubmit={(event) => {
          event.preventDefault();
          if (wrong === undefined && changed) save.mutate({ ...settings, sites });
        }}
      >
        <Field
          label={t("settings.forms.sites_field")}
          error={wrong === undefined ? undefined : t("settings.forms.sites_wrong", { site: wrong })}
        >
          <TextArea
            rows={3}
            spellCheck={false}
            className="font-mono"
            value={typed}
            onChange={(event) => setTyped(event.target.value)}
          />
        </Field>
        <Button type="submit" disabled={!changed || wrong !== undefined} busy={save.isPending}>
          {t("settings.forms.sites_save")}
        </Button>
      </form>
    </Card>
  );
}
