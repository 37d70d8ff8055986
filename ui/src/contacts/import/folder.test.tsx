import { screen, waitFor, within } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { beforeEach, expect, test } from "vitest";
import { setHost } from "@/api/host";
import { fixtureHost } from "@/api/host.fixture";
import { showProgram } from "@/testing";

/** The fixture, and what was ordered of it. */
function host() {
  const fixture = fixtureHost("?fixture=some");
  const asked: { name: string; args: unknown }[] = [];
  setHost({
    ...fixture,
    mutate: async (name, args) => {
      asked.push({ name, args });
      return fixture.mutate(name, args);
    },
  });
  return asked;
}

beforeEach(() => localStorage.clear());

const line = async (name: string) => {
  const found = (await screen.findByText(name)).closest("li");
  if (found === null) throw new Error(`${name} has no line`);
  return within(found);
};

test("from the imports to a folder, and from a file that waits to what becomes of it", async () => {
  const asked = host();
  showProgram("/contacts");
  await userEvent.click(await screen.findByRole("link", { name: "Imports 2 files wait" }));
  await userEvent.click(await screen.findByRole("link", { name: "/home/ada/Exports/shop" }));
  const waits = await line("returns.csv");
  expect(waits.getByText("Waits for you")).toBeDefined();
  expect(waits.getByText(/folder have: Vorname, Newsletter/)).toBeDefined();
  await userEvent.click(waits.getByRole("button", { name: "Leave it out" }));
  await waitFor(() => expect(asked).toEqual([{ name: "imports.folder_leave", args: { id: 5 } }]));
  expect(await (await line("returns.csv")).findByText("Left out")).toBeDefined();
  await userEvent.click((await line("customers-2026-11-25.csv")).getByRole("button", { name: "Import it" }));
  await waitFor(() => expect(asked.at(-1)).toEqual({ name: "imports.folder_take", args: { id: 6 } }));
});

test("a file leads to its import, and a folder that is watched no more to the others", async () => {
  const asked = host();
  showProgram("/contacts/imports/folders/1");
  await userEvent.click((await line("customers-2026-11-23.csv")).getByRole("link", { name: "Import 11" }));
  await waitFor(() => expect(window.location.hash).toBe("#/contacts/imports?of=11"));
  await userEvent.click(await screen.findByRole("link", { name: /^\/Volumes/ }));
  expect(await screen.findByText("Nothing has arrived yet")).toBeDefined();
  expect(screen.getByText(/The folder is not there/)).toBeDefined();
  await userEvent.click(screen.getByRole("button", { name: "Watch no more" }));
  const dialog = await screen.findByRole("alertdialog");
  await userEvent.click(within(dialog).getByRole("button", { name: "Watch no more" }));
  await waitFor(() => expect(asked).toEqual([{ name: "imports.folder_remove", args: { id: 2 } }]));
  await waitFor(() => expect(screen.queryByText(/^\/Volumes/)).toBeNull());
});
