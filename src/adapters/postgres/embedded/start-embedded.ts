// Starts the embedded database for this process alone and keeps it running: a child that ends by itself is started again.
import { type ChildProcessByStdio, spawn } from "node:child_process";
import { once } from "node:events";
import { chmod, mkdir } from "node:fs/promises";
import { Socket } from "node:net";
import { join, resolve as resolvePath } from "node:path";
import type { Readable, Writable } from "node:stream";
import { fileURLToPath } from "node:url";
import type { Log } from "../../../controller/ports.ts";
import { Problem } from "../../../domain/problem.ts";
import { lockFolder, shortFolder } from "./data-folder-lock.ts";

export interface Embedded {
  /** Folder of the socket that clients connect to. */
  readonly socketFolder: string;
  /** Pid of the child now: for tests that kill it. */
  pid(): number | undefined;
  stop(): Promise<void>;
}

type Child = ChildProcessByStdio<Writable, Readable, null>;

const startTimeoutMs = 60_000;
const restartDelayMs = 200;

/** @throws Problem DATA_FOLDER_IN_USE (details: pid), DATABASE_UNAVAILABLE when it does not start. */
export async function startEmbedded(dataDir: string, log?: Log): Promise<Embedded> {
  const folder = resolvePath(dataDir);
  await mkdir(folder, { recursive: true, mode: 0o700 });
  await chmod(folder, 0o700);
  const short = await shortFolder(folder);
  const locked = await lockFolder(join(short.path, "controller.lock"));
  if (!locked.locked) {
    await short.remove();
    throw inUse(folder, locked.pid);
  }
  const child = await keepRunning(() => startChild(folder, short.path), log).catch(async (error: unknown) => {
    await locked.lock.release();
    throw error;
  });
  return {
    socketFolder: short.path,
    pid: child.pid,
    async stop() {
      await child.stop();
      await locked.lock.release();
      await short.remove();
    },
  };
}

function inUse(folder: string, pid: number | null): Problem {
  const who = pid === null ? "another process" : `process ${pid}`;
  return new Problem("DATA_FOLDER_IN_USE", `${folder} is in use by ${who}`, { details: { folder, pid } });
}

async function startChild(folder: string, socketFolder: string): Promise<Child> {
  const extension = import.meta.url.endsWith(".ts") ? "ts" : "js";
  const program = fileURLToPath(new URL(`./embedded-server.${extension}`, import.meta.url));
  const child = spawn(
    process.execPath,
    ["--disable-warning=ExperimentalWarning", program, folder, socketFolder],
    {
      stdio: ["pipe", "pipe", "inherit"],
    },
  );
  child.stdin.on("error", () => undefined); // it ended: `exit` says so
  const signal = AbortSignal.timeout(startTimeoutMs);
  const ended = once(child, "exit", { signal }).then(([code]) => {
    throw new Problem(
      "DATABASE_UNAVAILABLE",
      `the embedded database ended with ${String(code)} at its start`,
    );
  });
  try {
    await Promise.race([once(child.stdout, "data", { signal }), ended]);
  } catch (error) {
    child.kill("SIGKILL");
    throw error instanceof Problem
      ? error
      : new Problem("DATABASE_UNAVAILABLE", "the embedded database does not start");
  }
  ended.catch(() => undefined);
  child.stdout.resume();
  release(child);
  return child;
}

/** A process that has nothing else to do may end without closing the database: the child ends with it. */
function release(child: Child): void {
  child.unref();
  for (const pipe of [child.stdin, child.stdout]) if (pipe instanceof Socket) pipe.unref();
}

async function keepRunning(start: () => Promise<Child>, log: Log | undefined) {
  let stopping = false;
  let child: Child | null = await start();

  const watch = (running: Child) => {
    running.once("exit", (code, signal) => {
      child = null;
      if (stopping) return;
      log?.error({ code, signal }, "embedded database ended, starting it again");
      setTimeout(() => void restart(), restartDelayMs);
    });
  };
  const restart = async () => {
    if (stopping) return;
    try {
      child = await start();
      watch(child);
    } catch (error) {
      log?.error({ err: error }, "embedded database does not start");
      setTimeout(() => void restart(), restartDelayMs * 10);
    }
  };
  watch(child);

  return {
    pid: () => child?.pid,
    async stop() {
      stopping = true;
      const running = child;
      if (running === null || running.exitCode !== null) return;
      running.ref();
      const exited = once(running, "exit");
      running.stdin.end();
      await exited;
    },
  };
}
