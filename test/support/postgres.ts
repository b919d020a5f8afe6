// A throw-away PostgreSQL server on loopback, and databases cloned from a migrated template. The server ends with the
// process that started it, however that ends: a shell waits on a pipe and stops it when the pipe closes.
import { type ChildProcess, execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, globSync } from "node:fs";
import { chown, mkdtemp, readFile, rm } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir, userInfo } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { promisify } from "node:util";
import pg from "pg";
import { connectDatabase } from "../../src/adapters/postgres/open-database.ts";

const run = promisify(execFile);

export interface TestPostgres {
  readonly port: number;
  /** Folder of psql, pgbench and the like. */
  readonly binaries: string;
  url(database: string): string;
  /** A new, migrated database. @returns its URL */
  createDatabase(): Promise<string>;
  /** Fast shutdown: connections are cut, everything is durable. */
  stop(): Promise<void>;
  start(): Promise<void>;
  /** SIGKILL to the server, as in a crash. */
  kill(): Promise<void>;
  remove(): Promise<void>;
}

interface Owner {
  readonly uid?: number;
  readonly gid?: number;
}

/** `fsync: false` only where a test is about logic alone. */
export async function startPostgres(options: { readonly fsync?: boolean } = {}): Promise<TestPostgres> {
  const binaries = findBinaries();
  const owner = await serverOwner();
  const folder = await mkdtemp(join(tmpdir(), "gitmend-postgres-"));
  if (owner.uid !== undefined) await chown(folder, owner.uid, owner.gid ?? owner.uid);
  const data = join(folder, "data");
  const initdb = ["-D", data, "-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8", "--no-sync"];
  await run(join(binaries, "initdb"), initdb, { ...owner, cwd: folder });
  const port = await freePort();
  const settings = [
    `fsync=${options.fsync === false ? "off" : "on"}`,
    "max_connections=200",
    "shared_buffers=256MB",
  ];
  const command = [
    join(binaries, "postgres"),
    "-D",
    data,
    "-h",
    "127.0.0.1",
    "-p",
    String(port),
    "-k",
    "",
    ...settings.flatMap((setting) => ["-c", setting]),
  ];
  const url = (database: string) => `postgres://postgres@127.0.0.1:${port}/${database}`;
  let server: ChildProcess | null = null;
  let databases = 0;

  const postgres: TestPostgres = {
    port,
    binaries,
    url,
    async createDatabase() {
      databases += 1;
      const name = `test_${databases}`;
      await administer(url("postgres"), `create database ${name} template gitmend_template`);
      return url(name);
    },
    async start() {
      server = await startServer(command, folder, owner, url("postgres"));
    },
    async stop() {
      const running = server;
      server = null;
      if (running === null || running.exitCode !== null) return;
      const exited = once(running, "exit");
      running.stdin?.end();
      await exited;
    },
    async kill() {
      const [pid] = (await readFile(join(data, "postmaster.pid"), "utf8")).split("\n");
      process.kill(Number(pid), "SIGKILL");
      await postgres.stop();
    },
    async remove() {
      await postgres.stop();
      await rm(folder, { recursive: true, force: true });
    },
  };
  await postgres.start();
  await makeTemplate(url);
  return postgres;
}

async function makeTemplate(url: (database: string) => string): Promise<void> {
  await administer(url("postgres"), "create database gitmend_template");
  const connection = await connectDatabase({ url: url("gitmend_template") });
  await connection.migrate();
  await connection.close();
}

function findBinaries(): string {
  const installed = globSync("/usr/lib/postgresql/*/bin").toSorted((a, b) =>
    b.localeCompare(a, "en", { numeric: true }),
  );
  const onPath = (process.env["PATH"] ?? "").split(":");
  const found = [...installed, ...onPath].find((folder) => existsSync(join(folder, "initdb")));
  if (found === undefined) throw new Error("no PostgreSQL server binaries: install postgresql");
  return found;
}

/** PostgreSQL refuses to run as root. */
async function serverOwner(): Promise<Owner> {
  if (userInfo().uid !== 0) return {};
  const [uid, gid] = await Promise.all(
    ["-u", "-g"].map(async (flag) => (await run("id", [flag, "postgres"])).stdout),
  );
  return { uid: Number(uid), gid: Number(gid) };
}

const untilPipeCloses =
  '"$@" & server=$!; (cat > /dev/null; kill -INT $server 2> /dev/null) <&3 & wait $server';

async function startServer(command: string[], cwd: string, owner: Owner, url: string): Promise<ChildProcess> {
  const deadline = Date.now() + 30_000;
  for (;;) {
    const server = spawn("sh", ["-c", `exec 3<&0; ${untilPipeCloses}`, "sh", ...command], {
      ...owner,
      cwd,
      stdio: [
        "pipe",
        "ignore",
        process.env["GITMEND_TEST_POSTGRES_LOG"] === undefined ? "ignore" : "inherit",
      ],
    });
    server.stdin?.on("error", () => undefined);
    if (await answers(server, url, deadline)) return server;
    if (Date.now() > deadline) throw new Error("PostgreSQL does not start within 30 s");
  }
}

/** false: it ended, for instance because processes of the server before it are still there. */
async function answers(server: ChildProcess, url: string, deadline: number): Promise<boolean> {
  while (server.exitCode === null && Date.now() < deadline) {
    try {
      await administer(url, "select 1");
      return true;
    } catch {
      await sleep(50);
    }
  }
  return false;
}

async function administer(url: string, statement: string): Promise<void> {
  const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: 2_000 });
  client.on("error", () => undefined);
  try {
    await client.connect();
    await client.query(statement);
  } finally {
    await client.end().catch(() => undefined);
  }
}

export async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  server.close();
  await once(server, "close");
  if (address === null || typeof address === "string") throw new Error("no port");
  return address.port;
}
