// The story of the mail world: the user answers a mail in the place of whoever got it, and leaves the list.
import assert from "node:assert/strict";

/** Plays it on a studio that stands open; `page` is on any screen. Some mail has been sent. Returns who acted. */
export async function worldStory(page) {
  const main = page.getByRole("navigation", { name: "Main" });
  const button = (name) => page.getByRole("button", { name, exact: true });
  await main.getByRole("link", { name: "Mail world", exact: true }).click();
  const list = page.getByRole("grid", { name: "Mails" });
  const framed = page.waitForResponse((response) => response.url().includes("/api/frame/"));
  await list.getByRole("row").first().click();
  assert.equal((await framed).status(), 200);
  const acts = await page.getByRole("group", { name: /^Act as / }).getAttribute("aria-label");
  const name = acts.replace("Act as ", "");
  const did = page.getByRole("region", { name: `What ${name} did` });
  await page.keyboard.press("r");
  await page.getByRole("textbox", { name: /^To / }).fill("Do you grind it for a moka pot?");
  await page.keyboard.press("Control+Enter");
  await did.getByText("Do you grind it for a moka pot?").waitFor();
  await button("Unsubscribe").click();
  await did.getByText(/^Unsubscribed/).waitFor();
  await page.getByRole("link", { name: "Message", exact: true }).click();
  await page.getByRole("tab", { name: /^What came back/ }).click();
  await page.getByText("Opted out").waitFor();
  await main.getByRole("link", { name: "Replies", exact: true }).click();
  await page.getByRole("tabpanel").getByText("Do you grind it for a moka pot?").first().waitFor();
  return name;
}
