// @vitest-environment node
import { expect, test } from "vitest";
import { sources } from "./sources";

/** Folders that every screen may use. */
const COMMON = new Set(["api", "design", "shell", "workspaces"]);

const importsOf = (text: string): string[] =>
  [...text.matchAll(/(?:from|import)\s*\(?\s*["']([^"']+)["']/g)].map(([, path]) => path ?? "");

test("a screen's folder imports no other screen's folder", () => {
  const crossing = sources().flatMap(({ path, text }) => {
    const own = path.split("/")[0] ?? "";
    if (!path.includes("/") || COMMON.has(own)) return [];
    return importsOf(text)
      .filter((from) => from.startsWith("@/"))
      .map((from) => from.split("/")[1] ?? "")
      .filter((folder) => !COMMON.has(folder) && folder !== own && !["i18n", "format", "design"].includes(folder))
      .map((folder) => `${path} → ${folder}`);
  });
  expect(crossing).toEqual([]);
});

test("only the host knows what stands behind the screen", () => {
  const knowing = sources().filter(
    ({ path, text }) => path !== "api/host.ts" && importsOf(text).some((from) => from.startsWith("@tauri-apps")),
  );
  expect(knowing.map(({ path }) => path)).toEqual([]);
});

test("nothing is dragged the browser's own way", () => {
  const dragging = sources().filter(
    ({ path, text }) =>
      path !== "api/host.ts" &&
      (/\bdraggable(=|\s*:\s*true)/.test(text.replaceAll("draggable={false}", "")) ||
        /dataTransfer|PointerSensor/.test(text)),
  );
  expect(dragging.map(({ path }) => path)).toEqual([]);
});

test("no file grows over 600 lines", () => {
  expect(
    sources()
      .filter(({ text }) => text.split("\n").length > 600)
      .map(({ path }) => path),
  ).toEqual([]);
});
