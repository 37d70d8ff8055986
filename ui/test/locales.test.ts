// @vitest-environment node

import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { compileMessage } from "@lingui/message-utils/compileMessage";
import { describe, expect, test } from "vitest";
import { t } from "@/i18n";
import { readLocale } from "../vite/locales";
import { sources } from "./sources";

const messages = readLocale(fileURLToPath(new URL("../../assets/locales/en", import.meta.url)));
/** Files whose keys the program or the engine names, not the screens. */
const NOT_OURS = new Set(["errors", "jobs", "problems", "steps", "cli", "reports", "expressions", "relay_pages"]);
const stems = new Set([...messages.keys()].map((key) => key.split(".")[0] ?? ""));
const ours = [...messages.keys()].filter((key) => !NOT_OURS.has(key.split(".")[0] ?? ""));

/** Keys written out, and the patterns of those put together at run time. */
function used(): { keys: Set<string>; patterns: RegExp[] } {
  const keys = new Set<string>();
  const patterns: RegExp[] = [];
  for (const { text } of sources()) {
    for (const [, key] of text.matchAll(/["'`]([a-z_]+(?:\.[a-z0-9_]+)+)["'`]/g)) keys.add(key ?? "");
    for (const [, template] of text.matchAll(/`([a-z_]+\.[^`\n]*\$\{[^`\n]*)`/g)) {
      const parts = (template ?? "").split(/\$\{(?:[^{}]|\{[^}]*\})*\}/);
      if (!stems.has(parts[0]?.split(".")[0] ?? "")) continue;
      patterns.push(new RegExp(`^${parts.map((part) => part.replaceAll(".", "\\.")).join("[a-z0-9_.]+")}$`));
    }
  }
  return { keys, patterns };
}

describe("the locale files", () => {
  const { keys, patterns } = used();

  test("every message is an ICU message that parses", () => {
    for (const [key, message] of messages) {
      expect(() => compileMessage(message), key).not.toThrow();
    }
  });

  test("every key the screens name has words", () => {
    const missing = [...keys].filter(
      (key) => stems.has(key.split(".")[0] ?? "") && /^[a-z_]+\.[a-z0-9_.]+$/.test(key) && !messages.has(key),
    );
    const names = commands();
    expect(missing.filter((key) => !isPrefix(key) && !names.has(key) && !/\.(csv|json)$/.test(key))).toEqual([]);
  });

  test("no message is left that no screen shows", () => {
    const unused = ours.filter((key) => !keys.has(key) && !patterns.some((pattern) => pattern.test(key)));
    expect(unused).toEqual([]);
  });
});

/** Names of commands look like keys: `contacts.page`. */
const commands = () =>
  new Set(
    ["gen/Commands.ts", "words.ts"]
      .map((file) => readFileSync(fileURLToPath(new URL(`../src/api/${file}`, import.meta.url)), "utf8"))
      .flatMap((text) => [...text.matchAll(/"([a-z_]+\.[a-z_]+)"\s*:/g)].map(([, name]) => name ?? "")),
  );
const isPrefix = (key: string) => [...messages.keys()].some((other) => other.startsWith(`${key}.`));

test("a plural takes the form of its number", () => {
  expect(t("contacts.count", { n: 1 })).toBe("1 person");
  expect(t("contacts.count", { n: 1_000_000 }).replace(/\D/g, "")).toBe("1000000");
  expect(t("home.live_journeys", { n: 0 })).toBe("No journey is live");
});
