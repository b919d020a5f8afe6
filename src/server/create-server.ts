// The HTTP server: webhooks, REST, health, metrics. It decides nothing; it reads, authenticates and hands over.
// Who may reach it is checked before it listens: elsewhere than on loopback nothing goes without a credential.
import { createServer as createHttpServer, type Server as HttpServer } from "node:http";
import express, { type Express } from "express";
import helmet from "helmet";
import type { Metrics } from "../controller/metrics.ts";
import type { Log } from "../controller/ports.ts";
import { Problem } from "../domain/problem.ts";
import type { ApiPorts, Teams } from "./api/api-ports.ts";
import type { BodyLimits } from "./body-budget.ts";
import { health } from "./health.ts";
import { closeServer, type ListenAddress, listenOn } from "./http-server.ts";
import { problemHandler } from "./problem-response.ts";
import { type PushWebhook, pushWebhooks } from "./receive-push.ts";
import { alertmanagerWebhooks, defaultSource, type WebhookSource } from "./receive-webhook.ts";
import { requireToken, rest } from "./rest.ts";
import { isLoopback, sameSite } from "./same-site.ts";
import { metricsRoute, type Scraping, timeWebhooks } from "./serve-metrics.ts";

export interface ServerOptions {
  readonly listen: ListenAddress;
  /** `/metrics` alone, without a credential; null: on `listen`, with the token. */
  readonly metricsListen: ListenAddress | null;
  /** What everything but health and webhooks asks for; at least 16 characters. */
  readonly token: string;
  readonly sources: readonly WebhookSource[];
  /** Of `approvals.teams`. */
  readonly teams: Teams;
  readonly limits?: Partial<BodyLimits>;
}

export interface ServerPorts extends ApiPorts {
  readonly metrics: Metrics & Scraping;
  /** Left out: closed. */
  readonly push?: PushWebhook;
}

export interface Server {
  /** @throws Problem CONFIG_INVALID when the address cannot be listened on. */
  listen(): Promise<{ readonly url: string; readonly metricsUrl: string }>;
  /** Takes no new connection, lets what runs finish within `graceSeconds`, then cuts the rest. */
  close(graceSeconds?: number): Promise<void>;
}

const mebibyte = 1024 * 1024;
const defaultLimits: BodyLimits = { bodyBytes: 16 * mebibyte, totalBytes: 64 * mebibyte, requests: 256 };

/** @throws Problem CONFIG_INVALID when someone could reach it without a credential. */
export function createServer(options: ServerOptions, ports: ServerPorts): Server {
  refuseOpenDoors(options);
  const server = httpServer(application(options, ports));
  const { listen, metricsListen } = options;
  const scraped = metricsListen === null ? null : httpServer(metricsApplication(metricsListen, ports));
  return {
    async listen() {
      const url = await listenOn(server, listen, "GITMEND_SERVER_LISTEN");
      if (scraped === null || metricsListen === null) return { url, metricsUrl: `${url}/metrics` };
      try {
        const own = await listenOn(scraped, metricsListen, "GITMEND_SERVER_METRICS_LISTEN");
        return { url, metricsUrl: `${own}/metrics` };
      } catch (error) {
        await closeServer(server, 0);
        throw error;
      }
    },
    async close(graceSeconds = 10) {
      if (scraped !== null) await closeServer(scraped, graceSeconds);
      await closeServer(server, graceSeconds);
    },
  };
}

function httpServer(app: Express): HttpServer {
  return createHttpServer({ requestTimeout: 60_000, headersTimeout: 10_000 }, app);
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
  const { alerts, backlog, log, metrics, state } = ports;
  const app = bareApplication(options.listen.host);
  app.use(health(state, backlog));
  const webhookPorts = { alerts, backlog, log, metrics, draining: () => state.draining() };
  const limits = { ...defaultLimits, ...options.limits };
  app.use(
    "/webhooks/alertmanager",
    timeWebhooks(metrics),
    alertmanagerWebhooks(options.sources, limits, webhookPorts),
  );
  if (ports.push !== undefined) app.use("/webhooks", pushWebhooks(ports.push));
  app.use("/api/v1", rest(options.token, options, ports));
  if (options.metricsListen === null) app.use("/metrics", requireToken(options.token));
  if (options.metricsListen === null) app.use(metricsRoute(metrics));
  return closedApplication(app, log);
}

function metricsApplication({ host }: ListenAddress, { log, metrics }: ServerPorts): Express {
  return closedApplication(bareApplication(host).use(metricsRoute(metrics)), log);
}

function bareApplication(host: string): Express {
  const app = express();
  app.set("etag", false);
  app.use(helmet());
  app.use(sameSite(isLoopback(host)));
  return app;
}

/** Whatever nobody answered, and whatever was thrown. */
function closedApplication(app: Express, log: Log): Express {
  app.use((request) => {
    throw new Problem("NOT_FOUND", `there is nothing at ${request.method} ${request.path}`);
  });
  app.use(problemHandler(log));
  return app;
}
