// @vitest-environment node
import { fileURLToPath } from "node:url";
import { build, type Plugin } from "vite";
import { beforeAll, expect, test, vi } from "vitest";
import { noFixtures } from "../vite/guard";
import { locales } from "../vite/locales";

const at = (path: string) => fileURLToPath(new URL(path, import.meta.url));

// `import.meta.env.DEV` follows it, and vitest says "test".
beforeAll(() => void vi.stubEnv("NODE_ENV", "production"));

/** The modules of a production build of one entry, without the slower transforms. */
async function modulesOf(entry: string): Promise<string[]> {
  const ids: string[] = [];
  const collect: Plugin = {
    name: "collect",
    generateBundle(_options, bundle) {
      for (const chunk of Object.values(bundle)) if (chunk.type === "chunk") ids.push(...chunk.moduleIds);
    },
  };
  await build({
    configFile: false,
    root: at(".."),
    mode: "production",
    logLevel: "silent",
    plugins: [collect, noFixtures(), locales(at("../../assets/locales"))],
    resolve: { alias: { "@": at("../src"), "@locales": at("../../assets/locales"), "@assets": at("../../assets") } },
    build: { write: false, minify: false, rolldownOptions: { input: entry, external: [/\.css$/] } },
  });
  return ids;
}

test("the production bundle has the screens and no made-up answers", async () => {
  const ids = await modulesOf(at("../src/main.tsx"));
  expect(ids.some((id) => id.endsWith("src/api/host.ts"))).toBe(true);
  expect(ids.some((id) => id.endsWith("src/contacts/contacts.tsx"))).toBe(true);
  expect(ids.filter((id) => /fixture/.test(id))).toEqual([]);
});

test("a build that would ship made-up answers is stopped", async () => {
  await expect(modulesOf(at("../src/api/host.fixture.ts"))).rejects.toThrow(/made-up answers/);
});
