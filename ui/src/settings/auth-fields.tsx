import type { Auth } from "@/api/gen/Auth";
import type { OAuthPresetView } from "@/api/gen/OAuthPresetView";
import { Choices, Field, Note, Select, TextInput } from "@/design";
import { t } from "@/i18n";

/** How one signs in to a mail server, as a form holds it. */
export interface AuthForm {
  method: "password" | "oauth";
  /** Key of the provider one signs in at. */
  provider: string;
  client_id: string;
}

/** The form as it opens. */
export const firstAuth = (auth: Auth | undefined): AuthForm => ({
  method: auth?.kind ?? "password",
  provider: auth?.kind === "oauth" ? auth.provider.kind : "",
  client_id: auth?.kind === "oauth" ? auth.provider.client_id : "",
});

/** How one signs in, as the form says. A registration that was already there keeps what the form does not show. */
export function authOf(form: AuthForm, providers: readonly OAuthPresetView[], before: Auth | undefined): Auth {
  if (form.method === "password") return { kind: "password" };
  const client_id = form.client_id.trim();
  if (before?.kind === "oauth" && before.provider.kind === form.provider) {
    return { kind: "oauth", provider: { ...before.provider, client_id } };
  }
  const preset = providers.find((each) => each.key === form.provider);
  return preset === undefined ? { kind: "password" } : { kind: "oauth", provider: { ...preset.provider, client_id } };
}

/** Asks for a password or a sign-in in the browser, and for the registration that wants. */
export function AuthFields({
  auth,
  providers,
  wrong,
  onChange,
}: {
  auth: AuthForm;
  providers: readonly OAuthPresetView[];
  wrong: (field: "provider" | "client_id") => string | undefined;
  onChange: (change: Partial<AuthForm>) => void;
}) {
  const signIn = providers.find((each) => each.key === auth.provider);
  return (
    <>
      <div className="col-span-6">
        <Choices
          label={t("settings.mailboxes.method")}
          columns={2}
          value={auth.method}
          onChange={(method) => onChange({ method })}
          options={(["password", "oauth"] as const).map((value) => ({
            value,
            label: t(`settings.mailboxes.methods.${value}`),
          }))}
        />
      </div>
      {auth.method === "oauth" && (
        <>
          <Field label={t("settings.mailboxes.provider")} error={wrong("provider")} className="col-span-2">
            <Select
              value={auth.provider === "" ? null : auth.provider}
              onChange={(provider) => onChange({ provider })}
              options={providers.map((each) => ({ value: each.key, label: each.name }))}
            />
          </Field>
          <Field
            label={t("settings.mailboxes.client_id")}
            help={t("settings.mailboxes.client_id_help")}
            error={wrong("client_id")}
            className="col-span-4"
          >
            <TextInput value={auth.client_id} onChange={(event) => onChange({ client_id: event.target.value })} />
          </Field>
          {signIn !== undefined && (
            <div className="col-span-6">
              <Note>{signIn.note}</Note>
            </div>
          )}
        </>
      )}
    </>
  );
}
