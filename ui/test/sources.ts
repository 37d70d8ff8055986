import { readdirSync, readFileSync, statSync } from "node:fs";
import { join, relative } from "node:path";
import { fileURLToPath } from "node:url";

const SRC = fileURLToPath(new URL("../src", import.meta.url));

export interface Source {
  /** Path below `src`, with forward slashes. */
  path: string;
  text: string;
}

/** Every TypeScript file that is written by hand, tests left out. */
export function sources(): Source[] {
  const found: Source[] = [];
  const walk = (folder: string) => {
    for (const name of readdirSync(folder).sort()) {
      const path = join(folder, name);
      if (statSync(path).isDirectory()) {
        if (!path.endsWith(join("api", "gen"))) walk(path);
      } else if (/\.tsx?$/.test(name) && !/\.(test|d)\.tsx?$/.test(name)) {
        found.push({ path: relative(SRC, path).replaceAll("\\", "/"), text: readFileSync(path, "utf8") });
      }
    }
  };
  walk(SRC);
  return found;
}
