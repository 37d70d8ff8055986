import type { MailboxDraft } from "@/api/gen/MailboxDraft";
import type { MailboxPresetView } from "@/api/gen/MailboxPresetView";
import type { MailboxTest } from "@/api/gen/MailboxTest";
import type { MailboxView } from "@/api/gen/MailboxView";
import type { Tls } from "@/api/gen/Tls";
import { type AuthForm, firstAuth } from "./auth-fields";

/** The folder that is read where none was chosen. */
export const INBOX = "INBOX";

/** What the form holds. */
export interface MailboxForm extends AuthForm {
  preset: string;
  name: string;
  host: string;
  port: number;
  tls: Tls;
  user: string;
}

/** The port a server listens at by custom (RFC 8314 §3.2, RFC 3501 §2.1). */
export const PORTS: Record<Tls, number> = { tls: 993, starttls: 143, none: 143 };

/** The form as it opens: as the mailbox is, or empty. */
export function firstOf(mailbox: MailboxView | null, presets: readonly MailboxPresetView[]): MailboxForm {
  // The preset without a host stands for every other server.
  const preset = presets.find(({ host }) => host === mailbox?.host) ?? presets.find(({ host }) => host === "");
  return {
    preset: mailbox === null ? "" : (preset?.key ?? ""),
    name: mailbox?.name ?? "",
    host: mailbox?.host ?? "",
    port: mailbox?.port ?? PORTS.tls,
    tls: mailbox?.tls ?? "tls",
    user: mailbox?.user ?? "",
    ...firstAuth(mailbox?.auth),
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
