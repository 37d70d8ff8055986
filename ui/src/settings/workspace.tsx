import { useForm, useWatch } from "react-hook-form";
import { useRead, useWrite } from "@/api/client";
import type { Settings } from "@/api/gen/Settings";
import {
  Actions,
  Button,
  Combobox,
  ErrorView,
  Field,
  Note,
  Select,
  SkeletonLines,
  say,
  sayError,
  TextArea,
  TextInput,
} from "@/design";
import { t } from "@/i18n";
import { useSaveKey } from "@/shell/keys";
import { useUnsaved } from "@/shell/unsaved";
import { ZONES } from "@/shell/zones";
import { PartHead } from "./part";

/** Who sends, from where, and in which zone. */
export function WorkspacePart() {
  const settings = useRead("settings.get", {});
  // Only where there was never an answer: one that fails later must not take away what is written.
  if (settings.isLoadingError) return <ErrorView error={settings.error} onRetry={() => void settings.refetch()} />;
  if (settings.data === undefined) return <SkeletonLines />;
  return <WorkspaceForm settings={settings.data} />;
}

function WorkspaceForm({ settings }: { settings: Settings }) {
  const accounts = useRead("accounts.list", {});
  const form = useForm<Settings>({ values: settings, resetOptions: { keepDirtyValues: true } });
  const { time_zone, default_account } = useWatch({ control: form.control }) as Settings;
  const save = useWrite("settings.save", {
    onSuccess: (saved) => {
      form.reset(saved);
      say(t("common.saved"));
    },
    onError: (error) => {
      for (const [field, message] of Object.entries(error.fields)) form.setError(field as keyof Settings, { message });
      if (Object.keys(error.fields).length === 0) sayError(error);
    },
  });
  const onSubmit = form.handleSubmit((values) => save.mutate(values));
  const { errors, isDirty } = form.formState;
  useUnsaved(isDirty);
  useSaveKey(isDirty && !save.isPending ? () => void onSubmit() : null);
  return (
    <form className="space-y-5" onSubmit={(event) => void onSubmit(event)}>
      <PartHead title={t("settings.parts.workspace")} about={t("settings.workspace.about")} />
      {settings.postal_address === "" && (
        <Note tone="warn" title={t("settings.workspace.no_address")}>
          {t("settings.workspace.no_address_about")}
        </Note>
      )}
      <div className="grid grid-cols-2 gap-4">
        <Field label={t("settings.workspace.name")} error={errors.name?.message}>
          <TextInput
            {...form.register("name", {
              validate: (name) => name.trim() !== "" || t("settings.workspace.name_needed"),
            })}
          />
        </Field>
        <Field
          label={t("settings.workspace.organisation")}
          help={t("settings.workspace.organisation_help")}
          error={errors.organisation?.message}
        >
          <TextInput {...form.register("organisation")} />
        </Field>
      </div>
      <Field
        label={t("settings.workspace.address")}
        help={t("settings.workspace.address_help")}
        error={errors.postal_address?.message}
      >
        <TextArea {...form.register("postal_address")} />
      </Field>
      <div className="grid grid-cols-2 gap-4">
        <Field
          label={t("settings.workspace.zone")}
          help={t("settings.workspace.zone_help")}
          error={errors.time_zone?.message}
        >
          <Combobox
            label={t("settings.workspace.zone")}
            value={time_zone}
            onChange={(next) => next !== null && form.setValue("time_zone", next, { shouldDirty: true })}
            options={ZONES}
          />
        </Field>
        <Field label={t("settings.workspace.account")} help={t("settings.workspace.account_help")}>
          <Select
            value={default_account === null ? "none" : String(default_account)}
            onChange={(next) =>
              form.setValue("default_account", next === "none" ? null : Number(next), { shouldDirty: true })
            }
            options={[
              { value: "none", label: t("common.none") },
              ...(accounts.data ?? []).map((account) => ({
                value: String(account.id),
                label: account.name,
                about: account.from_email,
              })),
            ]}
          />
        </Field>
      </div>
      <Actions>
        {isDirty && <Button onClick={() => form.reset(settings)}>{t("settings.workspace.discard")}</Button>}
        <Button type="submit" look="primary" disabled={!isDirty} busy={save.isPending}>
          {t("common.save")}
        </Button>
      </Actions>
    </form>
  );
}
