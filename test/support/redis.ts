// A real Redis on a loopback port of its own, that can be stopped, frozen and started again. It keeps nothing on disk and ends
// with stop().
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { connect } from "node:net";
import { eventually } from "./eventually.ts";
import { freePort } from "./postgres.ts";

export interface TestRedis {
  readonly url: string;
  /** It answers nobody, and every connection stays open. */
  freeze(): void;
  thaw(): void;
  /** Killed: what it held is gone. */
  stop(): Promise<void>;
  start(): Promise<void>;
}

export async function startRedis(): Promise<TestRedis> {
  const port = await freePort();
  let server: ChildProcess | null = null;
  const redis: TestRedis = {
    url: `redis://127.0.0.1:${port}`,
    freeze: () => void server?.kill("SIGSTOP"),
    thaw: () => void server?.kill("SIGCONT"),
    async stop() {
      const running = server;
      server = null;
      if (running === null || running.exitCode !== null) return;
      const exited = once(running, "exit");
      running.kill("SIGKILL");
      await exited;
    },
    async start() {
      const settings = ["--port", String(port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"];
      server = spawn("redis-server", settings, { stdio: "ignore" });
      await eventually("Redis answers", () => answers(port));
    },
  };
  await redis.start();
  return redis;
}

async function answers(port: number): Promise<true | undefined> {
  const { promise, resolve } = Promise.withResolvers<true | undefined>();
  const socket = connect(port, "127.0.0.1", () => socket.write("PING\r\n"));
  socket.once("data", () => resolve(true));
  socket.once("error", () => resolve(undefined));
  try {
    return await promise;
  } finally {
    socket.destroy();
  }
}
