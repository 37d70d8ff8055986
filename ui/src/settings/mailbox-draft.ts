import type { Auth } from "@/api/gen/Auth";
import type { MailboxDraft } from "@/api/gen/MailboxDraft";
import type { MailboxPresetView } from "@/api/gen/MailboxPresetView";
import type { MailboxTest } from "@/api/gen/MailboxTest";
import type { MailboxView } from "@/api/gen/MailboxView";
import type { OAuthPresetView } from "@/api/gen/OAuthPresetView";
import type { Tls } from "@/api/gen/Tls";

/** The folder that is read where none was chosen. */
export const INBOX = "INBOX";

/** What the form holds. */
export interface MailboxForm {
  preset: string;
  name: string;
  host: string;
  port: number;
  tls: Tls;
  user: string;
  method: "password" | "oauth";
  /** Key of the provider one signs in at. */
  provider: string;
  client_id: string;
}

/** The port a server listens at by custom (RFC 8314 §3.2, RFC 3501 §2.1). */
export const PORTS: Record<Tls, number> = { tls: 993, starttls: 143, none: 143 };

/** The form as it opens: as the mailbox is, or empty. */
export function firstOf(mailbox: MailboxView | null, presets: readonly MailboxPresetView[]): MailboxForm {
  const auth: Auth = mailbox?.auth ?? { kind: "password" };
  // The preset without a host stands for every other server.
  const preset = presets.find(({ host }) => host === mailbox?.host) ?? presets.find(({ host }) => host === "");
  return {
    preset: mailbox === null ? "" : (preset?.key ?? ""),
    name: mailbox?.name ?? "",
    host: mailbox?.host ?? "",
    port: mailbox?.port ?? PORTS.tls,
    tls: mailbox?.tls ?? "tls",
    user: mailbox?.user ?? "",
    method: auth.kind,
    provider: auth.kind === "oauth" ? auth.provider.kind : "",
    client_id: auth.kind === "oauth" ? auth.provider.client_id : "",
  };
}

/** Every setting of a mailbox as it is now, for changing one of them. */
export const draftOf = ({ name, host, port, tls, user, auth, folders, ca_file }: MailboxView): MailboxDraft => ({
  name,
  host,
  port,
  tls,
  user,
  auth,
  folders,
  ca_file,
});

/** How one signs in, as the form says. A registration that was already there keeps what the form does not show. */
export function authOf(form: MailboxForm, providers: readonly OAuthPresetView[], before: Auth | undefined): Auth {
  if (form.method === "password") return { kind: "password" };
  const client_id = form.client_id.trim();
  if (before?.kind === "oauth" && before.provider.kind === form.provider) {
    return { kind: "oauth", provider: { ...before.provider, client_id } };
  }
  const preset = providers.find((each) => each.key === form.provider);
  return preset === undefined ? { kind: "password" } : { kind: "oauth", provider: { ...preset.provider, client_id } };
}

/** Folders that are read now, with the inbox named. */
export const foldersRead = (folders: readonly string[]): readonly string[] =>
  folders.length === 0 ? [INBOX] : folders;

/** What is ticked after a test: what is read already; the first time also the folder of unwanted mail. */
export function ticked(folders: readonly string[], test: MailboxTest): string[] {
  const there = new Set(test.folders.map(({ name }) => name));
  const read = foldersRead(folders).filter((name) => there.has(name) || name.toUpperCase() === INBOX);
  if (folders.length > 0) return [...read];
  return [...read, ...test.folders.filter(({ junk }) => junk).map(({ name }) => name)];
}

/** The folders in the order they are kept: the inbox first, for the first one is listened to. */
export function inOrder(names: readonly string[]): string[] {
  const isInbox = (name: string) => name.toUpperCase() === INBOX;
  return [...names.filter(isInbox), ...names.filter((name) => !isInbox(name))];
}
