// A real `gitmend run` as a child process, as an operator starts it; killed, stopped and continued by pid only.
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { eventually } from "./eventually.ts";

const main = fileURLToPath(new URL("../../src/main.ts", import.meta.url));

/** A controller begins in half the time when its code was compiled before. */
const compileCache = join(tmpdir(), "gitmend-compile-cache");

export interface ControllerProcess {
  readonly pid: number;
  readonly url: string;
  readonly token: string;
  readonly dataDir: string;
  /** The log so far. */
  log(): string;
  kill(signal: "SIGKILL" | "SIGTERM" | "SIGSTOP" | "SIGCONT"): void;
  /** Resolves with the exit code, or null after a signal. */
  readonly exited: Promise<number | null>;
  /** GET with the token. */
  get(path: string): Promise<unknown>;
  /** The whole command line client, against this controller. */
  cli(
    ...args: string[]
  ): Promise<{ readonly code: number | null; readonly stdout: string; readonly stderr: string }>;
}

export interface ControllerSetup {
  /** Data folder; kept between starts. */
  readonly folder: string;
  /** As in gitmend.yaml; data_dir and server.listen are added. */
  readonly config: object;
  readonly environment?: Readonly<Record<string, string>>;
}

/** Resolves when it listens; `ended` instead of throwing when a fault point killed it before that. */
export async function startControllerProcess(setup: ControllerSetup): Promise<ControllerProcess> {
  const dataDir = join(setup.folder, "data");
  await mkdir(setup.folder, { recursive: true });
  await rm(join(dataDir, "controller.json"), { force: true });
  const configFile = join(setup.folder, "gitmend.yaml");
  await writeFile(
    configFile,
    JSON.stringify({ ...setup.config, data_dir: dataDir, server: { listen: "127.0.0.1:0" } }),
  );
  const environment = {
    PATH: process.env["PATH"] ?? "",
    HOME: setup.folder,
    NODE_COMPILE_CACHE: compileCache,
    GITMEND_LIMITS_GATHER: "0s",
    ...setup.environment,
  };
  const child = spawn(process.execPath, [main, "run", "--config", configFile], {
    env: environment,
    stdio: ["pipe", "pipe", "pipe"],
  });
  const log = collect(child);
  const exited = once(child, "exit").then(([code]) => code as number | null);
  const { url, token } = await eventually(
    "the controller listens",
    async () =>
      JSON.parse(await readFile(join(dataDir, "controller.json"), "utf8")) as { url: string; token: string },
    { seconds: 60, unless: () => (child.exitCode ?? child.signalCode) !== null && `it exited: ${log()}` },
  );
  return {
    pid: child.pid ?? 0,
    url,
    token,
    dataDir,
    log,
    kill: (signal) => void child.kill(signal),
    exited,
    get: async (path) =>
      (await fetch(`${url}${path}`, { headers: { authorization: `Bearer ${token}` } })).json(),
    cli: (...args) => runCli(args, { ...environment, GITMEND_DATA_DIR: dataDir }),
  };
}

export async function runCli(args: readonly string[], environment: Readonly<Record<string, string>>) {
  const child = spawn(process.execPath, [main, ...args], {
    env: { NO_COLOR: "1", NODE_COMPILE_CACHE: compileCache, ...environment },
    stdio: ["ignore", "pipe", "pipe"],
  });
  const texts = { stdout: "", stderr: "" };
  child.stdout.on("data", (chunk: Buffer) => (texts.stdout += chunk.toString()));
  child.stderr.on("data", (chunk: Buffer) => (texts.stderr += chunk.toString()));
  const [code] = (await once(child, "close")) as [number | null];
  return { code, ...texts };
}

function collect(child: ChildProcess): () => string {
  let text = "";
  child.stderr?.on("data", (chunk: Buffer) => (text += chunk.toString()));
  child.stdout?.on("data", (chunk: Buffer) => (text += chunk.toString()));
  return () => text;
}
