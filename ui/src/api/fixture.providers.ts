// Providers and a key that signs, made up for the development of the screens.

import type { Listeners } from "./fixture.answers";
import { at } from "./fixture.people";
import type { ProviderDraft } from "./gen/ProviderDraft";
import type { ProviderKind } from "./gen/ProviderKind";
import type { ProviderKindView } from "./gen/ProviderKindView";
import type { ProviderView } from "./gen/ProviderView";

const LABELS: Record<ProviderKind, { label: string; regions: string[] }> = {
  ses: { label: "Amazon SES", regions: [] },
  mailgun: { label: "Mailgun", regions: ["eu", "us"] },
  postmark: { label: "Postmark", regions: [] },
  brevo: { label: "Brevo", regions: [] },
  sendgrid: { label: "SendGrid", regions: ["eu"] },
};

const POSTMARK: ProviderView = {
  id: 2,
  name: "Shop mail at Postmark",
  label: "Postmark",
  settings: {
    kind: "postmark",
    region: "",
    domain: "",
    key_id: "",
    configuration_set: null,
    queue_url: null,
    stream: "broadcast",
    host: null,
    tell_unsubscribed: false,
  },
  tells: true,
  off: false,
  has_secret: true,
  locked: false,
  read_at: at(0.0004),
  trouble: null,
  quota: null,
  accounts: ["Shop mail"],
};

const SES: ProviderView = {
  ...POSTMARK,
  id: 3,
  name: "The account of the wholesale department at Amazon",
  label: "Amazon SES",
  settings: {
    ...POSTMARK.settings,
    kind: "ses",
    region: "eu-central-1",
    key_id: "AKIAIOSFODNN7EXAMPLE",
    stream: null,
    configuration_set: "carillon",
  },
  tells: false,
  read_at: null,
  trouble: "email.eu-central-1.amazonaws.com answered 403: The security token included in the request is invalid.",
  quota: { at: at(0.01), limit: 200, sent: 57, per_day: true, per_second: 1, production: false },
  accounts: ["Wholesale", "Private labels"],
};

/** Answers of the commands about providers, and of those that sign. */
export function providersAnswers({ empty, much, tell }: Listeners): Record<string, (args: never) => unknown> {
  let providers: ProviderView[] = empty ? [] : much ? [POSTMARK, SES] : [POSTMARK];
  const change = (id: number, over: Partial<ProviderView>) => {
    providers = providers.map((each) => (each.id === id ? { ...each, ...over } : each));
    tell("providers", "opt_out_sources");
    return {};
  };
  const of = ({ name, settings }: ProviderDraft) => ({ name, settings, label: LABELS[settings.kind].label });
  return {
    "providers.list": () => providers,
    "providers.kinds": (): ProviderKindView[] =>
      (Object.keys(LABELS) as ProviderKind[]).map((kind) => ({
        kind,
        ...LABELS[kind],
        dated: "2026-11-26",
        source: "https://docs.example.com",
      })),
    "providers.add": ({ provider }: { provider: ProviderDraft }) => {
      const id = providers.length + 1;
      const tells = provider.settings.kind !== "ses" || provider.settings.queue_url !== null;
      const added = { ...POSTMARK, ...of(provider), id, tells, has_secret: false, read_at: null, accounts: [] };
      providers = [...providers, added];
      tell("providers", "opt_out_sources");
      return { id, name: added.name };
    },
    "providers.update": ({ id, provider }: { id: number; provider: ProviderDraft }) => {
      change(id, of(provider));
      return { id, name: provider.name };
    },
    "providers.delete": ({ id }: { id: number }) => {
      providers = providers.filter((each) => each.id !== id);
      tell("providers", "opt_out_sources");
      return {};
    },
    "providers.switch": ({ id, off }: { id: number; off: boolean }) => change(id, { off }),
    "providers.set_secret": ({ id }: { id: number }) => change(id, { has_secret: true }),
    "providers.test": ({ id }: { id: number }) => {
      const asked = providers.find((each) => each.id === id) ?? POSTMARK;
      return asked.trouble === null
        ? { ok: true, message: "", tells: asked.tells, found: 12, quota: asked.quota }
        : { ok: false, message: asked.trouble, tells: asked.tells, found: 0, quota: null };
    },
    "accounts.dkim_record": () => ({
      name: "carillon1._domainkey.bohne.example.com",
      value: `v=DKIM1; k=rsa; p=${"MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8A".repeat(12)}`,
      quoted: `"v=DKIM1; k=rsa; p=${"MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8A".repeat(7)}" "${"MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8A".repeat(5)}"`,
    }),
  };
}
