import { readdirSync, readFileSync } from "node:fs";
import { basename, join, resolve } from "node:path";
import { type CompiledMessage, compileMessage } from "@lingui/message-utils/compileMessage";
import type { Plugin } from "vite";

/** A locale file: nested objects whose leaves are ICU messages. */
export interface MessageTree {
  [word: string]: string | MessageTree;
}

/** Every message of a tree by its dotted key. */
export function flatten(tree: MessageTree, prefix: string, into: Map<string, string>): void {
  for (const [word, value] of Object.entries(tree)) {
    const key = prefix === "" ? word : `${prefix}.${word}`;
    if (typeof value === "string") into.set(key, value);
    else flatten(value, key, into);
  }
}

/** All messages of one language: the file's stem is the first word of each key. */
export function readLocale(folder: string): Map<string, string> {
  const messages = new Map<string, string>();
  for (const name of readdirSync(folder).sort()) {
    if (!name.endsWith(".json")) continue;
    const tree = JSON.parse(readFileSync(join(folder, name), "utf8")) as MessageTree;
    flatten(tree, basename(name, ".json"), messages);
  }
  return messages;
}

/**
 * `virtual:messages/<language>`: the messages compiled at build time, so that no ICU parser is shipped.
 * A message that does not parse stops the build and names its key.
 */
export function locales(root: string): Plugin {
  const prefix = "virtual:messages/";
  const mark = "\0";
  return {
    name: "carillon-locales",
    resolveId(id) {
      return id.startsWith(prefix) ? mark + id : undefined;
    },
    load(id) {
      if (!id.startsWith(mark + prefix)) return undefined;
      const folder = resolve(root, id.slice((mark + prefix).length));
      const compiled: Record<string, CompiledMessage> = {};
      for (const [key, message] of readLocale(folder)) {
        compiled[key] = compileMessage(message, (part) => part);
        if (message !== "" && compiled[key].length === 0) this.error(`message ${key} does not parse: ${message}`);
      }
      return `export default ${JSON.stringify(compiled)};`;
    },
    configureServer(server) {
      server.watcher.add(root);
      server.watcher.on("all", (_event, path) => {
        if (!path.startsWith(root)) return;
        for (const [id, module] of server.moduleGraph.idToModuleMap) {
          if (id.startsWith(mark + prefix)) server.moduleGraph.invalidateModule(module);
        }
        server.ws.send({ type: "full-reload" });
      });
    },
  };
}
