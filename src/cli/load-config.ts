// gitmend.yaml for the commands that are a controller, or open its database themselves, and for those that judge a folder by it.
import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { Option } from "commander";
import { type Config, readConfig, scopesOf } from "../config/read-config.ts";
import { Problem } from "../domain/problem.ts";
import type { Scope } from "../domain/templates/scope.ts";
import type { CliContext } from "./context.ts";

export function configOption(): Option {
  return new Option(
    "--config <file>",
    "gitmend.yaml (default: GITMEND_CONFIG, else ./gitmend.yaml when it is there)",
  );
}

/** @throws Problem CONFIG_INVALID with every finding */
export async function loadConfig(
  given: string | undefined,
  { environment, workingFolder }: CliContext,
): Promise<Config> {
  const named = given ?? environment["GITMEND_CONFIG"];
  const file = resolve(workingFolder, named ?? "gitmend.yaml");
  const text = await readFile(file, "utf8").catch((error: unknown) => {
    if (named === undefined) return "";
    throw new Problem("CONFIG_INVALID", `${file} cannot be read`, { cause: error });
  });
  const { config, findings } = readConfig(text, file, environment);
  if (config !== null) return config;
  const lines = findings.map(
    (one) => `${one.file}:${one.line}:${one.column} ${one.severity} ${one.code} ${one.message}`,
  );
  throw new Problem("CONFIG_INVALID", `${file} is not valid`, { details: { findings: lines } });
}

/** Of the configuration that is given, or stands beside the catalog; without one no folder is bounded. @throws Problem CONFIG_INVALID */
export async function scopesFor(
  folder: string,
  given: string | undefined,
  context: CliContext,
): Promise<readonly Scope[]> {
  const beside = join(folder, "gitmend.yaml");
  if (given === undefined && !existsSync(beside)) return [];
  return scopesOf(await loadConfig(given ?? beside, context));
}
