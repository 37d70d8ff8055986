import { screen, waitFor, within } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { beforeEach, expect, test } from "vitest";
import type { JobView } from "@/api/gen/JobView";
import { setHost } from "@/api/host";
import { fixtureHost } from "@/api/host.fixture";
import { answering, show, showProgram } from "@/testing";
import { verdict } from "./listening";
import { isPairingCode, Relay } from "./relay";

const ENDED: JobView = {
  id: 7,
  what: "mailboxes.read_now",
  started_at: "2026-11-22T10:00:00Z",
  state: "done",
  done: 1,
  total: 1,
  phase: "",
  result: null,
  error: null,
};
const SOURCE = { name: "mailbox:1", label: "Shop", read_at: null, fresh: false, trouble: null };

beforeEach(() => localStorage.clear());

test("what the gate makes of the sources is said, with what to do", () => {
  const base = { sources: [SOURCE], fresh: false, not_needed: false, fresh_secs: 60 };
  expect(verdict({ ...base, fresh: true }).title).toBe("Opt-outs are heard");
  expect(verdict(base).about).toMatch(/within the last minute\./);
  expect(verdict({ ...base, fresh_secs: 600 }).about).toMatch(/within the last 10 minutes\./);
  expect(verdict({ ...base, sources: [] }).about).toMatch(/Add a mailbox or pair a relay/);
  expect(verdict({ ...base, sources: [], not_needed: true }).tone).toBe("neutral");
});

test("a new mailbox is led through its password to its test, and its folders are kept", async () => {
  setHost(fixtureHost("?fixture=empty"));
  showProgram("/settings?part=replies");
  await userEvent.click(await screen.findByRole("button", { name: "Add a mailbox" }));
  await userEvent.type(await screen.findByRole("textbox", { name: "Name" }), "Answers");
  await userEvent.type(screen.getByRole("textbox", { name: "Server" }), "imap.example.com");
  await userEvent.type(screen.getByRole("textbox", { name: "User" }), "a@example.com");
  await userEvent.click(screen.getByRole("button", { name: "Save and continue" }));
  await userEvent.type(await screen.findByLabelText("Password"), "secret");
  await userEvent.click(screen.getByRole("button", { name: "Keep the password" }));
  expect(await screen.findByText("It can be read")).toBeDefined();
  expect(screen.getByRole("checkbox", { name: "Junk" }).getAttribute("aria-checked")).toBe("true");
  await userEvent.click(screen.getByRole("button", { name: "Read these folders" }));
  expect(await screen.findByText(/Reads 2 folders: INBOX, Junk/)).toBeDefined();
});

test("a mailbox that cannot be opened says why, and can be tried again", async () => {
  setHost(fixtureHost("?fixture=much"));
  showProgram("/settings?part=replies");
  const tests = await screen.findAllByRole("button", { name: "Test" });
  await userEvent.click(tests[1] as HTMLElement);
  expect((await screen.findByRole("alert")).textContent).toMatch(/refuses connections/);
  expect(screen.getByRole("button", { name: "Test again" })).toBeDefined();
});

test.each([
  ["some", "Everything was read"],
  ["much", "Not everything could be read. The reason stands with each source."],
])("how reading now went is told by what stands with the sources: %s", async (amount, words) => {
  const host = fixtureHost(`?fixture=${amount}`);
  setHost({
    ...host,
    query: async (name, args) => (name === "jobs.get" ? ENDED : await host.query(name, args)),
    mutate: async (name, args) => (name === "mailboxes.read_now" ? { job: 7 } : await host.mutate(name, args)),
  });
  showProgram("/settings?part=replies");
  await userEvent.click(await screen.findByRole("button", { name: "Read now" }));
  expect((await screen.findAllByText(words)).length).toBeGreaterThan(0);
});

test("marketing never waits for ever: the limit stays between a minute and an hour", async () => {
  setHost(fixtureHost("?fixture=some"));
  showProgram("/settings?part=replies");
  const limit = await screen.findByRole("spinbutton");
  await userEvent.clear(limit);
  await userEvent.type(limit, "90");
  await userEvent.click(screen.getByRole("button", { name: "Save" }));
  expect(await screen.findByText(/within the last 60 minutes/)).toBeDefined();
});

test("while the file of passwords is locked, its passphrase is asked for where nothing can be read without it", async () => {
  setHost(fixtureHost("?fixture=some"));
  showProgram("/settings?part=replies");
  await screen.findByText("shop@bohne.example.com");
  expect(screen.queryByText("The passwords are locked")).toBeNull();
  setHost(fixtureHost("?fixture=much"));
  showProgram("/settings?part=replies");
  expect(await screen.findByText("The passwords are locked")).toBeDefined();
});

test("only what carillon-relay init prints is taken as a pairing code", () => {
  const secret = "A".repeat(43);
  expect(isPairingCode(`  https://relay.example/#t1.${secret}\n`)).toBe(true);
  for (const wrong of [
    "",
    "https://relay.example/",
    `https://relay.example/#t1.${secret}x`,
    `relay.example/#t.${secret}`,
  ]) {
    expect(isPairingCode(wrong), wrong).toBe(false);
  }
});

test("a form of the relay is saved among the others, and its address is shown", async () => {
  setHost(fixtureHost("?fixture=much"));
  showProgram("/settings?part=replies");
  await userEvent.click(await screen.findByRole("button", { name: "Add a form" }));
  await userEvent.type(screen.getByRole("textbox", { name: "Title" }), "Tasting club");
  await userEvent.click(screen.getByRole("button", { name: "Save" }));
  expect(await screen.findByText("https://relay.example.com/f/bohne/tasting-club")).toBeDefined();
  expect(screen.getByText("https://relay.example.com/f/bohne/newsletter")).toBeDefined();
});

test("a relay is given up only after a question", async () => {
  const program = answering({
    "relay.get": () => ({
      url: "https://r.example",
      tenant: "t",
      paired_at: null,
      read_at: null,
      trouble: null,
      locked: false,
    }),
    "relay.settings": () => ({
      page: { sender: "", postal_address: "", topics: [], channels: [], languages: [], pauses_days: [] },
      forms: [],
      sites: [],
      keys: [],
    }),
    "relay.unpair": () => ({}),
  });
  show(<Relay />);
  await userEvent.click(await screen.findByRole("button", { name: "Give it up" }));
  expect(program.times("relay.unpair")).toBe(0);
  await userEvent.click(within(await screen.findByRole("alertdialog")).getByRole("button", { name: "Give it up" }));
  await waitFor(() => expect(program.times("relay.unpair")).toBe(1));
});
