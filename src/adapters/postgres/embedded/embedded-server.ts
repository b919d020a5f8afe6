// Program of the child process that is the embedded database. It ends when the pipe from its parent closes, and holds a lock of
// its own meanwhile: the next start waits for it. Signals to the whole process group are left to the parent, which drains first.
import { rm } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { PGlite } from "@electric-sql/pglite";
import { PGLiteSocketServer } from "@electric-sql/pglite-socket";
import { dataFiles } from "./data-files.ts";
import { lockFolder } from "./data-folder-lock.ts";

const [dataDir = ".", socketFolder = dataDir] = process.argv.slice(2);
const waitMs = 100;

for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(signal, () => undefined);
process.stdin.on("close", () => process.exit(0));
process.stdin.resume();

while (!(await lockFolder(join(socketFolder, "database.lock"))).locked) await sleep(waitMs);
const database = await PGlite.create({ dataDir: await dataFiles(dataDir) });

// A statement that breaks the engine, not one that is refused: only a new process helps.
const execute = database.execProtocolRawStream.bind(database);
database.execProtocolRawStream = async (message, options) => {
  try {
    return await execute(message, options);
  } catch (error) {
    process.stderr.write(`embedded database: ${String(error)}\n`);
    process.exit(1);
  }
};

const path = join(socketFolder, ".s.PGSQL.5432");
await rm(path, { force: true });
const server = new PGLiteSocketServer({ db: database, path, maxConnections: 8 });
await server.start();
process.stdout.write("ready\n");
