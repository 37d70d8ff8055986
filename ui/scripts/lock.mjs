// After a change of dependencies: makes package-lock.json name every platform's optional packages and no registry.
// A registry mirror that holds one platform's packages leaves the others out of the lock, and `npm ci` refuses that.
import { readFileSync, writeFileSync } from "node:fs";

const file = new URL("../package-lock.json", import.meta.url);
const lock = JSON.parse(readFileSync(file, "utf8"));
const systems = [
  "android",
  "darwin",
  "freebsd",
  "linux",
  "netbsd",
  "openbsd",
  "openharmony",
  "sunos",
  "aix",
  "win32",
  "wasm32",
];
const machines = ["arm64", "x64", "arm", "ia32", "riscv64", "ppc64", "s390x", "loong64", "mips64el", "wasm32"];

/** Where a package that is named for its platform may be installed. */
function platform(name) {
  const words = name.split("/").at(-1).split("-");
  const os = systems.find((each) => words.includes(each));
  const cpu = machines.find((each) => words.includes(each));
  const libc = words.includes("musl")
    ? "musl"
    : words.includes("gnu") || words.includes("gnueabihf")
      ? "glibc"
      : undefined;
  return {
    ...(os === undefined || os === "wasm32" ? {} : { os: [os] }),
    ...(cpu === undefined ? {} : { cpu: [cpu] }),
    ...(libc === undefined ? {} : { libc: [libc] }),
  };
}

/** The entry a package finds under a name: its own, or that of a folder above. */
function seen(path, name) {
  for (let folder = path; ; folder = folder.slice(0, Math.max(0, folder.lastIndexOf("/node_modules/")))) {
    const found = lock.packages[`${folder === "" ? "" : `${folder}/`}node_modules/${name}`];
    if (found !== undefined || folder === "") return found;
  }
}

for (const entry of Object.values(lock.packages)) {
  delete entry.resolved;
  delete entry.funding;
}
for (const [path, entry] of Object.entries(lock.packages)) {
  for (const [name, version] of Object.entries(entry.optionalDependencies ?? {})) {
    if (!/^\d+\.\d+\.\d+/.test(version) || seen(path, name)?.version === version) continue;
    const beside = path.slice(0, path.lastIndexOf("node_modules/"));
    lock.packages[`${beside}node_modules/${name}`] = {
      version,
      ...platform(name),
      ...(entry.dev ? { dev: true } : {}),
      optional: true,
    };
  }
}
const { "": root, ...others } = lock.packages;
lock.packages = { "": root, ...Object.fromEntries(Object.entries(others).sort(([a], [b]) => (a < b ? -1 : 1))) };
writeFileSync(file, `${JSON.stringify(lock, null, 2)}\n`);
