// The screens on the program itself: a sample company is made, served and used the way a person would.
// `npm run build` first; CARILLON_CLI and CHROMIUM name other places for the program and the browser.
import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { request } from "node:http";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { campaignStory } from "./campaigns.mjs";
import { mailboxStory } from "./mailboxes.mjs";
import { startStudio } from "./studio.mjs";
import { worldStory } from "./world.mjs";

/** @type {Awaited<ReturnType<typeof startStudio>>} */
let studio;
/** @type {Awaited<ReturnType<typeof studio.open>>} */
let watched;
/** @type {import("playwright-core").Page} */
let page;

before(async () => {
  studio = await startStudio();
  watched = await studio.open();
  page = watched.page;
});
after(async () => studio?.stop());

/** Follows the rail to a screen. */
const go = (name) => page.getByRole("navigation").getByRole("link", { name, exact: true }).click();
const heading = (name) => page.getByRole("heading", { name, exact: true, level: 1 });
const button = (name, within = page) => within.getByRole("button", { name, exact: typeof name === "string" });
const seen = (locator) => locator.first().waitFor();
/** The first whole number of a text. */
const numberIn = (text) => Number(/\d[\d,]*/.exec(text ?? "")?.[0].replaceAll(",", ""));

/** Asks the server as no browser would let a page ask: with any headers. */
function raw(path, headers = {}, body = undefined) {
  const { hostname, port } = new URL(studio.origin);
  return new Promise((resolve, reject) => {
    const asked = request(
      {
        hostname,
        port,
        path,
        method: body === undefined ? "GET" : "POST",
        headers,
        setHost: headers.host === undefined,
      },
      (response) => {
        response.resume();
        response.once("end", () => resolve({ status: response.statusCode, headers: response.headers }));
      },
    );
    asked.once("error", reject);
    asked.end(body);
  });
}
const ask = (headers) =>
  raw(
    "/api/query",
    { "content-type": "application/json", ...headers },
    JSON.stringify({ name: "fields.list", args: {} }),
  );
const key = () => ({ authorization: `Bearer ${studio.token}` });

test("nothing is answered without the key", async () => {
  assert.equal((await ask(key())).status, 200);
  assert.equal((await ask({})).status, 401);
  assert.equal((await ask({ authorization: "Bearer wrong" })).status, 401);
  assert.equal((await raw("/api/changes?token=wrong")).status, 401);
  assert.equal((await raw("/api/upload?name=a.csv", {}, "email")).status, 401);
});

test("another host's name and another page's requests are refused", async () => {
  assert.equal((await ask({ ...key(), host: "evil.example" })).status, 403);
  assert.equal((await ask({ ...key(), origin: "http://evil.example" })).status, 403);
  assert.equal((await ask({ ...key(), "sec-fetch-site": "cross-site" })).status, 403);
  assert.equal((await ask({ ...key(), origin: studio.origin })).status, 200);
});

test("the page carries a policy that lets nothing in, and the key leaves the address bar", async () => {
  const { headers } = await raw("/");
  assert.match(headers["content-security-policy"], /default-src 'none'/);
  assert.doesNotMatch(page.url(), new RegExp(studio.token));
});

test("home shows how many people there are and what is live", async () => {
  await go("Home");
  const contacts = page.getByRole("link").filter({ hasText: "may get marketing mail" });
  await seen(contacts);
  assert.match(await contacts.textContent(), /500/);
  await seen(page.getByText("1 live journey"));
});

test("the table of contacts scrolls through everybody, and a row opens the person", async () => {
  await go("Contacts");
  await seen(page.getByText("500 people"));
  const grid = page.getByRole("grid");
  await seen(grid.getByRole("row").nth(5));
  const first = await grid.getByText(/@/).first().textContent();
  await grid.hover();
  for (let n = 0; n < 40; n++) await page.mouse.wheel(0, 600);
  await grid.getByText(first, { exact: true }).waitFor({ state: "detached" });
  // Rows are used again while the wheel's last turns are worked off: a person clicks when they stand still.
  const third = () => grid.getByText(/@/).nth(3).textContent();
  let email = await third();
  for (let before = null; before !== email; email = await third()) {
    before = email;
    await page.waitForTimeout(200);
  }
  await grid.getByText(email, { exact: true }).click();
  await page.waitForURL(/#\/contacts\/\d+/);
  await seen(page.getByText(email));
  await seen(page.getByText("Became a contact"));
  await page.getByRole("tab", { name: /Consent/ }).click();
  await seen(page.getByText("Consent ledger"));
});

test("a condition is counted while it is written, and a fault is pointed at", async () => {
  await go("Segments");
  await button("New segment").first().click();
  const text = page.getByRole("textbox", { name: "Who" });
  await text.click();
  await page.keyboard.type('city is "Berlin"');
  await seen(page.getByText("Reads well", { exact: true }));
  const counted = page.getByText(/% of 500, counted in/);
  await seen(counted);
  const hero = page.locator("p.text-hero");
  const berlin = numberIn(await hero.textContent());
  assert.ok(berlin > 0 && berlin < 500, `${berlin}`);
  await page.keyboard.press("ControlOrMeta+a");
  await page.keyboard.type("city is and");
  const fault = page.getByRole("status").filter({ hasText: /Line 1, column \d+/ });
  await seen(fault);
  await seen(page.locator(".cm-lintRange-error, .cm-lintPoint-error"));
});

test("a condition that is not saved is not left by mistake", async () => {
  await go("Home");
  await button("Cancel", page.getByRole("alertdialog")).click();
  await seen(page.getByText("city is and"));
  await go("Home");
  await button("Leave without saving").click();
  await seen(page.getByText("1 live journey"));
});

test("a template is shown in a frame of its own as a contact gets it", async () => {
  await go("Templates");
  await page
    .getByRole("link", { name: "Welcome" })
    .or(page.getByText("Welcome", { exact: true }))
    .first()
    .click();
  await seen(heading("Welcome"));
  const frame = page.frameLocator("iframe");
  await frame.locator("h1, h2, a").first().waitFor();
  const sandbox = await page.locator("iframe").getAttribute("sandbox");
  assert.equal(sandbox, "");
  await page.getByRole("tab", { name: "Missing values" }).click();
  await seen(page.getByText(/500|everybody|everyone/i));
});

test("the sample's journey opens, and a simulation puts figures on its steps", async () => {
  await go("Journeys");
  await page.getByRole("link", { name: "Welcome series" }).first().click();
  await page.waitForURL(/#\/journeys\/\d+/);
  await seen(page.getByText("New subscribers").first());
  await button("Simulate").click();
  await button(/^Simulate \d+ days$/).click();
  await seen(page.getByText("Still inside at the end"));
  const entered = page.locator(".react-flow__node").filter({ hasText: /[1-9]\d* entered/ });
  await seen(entered);
});

test("a new drawing says what keeps it from being published", async () => {
  await go("Journeys");
  await button("New journey").first().click();
  await page.waitForURL(/#\/journeys\/\d+/);
  await seen(page.getByText(/problem/i));
  await button("Publish…").click();
  const sheet = page.getByRole("dialog");
  await seen(sheet.getByRole("button", { name: /problem/i }));
  await sheet.getByRole("button", { name: "Cancel" }).click();
});

test("the sample's journey is paused, resumed, and published again as a copy", async () => {
  await go("Journeys");
  await page.getByRole("link", { name: "Welcome series" }).first().click();
  await seen(page.getByText("v1"));
  const act = async (name, done) => {
    await button(name).click();
    await page.getByRole("alertdialog").or(page.getByRole("dialog")).getByRole("button", { name, exact: true }).click();
    await seen(page.getByText(done));
  };
  await act("Pause", /is paused/);
  await act("Resume", /is live again/);
  await button("More").click();
  await page.getByRole("menuitem", { name: "Duplicate" }).click();
  await seen(page.getByText("Draft", { exact: true }));
  await button("Publish…").click();
  const sheet = page.getByRole("dialog", { name: /^Publish/ });
  await sheet.getByRole("button", { name: /^Publish/ }).click();
  await sheet.waitFor({ state: "detached" });
  await seen(page.locator("header").getByText("Live", { exact: true }));
});

test("a jump of the clock moves it, and the outbox shows mail that was accepted", async () => {
  const clock = page.getByRole("region", { name: /clock|time/i }).locator("time");
  const began = await clock.getAttribute("datetime");
  await button("Jump to…").click();
  await page.getByRole("menuitem", { name: "One week on" }).click();
  await page.waitForFunction(
    ([before]) => {
      const now = document.querySelector("header time, section time")?.getAttribute("datetime");
      return now !== null && now !== undefined && Date.parse(now) - Date.parse(before) > 6 * 86_400_000;
    },
    [began],
    { timeout: 120_000 },
  );
  await go("Outbox");
  await button(/^Accepted \d/).click();
  const row = page.getByRole("grid").getByText(/@/).first();
  await seen(row);
  await row.click();
  await seen(page.getByRole("complementary", { name: "Message" }));
  await page.getByRole("tab", { name: /History/ }).click();
  await seen(page.getByText(/^250|2\.\d\.\d/));
});

test("a CSV file is tried without a trace, imported and taken back", async () => {
  const file = join(studio.home, "people.csv");
  writeFileSync(
    file,
    "E-Mail;First name;City\nann.e2e@example.com;Ann;Bonn\nben.e2e@example.com;Ben;Köln\nno address;Nobody;Nowhere\n",
  );
  await go("Contacts");
  await page.getByRole("link", { name: "Import contacts" }).or(button("Import contacts")).first().click();
  const choosing = page.waitForEvent("filechooser");
  await button("Choose a file").click();
  await (await choosing).setFiles(file);
  await seen(
    page.getByText("What each column becomes").or(page.getByRole("table", { name: "What each column becomes" })),
  );
  await button("Continue").click();
  // With a permission they would enter the welcome series at once; who was written to stays when an import is undone.
  await page.getByRole("radio", { name: "No permission recorded" }).click();
  await page.getByRole("textbox").first().fill("the e2e story");
  await button("Do a dry run").click();
  await seen(page.getByText("What would happen"));
  await seen(page.getByText("no address"));
  await button("Import 2 contacts").click();
  await seen(page.getByText("2 contacts imported"));
  await go("Contacts");
  await seen(page.getByText("502 people"));
  await page.getByRole("link", { name: "Imports" }).or(button("Imports")).first().click();
  await button("Undo this import").first().click();
  await page
    .getByRole("alertdialog")
    .or(page.getByRole("dialog"))
    .getByRole("button", { name: "Undo this import" })
    .click();
  await seen(page.getByText("The import was taken back"));
  await go("Contacts");
  await seen(page.getByText("500 people"));
});

test("events of a shop come in from a file, once however often it is imported", async () => {
  const email = await page.evaluate(async () => {
    const ask = { name: "contacts.page", args: { where: null, search: null, sort: null, offset: 0, limit: 1 } };
    const answer = await fetch("api/query", {
      method: "POST",
      headers: {
        "content-type": "application/json",
        authorization: `Bearer ${sessionStorage.getItem("carillon.token")}`,
      },
      body: JSON.stringify(ask),
    });
    return (await answer.json()).rows[0].email;
  });
  const file = join(studio.home, "orders of march.csv");
  writeFileSync(
    file,
    `email,event,at,total\n${email},e2e_order,2026-08-01T10:00:00Z,12.50 EUR\nstranger@example.org,e2e_order,2026-08-01T10:00:00Z,1\n`,
  );
  for (const sentence of ["1 event imported", "0 events imported"]) {
    await go("Contacts");
    await page.getByRole("link", { name: "Imports" }).or(button("Imports")).first().click();
    await button("Import events").click();
    const choosing = page.waitForEvent("filechooser");
    await button("Choose a file").click();
    await (await choosing).setFiles(file);
    await seen(page.getByText("This column becomes a property: total."));
    await page.getByRole("textbox", { name: "Source" }).fill("e2e shop");
    await button("Import events").click();
    await seen(page.getByText(sentence));
  }
  await go("Contacts");
  await page.getByRole("link", { name: "Imports" }).or(button("Imports")).first().click();
  await seen(page.getByText("orders of march.csv"));
});

test("the segment editor tells all that can be said", async () => {
  await go("Segments");
  await button("New segment").first().click();
  await page.getByText("All that can be said").click();
  await seen(page.getByText("A missing value never matches", { exact: false }));
});

test("a template comes from a file, is asked for its subject, and never goes over another one", async () => {
  const file = join(studio.home, "spring.mjml");
  writeFileSync(
    file,
    "<mjml><mj-body><mj-section><mj-column><mj-text>Hello</mj-text></mj-column></mj-section></mj-body></mjml>",
  );
  for (const name of ["spring", "spring 2"]) {
    await go("Templates");
    await button("New template").first().click();
    const choosing = page.waitForEvent("filechooser");
    await button("Import from a file…").click();
    await (await choosing).setFiles(file);
    await page.getByRole("textbox", { name: "Subject" }).fill("Spring is here");
    await button("Import", page.getByRole("dialog")).click();
    await seen(page.getByText(`Imported ${name}`, { exact: true }));
  }
});

test("a changed setting is kept in the file", async () => {
  await go("Settings");
  const name = page.getByRole("textbox", { name: "Organisation" });
  await name.fill("Kiosk Coffee & Daughters");
  await button("Save").click();
  await seen(page.getByText("Saved", { exact: false }));
  await page.reload();
  await seen(heading("Settings"));
  assert.equal(await page.getByRole("textbox", { name: "Organisation" }).inputValue(), "Kiosk Coffee & Daughters");
});

test("a campaign is set up, recalled, sent once the clock goes on, and counted by domain", async () => {
  const count = await campaignStory(page);
  const call = (name, args) =>
    raw("/api/mutate", { "content-type": "application/json", ...key() }, JSON.stringify({ name, args }));
  assert.equal((await call("runtime.run", { until: null, for_secs: 3600 })).status, 200);
  const said = page.getByText(
    new RegExp(`^${count.toLocaleString("en-US")} of ${count.toLocaleString("en-US")} accepted`),
  );
  await seen(said);
  await seen(page.getByRole("table", { name: "By recipient domain" }));
  await go("Campaigns");
  await seen(page.getByRole("row", { name: /Autumn news.*Done/ }));
});

test("an answer in the place of a made-up person comes back like any other", async () => {
  assert.notEqual(await worldStory(page), "");
});

test("a mailbox is added with its password, and its test says clearly that nobody is there", async () => {
  const said = await mailboxStory(page);
  assert.match(said, /localhost/);
  assert.doesNotMatch(said, /no server ever hears this/);
});

test("no screen complained and no policy was breached on the way", async () => {
  for (const name of [
    "Home",
    "Journeys",
    "Contacts",
    "Segments",
    "Templates",
    "Analytics",
    "Outbox",
    "Replies",
    "Settings",
  ]) {
    await go(name);
    await seen(page.locator("main h1"));
  }
  assert.deepEqual(watched.faults, []);
  assert.deepEqual(await watched.breaches(), []);
});
