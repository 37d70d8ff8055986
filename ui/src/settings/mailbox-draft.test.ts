import { expect, test } from "vitest";
import type { MailboxTest } from "@/api/gen/MailboxTest";
import type { MailboxView } from "@/api/gen/MailboxView";
import type { OAuthPresetView } from "@/api/gen/OAuthPresetView";
import { authOf } from "./auth-fields";
import { firstOf, inOrder, ticked } from "./mailbox-draft";

const found: MailboxTest = {
  ok: true,
  message: "imap.example.com",
  listens: true,
  mails: 3,
  folders: ["INBOX", "Archive", "Spam"].map((name) => ({ name, label: name, junk: name === "Spam" })),
};
const google: OAuthPresetView = {
  key: "google",
  name: "Google",
  note: "",
  provider: {
    kind: "google",
    client_id: "",
    authorize_url: "https://accounts.example.com/a",
    token_url: "https://accounts.example.com/t",
    scopes: ["mail"],
    redirect: "address",
    has_client_secret: true,
    parameters: [],
  },
};
const empty = firstOf(null, []);

test("a mailbox of a server nobody wrote down is at another server, and a new one at none yet", () => {
  const preset = { key: "gmail", name: "", host: "imap.gmail.com", port: 993, sign_in: null, note: "", dated: "" };
  const presets = [
    { ...preset, tls: "tls" as const },
    { ...preset, tls: "tls" as const, key: "generic", host: "" },
  ];
  expect(firstOf(view, presets).preset).toBe("generic");
  expect(firstOf({ ...view, host: "imap.gmail.com" }, presets).preset).toBe("gmail");
  expect(firstOf(null, presets).preset).toBe("");
});

test("the junk folder is suggested until somebody chose the folders", () => {
  expect(ticked([], found)).toEqual(["INBOX", "Spam"]);
  expect(ticked(["INBOX"], found)).toEqual(["INBOX"]);
});

test("a folder that is not there any more is not ticked", () => {
  expect(ticked(["INBOX", "Gone", "Archive"], found)).toEqual(["INBOX", "Archive"]);
});

test("the inbox is kept first, because the first folder is listened to", () => {
  expect(inOrder(["Spam", "Inbox", "Archive"])).toEqual(["Inbox", "Spam", "Archive"]);
});

test("a sign-in takes all but the client id from the provider's preset", () => {
  const form = { ...empty, method: "oauth" as const, provider: "google", client_id: " me.apps.example " };
  expect(authOf(form, [google], undefined)).toEqual({
    kind: "oauth",
    provider: { ...google.provider, client_id: "me.apps.example" },
  });
  expect(authOf({ ...form, method: "password" }, [google], undefined)).toEqual({ kind: "password" });
});

test("a registration that was set up by other means keeps what the form does not show", () => {
  const own = { ...google.provider, client_id: "old", scopes: ["other"], token_url: "https://own.example/t" };
  const before = { kind: "oauth" as const, provider: own };
  const form = { ...firstOf({ ...view, auth: before }, []), client_id: "new" };
  expect(authOf(form, [google], before)).toEqual({ kind: "oauth", provider: { ...own, client_id: "new" } });
});

const view: MailboxView = {
  id: 1,
  name: "Shop",
  host: "imap.example.com",
  port: 993,
  tls: "tls",
  user: "shop@example.com",
  auth: { kind: "password" },
  folders: [],
  ca_file: null,
  off: false,
  has_secret: true,
  locked: false,
  read_at: null,
  trouble: null,
};
