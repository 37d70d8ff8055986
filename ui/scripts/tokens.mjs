// Reads src/design/tokens.json (DTCG) and writes tokens.css for the page and tokens.ts for canvas and charts.
import { readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

const folder = new URL("../src/design/", import.meta.url);
const notice = "Written by scripts/tokens.mjs from tokens.json; edit that file.";

/** All tokens of the tree: name, value in the light and in the dark. */
function tokens(tree) {
  const found = { colors: [], others: [] };
  const walk = (node, path, type) => {
    const own = node.$type ?? type;
    if (node.$value !== undefined) {
      const dark = node.$extensions?.["app.carillon"]?.dark ?? node.$value;
      (own === "color" ? found.colors : found.others).push({ name: path.join("-"), light: node.$value, dark });
      return;
    }
    for (const [word, child] of Object.entries(node)) if (!word.startsWith("$")) walk(child, [...path, word], own);
  };
  walk(tree, [], undefined);
  return found;
}

/** The two files, by name. */
export function generate() {
  const { colors, others } = tokens(JSON.parse(readFileSync(new URL("tokens.json", folder), "utf8")));
  const rule = (selector, lines) => `${selector} {\n${lines.map((line) => `  ${line};`).join("\n")}\n}\n`;
  const all = [...colors, ...others];
  const fixed = {
    "color-*": "initial",
    "color-transparent": "transparent",
    "color-current": "currentColor",
    "color-black": "#000",
    "color-white": "#fff",
  };
  const css = [
    `/* ${notice} */`,
    rule(":root", ["color-scheme: light", ...all.map((t) => `--${t.name}: ${t.light}`)]),
    rule(':root[data-theme="dark"]', [
      "color-scheme: dark",
      ...all.filter((t) => t.dark !== t.light).map((t) => `--${t.name}: ${t.dark}`),
    ]),
    "/* Tailwind's names for the colours above: `bg-app`, `text-ink-2`, `border-line-default`. */",
    rule(
      "@theme",
      Object.entries(fixed).map(([name, value]) => `--${name}: ${value}`),
    ),
    rule(
      "@theme reference inline",
      colors.map((t) => `--${t.name}: var(--${t.name})`),
    ),
  ].join("\n");
  const object = (theme) => colors.map((t) => `    "${t.name}": "${t[theme]}",`).join("\n");
  const ts = `// ${notice}
export const colors = {
  light: {
${object("light")}
  },
  dark: {
${object("dark")}
  },
} as const;

export type ColorToken = keyof (typeof colors)["light"];
`;
  return { "tokens.css": css, "tokens.ts": ts };
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  for (const [name, text] of Object.entries(generate())) writeFileSync(new URL(name, folder), text);
}
