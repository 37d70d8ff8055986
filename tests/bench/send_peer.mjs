// The campaign of `cargo xtask bench send` by nodemailer: the same message to as many people, from a pool of connections
// that stay open, into the same server.
//
//     node send_peer.mjs MODULES MESSAGE PORT PEOPLE SESSIONS [sign] [WORKERS]
//
// MODULES is the folder nodemailer was installed into. MESSAGE is JSON of one message as Carillon sent it: subject, html,
// text, from, headers and the name in it, in whose place each person's own is put. With `sign`, each message is signed (DKIM,
// RSA-2048). Node does its work on one core; WORKERS processes share the people and the sessions. Prints one line of JSON with messages a
// second, from the first message to the last answer, and the peak memory of all processes. It keeps no record of what it
// sent, unlike Carillon, which has each message's state on the disk before and after.

import { fork } from "node:child_process";
import { generateKeyPairSync } from "node:crypto";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { fileURLToPath } from "node:url";

const [modules, message, port, people, sessions, sign, workers = "1"] = process.argv.slice(2);
const require = createRequire(`${modules}/`);
const nodemailer = require("nodemailer");

function options(key) {
  const dkim = key && { domainName: "example.com", keySelector: "bench", privateKey: key };
  return {
    host: "127.0.0.1", port: Number(port), secure: false, ignoreTLS: true, pool: true,
    maxConnections: Math.max(1, Math.floor(Number(sessions) / Number(workers))), maxMessages: Infinity, dkim,
  };
}

// Sends those whose number is `share` modulo the workers, with so many on their way as there are sessions, and some waiting.
async function send(share, key) {
  const like = JSON.parse(readFileSync(message, "utf8"));
  const transport = nodemailer.createTransport(options(key));
  const atOnce = 2 * Math.max(1, Math.floor(Number(sessions) / Number(workers)));
  const parts = [like.html.split(like.name), like.text.split(like.name), like.subject.split(like.name)];
  let next = share;
  let refused = 0;
  const begun = process.hrtime.bigint();
  const one = async () => {
    while (next < Number(people)) {
      const n = next;
      next += Number(workers);
      const [html, text, subject] = parts.map((part) => part.join(`Person ${n}`));
      const mail = { from: like.from, to: `person${n}@example.com`, subject, html, text, headers: like.headers };
      try {
        await transport.sendMail(mail);
      } catch {
        refused += 1;
      }
    }
  };
  await Promise.all(Array.from({ length: atOnce }, one));
  const seconds = Number(process.hrtime.bigint() - begun) / 1e9;
  transport.close();
  return { seconds, refused, megabytes: process.resourceUsage().maxRSS / 1e3 };
}

function privateKey() {
  const kind = { type: "pkcs8", format: "pem" };
  return generateKeyPairSync("rsa", { modulusLength: 2048 }).privateKey.export(kind);
}

// A worker waits for its order, so that starting Node is in nobody's time.
function worker(share, key) {
  const child = fork(fileURLToPath(import.meta.url), process.argv.slice(2), { env: { ...process.env, SHARE: share } });
  const ready = new Promise((done) => child.once("message", done));
  const start = () => {
    const told = new Promise((done) => child.once("message", done));
    child.send({ key });
    return told;
  };
  return { ready, start };
}

if (process.env.SHARE !== undefined) {
  process.once("message", async ({ key }) => {
    process.send(await send(Number(process.env.SHARE), key));
    process.disconnect();
  });
  process.send("ready");
} else {
  const key = sign === "sign" ? privateKey() : undefined;
  const all = Array.from({ length: Number(workers) }, (_, share) => worker(String(share), key));
  await Promise.all(all.map((one) => one.ready));
  const begun = process.hrtime.bigint();
  const told = await Promise.all(all.map((one) => one.start()));
  const seconds = Number(process.hrtime.bigint() - begun) / 1e9;
  const refused = told.reduce((sum, one) => sum + one.refused, 0);
  const megabytes = told.reduce((sum, one) => sum + one.megabytes, 0);
  const { version } = require("nodemailer/package.json");
  const many = Number(workers) > 1 ? ` ${workers} processes` : "";
  console.log(
    JSON.stringify({ peer: `nodemailer${many} ${version}`, rate: Number(people) / seconds, megabytes, refused }),
  );
}
