// The HTTP server: webhooks, REST, health. It decides nothing; it reads, authenticates and hands over.
// Who may reach it is checked before it listens: elsewhere than on loopback nothing goes without a credential.
import { createServer as createHttpServer, type Server as HttpServer } from "node:http";
import type { AddressInfo } from "node:net";
import express, { type Express } from "express";
import helmet from "helmet";
import type { AlertStore, ExecutionStore, Log } from "../controller/ports.ts";
import { Problem } from "../domain/problem.ts";
import type { BodyLimits } from "./body-budget.ts";
import { health } from "./health.ts";
import { problemHandler } from "./problem-response.ts";
import { type PushWebhook, pushWebhooks } from "./receive-push.ts";
import { alertmanagerWebhooks, defaultSource, type WebhookSource } from "./receive-webhook.ts";
import { rest } from "./rest.ts";
import { isLoopback, sameSite } from "./same-site.ts";
import type { ServerState } from "./server-state.ts";

export interface ServerOptions {
  /** `port` 0: any free one. */
  readonly listen: { readonly host: string; readonly port: number };
  /** What everything but health and webhooks asks for; at least 16 characters. */
  readonly token: string;
  readonly sources: readonly WebhookSource[];
  /** Of `approvals.teams`. */
  readonly teams: ReadonlyMap<string, readonly string[]>;
  readonly limits?: Partial<BodyLimits>;
}

export interface ServerPorts {
  readonly alerts: Pick<AlertStore, "receive" | "deadLetters">;
  readonly executions: Pick<ExecutionStore, "list" | "find" | "events" | "send">;
  readonly state: ServerState;
  /** Left out: closed. */
  readonly push?: PushWebhook;
  readonly log: Log;
}

export interface Server {
  /** @throws Problem CONFIG_INVALID when the address cannot be listened on. */
  listen(): Promise<{ readonly url: string }>;
  /** Takes no new connection, lets what runs finish within `graceSeconds`, then cuts the rest. */
  close(graceSeconds?: number): Promise<void>;
}

const mebibyte = 1024 * 1024;
const defaultLimits: BodyLimits = { bodyBytes: 16 * mebibyte, totalBytes: 64 * mebibyte, requests: 256 };

/** @throws Problem CONFIG_INVALID when someone could reach it without a credential. */
export function createServer(options: ServerOptions, ports: ServerPorts): Server {
  refuseOpenDoors(options);
  const server = createHttpServer(
    { requestTimeout: 60_000, headersTimeout: 10_000 },
    application(options, ports),
  );
  return {
    listen: () => listen(server, options.listen),
    close: (graceSeconds = 10) => close(server, graceSeconds),
  };
}

function refuseOpenDoors({ listen: { host }, token, sources }: ServerOptions): void {
  if (token.length < 16)
    throw new Problem("CONFIG_INVALID", "the controller's token has fewer than 16 characters");
  const open = sources.filter(({ credential }) => credential === null);
  if (!isLoopback(host) && open.length > 0) {
    const names = open.map(({ name }) => name).join(", ");
    throw new Problem("CONFIG_INVALID", `listening on ${host} without a credential for ${names} is refused`);
  }
  const other = open.find((source) => source !== defaultSource(sources));
  if (other !== undefined) {
    throw new Problem(
      "CONFIG_INVALID",
      `alertmanagers: ${other.name} has no credential; only the default may go without`,
    );
  }
}

function application(options: ServerOptions, ports: ServerPorts): Express {
  const app = express();
  app.set("etag", false);
  app.use(helmet());
  app.use(sameSite(isLoopback(options.listen.host)));
  app.use(health(ports.state));
  const { alerts, log, state } = ports;
  const webhookPorts = { alerts, log, draining: () => state.draining() };
  const limits = { ...defaultLimits, ...options.limits };
  app.use("/webhooks/alertmanager", alertmanagerWebhooks(options.sources, limits, webhookPorts));
  if (ports.push !== undefined) app.use("/webhooks", pushWebhooks(ports.push));
  app.use("/api/v1", rest(options.token, options.teams, ports));
  app.use((request) => {
    throw new Problem("NOT_FOUND", `there is nothing at ${request.method} ${request.path}`);
  });
  app.use(problemHandler(log));
  return app;
}

async function listen(server: HttpServer, { host, port }: ServerOptions["listen"]): Promise<{ url: string }> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  server.once("error", reject);
  server.listen(port, host.replace(/^\[(.*)\]$/, "$1"), resolve);
  try {
    await promise;
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new Problem(
      "CONFIG_INVALID",
      `cannot listen on ${host}:${port} (${why}): set GITMEND_SERVER_LISTEN`,
      {
        cause: error,
      },
    );
  }
  server.off("error", reject);
  const { port: bound } = server.address() as AddressInfo;
  return { url: `http://${host.includes(":") && !host.startsWith("[") ? `[${host}]` : host}:${bound}` };
}

async function close(server: HttpServer, graceSeconds: number): Promise<void> {
  if (!server.listening) return;
  const { promise, resolve } = Promise.withResolvers<void>();
  const timer = setTimeout(() => server.closeAllConnections(), graceSeconds * 1000);
  server.close(() => resolve());
  server.closeIdleConnections();
  await promise;
  clearTimeout(timer);
}
