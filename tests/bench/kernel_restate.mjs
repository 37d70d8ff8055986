// Workflows of five steps by Restate, as `cargo xtask bench kernel` has Carillon do them.
//
//     node kernel_restate.mjs MODULES FOLDER CONTACTS KILLS
//     node kernel_restate.mjs serve MODULES PORT NOTES
//
// MODULES is the folder the server and the SDK were installed into. The server keeps its files in FOLDER, listens on loopback
// and syncs its log to the disk, as it comes. The service runs in a process of its own (*serve*) and notes in a file what its steps
// did. Each contact goes through the steps of the bench's journey: decide, wait (a millisecond), change the score, add the tag, and
// a last one that does nothing; the server has each step's outcome in its log before the next one begins. So many workflows run at
// a time as made it quickest. Then the same from the beginning with server and service killed so many times on the way, each time
// after an equal part of the steps, and started again. Prints lines of JSON: durable steps a second from the first call to the last
// answer, and whether each contact went through all of them, without kills once; and how many got their points twice, a kill: a step
// that a kill cut off before the server had its outcome is done again.

import { spawn } from "node:child_process";
import { openSync, readFileSync, statSync, writeSync } from "node:fs";
import { Agent, request } from "node:http";
import { createRequire } from "node:module";
import { createServer } from "node:net";
import { fileURLToPath } from "node:url";

// The SDK is written for a newer Node; this is all it lacks in Node 20.
Promise.withResolvers ??= () => {
  const it = {};
  it.promise = new Promise((resolve, reject) => Object.assign(it, { resolve, reject }));
  return it;
};

const AT_ONCE = 400;
const STEPS = 5;
const PATIENCE = 120_000;
// A note has one length, so that a file's size says how many there are.
const NOTED = ["decide", "score", "tag", "nothing"];
const note = (what, who) => `${what.padEnd(8)}${who.padEnd(23)}\n`;
const NOTE = note("", "").length;

process.env.RESTATE_LOGGING = "ERROR";

async function serve(modules, port, notes) {
  const restate = createRequire(`${modules}/`)("@restatedev/restate-sdk");
  const file = openSync(notes, "a");
  const does = (what, who) => () => void writeSync(file, note(what, who));
  const journey = restate.workflow({
    name: "journey",
    handlers: {
      run: async (ctx, who) => {
        await ctx.run("decide", does("decide", who));
        await ctx.sleep(1);
        await ctx.run("score", does("score", who));
        await ctx.run("tag", does("tag", who));
        await ctx.run("nothing", does("nothing", who));
        return who;
      },
    },
  });
  await restate.endpoint().bind(journey).listen(Number(port));
}

const freePort = () =>
  new Promise((done) => {
    const one = createServer().listen(0, "127.0.0.1", () => {
      const { port } = one.address();
      one.close(() => done(port));
    });
  });

const pause = (ms) => new Promise((done) => setTimeout(done, ms));

const call = (agent, port, path, body) =>
  new Promise((done, fail) => {
    const asked = request(
      { host: "127.0.0.1", port, path, method: body === undefined ? "GET" : "POST", agent, headers: { "content-type": "application/json" } },
      (answer) => {
        let text = "";
        answer.on("error", fail);
        answer.on("data", (part) => (text += part));
        answer.on("end", () => {
          if (answer.statusCode < 300) done(text);
          else fail(Object.assign(new Error(`${answer.statusCode} ${text}`), { status: answer.statusCode }));
        });
      },
    );
    asked.on("error", fail);
    asked.end(body);
  });

async function until(what, work) {
  const end = Date.now() + PATIENCE;
  for (;;) {
    try {
      return await work();
    } catch (problem) {
      if (Date.now() > end) throw new Error(`${what}: ${problem.message}`);
      await pause(200);
    }
  }
}

/** Server and service with a folder of their own, which can be killed and started again. */
class Engine {
  constructor(modules, folder) {
    this.modules = modules;
    this.folder = folder;
    this.notes = `${folder}.notes`;
    this.agent = new Agent({ keepAlive: true, maxSockets: AT_ONCE });
    openSync(this.notes, "w");
  }

  async start() {
    this.ports ??= [await freePort(), await freePort(), await freePort(), await freePort()];
    const [ingress, admin, node, service] = this.ports;
    const { resolve } = createRequire(`${this.modules}/`);
    const program = resolve(`@restatedev/restate-server-${process.platform}-${process.arch}/bin/restate-server`);
    const log = openSync(`${this.folder}.log`, "a");
    const env = {
      ...process.env, RESTATE_BASE_DIR: this.folder, RESTATE_NODE_NAME: "bench", RESTATE_DISABLE_TELEMETRY: "true",
      RESTATE_INGRESS__BIND_IP: "127.0.0.1", RESTATE_INGRESS__BIND_PORT: String(ingress),
      RESTATE_ADMIN__BIND_IP: "127.0.0.1", RESTATE_ADMIN__BIND_PORT: String(admin),
    };
    const words = ["--no-logo", "--listen-mode", "tcp", "--bind-ip", "127.0.0.1", "--bind-port", String(node)];
    const serving = [fileURLToPath(import.meta.url), "serve", this.modules, String(service), this.notes];
    this.running = [
      spawn(program, words, { stdio: ["ignore", log, log], env }),
      spawn(process.execPath, serving, { stdio: ["ignore", log, log] }),
    ];
    this.ended = this.running.map((one) => new Promise((done) => one.once("exit", done)));
  }

  async ready() {
    const [ingress, admin, , service] = this.ports;
    await until("The server does not answer", () => call(this.agent, admin, "/health"));
    const uri = JSON.stringify({ uri: `http://127.0.0.1:${service}` });
    await until("The service cannot be registered", () => call(this.agent, admin, "/deployments", uri));
    await until("The workflow does not run", () => call(this.agent, ingress, "/journey/first/run", JSON.stringify("first")));
  }

  async kill() {
    for (const one of this.running) one.kill("SIGKILL");
    await Promise.all(this.ended);
  }

  noted() {
    return statSync(this.notes).size / NOTE;
  }

  /** From the call to its answer; a workflow that was called before is waited for. */
  async workflow(who) {
    const end = Date.now() + PATIENCE;
    let path = `/journey/${who}/run`;
    let body = JSON.stringify(who);
    for (;;) {
      try {
        return await call(this.agent, this.ports[0], path, body);
      } catch (problem) {
        if (Date.now() > end) throw problem;
        if (problem.status === 409) [path, body] = [`/restate/workflow/journey/${who}/attach`, undefined];
        else await pause(20);
      }
    }
  }

  /** How often what was noted, of each contact. */
  counts() {
    const counts = Object.fromEntries(NOTED.map((what) => [what, new Map()]));
    for (const line of readFileSync(this.notes, "utf8").trimEnd().split("\n")) {
      const [what, who] = line.trim().split(/\s+/);
      counts[what].set(who, (counts[what].get(who) ?? 0) + 1);
    }
    return counts;
  }
}

async function measure(modules, folder, contacts, kills) {
  const engine = new Engine(modules, folder);
  await engine.start();
  try {
    await engine.ready();
    let next = 0;
    const one = async () => {
      while (next < contacts) {
        next += 1;
        await engine.workflow(`contact-${next}`);
      }
    };
    const begun = process.hrtime.bigint();
    const all = Promise.all(Array.from({ length: AT_ONCE }, one));
    for (let kill = 1; kill <= kills; kill += 1) {
      while (engine.noted() < (contacts * NOTED.length * kill) / (kills + 1)) await pause(10);
      await engine.kill();
      await engine.start();
    }
    await all;
    const seconds = Number(process.hrtime.bigint() - begun) / 1e9;
    const counts = Object.values(engine.counts());
    const most = kills > 0 ? Number.POSITIVE_INFINITY : 1;
    const same = counts.every((map) => map.size === contacts + 1 && [...map.values()].every((n) => n <= most));
    const twice = [...engine.counts().score.values()].filter((n) => n > 1).length;
    return { number: Math.round((contacts * STEPS * 10) / seconds) / 10, same, twice };
  } finally {
    await engine.kill();
    engine.agent.destroy();
  }
}

const [first, ...rest] = process.argv.slice(2);
if (first === "serve") {
  await serve(...rest);
} else {
  const [folder, contacts, kills] = [rest[0], Number(rest[1]), Number(rest[2])];
  const { version } = JSON.parse(readFileSync(createRequire(`${first}/`).resolve("@restatedev/restate-server/package.json"), "utf8"));
  const peer = `Restate ${version}`;
  const whole = await measure(first, `${folder}/restate`, contacts, 0);
  const killed = await measure(first, `${folder}/restate-killed`, contacts, kills);
  const lines = [
    { of: "kernel.journey", peer, number: whole.number, same: whole.same },
    { of: "kernel.killed", peer, number: killed.number, same: killed.same },
    { of: "kernel.killed.twice", peer, number: killed.twice / kills, same: killed.same },
  ];
  for (const line of lines) console.log(JSON.stringify(line));
  process.exit(lines.every((line) => line.same) ? 0 : 1);
}
