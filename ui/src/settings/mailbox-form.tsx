import { zodResolver } from "@hookform/resolvers/zod";
import { useForm, useWatch } from "react-hook-form";
import * as z from "zod/mini";
import { useRead, useWrite } from "@/api/client";
import type { Mailbox } from "@/api/gen/Mailbox";
import type { MailboxPresetsView } from "@/api/gen/MailboxPresetsView";
import type { MailboxView } from "@/api/gen/MailboxView";
import { Dialog, Field, Note, Select, SkeletonLines, sayError, TextInput } from "@/design";
import { t } from "@/i18n";
import { AuthFields, type AuthForm, authOf } from "./auth-fields";
import { firstOf, type MailboxForm, PORTS } from "./mailbox-draft";

const needed = z.string().check(z.trim(), z.minLength(1));
const form = z
  .object({
    preset: z.string(),
    name: needed,
    host: needed,
    port: z.number().check(z.int(), z.gte(1), z.lte(65_535)),
    tls: z.enum(["starttls", "tls", "none"]),
    user: needed,
    method: z.enum(["password", "oauth"]),
    provider: z.string(),
    client_id: z.string().check(z.trim()),
  })
  .check(
    z.refine((given) => given.method === "password" || given.client_id !== "", { path: ["client_id"] }),
    z.refine((given) => given.method === "password" || given.provider !== "", { path: ["provider"] }),
  );

/** Asks what it takes to read a mailbox. The password has a form of its own. */
export function MailboxDialog({
  mailbox,
  onClose,
  onSaved,
}: {
  mailbox: MailboxView | null;
  onClose: () => void;
  onSaved: (saved: Mailbox) => void;
}) {
  const presets = useRead("mailboxes.presets", {});
  if (presets.data === undefined) {
    return (
      <Dialog open onClose={onClose} title={t("settings.mailboxes.add")}>
        {presets.isError ? <Note tone="bad">{presets.error.message}</Note> : <SkeletonLines />}
      </Dialog>
    );
  }
  return <Ask mailbox={mailbox} presets={presets.data} onClose={onClose} onSaved={onSaved} />;
}

function Ask({
  mailbox,
  presets,
  onClose,
  onSaved,
}: {
  mailbox: MailboxView | null;
  presets: MailboxPresetsView;
  onClose: () => void;
  onSaved: (saved: Mailbox) => void;
}) {
  const { register, handleSubmit, setValue, control, formState } = useForm<MailboxForm>({
    resolver: zodResolver(form),
    defaultValues: firstOf(mailbox, presets.mailboxes),
  });
  const { tls, preset, method, provider, client_id } = useWatch({ control }) as MailboxForm;
  const add = useWrite("mailboxes.add", { onSuccess: onSaved, onError: sayError });
  const update = useWrite("mailboxes.update", { onSuccess: onSaved, onError: sayError });
  const chosen = presets.mailboxes.find((each) => each.key === preset);
  const onPreset = (key: string) => {
    setValue("preset", key);
    const found = presets.mailboxes.find((each) => each.key === key);
    if (found === undefined) return;
    if (found.host !== "") setValue("host", found.host, { shouldValidate: true });
    setValue("port", found.port, { shouldValidate: true });
    setValue("tls", found.tls);
    if (found.sign_in === null) setValue("method", "password");
    else setValue("provider", found.sign_in);
  };
  const onSubmit = handleSubmit((given) => {
    const draft = {
      name: given.name,
      host: given.host,
      port: given.port,
      tls: given.tls,
      user: given.user,
      auth: authOf(given, presets.providers, mailbox?.auth),
      folders: mailbox?.folders ?? [],
      ca_file: mailbox?.ca_file ?? null,
    };
    if (mailbox === null) add.mutate({ mailbox: draft });
    else update.mutate({ id: mailbox.id, mailbox: draft });
  });
  const wrong = (field: "name" | "host" | "port" | "user" | "client_id" | "provider") =>
    formState.errors[field] === undefined
      ? undefined
      : t(`settings.mailboxes.wrong.${field === "port" ? "number" : field === "client_id" ? "client_id" : "empty"}`);
  return (
    <Dialog
      open
      onClose={onClose}
      title={mailbox === null ? t("settings.mailboxes.add") : t("settings.mailboxes.edit", { name: mailbox.name })}
      submit={{
        label: t(mailbox === null ? "settings.mailboxes.save_next" : "common.save"),
        run: () => void onSubmit(),
        busy: add.isPending || update.isPending,
      }}
    >
      <div className="grid grid-cols-6 gap-x-4 gap-y-4">
        <Field label={t("settings.mailboxes.preset")} className="col-span-3">
          <Select
            value={preset === "" ? null : preset}
            onChange={onPreset}
            options={presets.mailboxes.map((each) => ({ value: each.key, label: each.name }))}
          />
        </Field>
        <Field label={t("settings.mailboxes.name")} error={wrong("name")} className="col-span-3">
          <TextInput {...register("name")} />
        </Field>
        {chosen !== undefined && (
          <div className="col-span-6">
            <Note>
              {chosen.note} {t("settings.mailboxes.dated", { day: chosen.dated })}
            </Note>
          </div>
        )}
        <Field label={t("settings.mailboxes.host")} error={wrong("host")} className="col-span-3">
          <TextInput {...register("host")} />
        </Field>
        <Field label={t("settings.mailboxes.security")} className="col-span-2">
          <Select
            value={tls}
            onChange={(next) => {
              setValue("tls", next);
              setValue("port", PORTS[next]);
            }}
            options={(["tls", "starttls", "none"] as const).map((value) => ({
              value,
              label: t(`settings.accounts.tls.${value}`),
            }))}
          />
        </Field>
        <Field label={t("settings.mailboxes.port")} error={wrong("port")}>
          <TextInput inputMode="numeric" {...register("port", { valueAsNumber: true })} />
        </Field>
        {tls === "none" && (
          <div className="col-span-6">
            <Note tone="warn">{t("settings.accounts.none_warning")}</Note>
          </div>
        )}
        <Field
          label={t("settings.mailboxes.user")}
          help={t("settings.mailboxes.user_help")}
          error={wrong("user")}
          className="col-span-6"
        >
          <TextInput {...register("user")} />
        </Field>
        <AuthFields
          auth={{ method, provider, client_id }}
          providers={presets.providers}
          wrong={wrong}
          onChange={(change) => {
            for (const [field, value] of Object.entries(change)) {
              setValue(field as keyof AuthForm, value, { shouldValidate: formState.isSubmitted });
            }
          }}
        />
      </div>
    </Dialog>
  );
}
