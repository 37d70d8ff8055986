import { screen, waitFor } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { expect, test } from "vitest";
import type { AccountRow } from "@/api/gen/AccountRow";
import type { OAuthPresetView } from "@/api/gen/OAuthPresetView";
import { answering, show } from "@/testing";
import { AccountDialog } from "./account-form";

const PROVIDER: OAuthPresetView["provider"] = {
  kind: "google",
  client_id: "",
  authorize_url: "https://accounts.example.com/a",
  token_url: "https://accounts.example.com/t",
  scopes: ["mail"],
  redirect: "loopback" as never,
  has_client_secret: true,
  parameters: [],
};
const GOOGLE: OAuthPresetView = {
  key: "google",
  name: "Google",
  note: "Register an app of the kind desktop.",
  provider: PROVIDER,
};

/** The form of a sender, and what it sends. */
function form(account: AccountRow | null) {
  const program = answering({
    "presets.senders": () => [],
    "providers.list": () => [],
    "mailboxes.presets": () => ({ mailboxes: [], providers: [GOOGLE] }) as never,
    "accounts.add": () => ({}) as never,
    "accounts.update": () => ({}) as never,
  });
  show(<AccountDialog account={account} onClose={() => {}} />);
  return (name: string) => program.asked.filter((one) => one.name === name).map(({ args }) => args);
}

const type = (name: string | RegExp, text: string) => userEvent.type(screen.getByRole("textbox", { name }), text);
const save = () => userEvent.click(screen.getByRole("button", { name: "Save" }));

test("a sender with a user is asked how it signs in, and a sign-in in the browser for its registration", async () => {
  const sent = form(null);
  await screen.findByRole("textbox", { name: "Server" });
  expect(screen.queryByRole("radio", { name: "Password or app password" })).toBeNull();
  await type("Name", "Shop");
  await type("Server", "smtp.example.com");
  await type("Name of the sender", "Ada");
  await type("Address of the sender", "ada@example.com");
  await type("User", "ada@example.com");
  await userEvent.click(screen.getByRole("radio", { name: "Sign in with the browser" }));
  await save();
  expect(await screen.findByText("This is needed.")).toBeDefined();
  expect(screen.getByText("Without a client id nobody can sign in there.")).toBeDefined();
  expect(sent("accounts.add")).toEqual([]);
  await userEvent.click(screen.getByRole("combobox", { name: "Sign in at" }));
  await userEvent.click(await screen.findByRole("option", { name: "Google" }));
  expect(await screen.findByText(GOOGLE.note)).toBeDefined();
  await type("Client id", " me.apps ");
  await save();
  await waitFor(() => expect(sent("accounts.add")).toHaveLength(1));
  const [{ account }] = sent("accounts.add") as [{ account: AccountRow }];
  expect(account.auth).toEqual({ kind: "oauth", provider: { ...PROVIDER, client_id: "me.apps" } });
});

test("a sender that signs in in the browser goes back to a password with everything else as it was", async () => {
  const row = {
    id: 4,
    name: "Shop",
    host: "smtp.example.com",
    port: 587,
    tls: "starttls",
    user: "ada@example.com",
    from_name: "Ada",
    from_email: "ada@example.com",
    reply_to: null,
    ca_file: "/etc/own.pem",
    preset: null,
    provider: null,
    per_day: 90,
    per_minute: 9,
    sessions: 1,
    auth: { kind: "oauth", provider: { ...PROVIDER, client_id: "me.apps" } },
  } as unknown as AccountRow;
  const sent = form(row);
  expect(((await screen.findByRole("textbox", { name: "Client id" })) as HTMLInputElement).value).toBe("me.apps");
  await userEvent.click(screen.getByRole("radio", { name: "Password or app password" }));
  expect(screen.queryByRole("textbox", { name: "Client id" })).toBeNull();
  await save();
  await waitFor(() => expect(sent("accounts.update")).toHaveLength(1));
  const [{ id, account }] = sent("accounts.update") as [{ id: number; account: AccountRow }];
  expect([id, account.auth, account.ca_file, account.per_day]).toEqual([4, { kind: "password" }, "/etc/own.pem", 90]);
});
