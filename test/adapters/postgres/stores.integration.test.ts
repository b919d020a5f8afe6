// The stores' suites against both databases that gitmend runs on.
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe } from "vitest";
import { type Database, openDatabase } from "../../../src/adapters/postgres/open-database.ts";
import { alertStoreContract } from "../../contracts/alert-store.ts";
import { assessmentsContract } from "../../contracts/assessments.ts";
import { executionStoreContract } from "../../contracts/execution-store.ts";
import { startPostgres, type TestPostgres } from "../../support/postgres.ts";

describe("on a PostgreSQL server", () => {
  let postgres: TestPostgres;
  beforeAll(async () => {
    postgres = await startPostgres({ fsync: false });
  });
  afterAll(() => postgres.remove());
  const open = async () => openDatabase({ url: await postgres.createDatabase() });
  describe("alerts", () => alertStoreContract(open));
  describe("executions", () => executionStoreContract(open));
  describe("assessments", () => assessmentsContract(open));
});

describe("on the embedded database", () => {
  const folders: string[] = [];
  afterAll(() => Promise.all(folders.map((folder) => rm(folder, { recursive: true, force: true }))));
  const open = async (): Promise<Database> => {
    const folder = await mkdtemp(join(tmpdir(), "gitmend-data-"));
    folders.push(folder);
    return openDatabase({ dataDir: folder });
  };
  describe("alerts", () => alertStoreContract(open));
  describe("executions", () => executionStoreContract(open));
  describe("assessments", () => assessmentsContract(open));
});
