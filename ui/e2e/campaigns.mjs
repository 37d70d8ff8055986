// The story of a campaign: set up, confirmed with its count, recalled, sent, and watched by domain.
import assert from "node:assert/strict";

/** Plays it on a studio that stands open; `page` is on any screen. */
export async function campaignStory(page) {
  const go = (name) => page.getByRole("navigation", { name: "Main" }).getByRole("link", { name, exact: true }).click();
  const button = (name) => page.getByRole("button", { name });
  const heading = (name) => page.getByRole("heading", { name, exact: true, level: 1 });
  const step = (name) => page.getByRole("navigation", { name: "Steps of the campaign" }).getByRole("button", { name });
  await go("Campaigns");
  await heading("Campaigns").waitFor();
  await button("New campaign").first().click();
  await heading("New campaign").waitFor();
  await page.getByRole("textbox", { name: "Name" }).fill("Autumn news");
  await page.getByRole("combobox", { name: "Goes to" }).click();
  await page.getByRole("option").first().click();
  await button("Next").click();
  await page.getByRole("combobox", { name: "Template" }).click();
  await page.getByRole("option").first().click();
  await page.getByRole("textbox", { name: /^Subject/ }).fill("News of autumn");
  await button("Next").click();
  await page.getByRole("radio", { name: /^Now/ }).waitFor();
  await button("Next").click();
  const confirm = button(/^Send to [\d,]+ contact/);
  await confirm.waitFor();
  const count = Number(/[\d,]+/.exec(await confirm.textContent())[0].replaceAll(",", ""));
  assert.ok(count > 0, "somebody gets it");
  // Who does not get it opens to people.
  const reasons = page.getByRole("button", { name: /^Show people: / });
  await reasons.first().click();
  await page.getByRole("dialog").getByRole("link").first().waitFor();
  await page.keyboard.press("Escape");
  await confirm.click();
  await page
    .getByRole("alertdialog")
    .getByRole("button", { name: /^Send to/ })
    .click();
  await button(/^Recall/).click();
  await page.getByText("Recalled. Nothing was sent.").waitFor();
  // What was set up is still there, and goes for real this time.
  await step(/Check and confirm/).click();
  await confirm.click();
  await page
    .getByRole("alertdialog")
    .getByRole("button", { name: /^Send to/ })
    .click();
  await button(/^Recall/).waitFor();
  return count;
}
