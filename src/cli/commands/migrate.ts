// `gitmend migrate`: brings the database's schema up to date without starting a controller, or says what that would do.
import type { Command } from "commander";
import type { CliContext } from "../context.ts";
import { configOption, loadConfig } from "../load-config.ts";
import { type OutputOptions, outputOption, print, withExample } from "../output.ts";

interface Options extends OutputOptions {
  readonly config?: string;
  readonly dryRun: boolean;
}

interface Applied {
  readonly name: string;
  readonly sql: string;
}

export function addMigrate(program: Command, context: CliContext): void {
  withExample(
    program
      .command("migrate")
      .description("bring the database's schema up to date (the controller does it at its start too)")
      .option("--dry-run", "print the SQL that would be run, and change nothing", false)
      .addOption(configOption())
      .addOption(outputOption())
      .action((options: Options) => migrate(options, context)),
    "gitmend migrate --dry-run",
  );
}

async function migrate(options: Options, context: CliContext): Promise<void> {
  const config = await loadConfig(options.config, context);
  const { migrateDatabase } = await import("../../app.ts");
  const migrations = await migrateDatabase(config, context.environment, options.dryRun);
  const shown = migrations.map(({ name, sql }) => ({ name, sql }));
  print(context, options, { dryRun: options.dryRun, migrations: shown }, () => text(shown, options.dryRun));
}

function text(migrations: readonly Applied[], dryRun: boolean): string {
  if (migrations.length === 0) return "the schema is up to date\n";
  if (dryRun) return migrations.map(({ name, sql }) => `-- ${name}\n${sql.trimEnd()}\n`).join("\n");
  return migrations.map(({ name }) => `applied ${name}\n`).join("");
}
