// The templates of `cargo xtask bench render` by the programs people use: MJML by mjml, Liquid by liquidjs, on one core.
//
//     node render_peers.mjs MODULES FOLDER
//
// MODULES is the folder mjml and liquidjs were installed into. FOLDER holds what the example `render_bench` of
// `carillon-render` wrote: `N.mjml`, `N.html` and `N.txt` with the Liquid still in them, `people.json`, `N.json`.
//
// mjml makes HTML of the source, its Liquid being words to it. Two programs write different HTML for one page, so what is
// compared is what its reader has of it: the words that are shown and the addresses of links, in order, read by cheerio.
// liquidjs fills in each person's values where mjml's work is already done; templates are parsed once. Its HTML must be ours
// byte for byte, but that it writes a quotation mark `&#34;` and not `&quot;`; in its text, white space counts as one space,
// for we break lines after filling in and it does not.
// Prints one line of JSON for each figure: `of`, `peer`, `number`, `same`.

import { readFileSync } from "node:fs";
import { createRequire } from "node:module";

const [modules, folder] = process.argv.slice(2);
const require = createRequire(`${modules}/`);
const mjml = require("mjml");
const cheerio = require("cheerio");
const { Liquid } = require("liquidjs");

const SECTIONS = [1, 10, 100];
const COMPILED = 51;
const LONG_ENOUGH_MS = 1_000;
const read = (name) => readFileSync(`${folder}/${name}`, "utf8");
const flowing = (text) => text.split(/\s+/).filter(Boolean).join(" ");

function say(of, name, number, same) {
  const { version } = require(`${name}/package.json`);
  console.log(JSON.stringify({ of, peer: `${name} ${version}`, number, same }));
}

// What a reader has of a page: its words and where its links lead.
function seen(html) {
  const page = cheerio.load(html);
  page("head, style, script, title").remove();
  const words = [];
  const walk = (node) => {
    if (node.type === "text") words.push(node.data);
    for (const child of node.children ?? []) walk(child);
  };
  walk(page.root()[0]);
  const links = page("a[href]").map((_, link) => page(link).attr("href")).get();
  return JSON.stringify([flowing(words.join(" ")), links]);
}

async function compile(sections) {
  const source = read(`${sections}.mjml`);
  // Nothing is looked for but the HTML: the fastest way to it.
  const options = { validationLevel: "skip", minify: false, beautify: false, keepComments: false };
  const times = [];
  let html = "";
  for (let n = 0; n < COMPILED; n += 1) {
    const begun = performance.now();
    ({ html } = await mjml(source, options));
    times.push(performance.now() - begun);
  }
  times.sort((a, b) => a - b);
  const same = seen(html) === seen(read(`${sections}.html`));
  say(`render.compile_${sections}`, "mjml", times[Math.floor(COMPILED / 2)], same);
}

function personalise(sections, people) {
  const engine = new Liquid({ outputEscape: "escape" });
  const plain = new Liquid();
  const html = engine.parse(read(`${sections}.html`));
  const text = plain.parse(read(`${sections}.txt`));
  const one = (who) => [engine.renderSync(html, who), plain.renderSync(text, who)];
  let same = true;
  JSON.parse(read(`${sections}.json`)).forEach((ours, n) => {
    const [theirs, words] = one(people[n]);
    same &&= theirs.replaceAll("&#34;", "&quot;") === ours.html && flowing(words) === flowing(ours.text);
  });
  let done = 0;
  let bytes = 0;
  const begun = performance.now();
  let took = 0;
  while (took < LONG_ENOUGH_MS) {
    const [a, b] = one(people[done % people.length]);
    bytes += a.length + b.length;
    done += 1;
    took = performance.now() - begun;
  }
  say(`render.messages_${sections}`, "liquidjs", (done / took) * 1e3, same && bytes > 0);
}

const people = JSON.parse(read("people.json"));
for (const sections of SECTIONS) {
  await compile(sections);
  personalise(sections, people);
}
