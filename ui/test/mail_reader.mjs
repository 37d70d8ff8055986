// Somebody who reads a mail in a real browser, for one story: `node mail_reader.mjs`, told on its input what to do. Opens
// the mail, waits as people do, follows a link to a form, fills and sends it; opens the mail again and leaves by its
// button; looks round in a shop of the sender's. Says on its output what it was shown.
import { createServer } from "node:http";
import { text } from "node:stream/consumers";
import { chromium } from "playwright-core";

const told = JSON.parse(await text(process.stdin));
const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
  args: ["--no-sandbox"],
});
// By its own word it is one without a window, which people's are not.
const agent = (await browser.newPage()).context();
const own = await agent.pages()[0].evaluate(() => navigator.userAgent);
await agent.close();
const context = await browser.newContext({ userAgent: own.replace("HeadlessChrome", "Chrome") });
const page = await context.newPage();
const faults = [];
page.on("pageerror", (error) => faults.push(`uncaught: ${error.message}`));
page.on("console", (message) => {
  if (message.type() === "error") faults.push(`console: ${message.text()}`);
});
const status = () => page.getByRole("status").textContent({ timeout: 60_000 });

await page.waitForTimeout(told.wait_ms);
await page.goto(told.mail);
await page.waitForLoadState("networkidle");
const pictures = await page.evaluate(() =>
  [...document.images].map((picture) => picture.complete && picture.naturalWidth > 0),
);
await page.getByRole("link", { name: told.link }).click();
await page.waitForLoadState();
const form = { url: page.url(), title: await page.title(), fields: await page.getByRole("textbox").count() };
for (const [label, value] of Object.entries(told.fields)) await page.getByLabel(label).fill(value);
const ticked = await page.getByRole("checkbox").isChecked();
await page.getByRole("checkbox").check();
await page.waitForTimeout(told.form_ms);
await page.getByRole("button").click();
const thanks = await status();

await page.goto(told.mail);
await page.getByRole("link", { name: told.leave }).click();
const question = await page.locator("body").textContent();
await page.getByRole("button").click();
const left = await status();
// The same person looks round in the shop: nothing is told before they agree; then who it is, a page and an event. Somebody
// else at the machine joins by the shop's own form.
// The page comes from this machine itself: browsers let no other page ask a server on it.
const shop = createServer((_, answer) => answer.setHeader("content-type", "text/html").end(told.shop.html));
await new Promise((ready) => shop.listen(new URL(told.shop.url).port, "127.0.0.1", ready));
const reports = [];
page.on("request", (request) => {
  if (request.method() === "POST" && new URL(request.url()).pathname.startsWith("/s/")) reports.push(request.url());
});
await page.goto(told.shop.url);
await page.evaluate(() => window.carillon("track", "too_early"));
const quiet = reports.length;
const heard = (call, ...rest) =>
  Promise.all([
    page.waitForResponse((answer) => answer.request().method() === "POST"),
    page.evaluate((all) => window.carillon(...all), [call, ...rest]),
  ]);
await heard("consent", true);
await heard("identify", "customer-17", { email: told.shop.visitor });
await heard("page", { section: "oak" });
await heard("track", "cart_abandoned", { value: 30 });
await page.getByLabel("Mail").fill(told.shop.member);
await page.getByLabel("Yes").check();
await page.waitForTimeout(told.form_ms);
await page.getByRole("button", { name: "Join" }).click();
const joined = await status();
await browser.close();
shop.closeAllConnections();
shop.close();
console.log(JSON.stringify({ pictures, form, ticked, thanks, question, left, quiet, joined, faults }));
