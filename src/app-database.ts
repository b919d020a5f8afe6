// The database without a controller: what `gitmend migrate` and `gitmend doctor --integrity|--repair` do to it.
import { resolve } from "node:path";
import { assertNoReplica, integrityStore } from "./adapters/postgres/integrity-store.ts";
import type { Migration } from "./adapters/postgres/migrate.ts";
import { connectDatabase, type DatabaseConnection } from "./adapters/postgres/open-database.ts";
import { guarded, sqlOf } from "./adapters/postgres/sql.ts";
import { databaseAddress, type Environment } from "./app-settings.ts";
import type { Config } from "./config/read-config.ts";
import { checkIntegrity, type IntegrityReport } from "./controller/check-integrity.ts";
import { Problem } from "./domain/problem.ts";

async function withDatabase<T>(
  config: Config,
  environment: Environment,
  work: (database: DatabaseConnection) => Promise<T>,
): Promise<T> {
  const database = await connectDatabase(databaseAddress(config, environment, resolve(config.data_dir)));
  try {
    return await work(database);
  } finally {
    await database.close();
  }
}

async function refuseBesideReplicas({ kind, pool }: DatabaseConnection): Promise<void> {
  if (kind === "server") await guarded(() => assertNoReplica(sqlOf(pool)));
}

/**
 * @returns what was, or with `dryRun` would be, applied
 * @throws Problem REPLICA_ALIVE (there is something to apply), DATABASE_TOO_NEW, DATABASE_UNAVAILABLE, DATA_FOLDER_IN_USE
 */
export function migrateDatabase(
  config: Config,
  environment: Environment,
  dryRun: boolean,
): Promise<readonly Migration[]> {
  return withDatabase(config, environment, async (database) => {
    const pending = await database.migrate({ dryRun: true });
    if (dryRun || pending.length === 0) return pending;
    if (pending[0]?.number !== 1) await refuseBesideReplicas(database);
    return database.migrate();
  });
}

/** @throws Problem REPLICA_ALIVE (with `repair`), DATABASE_TOO_NEW, DATABASE_UNAVAILABLE, DATA_FOLDER_IN_USE, NOT_NOW */
export function checkDatabase(
  config: Config,
  environment: Environment,
  options: { readonly repair: boolean; readonly progress?: (executions: number) => void },
): Promise<IntegrityReport> {
  return withDatabase(config, environment, async (database) => {
    const pending = await database.migrate({ dryRun: true });
    if (pending.length > 0)
      throw new Problem("NOT_NOW", `the schema is older than this version: run \`gitmend migrate\` first`);
    if (options.repair) await refuseBesideReplicas(database);
    return checkIntegrity(integrityStore(database), options);
  });
}
