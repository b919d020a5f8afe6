// A real Alertmanager on loopback with one webhook receiver. It is given alerts the way Prometheus gives them.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { eventually } from "./eventually.ts";
import { freePort } from "./postgres.ts";

export interface PrometheusAlert {
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, string>>;
  readonly startsAt: string;
  /** In the past: resolved. Left out: firing until Alertmanager's resolve_timeout. */
  readonly endsAt?: string;
}

export interface Alertmanager {
  readonly url: string;
  /** POST /api/v2/alerts, as Prometheus does at every evaluation. */
  send(alerts: readonly PrometheusAlert[]): Promise<void>;
  firing(): Promise<readonly { readonly labels: Readonly<Record<string, string>> }[]>;
  stop(): Promise<void>;
}

const config = (webhook: string, token: string) => `
route: {receiver: gitmend, group_by: [alertname, namespace], group_wait: 1s, group_interval: 1s, repeat_interval: 1h}
receivers:
  - name: gitmend
    webhook_configs:
      - url: ${webhook}
        send_resolved: true
        http_config: {authorization: {type: Bearer, credentials: ${token}}}
`;

export async function startAlertmanager(webhook: string, token: string): Promise<Alertmanager> {
  const folder = await mkdtemp(join(tmpdir(), "gitmend-alertmanager-"));
  await writeFile(join(folder, "alertmanager.yml"), config(webhook, token));
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  const child = spawn(
    "prometheus-alertmanager",
    [
      `--config.file=${join(folder, "alertmanager.yml")}`,
      `--storage.path=${folder}`,
      `--web.listen-address=127.0.0.1:${port}`,
      "--cluster.listen-address=",
    ],
    { stdio: "ignore" },
  );
  const exited = once(child, "exit");
  await eventually("Alertmanager is ready", async () => (await fetch(`${url}/-/ready`)).ok, {
    unless: () => child.exitCode !== null && `it exited with ${child.exitCode}`,
  });
  return {
    url,
    async send(alerts) {
      const headers = { "content-type": "application/json" };
      const answer = await fetch(`${url}/api/v2/alerts`, {
        method: "POST",
        headers,
        body: JSON.stringify(alerts),
      });
      if (!answer.ok) throw new Error(`Alertmanager answered ${answer.status}: ${await answer.text()}`);
    },
    firing: async () =>
      (await (await fetch(`${url}/api/v2/alerts`)).json()) as { labels: Record<string, string> }[],
    async stop() {
      child.kill("SIGTERM");
      await exited;
      await rm(folder, { recursive: true, force: true });
    },
  };
}
