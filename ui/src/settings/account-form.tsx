import { zodResolver } from "@hookform/resolvers/zod";
import { useForm, useWatch } from "react-hook-form";
import * as z from "zod/mini";
import { useRead, useWrite } from "@/api/client";
import type { AccountDraft } from "@/api/gen/AccountDraft";
import type { AccountRow } from "@/api/gen/AccountRow";
import type { Tls } from "@/api/gen/Tls";
import { Dialog, Field, Note, Select, sayError, TextInput } from "@/design";
import { t } from "@/i18n";
import { AuthFields, type AuthForm, authOf, firstAuth } from "./auth-fields";

const SMTP = "smtp";
const count = z.number().check(z.int(), z.gte(1));
const fields = z.object({
  name: z.string().check(z.trim(), z.minLength(1)),
  /** Id of the provider mail leaves through; `SMTP` for a mail server. */
  through: z.string(),
  host: z.string().check(z.trim()),
  port: z.number().check(z.int(), z.gte(1), z.lte(65_535)),
  tls: z.enum(["starttls", "tls", "none"]),
  user: z.string().check(z.trim()),
  from_name: z.string().check(z.trim(), z.minLength(1)),
  from_email: z.string().check(z.trim(), z.regex(/^\S+@\S+$/)),
  reply_to: z.string().check(z.trim(), z.regex(/^(\S+@\S+)?$/)),
  per_day: count,
  per_minute: count,
  sessions: z.number().check(z.int(), z.gte(1), z.lte(50)),
  preset: z.string(),
  method: z.enum(["password", "oauth"]),
  provider: z.string(),
  client_id: z.string(),
});
type Form = z.infer<typeof fields>;
const form = fields.check(z.refine((given: Form) => given.through !== SMTP || given.host !== "", { path: ["host"] }));

const OWN = "own";
const PORTS: Record<Tls, number> = { starttls: 587, tls: 465, none: 25 };

const first = (account: AccountRow | null): Form => ({
  name: account?.name ?? "",
  through: account?.provider == null ? SMTP : String(account.provider),
  host: account?.host ?? "",
  port: account?.port ?? PORTS.starttls,
  tls: account?.tls ?? "starttls",
  user: account?.user ?? "",
  from_name: account?.from_name ?? "",
  from_email: account?.from_email ?? "",
  reply_to: account?.reply_to ?? "",
  per_day: account?.per_day ?? 500,
  per_minute: account?.per_minute ?? 30,
  sessions: account?.sessions ?? 2,
  preset: account?.preset ?? OWN,
  ...firstAuth(account?.auth),
});

/** Asks what a mail server needs to know, and how much it takes. The password has a form of its own. */
export function AccountDialog({ account, onClose }: { account: AccountRow | null; onClose: () => void }) {
  const presets = useRead("presets.senders", {});
  const providers = useRead("providers.list", {});
  const signIns = useRead("mailboxes.presets", {});
  const signInAt = signIns.data?.providers ?? [];
  const { register, handleSubmit, setValue, control, formState } = useForm<Form>({
    resolver: zodResolver(form),
    defaultValues: first(account),
  });
  const { tls, preset, through, user, method, provider, client_id } = useWatch({ control }) as Form;
  const add = useWrite("accounts.add", { onSuccess: onClose, onError: sayError });
  const update = useWrite("accounts.update", { onSuccess: onClose, onError: sayError });
  const chosen = presets.data?.find((each) => each.key === preset);
  const onPreset = (key: string) => {
    setValue("preset", key);
    const found = presets.data?.find((each) => each.key === key);
    if (found === undefined) return;
    for (const field of ["host", "port", "tls", "per_day", "per_minute", "sessions"] as const) {
      setValue(field, found[field], { shouldValidate: true });
    }
  };
  const onThrough = (next: string) => {
    setValue("through", next);
    if (next === SMTP || through !== SMTP) return;
    // The provider's own quota holds as well.
    setValue("per_day", 10_000);
    setValue("per_minute", 300);
    setValue("sessions", 4);
  };
  const lacks = (field: "provider" | "client_id") =>
    formState.isSubmitted && method === "oauth" && { provider, client_id }[field].trim() === ""
      ? t(`settings.mailboxes.wrong.${field === "client_id" ? "client_id" : "empty"}`)
      : undefined;
  const onSubmit = handleSubmit(({ through, method, provider, client_id, ...given }) => {
    const signsIn = through === SMTP && method === "oauth";
    if (signsIn && (provider === "" || client_id.trim() === "")) return;
    const draft: AccountDraft = {
      ...given,
      provider: through === SMTP ? null : Number(through),
      auth: authOf({ method: signsIn ? method : "password", provider, client_id }, signInAt, account?.auth),
      reply_to: given.reply_to === "" ? null : given.reply_to,
      ca_file: account?.ca_file ?? null,
      preset: given.preset === OWN ? null : given.preset,
    };
    if (account === null) add.mutate({ account: draft });
    else update.mutate({ id: account.id, account: draft });
  });
  const wrong = (field: keyof Form) =>
    formState.errors[field] === undefined
      ? undefined
      : t(
          `settings.accounts.wrong.${field === "from_email" || field === "reply_to" ? "email" : field === "host" || field === "name" || field === "from_name" ? "empty" : "number"}`,
        );
  return (
    <Dialog
      open
      onClose={onClose}
      title={account === null ? t("settings.accounts.add") : t("settings.accounts.edit", { name: account.name })}
      submit={{ label: t("common.save"), run: () => void onSubmit(), busy: add.isPending || update.isPending }}
    >
      <div className="grid grid-cols-6 gap-x-4 gap-y-4">
        {(providers.data ?? []).length > 0 && (
          <Field label={t("settings.accounts.way")} className="col-span-6">
            <Select
              value={through}
              onChange={onThrough}
              options={[
                { value: SMTP, label: t("settings.accounts.smtp") },
                ...(providers.data ?? []).map(({ id, name, label }) => ({
                  value: String(id),
                  label: name === label ? name : `${name} (${label})`,
                })),
              ]}
            />
          </Field>
        )}
        <Field label={t("settings.accounts.name")} error={wrong("name")} className="col-span-3">
          <TextInput {...register("name")} />
        </Field>
        {through === SMTP && (
          <Field label={t("settings.accounts.preset")} className="col-span-3">
            <Select
              value={preset}
              onChange={onPreset}
              options={[
                { value: OWN, label: t("settings.accounts.own") },
                ...(presets.data ?? []).map((each) => ({ value: each.key, label: each.name })),
              ]}
            />
          </Field>
        )}
        {through === SMTP && chosen !== undefined && (
          <div className="col-span-6">
            <Note>
              {chosen.note} {t("settings.accounts.dated", { day: chosen.dated })}
            </Note>
          </div>
        )}
        {through === SMTP && (
          <>
            <Field label={t("settings.accounts.host")} error={wrong("host")} className="col-span-3">
              <TextInput {...register("host")} />
            </Field>
            <Field label={t("settings.accounts.security")} className="col-span-2">
              <Select
                value={tls}
                onChange={(next) => {
                  setValue("tls", next);
                  setValue("port", PORTS[next]);
                }}
                options={(["starttls", "tls", "none"] as const).map((value) => ({
                  value,
                  label: t(`settings.accounts.tls.${value}`),
                }))}
              />
            </Field>
            <Field label={t("settings.accounts.port")} error={wrong("port")}>
              <TextInput inputMode="numeric" {...register("port", { valueAsNumber: true })} />
            </Field>
            {tls === "none" && (
              <div className="col-span-6">
                <Note tone="warn">{t("settings.accounts.none_warning")}</Note>
              </div>
            )}
            <Field label={t("settings.accounts.user")} help={t("settings.accounts.user_help")} className="col-span-6">
              <TextInput {...register("user")} />
            </Field>
          </>
        )}
        {through === SMTP && user.trim() !== "" && (
          <AuthFields
            auth={{ method, provider, client_id }}
            providers={signInAt}
            wrong={lacks}
            onChange={(change) => {
              for (const [field, value] of Object.entries(change)) setValue(field as keyof AuthForm, value);
            }}
          />
        )}
        <Field label={t("settings.accounts.from_name")} error={wrong("from_name")} className="col-span-3">
          <TextInput {...register("from_name")} />
        </Field>
        <Field label={t("settings.accounts.from_email")} error={wrong("from_email")} className="col-span-3">
          <TextInput type="email" {...register("from_email")} />
        </Field>
        <Field label={t("settings.accounts.reply_to")} error={wrong("reply_to")} optional className="col-span-6">
          <TextInput type="email" {...register("reply_to")} />
        </Field>
        <Field label={t("settings.accounts.per_day")} error={wrong("per_day")} className="col-span-2">
          <TextInput inputMode="numeric" {...register("per_day", { valueAsNumber: true })} />
        </Field>
        <Field label={t("settings.accounts.per_minute")} error={wrong("per_minute")} className="col-span-2">
          <TextInput inputMode="numeric" {...register("per_minute", { valueAsNumber: true })} />
        </Field>
        <Field label={t("settings.accounts.sessions")} error={wrong("sessions")} className="col-span-2">
          <TextInput inputMode="numeric" {...register("sessions", { valueAsNumber: true })} />
        </Field>
      </div>
    </Dialog>
  );
}
