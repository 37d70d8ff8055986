import type { Plugin } from "vite";

/** Stops a build that would ship answers made up for the development of the screens. */
export function noFixtures(): Plugin {
  return {
    name: "carillon-no-fixtures",
    apply: "build",
    generateBundle(_options, bundle) {
      for (const chunk of Object.values(bundle)) {
        if (chunk.type !== "chunk") continue;
        const found = chunk.moduleIds.filter((id) => /fixture/.test(id));
        if (found.length > 0) this.error(`made-up answers must not be shipped: ${found.join(", ")}`);
      }
    },
  };
}
