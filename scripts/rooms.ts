// The import check: who may import whom, as .dependency-cruiser.mjs says. Used by `npm run check` and by
// test/rooms.test.ts, which plants forbidden imports in a copy. dependency-cruiser exits 0 when it cannot read
// TypeScript and sees no module at all, so the number of modules is part of the result.
import { join, resolve } from "node:path";
import { runCommand } from "./run-command.ts";

export interface Violation {
  readonly rule: string;
  readonly from: string;
  readonly to: string;
}

export interface RoomsReport {
  /** Modules under src/, without packages and Node's own. */
  readonly modules: number;
  readonly violations: readonly Violation[];
}

/** Fewer modules than this mean that the check is blind. */
export const fewestModules = 50;

interface CruiseResult {
  readonly modules: readonly { readonly source: string }[];
  readonly summary: {
    readonly violations: readonly {
      readonly rule: { readonly name: string };
      readonly from: string;
      readonly to: string;
    }[];
  };
}

/** Cruises `src/` of a folder that holds .dependency-cruiser.mjs and tsconfig.json. */
export async function inspectRooms(root: string): Promise<RoomsReport> {
  const program = resolve(
    import.meta.dirname,
    "../node_modules/dependency-cruiser/bin/dependency-cruiser.mjs",
  );
  const config = join(root, ".dependency-cruiser.mjs");
  const { stdout, stderr } = await runCommand(
    [process.execPath, program, "src", "--config", config, "--output-type", "json"],
    { cwd: root, limitSeconds: 120 },
  );
  if (!stdout.startsWith("{")) throw new Error(`dependency-cruiser gave no report: ${stderr || stdout}`);
  const result = JSON.parse(stdout) as CruiseResult;
  return {
    modules: result.modules.filter((module) => module.source.startsWith("src/")).length,
    violations: result.summary.violations.map(({ rule, from, to }) => ({ rule: rule.name, from, to })),
  };
}

if (import.meta.main) {
  const { modules, violations } = await inspectRooms(resolve(import.meta.dirname, ".."));
  for (const { rule, from, to } of violations) console.error(`${from} must not import ${to} (${rule})`);
  if (modules < fewestModules) console.error(`only ${modules} modules seen under src/: the check is blind`);
  console.log(`${modules} modules, ${violations.length} forbidden imports`);
  process.exitCode = violations.length > 0 || modules < fewestModules ? 1 : 0;
}
