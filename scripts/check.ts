// `npm run check`: everything that needs no server, in under a minute. Runs all checks, two at a time, shows the output
// of those that failed and ends with one line a check. `--without-unit` leaves the unit tests to the caller.
import { availableParallelism } from "node:os";
import { resolve } from "node:path";
import { type CommandResult, runCommand } from "./run-command.ts";

interface Check {
  readonly name: string;
  readonly command: readonly [string, ...string[]];
  /** What mends it, where a command does. */
  readonly remedy?: string;
}

const root = resolve(import.meta.dirname, "..");
const bin = (name: string) => resolve(root, "node_modules/.bin", name);
const script = (name: string, ...parameters: string[]): readonly [string, ...string[]] => [
  process.execPath,
  resolve(root, "scripts", name),
  ...parameters,
];

// The longest first: the others fill the second core meanwhile.
const unit: Check = { name: "unit tests", command: [bin("vitest"), "run", "--project", "unit"] };
const checks: readonly Check[] = [
  { name: "lint", command: [bin("oxlint"), "--deny-warnings"] },
  { name: "types", command: [bin("tsc"), "-p", "tsconfig.json"] },
  { name: "dead code", command: [bin("knip"), "--no-progress"] },
  { name: "rooms", command: script("rooms.ts") },
  { name: "generated types", command: script("generate.ts", "--check"), remedy: "npm run generate" },
  {
    name: "action reference",
    command: script("generate-actions.ts", "--check"),
    remedy: "npm run generate",
  },
  {
    name: "event reference",
    command: script("generate-events.ts", "--check"),
    remedy: "npm run generate",
  },
  { name: "lock", command: script("lock.ts"), remedy: "node scripts/lock.ts --write" },
  { name: "format", command: [bin("biome"), "ci", "--colors=off"], remedy: "npm run format" },
];

async function runAll(pending: Check[], parallel: number): Promise<Map<string, CommandResult>> {
  const results = new Map<string, CommandResult>();
  const work = async () => {
    for (let check = pending.shift(); check !== undefined; check = pending.shift()) {
      results.set(check.name, await runCommand(check.command, { cwd: root, limitSeconds: 300 }));
    }
  };
  await Promise.all(Array.from({ length: parallel }, work));
  return results;
}

const chosen = process.argv.includes("--without-unit") ? checks : [unit, ...checks];
const results = await runAll([...chosen], Math.max(2, Math.min(4, availableParallelism())));
const failed = chosen.filter((check) => results.get(check.name)?.code !== 0);
for (const check of failed) {
  const result = results.get(check.name);
  console.log(`\n--- ${check.name}\n${result?.stdout ?? ""}${result?.stderr ?? ""}`.trimEnd());
}
console.log("");
for (const check of chosen) {
  const result = results.get(check.name);
  const remedy = result?.code !== 0 && check.remedy !== undefined ? `   try: ${check.remedy}` : "";
  console.log(
    `${result?.code === 0 ? "ok    " : "FAILED"} ${check.name.padEnd(16)} ${result?.seconds.toFixed(1).padStart(5)} s${remedy}`,
  );
}
console.log(
  failed.length === 0 ? "check passed" : `check failed: ${failed.map(({ name }) => name).join(", ")}`,
);
process.exitCode = failed.length === 0 ? 0 : 1;
