// `npm run bench`: every benchmark under bench/, one after the other, each beside its baseline. `npm run bench -- appends plans`
// runs only these. The figures move with the machine; the ratios of one run are the result.

import { spawnSync } from "node:child_process";
import { globSync } from "node:fs";
import { basename, join, resolve } from "node:path";

const folder = resolve(import.meta.dirname, "../bench");
const all = globSync("*.ts", { cwd: folder }).map((file) => basename(file, ".ts"));
const asked = process.argv.slice(2);
const unknown = asked.filter((name) => !all.includes(name));
if (unknown.length > 0) {
  console.error(`there is no benchmark ${unknown.join(", ")}; there are ${all.toSorted().join(", ")}`);
  process.exit(2);
}
for (const name of (asked.length > 0 ? asked : all).toSorted()) {
  console.log(`\n# ${name}`);
  const { status } = spawnSync(process.execPath, [join(folder, `${name}.ts`)], { stdio: "inherit" });
  if (status !== 0) process.exitCode = 1;
}
