import { zodResolver } from "@hookform/resolvers/zod";
import { useForm, useWatch } from "react-hook-form";
import * as z from "zod/mini";
import { useRead, useWrite } from "@/api/client";
import type { ProviderKind } from "@/api/gen/ProviderKind";
import type { ProviderKindView } from "@/api/gen/ProviderKindView";
import type { ProviderView } from "@/api/gen/ProviderView";
import { CheckLine, Dialog, Field, Note, Select, SkeletonLines, sayError, TextInput } from "@/design";
import { t } from "@/i18n";
import { FIELDS, firstOf, type ProviderForm, settingsOf } from "./provider-draft";

const text = z.string().check(z.trim());
const form = z
  .object({
    kind: z.enum(["ses", "mailgun", "postmark", "brevo", "sendgrid"]),
    name: text.check(z.minLength(1)),
    region: text,
    domain: text,
    key_id: text,
    configuration_set: text,
    queue_url: text.check(z.regex(/^(https?:\/\/\S+)?$/)),
    stream: text,
    tell_unsubscribed: z.boolean(),
  })
  .check(
    z.refine((given) => has(given, "region"), { path: ["region"] }),
    z.refine((given) => has(given, "key_id"), { path: ["key_id"] }),
    z.refine((given) => has(given, "domain"), { path: ["domain"] }),
  );

/** Whether a field is filled in where its kind cannot do without it. */
const has = (given: ProviderForm, field: "region" | "key_id" | "domain") =>
  given[field] !== "" || !FIELDS[given.kind].needed.includes(field);

/** Asks what the account at a provider is known by. The key has a form of its own. */
export function ProviderDialog({
  provider,
  onClose,
  onSaved,
}: {
  provider: ProviderView | null;
  onClose: () => void;
  onSaved: (id: number) => void;
}) {
  const kinds = useRead("providers.kinds", {});
  if (kinds.data === undefined) {
    return (
      <Dialog open onClose={onClose} title={t("settings.providers.add")}>
        {kinds.isError ? <Note tone="bad">{kinds.error.message}</Note> : <SkeletonLines />}
      </Dialog>
    );
  }
  return <Ask provider={provider} kinds={kinds.data} onClose={onClose} onSaved={onSaved} />;
}

function Ask({
  provider,
  kinds,
  onClose,
  onSaved,
}: {
  provider: ProviderView | null;
  kinds: readonly ProviderKindView[];
  onClose: () => void;
  onSaved: (id: number) => void;
}) {
  const { register, handleSubmit, setValue, control, formState } = useForm<ProviderForm>({
    resolver: zodResolver(form),
    defaultValues: firstOf(provider),
  });
  const { kind, region, tell_unsubscribed } = useWatch({ control }) as ProviderForm;
  const done = { onSuccess: ({ id }: { id: number }) => onSaved(id), onError: sayError };
  const add = useWrite("providers.add", done);
  const update = useWrite("providers.update", done);
  const chosen = kinds.find((each) => each.kind === kind);
  const label = chosen?.label ?? kind;
  const { shown, needed } = FIELDS[kind];
  const onSubmit = handleSubmit((given) => {
    const draft = { name: given.name, settings: settingsOf(given, provider?.settings) };
    if (provider === null) add.mutate({ provider: draft });
    else update.mutate({ id: provider.id, provider: draft });
  });
  const wrong = (field: keyof ProviderForm) =>
    formState.errors[field] === undefined
      ? undefined
      : t(`settings.providers.wrong.${field === "queue_url" ? "address" : "empty"}`);
  return (
    <Dialog
      open
      onClose={onClose}
      title={provider === null ? t("settings.providers.add") : t("settings.providers.edit", { name: provider.name })}
      submit={{
        label: t(provider === null ? "settings.mailboxes.save_next" : "common.save"),
        run: () => void onSubmit(),
        busy: add.isPending || update.isPending,
      }}
    >
      <div className="grid grid-cols-6 gap-x-4 gap-y-4">
        <Field label={t("settings.providers.kind")} className="col-span-3">
          <Select
            value={kind}
            onChange={(next: ProviderKind) => {
              setValue("kind", next);
              setValue("region", "");
            }}
            disabled={provider !== null}
            options={kinds.map((each) => ({ value: each.kind, label: each.label }))}
          />
        </Field>
        <Field label={t("settings.providers.name")} error={wrong("name")} className="col-span-3">
          <TextInput {...register("name")} />
        </Field>
        <div className="col-span-6">
          <Note>
            {t(`settings.providers.notes.${kind}`)} {t("settings.providers.dated", { day: chosen?.dated ?? "" })}
          </Note>
        </div>
        {shown.map((field) => (
          <Field
            key={field}
            label={t(`settings.providers.fields.${field}`)}
            help={t(`settings.providers.help.${field}`)}
            error={wrong(field)}
            optional={!needed.includes(field) && field !== "region"}
            className={field === "queue_url" ? "col-span-6" : "col-span-3"}
          >
            {field === "region" && chosen !== undefined && chosen.regions.length > 0 ? (
              <Select
                value={region}
                onChange={(next) => setValue("region", next)}
                options={[
                  ...(chosen.regions.includes("us") ? [] : [{ value: "", label: t("settings.providers.worldwide") }]),
                  ...chosen.regions.map((each) => ({ value: each, label: each.toUpperCase() })),
                ]}
                placeholder={t("settings.providers.worldwide")}
              />
            ) : (
              <TextInput {...register(field)} />
            )}
          </Field>
        ))}
        <div className="col-span-6">
          <CheckLine
            checked={tell_unsubscribed}
            onChange={(on) => setValue("tell_unsubscribed", on)}
            label={t("settings.providers.tell", { label })}
            about={t("settings.providers.tell_about", { label })}
          />
        </div>
      </div>
    </Dialog>
  );
}
