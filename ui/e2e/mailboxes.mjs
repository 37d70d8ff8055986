// The story of a mailbox: added with its password, tested against a server that is not there, and deleted again.
import assert from "node:assert/strict";
import { createServer } from "node:net";

/** A port of this machine nobody listens at: one that was free a moment ago. */
async function closedPort() {
  const server = createServer();
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address();
  await new Promise((resolve) => server.close(resolve));
  return port;
}

/** Plays it on a studio that stands open; `page` is on any screen. Returns what the test of the mailbox said. */
export async function mailboxStory(page) {
  const dialog = page.getByRole("dialog");
  const button = (name, within = page) => within.getByRole("button", { name, exact: true });
  const main = page.getByRole("navigation", { name: "Main" });
  await main.getByRole("link", { name: "Settings", exact: true }).click();
  await page.getByRole("link", { name: "Replies and opt-outs", exact: true }).click();
  await button("Add a mailbox").first().click();
  await dialog.getByRole("textbox", { name: "Name" }).fill("Answers");
  await dialog.getByRole("textbox", { name: "Server" }).fill("localhost");
  await dialog.getByRole("combobox", { name: "Security" }).click();
  await page.getByRole("option", { name: "Not encrypted" }).click();
  await dialog.getByRole("textbox", { name: "Port" }).fill(String(await closedPort()));
  await button("Save and continue", dialog).click();
  await dialog.getByText("This is needed.").waitFor();
  await dialog.getByRole("textbox", { name: "User" }).fill("answers@shop.example");
  await button("Save and continue", dialog).click();
  await page.getByRole("heading", { name: "Password of Answers" }).waitFor();
  await dialog.getByLabel("Password", { exact: true }).fill("no server ever hears this");
  await dialog.getByRole("radio", { name: "In a protected file" }).click();
  await dialog.getByLabel("Passphrase", { exact: true }).fill("long enough for a test");
  await button("Keep the password", dialog).click();
  await page.getByRole("heading", { name: "Test of Answers" }).waitFor();
  const failure = dialog.getByRole("alert");
  await failure.waitFor();
  const said = await failure.textContent();
  await button("Close", dialog).last().click();
  await page.getByRole("listitem").filter({ hasText: "answers@shop.example" }).waitFor();
  await button("Delete Answers").click();
  await button("Delete the mailbox", page.getByRole("alertdialog")).click();
  await page.getByText("No mailbox yet", { exact: true }).waitFor();
  assert.ok(said?.startsWith("It could not be opened"), `${said}`);
  return said.slice("It could not be opened".length);
}
