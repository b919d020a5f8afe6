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

export interface Silence {
  /** Label -> value: all must be equal. */
  readonly labels: Readonly<Record<string, string>>;
  readonly seconds: number;
  readonly by: string;
  readonly comment: string;
}

export interface Alertmanager {
  readonly url: string;
  /** Of its gossip, for `peers` of another. */
  readonly peer: string;
  /** POST /api/v2/alerts, as Prometheus does at every evaluation. */
  send(alerts: readonly PrometheusAlert[]): Promise<void>;
  firing(): Promise<readonly { readonly labels: Readonly<Record<string, string>> }[]>;
  /** @returns its id */
  silence(silence: Silence): Promise<string>;
  expireSilence(id: string): Promise<void>;
  stop(): Promise<void>;
}

export interface AlertmanagerOptions {
  /** A firing that is not sent again for so long is over. */
  readonly resolveTimeout?: string;
  /** false: resolves are never delivered, as if each were lost. */
  readonly sendResolved?: boolean;
  /** `peer` of others of the same cluster. Two that gossip deliver once; left out, each delivers for itself. */
  readonly peers?: readonly string[];
  /** A free one when it is left out. */
  readonly port?: number;
}

/** `EverythingDown` inhibits whatever else fires in its namespace. */
const config = (
  webhook: string,
  token: string,
  { resolveTimeout = "5m", sendResolved = true }: AlertmanagerOptions,
) => `
global: {resolve_timeout: ${resolveTimeout}}
route: {receiver: gitmend, group_by: [alertname, namespace], group_wait: 1s, group_interval: 1s, repeat_interval: 1h}
inhibit_rules:
  - {source_matchers: [alertname="EverythingDown"], target_matchers: [alertname!="EverythingDown"], equal: [namespace]}
receivers:
  - name: gitmend
    webhook_configs:
      - url: ${webhook}
        send_resolved: ${sendResolved}
        http_config: {authorization: {type: Bearer, credentials: ${token}}}
`;

export async function startAlertmanager(
  webhook: string,
  token: string,
  options: AlertmanagerOptions = {},
): Promise<Alertmanager> {
  const folder = await mkdtemp(join(tmpdir(), "gitmend-alertmanager-"));
  await writeFile(join(folder, "alertmanager.yml"), config(webhook, token, options));
  const port = options.port ?? (await freePort());
  const peer = `127.0.0.1:${await freePort()}`;
  const url = `http://127.0.0.1:${port}`;
  const gossip = options.peers?.map((other) => `--cluster.peer=${other}`);
  const child = spawn(
    "prometheus-alertmanager",
    [
      `--config.file=${join(folder, "alertmanager.yml")}`,
      `--storage.path=${folder}`,
      `--web.listen-address=127.0.0.1:${port}`,
      ...(gossip === undefined
        ? ["--cluster.listen-address="]
        : [`--cluster.listen-address=${peer}`, "--cluster.settle-timeout=5s", ...gossip]),
    ],
    { stdio: "ignore" },
  );
  const exited = once(child, "exit");
  await eventually("Alertmanager is ready", async () => (await fetch(`${url}/-/ready`)).ok, {
    unless: () => child.exitCode !== null && `it exited with ${child.exitCode}`,
  });
  return {
    url,
    peer,
    send: async (alerts) => void (await call("POST", `${url}/api/v2/alerts`, alerts)),
    firing: async () => (await call("GET", `${url}/api/v2/alerts`)) as { labels: Record<string, string> }[],
    async silence({ labels, seconds, by, comment }) {
      const now = Date.now();
      const { silenceID } = (await call("POST", `${url}/api/v2/silences`, {
        matchers: Object.entries(labels).map(([name, value]) => ({
          name,
          value,
          isRegex: false,
          isEqual: true,
        })),
        startsAt: new Date(now).toISOString(),
        endsAt: new Date(now + seconds * 1000).toISOString(),
        createdBy: by,
        comment,
      })) as { silenceID: string };
      return silenceID;
    },
    expireSilence: async (id) => void (await call("DELETE", `${url}/api/v2/silence/${id}`)),
    async stop() {
      child.kill("SIGTERM");
      await exited;
      await rm(folder, { recursive: true, force: true });
    },
  };
}

async function call(method: string, url: string, body?: unknown): Promise<unknown> {
  const headers = { "content-type": "application/json" };
  const answer = await fetch(url, {
    method,
    headers,
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  const text = await answer.text();
  if (!answer.ok) throw new Error(`Alertmanager answered ${answer.status}: ${text}`);
  return text === "" ? null : JSON.parse(text);
}
