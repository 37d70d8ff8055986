import { screen, waitFor, within } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { beforeEach, expect, test } from "vitest";
import type { RelaySettings } from "@/api/gen/RelaySettings";
import { setHost } from "@/api/host";
import { fixtureHost } from "@/api/host.fixture";
import { showProgram } from "@/testing";

beforeEach(() => localStorage.clear());

/** The settings of a relay with a form, where these journeys send the mail to confirm with. What is ordered is noted. */
function relayWith(writers: string[]) {
  const ordered: { name: string; args: unknown }[] = [];
  const fixture = fixtureHost("?fixture=much");
  setHost({
    ...fixture,
    query: (name, args) => (name === "relay.confirming" ? Promise.resolve(writers) : fixture.query(name, args)),
    mutate: (name, args) => {
      ordered.push({ name, args });
      return fixture.mutate(name, args);
    },
  });
  showProgram("/settings?part=replies");
  return ordered;
}

test("where no journey sends the link it is said, and mail and journey are made for it", async () => {
  const ordered = relayWith([]);
  expect(await screen.findByText("No journey sends the mail to confirm with")).toBeDefined();
  await userEvent.click(screen.getByRole("button", { name: "Draw it for me" }));
  await waitFor(() => expect(ordered.map(({ name }) => name)).toEqual(["templates.save", "journeys.import"]));
  const [saved, imported] = ordered.map(({ args }) => args) as [
    { draft: { name: string; body: string } },
    { text: string },
  ];
  expect(saved.draft.body).toContain('href="{{ confirm_url }}"');
  const mail = JSON.parse(imported.text).steps[1].settings;
  expect(mail).toEqual({ template: saved.draft.name, transactional: true });
  await waitFor(() => expect(window.location.hash).toMatch(/journeys\/\d/));
});

test("a journey that sends the link is named", async () => {
  relayWith(["Welcome", "Confirm"]);
  expect(await screen.findByText("The mail to confirm with is sent by “Welcome”, “Confirm”.")).toBeDefined();
  expect(screen.queryByRole("button", { name: "Draw it for me" })).toBeNull();
});

test("a new form asks to confirm unless that is switched off, and its thanks say which", async () => {
  const ordered = relayWith([]);
  await userEvent.click(await screen.findByRole("button", { name: "Add a form" }));
  const dialog = within(await screen.findByRole("dialog"));
  await userEvent.type(dialog.getByRole("textbox", { name: "Title" }), "Fair");
  expect(dialog.queryByRole("checkbox", { name: "Only after confirming" })).toBeNull();
  await userEvent.type(dialog.getByRole("textbox", { name: /Consent to marketing mail/ }), "Yes.");
  const thanks = dialog.getByRole("textbox", { name: "Thanks" }) as HTMLTextAreaElement;
  expect(thanks.value).toMatch(/press the link/);
  const box = dialog.getByRole("checkbox", { name: "Only after confirming" });
  expect(box.getAttribute("aria-checked")).toBe("true");
  await userEvent.click(box);
  expect(thanks.value).toBe("Thank you. You are on the list.");
  await userEvent.click(box);
  await userEvent.click(dialog.getByRole("button", { name: "Save" }));
  await waitFor(() => expect(ordered).toHaveLength(1));
  const { forms } = (ordered[0] as { args: RelaySettings }).args;
  expect(forms.map(({ key, double_opt_in }) => [key, double_opt_in])).toContainEqual(["fair", true]);
});
