// A real Prometheus on loopback, fed with fixed samples through its own block import, so that queries have known answers.
import { type ChildProcess, execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { eventually } from "./eventually.ts";
import { freePort } from "./postgres.ts";

export interface TestPrometheus {
  readonly url: string;
  stop(): Promise<void>;
}

/** `samples`: lines of the text format without time stamps; they hold for the minutes around now. */
export async function startPrometheus(samples: readonly string[]): Promise<TestPrometheus> {
  const folder = await mkdtemp(join(tmpdir(), "gitmend-prometheus-"));
  const now = Math.floor(Date.now() / 1000);
  const lines = [-60, 0, 60, 120].flatMap((offset) => samples.map((sample) => `${sample} ${now + offset}`));
  await writeFile(join(folder, "samples.om"), `${lines.join("\n")}\n# EOF\n`);
  await promisify(execFile)("promtool", [
    "tsdb",
    "create-blocks-from",
    "openmetrics",
    join(folder, "samples.om"),
    join(folder, "data"),
  ]);
  await writeFile(join(folder, "prometheus.yml"), "global: {scrape_interval: 1h}\n");
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  const server = spawn(
    "prometheus",
    [
      `--config.file=${join(folder, "prometheus.yml")}`,
      `--storage.tsdb.path=${join(folder, "data")}`,
      `--web.listen-address=127.0.0.1:${port}`,
      "--log.level=error",
    ],
    { stdio: "ignore" },
  );
  await eventually(
    "Prometheus is ready",
    async () => (await fetch(`${url}/-/ready`).catch(() => null))?.ok === true,
    { seconds: 30, unless: () => server.exitCode !== null && "it exited" },
  );
  return { url, stop: () => stop(server, folder) };
}

async function stop(server: ChildProcess, folder: string): Promise<void> {
  if (server.exitCode === null) {
    server.kill("SIGTERM");
    await once(server, "exit");
  }
  await rm(folder, { recursive: true, force: true });
}

/** Prometheus' own opinion of a scrape. */
export async function promtool(
  text: string,
): Promise<{ readonly code: number | null; readonly said: string }> {
  const child = execFile("promtool", ["check", "metrics"]);
  let said = "";
  child.stdout?.on("data", (chunk: string) => (said += chunk));
  child.stderr?.on("data", (chunk: string) => (said += chunk));
  child.stdin?.end(text);
  const [code] = (await once(child, "close")) as [number | null];
  return { code, said };
}
