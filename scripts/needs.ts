// Which test files need a server that this machine lacks. A test states its need by importing the support file that
// starts the server, directly or through another file under test/; nothing has to be declared twice.
import { existsSync, globSync, readFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import type { Server } from "./machine.ts";

const root = resolve(import.meta.dirname, "..");

/** The Kubernetes suite is not here: it runs against the simulated cluster when there is no real one. */
const supportFiles: Partial<Record<Server, string>> = {
  postgres: join(root, "test/support/postgres.ts"),
  alertmanager: join(root, "test/support/alertmanager.ts"),
  prometheus: join(root, "test/support/prometheus.ts"),
  redis: join(root, "test/support/redis.ts"),
  ssh: join(root, "test/support/ssh-server.ts"),
};

function reaches(file: string, wanted: string, seen = new Set<string>()): boolean {
  if (file === wanted) return true;
  if (seen.has(file) || !existsSync(file)) return false;
  seen.add(file);
  const imports = [...readFileSync(file, "utf8").matchAll(/from "(\.{1,2}\/[^"]+\.ts)"/g)];
  return imports
    .map((match) => resolve(dirname(file), match[1] ?? ""))
    .filter((imported) => imported.startsWith(join(root, "test/")))
    .some((imported) => reaches(imported, wanted, seen));
}

export interface SuiteFiles {
  readonly run: readonly string[];
  /** With the servers that each lacks. */
  readonly leftOut: readonly { readonly file: string; readonly lacks: readonly Server[] }[];
}

/** Test files of a project (`unit`, `integration`, …), relative to the repository. */
export function suiteFiles(project: string, missing: readonly Server[]): SuiteFiles {
  const special = /\.(integration|kubernetes|e2e)\.test\.ts$/;
  const files = globSync("test/**/*.test.ts", { cwd: root })
    .filter((file) => (special.exec(file)?.[1] ?? "unit") === project)
    .sort();
  const judged = files.map((file) => ({
    file,
    lacks: missing.filter((server) => {
      const support = supportFiles[server];
      return support !== undefined && reaches(join(root, file), support);
    }),
  }));
  return {
    run: judged.filter(({ lacks }) => lacks.length === 0).map(({ file }) => file),
    leftOut: judged.filter(({ lacks }) => lacks.length > 0),
  };
}
