import { screen, waitFor, within } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { beforeEach, expect, test } from "vitest";
import { ApiError } from "@/api/host";
import { type Answers, answering, show } from "@/testing";
import { InviteDialog, JoinDialog } from "./machines";

const DIAGNOSTICS = { keychain: "available" } as never;
let closed = 0;
const onClose = () => {
  closed += 1;
};

beforeEach(() => {
  closed = 0;
});

const asked = (answers: Answers) => {
  const program = answering({ "diagnostics.get": () => DIAGNOSTICS, ...answers });
  return (name: string) => program.asked.filter((one) => one.name === name).map(({ args }) => args);
};

const type = async (name: string, text: string) => userEvent.type(await screen.findByLabelText(name), text);

test("an invitation is made for a named machine under a passphrase of eight characters, and shown once to be copied", async () => {
  const calls = asked({ "relay.invite": () => ({ text: "carillon-machine:abc" }) });
  show(<InviteDialog onClose={onClose} />);
  const make = await screen.findByRole("button", { name: "Make the invitation" });
  await type("Name of that machine", " Office ");
  await type("Passphrase of the invitation", "sevenly");
  expect(make).toHaveProperty("disabled", true);
  await type("Passphrase of the invitation", "!");
  await userEvent.click(make);
  const shown = (await screen.findByLabelText("Invitation")) as HTMLTextAreaElement;
  expect([shown.value, shown.readOnly]).toEqual(["carillon-machine:abc", true]);
  expect(calls("relay.invite")).toEqual([{ machine: "Office", passphrase: "sevenly!" }]);
  await userEvent.click(screen.getByRole("button", { name: "Copy the invitation" }));
  expect(await navigator.clipboard.readText()).toBe("carillon-machine:abc");
  expect(screen.queryByLabelText("Passphrase of the invitation")).toBeNull();
  const dialog = within(screen.getByRole("dialog", { name: "Let another machine in" }));
  await userEvent.click(dialog.getAllByRole("button", { name: "Close" }).slice(-1)[0] as HTMLElement);
  expect(closed).toBe(1);
});

test("an invitation that could not be made says why, and is tried again as it was", async () => {
  let tries = 0;
  const calls = asked({
    "relay.invite": () => {
      tries += 1;
      if (tries === 1) throw new ApiError({ code: "outside", message: "The relay does not answer." });
      return { text: "carillon-machine:abc" };
    },
  });
  show(<InviteDialog onClose={onClose} />);
  await type("Name of that machine", "Office");
  await type("Passphrase of the invitation", "four words");
  await userEvent.click(screen.getByRole("button", { name: "Make the invitation" }));
  const alert = await screen.findByRole("alert");
  expect(alert.textContent).toMatch(/The relay does not answer\./);
  await userEvent.click(within(alert).getByRole("button"));
  expect(await screen.findByLabelText("Invitation")).toBeDefined();
  expect(calls("relay.invite")).toHaveLength(2);
});

test("a machine comes in with an invitation, its passphrase and a place for its keys", async () => {
  const calls = asked({ "relay.join": () => ({}) as never });
  show(<JoinDialog onClose={onClose} />);
  const join = await screen.findByRole("button", { name: "Come in with an invitation" });
  await type("Invitation", " carillon-machine:abc ");
  expect(join).toHaveProperty("disabled", true);
  await type("Passphrase of the invitation", "four words");
  await userEvent.click(await screen.findByRole("radio", { name: /In a protected file/ }));
  expect(join).toHaveProperty("disabled", true);
  await type("Passphrase", "words of this machine");
  await userEvent.click(join);
  await waitFor(() => expect(closed).toBe(1));
  expect(calls("relay.join")).toEqual([
    {
      invitation: "carillon-machine:abc",
      passphrase: "four words",
      ca_file: null,
      keep: "passphrase_file",
      file_passphrase: "words of this machine",
    },
  ]);
});
