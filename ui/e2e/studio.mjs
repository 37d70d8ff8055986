// The program itself, serving a sample on a free port, and a browser that looks at it. Both are ended by their ids.
import { execFile, spawn } from "node:child_process";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { chromium } from "playwright-core";

const here = (path) => fileURLToPath(new URL(path, import.meta.url));
const CLI = process.env.CARILLON_CLI ?? here("../../target/debug/carillon");
const CHROMIUM = process.env.CHROMIUM ?? "/usr/bin/chromium";
const UI = here("../dist");

/** The picture that tells of an opening: the frame's policy keeps it away, for who looks at a mail here is not its recipient. */
const PIXEL = /http:\/\/127\.0\.0\.1:\d+\/o\//;

/** A page with what went wrong on it, from its first moment. */
export class Watched {
  constructor(page) {
    this.page = page;
    this.faults = [];
    page.on("console", (message) => {
      if (message.type() === "error" && !PIXEL.test(message.text())) this.faults.push(`console: ${message.text()}`);
    });
    page.on("response", async (response) => {
      if (response.status() < 400) return;
      const answer = await response.text().catch(() => "");
      this.faults.push(`${response.status()}: ${response.request().postData()?.slice(0, 300)} ${answer.slice(0, 500)}`);
    });
    page.on("pageerror", (error) => this.faults.push(`uncaught: ${error.message}`));
    page.on("requestfailed", (request) => {
      // A page that is left ends its own event stream.
      if (request.failure()?.errorText !== "net::ERR_ABORTED" && !PIXEL.test(request.url()))
        this.faults.push(`request: ${request.url()}`);
    });
  }

  /** Tells of breaches of the page's content policy. In the frames of mails nothing runs, so nothing could tell there. */
  async policy() {
    await this.page.addInitScript(() => {
      if (window.top !== window) return;
      window.breaches = [];
      document.addEventListener("securitypolicyviolation", (event) => {
        window.breaches.push(`${event.violatedDirective} ${event.blockedURI}`);
      });
    });
  }

  async breaches() {
    return this.page.evaluate(() => window.breaches);
  }
}

/** Makes the sample, serves it and opens a browser. */
export async function startStudio() {
  for (const [what, path] of Object.entries({ program: CLI, browser: CHROMIUM, screens: join(UI, "index.html") })) {
    if (!existsSync(path)) throw new Error(`The ${what} is missing: ${path}`);
  }
  const home = mkdtempSync(join(tmpdir(), "carillon-e2e-"));
  const file = join(home, "shop.carillon");
  const env = { ...process.env, CARILLON_HOME: join(home, "home"), CARILLON_LOOPBACK_ONLY: "1" };
  delete env.CARILLON_WORKSPACE;
  const sample = ["demo", "create", file, "--contacts", "500", "--months", "3", "--seed", "1"];
  await promisify(execFile)(CLI, sample, { env });
  const server = spawn(CLI, ["--workspace", file, "--json", "serve", "--port", "0", "--ui", UI], { env });
  const ended = new Promise((resolve) => server.once("exit", resolve));
  let said = "";
  server.stderr.on("data", (chunk) => {
    said += chunk;
  });
  const url = await new Promise((resolve, reject) => {
    let out = "";
    server.stdout.on("data", (chunk) => {
      out += chunk;
      try {
        resolve(JSON.parse(out).url);
      } catch {
        // Not the whole document yet.
      }
    });
    void ended.then((code) => reject(new Error(`The program ended with ${code}: ${said}`)));
  });
  const browser = await chromium.launch({ executablePath: CHROMIUM, args: ["--no-sandbox"] });
  return {
    url,
    origin: new URL(url).origin,
    token: new URL(url).hash.replace("#token=", ""),
    home,
    browser,
    /** Opens a page of its own with the key, at a place of the studio. */
    async open(path = "", options = {}) {
      const context = await browser.newContext({
        viewport: { width: 1440, height: 900 },
        acceptDownloads: true,
        ...options,
      });
      const page = await context.newPage();
      page.setDefaultTimeout(Number(process.env.CARILLON_E2E_TIMEOUT ?? 60_000));
      const watched = new Watched(page);
      await watched.policy();
      await page.goto(url);
      await page.getByRole("navigation").first().waitFor();
      if (path !== "")
        await page.evaluate((to) => {
          window.location.hash = to;
        }, path);
      return watched;
    },
    async stop() {
      await browser.close();
      server.kill("SIGINT");
      const late = setTimeout(() => server.kill("SIGKILL"), 10_000);
      await ended;
      clearTimeout(late);
      rmSync(home, { recursive: true, force: true });
    },
  };
}
