import { screen, within } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { beforeEach, expect, test } from "vitest";
import { setHost } from "@/api/host";
import { fixtureHost } from "@/api/host.fixture";
import { showProgram } from "@/testing";
import { firstOf, settingsOf } from "./provider-draft";
import { quotaWords } from "./providers";

beforeEach(() => localStorage.clear());

const choose = async (select: string, option: string) => {
  await userEvent.click(await screen.findByRole("combobox", { name: select }));
  await userEvent.click(await screen.findByRole("option", { name: option }));
};

test("a new provider is asked for what its kind needs alone, and led through its key to its test", async () => {
  setHost(fixtureHost("?fixture=empty"));
  showProgram("/settings?part=providers");
  await userEvent.click(await screen.findByRole("button", { name: "Add a provider" }));
  expect(await screen.findByRole("textbox", { name: "Access key id" })).toBeDefined();
  await choose("Provider", "Mailgun");
  expect(screen.queryByRole("textbox", { name: "Access key id" })).toBeNull();
  await userEvent.type(screen.getByRole("textbox", { name: "Name" }), "Letters");
  await userEvent.click(screen.getByRole("button", { name: "Save and continue" }));
  expect(await screen.findByText("This is needed.")).toBeDefined();
  await userEvent.type(screen.getByRole("textbox", { name: "Sending domain" }), "mg.example.com");
  await userEvent.click(screen.getByRole("button", { name: "Save and continue" }));
  await userEvent.type(await screen.findByLabelText("API key"), "key-123");
  await userEvent.click(screen.getByRole("button", { name: "Keep the key" }));
  expect(await screen.findByText("Mailgun takes the key")).toBeDefined();
  expect(screen.getByText("Mailgun does not say")).toBeDefined();
});

test("what a provider refuses, its sandbox and its quota are told in words", async () => {
  setHost(fixtureHost("?fixture=much"));
  showProgram("/settings?part=providers");
  expect(await screen.findByText(/57 of 200 in 24 hours, 1 a second/)).toBeDefined();
  expect(screen.getByText("Only to confirmed addresses")).toBeDefined();
  const tests = screen.getAllByRole("button", { name: "Test" });
  await userEvent.click(tests[1] as HTMLElement);
  const dialog = await screen.findByRole("dialog");
  expect(await within(dialog).findByText(/security token/)).toBeDefined();
});

test("a sender that leaves through a provider is asked for no server", async () => {
  setHost(fixtureHost("?fixture=some"));
  showProgram("/settings?part=sending");
  await userEvent.click(await screen.findByRole("button", { name: "Add a sender" }));
  expect(await screen.findByRole("textbox", { name: "Server" })).toBeDefined();
  await choose("Mail leaves through", "Shop mail at Postmark (Postmark)");
  expect(screen.queryByRole("textbox", { name: "Server" })).toBeNull();
  expect((screen.getByRole("textbox", { name: "Messages in 24 hours" }) as HTMLInputElement).value).toBe("10000");
});

test("mail is signed only once somebody says that the record is published", async () => {
  setHost(fixtureHost("?fixture=some"));
  showProgram("/settings?part=sending");
  await userEvent.click(await screen.findByRole("button", { name: "Sign the mail of Shop mail" }));
  await userEvent.click(await screen.findByRole("button", { name: "Make a key" }));
  expect(await screen.findByText("Not signed yet")).toBeDefined();
  expect(await screen.findByText("carillon1._domainkey.bohne.example.com")).toBeDefined();
  await userEvent.click(screen.getByRole("button", { name: "The record is published: sign" }));
  expect(await screen.findByText("Mail is signed")).toBeDefined();
});

test("what belongs to another kind is not saved, and what the form does not show is kept", () => {
  const form = { ...firstOf(null), kind: "postmark" as const, domain: "left.over", stream: " broadcast " };
  const before = settingsOf(form, undefined);
  expect(before).toMatchObject({ kind: "postmark", domain: "", stream: "broadcast", host: null });
  expect(settingsOf(form, { ...before, host: "https://gateway.example" }).host).toBe("https://gateway.example");
});

test("a quota says what it counts", () => {
  const base = {
    at: "2026-11-26T10:00:00Z",
    limit: 9000,
    sent: 40,
    per_day: false,
    per_second: null,
    production: true,
  };
  expect(quotaWords(base)).toBe("40 of 9,000 of the plan");
  expect(quotaWords({ ...base, limit: null })).toBe("No limit");
});
