import type { Provider } from "@/api/gen/Provider";
import type { ProviderKind } from "@/api/gen/ProviderKind";
import type { ProviderView } from "@/api/gen/ProviderView";

/** What the form holds: every field of every kind; only those of the chosen one are shown and kept. */
export interface ProviderForm {
  kind: ProviderKind;
  name: string;
  region: string;
  domain: string;
  key_id: string;
  configuration_set: string;
  queue_url: string;
  stream: string;
  tell_unsubscribed: boolean;
}

/** Fields of a kind beside its name, and which of them it cannot do without. */
export const FIELDS: Record<ProviderKind, { shown: readonly Text[]; needed: readonly Text[] }> = {
  ses: { shown: ["region", "key_id", "configuration_set", "queue_url"], needed: ["region", "key_id"] },
  mailgun: { shown: ["region", "domain"], needed: ["domain"] },
  postmark: { shown: ["stream"], needed: [] },
  brevo: { shown: [], needed: [] },
  sendgrid: { shown: ["region"], needed: [] },
};
type Text = "region" | "domain" | "key_id" | "configuration_set" | "queue_url" | "stream";

/** The form as it opens: as the provider is, or empty. */
export function firstOf(provider: ProviderView | null): ProviderForm {
  const settings = provider?.settings;
  return {
    kind: settings?.kind ?? "ses",
    name: provider?.name ?? "",
    region: settings?.region ?? "",
    domain: settings?.domain ?? "",
    key_id: settings?.key_id ?? "",
    configuration_set: settings?.configuration_set ?? "",
    queue_url: settings?.queue_url ?? "",
    stream: settings?.stream ?? "",
    tell_unsubscribed: settings?.tell_unsubscribed ?? false,
  };
}

/** The settings as they are saved. What the form does not show stays as it was. */
export function settingsOf(form: ProviderForm, before: Provider | undefined): Provider {
  const { shown } = FIELDS[form.kind];
  const text = (field: Text) => (shown.includes(field) ? form[field].trim() : "");
  const some = (field: Text) => (text(field) === "" ? null : text(field));
  return {
    kind: form.kind,
    region: text("region"),
    domain: text("domain"),
    key_id: text("key_id"),
    configuration_set: some("configuration_set"),
    queue_url: some("queue_url"),
    stream: some("stream"),
    host: before?.host ?? null,
    tell_unsubscribed: form.tell_unsubscribed,
  };
}
