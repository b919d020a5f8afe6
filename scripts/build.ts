// `npm run build`: src/ -> dist/ with tsc, and the files beside the code that the program reads at run time.
// The image and the npm bin run dist/; in the repository bin/gitmend runs src/ directly.
import { cpSync, existsSync, globSync, rmSync } from "node:fs";
import { join, resolve } from "node:path";
import { runCommand } from "./run-command.ts";

const root = resolve(import.meta.dirname, "..");

/** Everything under src/ that is no TypeScript: migrations and what else the program reads beside its code. */
function copyData(): string[] {
  const files = globSync("src/**/*.{sql,json}", { cwd: root });
  for (const file of files) cpSync(join(root, file), join(root, file.replace(/^src/, "dist")));
  return files;
}

rmSync(join(root, "dist"), { recursive: true, force: true });
const tsc = join(root, "node_modules/.bin/tsc");
const { code, seconds } = await runCommand([tsc, "-p", "tsconfig.build.json"], { cwd: root, show: true });
const copied = copyData();
const complete = code === 0 && existsSync(join(root, "dist/main.js"));
console.log(
  complete ? `dist/ built in ${seconds.toFixed(1)} s, ${copied.length} data files` : "build failed",
);
process.exitCode = complete ? 0 : 1;
