// A real server on a free port of loopback, with stores that a test can read and break, and a client that sends exactly what it is told.
import { request as httpRequest, type IncomingHttpHeaders } from "node:http";
import type { Delivery, ExecutionStore, ExecutionSummary, Log } from "../../src/controller/ports.ts";
import { nothingShared } from "../../src/controller/shared.ts";
import type { RecordedEvent } from "../../src/domain/execution/events.ts";
import { fold } from "../../src/domain/execution/evolve.ts";
import { beforeTransaction } from "../../src/domain/execution/log-position.ts";
import { createServer, type ServerOptions, type ServerPorts } from "../../src/server/create-server.ts";
import { noBacklog, nothingTripped } from "../support/no-limits.ts";
import { noMetrics } from "../support/no-metrics.ts";
import { nothingPaused } from "../support/no-pauses.ts";

export const token = "a-token-of-sufficient-length";

export interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly text: string;
  // oxlint-disable-next-line typescript/no-explicit-any -- tests read what the server answered, whatever its shape
  readonly json: any;
}

export interface Sent {
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | Buffer;
}

export async function givenServer(options: Partial<ServerOptions> = {}, ports: Partial<ServerPorts> = {}) {
  const deliveries: Delivery[] = [];
  const logged: { level: string; fields: object; message: string }[] = [];
  const server = createServer(
    {
      listen: { host: "127.0.0.1", port: 0 },
      metricsListen: null,
      token,
      teams: new Map([["sre", ["ana", "bo"]]]),
      sources: [{ name: "default", clusters: ["demo"], clusterLabel: "cluster", credential: null }],
      ...options,
    },
    {
      alerts: {
        receive: async (delivery) => {
          deliveries.push(delivery);
          const { length: opened } = delivery.alerts;
          return { opened, resolved: 0, repeated: 0, deadLetters: delivery.deadLetters.length };
        },
        ...noDeadLetters,
      },
      executions: executionsOf([]),
      views: emptyViews,
      eventLog: emptyLog,
      escalations: { acknowledge: async () => true },
      news: nothingShared(),
      pauses: nothingPaused,
      breakers: nothingTripped,
      backlog: noBacklog,
      startAgain: () => Promise.reject(new Error("nothing is started here")),
      start: () => Promise.reject(new Error("nothing is started here")),
      examine: async () => [],
      metrics: { ...noMetrics, contentType: "text/plain", scrape: async () => "" },
      state: readyState(),
      emergency: { now: () => new Date().toISOString(), whyNotSigned: async () => "nobody may" },
      log: logInto(logged),
      ...ports,
    },
  );
  const { url, metricsUrl } = await server.listen();
  return {
    url,
    metricsUrl,
    server,
    deliveries,
    logged,
    send: (path: string, sent: Sent = {}) => send(url, path, sent),
    api: (path: string, sent: Sent = {}) =>
      send(url, path, { ...sent, headers: { authorization: `Bearer ${token}`, ...sent.headers } }),
    webhook: (body: unknown, path = "", headers: Readonly<Record<string, string>> = {}) =>
      send(url, `/webhooks/alertmanager${path}`, {
        method: "POST",
        headers: { "content-type": "application/json", ...headers },
        body: typeof body === "string" || Buffer.isBuffer(body) ? body : JSON.stringify(body),
      }),
    [Symbol.asyncDispose]: () => server.close(0),
  };
}

export function readyState(changes: Partial<ServerPorts["state"]> = {}): ServerPorts["state"] {
  return {
    draining: () => false,
    ready: async () => ({ database: true, catalog: true }),
    mode: () => "live",
    catalog: () => ({
      revision: `main@sha1:${"a".repeat(40)}`,
      templates: 2,
      rules: 3,
      findings: [],
      problem: null,
    }),
    ...changes,
  };
}

export const noDeadLetters = {
  deadLetters: async () => [],
  deadLetter: async () => null,
  dropDeadLetter: async () => false,
};

const emptyLog: ServerPorts["eventLog"] = {
  end: async () => beforeTransaction(1n),
  examine: async () => "known",
  after: async () => [],
};

export const emptyViews: ServerPorts["views"] = {
  currentExecutions: async () => [],
  currentFirings: async () => [],
  incidents: async () => [],
  incident: async () => null,
  health: async () => ({
    active: {},
    firing: 0,
    unowned: 0,
    unpublished: 0,
    auditLagSeconds: 0,
    openBreakers: {},
    deadLetters: 0,
    watchdogAt: null,
    deliveredAt: null,
    now: "2026-11-17T10:01:35.000Z",
  }),
};

/** An execution store of fixed executions; the newest events can be added by the test. */
export function executionsOf(
  executions: { summary: ExecutionSummary; events: RecordedEvent[] }[],
  send: ExecutionStore["send"] = async () => false,
): ServerPorts["executions"] {
  const of = (id: string) =>
    executions.find(({ summary }) => summary.id === id || summary.id.endsWith(id)) ?? null;
  return {
    list: async ({ limit }) => executions.slice(0, limit).map(({ summary }) => summary),
    find: async (id) => of(id)?.summary ?? null,
    state: async (id) => fold(of(id)?.events ?? []),
    events: async (id, after = 0) => (of(id)?.events ?? []).filter(({ seq }) => seq > after),
    send,
  };
}

function logInto(logged: { level: string; fields: object; message: string }[]): Log {
  const at = (level: string) => (fields: object, message: string) =>
    void logged.push({ level, fields, message });
  return { info: at("info"), warn: at("warn"), error: at("error") };
}

async function send(
  url: string,
  path: string,
  { method = "GET", headers = {}, body }: Sent,
): Promise<Answer> {
  const { promise, resolve, reject } = Promise.withResolvers<Answer>();
  const length = body === undefined ? {} : { "content-length": String(Buffer.byteLength(body)) };
  const request = httpRequest(
    `${url}${path}`,
    { method, headers: { ...length, ...headers }, agent: false },
    (response) => {
      const chunks: Buffer[] = [];
      response.on("data", (chunk: Buffer) => chunks.push(chunk));
      response.on("error", reject);
      response.on("end", () => {
        const text = Buffer.concat(chunks).toString("utf8");
        const isJson = response.headers["content-type"]?.includes("json") === true;
        const json: unknown = isJson ? JSON.parse(text) : null;
        resolve({ status: response.statusCode ?? 0, headers: response.headers, text, json });
      });
    },
  );
  request.on("error", reject);
  request.end(body);
  return promise;
}
