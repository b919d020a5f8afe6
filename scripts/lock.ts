// The lock file names the optional packages of every platform. npm leaves out those that the registry in use does not
// have, and `npm ci` then refuses the lock anywhere. `--write` adds what is missing, without checksums: such a package is
// installed only on its own platform.
import { readFileSync, writeFileSync } from "node:fs";
import { resolve } from "node:path";

interface LockEntry {
  readonly version?: string;
  readonly dev?: boolean;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
  readonly [key: string]: unknown;
}

interface Lock {
  packages: Record<string, LockEntry>;
}

const platforms = ["android", "darwin", "freebsd", "linux", "openharmony", "win32"];

/** Whether Node would find `name` from the package at `from`: beside it or in a folder above. */
function isLocked(lock: Lock, from: string, name: string): boolean {
  for (let folder = from; ; folder = folder.slice(0, Math.max(0, folder.lastIndexOf("/node_modules/")))) {
    if (`${folder === "" ? "" : `${folder}/`}node_modules/${name}` in lock.packages) return true;
    if (folder === "") return false;
  }
}

/** `@oxlint/binding-linux-arm64-musl` says by its name where it runs. */
function entryOf(name: string, version: string, dev: boolean): LockEntry {
  const parts = name.split("/").at(-1)?.split("-") ?? [];
  const at = parts.findIndex((part) => platforms.includes(part));
  if (at === -1)
    throw new Error(`${name} does not say its platform: run npm install where the registry has it`);
  const flavour = parts.at(-1) ?? "";
  const libc = flavour.startsWith("musl") ? ["musl"] : flavour.startsWith("gnu") ? ["glibc"] : null;
  return {
    version,
    cpu: [parts[at + 1]],
    ...(dev ? { dev } : {}),
    ...(libc === null ? {} : { libc }),
    optional: true,
    os: [parts[at]],
  };
}

function missingEntries(lock: Lock): Record<string, LockEntry> {
  const missing: Record<string, LockEntry> = {};
  for (const [path, entry] of Object.entries(lock.packages)) {
    for (const [name, version] of Object.entries(entry.optionalDependencies ?? {})) {
      if (!isLocked(lock, path, name))
        missing[`node_modules/${name}`] = entryOf(name, version, entry.dev === true);
    }
  }
  return missing;
}

const file = resolve(import.meta.dirname, "../package-lock.json");
const lock = JSON.parse(readFileSync(file, "utf8")) as Lock;
const missing = missingEntries(lock);
const names = Object.keys(missing);
if (process.argv.includes("--write") && names.length > 0) {
  const all = Object.entries({ ...lock.packages, ...missing });
  lock.packages = Object.fromEntries(all.sort(([left], [right]) => (left < right ? -1 : 1)));
  writeFileSync(file, `${JSON.stringify(lock, null, 2)}\n`);
} else if (names.length > 0) {
  for (const name of names) console.error(`${name} is not in package-lock.json: npm ci would refuse it`);
  process.exitCode = 1;
}
console.log(`${names.length} optional packages ${process.argv.includes("--write") ? "added" : "missing"}`);
