// Workflows of five steps by Restate, as `cargo xtask bench kernel` has Carillon do them.
//
//     node kernel_restate.mjs MODULES FOLDER CONTACTS
//
// MODULES is the folder the server and the SDK were installed into. The server keeps its files in FOLDER, listens on loopback
// and syncs its log to the disk, as it comes. The service runs in this process. Each contact goes through the steps of the
// bench's journey: decide, wait (a millisecond), change the score, add the tag, and a last one that does nothing; the server has
// each step's outcome in its log before the next one begins. So many workflows run at a time as made it quickest. Prints a
// line of JSON: durable steps a second from the first call to the last answer, and whether each contact went through all of
// them once.

import { spawn } from "node:child_process";
import { openSync, readFileSync } from "node:fs";
import { Agent, request } from "node:http";
import { createRequire } from "node:module";
import { createServer } from "node:net";

// The SDK is written for a newer Node; this is all it lacks in Node 20.
Promise.withResolvers ??= () => {
  const it = {};
  it.promise = new Promise((resolve, reject) => Object.assign(it, { resolve, reject }));
  return it;
};

const AT_ONCE = 400;
const STEPS = 5;
const PATIENCE = 120_000;
const [modules, folder, wanted] = process.argv.slice(2);
const contacts = Number(wanted);
const require = createRequire(`${modules}/`);
process.env.RESTATE_LOGGING = "ERROR";
const restate = require("@restatedev/restate-sdk");

const freePort = () =>
  new Promise((done) => {
    const one = createServer().listen(0, "127.0.0.1", () => {
      const { port } = one.address();
      one.close(() => done(port));
    });
  });

// What the steps did: exactly once each is what is asked for.
const did = { decided: 0, points: new Map(), tags: new Map() };
const once = (map, who) => void map.set(who, (map.get(who) ?? 0) + 1);
const journey = restate.workflow({
  name: "journey",
  handlers: {
    run: async (ctx, who) => {
      await ctx.run("decide", () => void (did.decided += 1));
      await ctx.sleep(1);
      await ctx.run("score", () => once(did.points, who));
      await ctx.run("tag", () => once(did.tags, who));
      await ctx.run("nothing", () => {});
      return who;
    },
  },
});

const agent = new Agent({ keepAlive: true, maxSockets: AT_ONCE });
const call = (port, path, body) =>
  new Promise((done, fail) => {
    const asked = request(
      { host: "127.0.0.1", port, path, method: body === undefined ? "GET" : "POST", agent, headers: { "content-type": "application/json" } },
      (answer) => {
        let text = "";
        answer.on("data", (part) => (text += part));
        answer.on("end", () => (answer.statusCode < 300 ? done(text) : fail(new Error(`${answer.statusCode} ${text}`))));
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
      await new Promise((done) => setTimeout(done, 200));
    }
  }
}

const [ingress, admin, node, service] = [await freePort(), await freePort(), await freePort(), await freePort()];
const endpoint = restate.endpoint().bind(journey);
await endpoint.listen(service);
const program = require.resolve(`@restatedev/restate-server-${process.platform}-${process.arch}/bin/restate-server`);
const log = openSync(`${folder}/restate.log`, "a");
const server = spawn(program, ["--no-logo", "--listen-mode", "tcp", "--bind-ip", "127.0.0.1", "--bind-port", String(node)], {
  cwd: folder,
  stdio: ["ignore", log, log],
  env: {
    ...process.env, RESTATE_BASE_DIR: `${folder}/restate`, RESTATE_NODE_NAME: "bench", RESTATE_DISABLE_TELEMETRY: "true",
    RESTATE_INGRESS__BIND_IP: "127.0.0.1", RESTATE_INGRESS__BIND_PORT: String(ingress),
    RESTATE_ADMIN__BIND_IP: "127.0.0.1", RESTATE_ADMIN__BIND_PORT: String(admin),
  },
});
const ended = new Promise((done) => server.once("exit", done));
try {
  await until("The server does not answer", () => call(admin, "/health"));
  const uri = JSON.stringify({ uri: `http://127.0.0.1:${service}` });
  await until("The service cannot be registered", () => call(admin, "/deployments", uri));
  await until("The workflow does not run", () => call(ingress, "/journey/first/run", JSON.stringify("first")));
  let next = 0;
  const begun = process.hrtime.bigint();
  const one = async () => {
    while (next < contacts) {
      const who = `contact-${next}`;
      next += 1;
      await call(ingress, `/journey/${who}/run`, JSON.stringify(who));
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, one));
  const seconds = Number(process.hrtime.bigint() - begun) / 1e9;
  const all = (map) => map.size === contacts + 1 && [...map.values()].every((n) => n === 1);
  const same = did.decided === contacts + 1 && all(did.points) && all(did.tags);
  const { version } = JSON.parse(readFileSync(require.resolve("@restatedev/restate-server/package.json"), "utf8"));
  const number = Math.round((contacts * STEPS * 10) / seconds) / 10;
  console.log(JSON.stringify({ of: "kernel.journey", peer: `Restate ${version}`, number, same }));
  process.exitCode = same ? 0 : 1;
} finally {
  server.kill("SIGKILL");
  await ended;
  agent.destroy();
}
process.exit();
