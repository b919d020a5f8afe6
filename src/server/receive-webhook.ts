// POST /webhooks/alertmanager[/<name>]. 202 means that every alert of the body is durable; whatever may succeed later is 503,
// because Alertmanager repeats 5xx and drops 4xx.
import express, { type RequestHandler, Router } from "express";
import type { Backlog } from "../controller/backlog.ts";
import type { Metrics } from "../controller/metrics.ts";
import type { AlertStore, Log, Received } from "../controller/ports.ts";
import type { AlertSource } from "../domain/intake/read-alerts.ts";
import { Problem } from "../domain/problem.ts";
import { type BodyLimits, bodyBudget } from "./body-budget.ts";
import { type BodyReader, bodyReader } from "./body-reader.ts";
import { type Credential, carries } from "./credentials.ts";
import { within } from "./within.ts";

export interface WebhookSource extends AlertSource {
  /** null: only for the default source of a server that listens on loopback. */
  readonly credential: Credential | null;
}

export interface WebhookPorts {
  readonly alerts: Pick<AlertStore, "receive">;
  readonly log: Log;
  readonly metrics: Pick<Metrics, "count">;
  readonly backlog: Pick<Backlog, "length" | "refuses">;
  draining(): boolean;
}

/** A store that has not committed by then is as good as away; a repeated delivery is recognised. */
const commitSeconds = 20;

export function alertmanagerWebhooks(
  sources: readonly WebhookSource[],
  limits: BodyLimits,
  ports: WebhookPorts,
): Router {
  const router = Router();
  const bodies = [
    bodyBudget(limits),
    express.raw({ type: () => true, limit: limits.bodyBytes, inflate: false }),
  ];
  const read = bodyReader();
  for (const source of sources) {
    const handlers = [
      refuseWhileDraining(ports),
      authenticate(source, sources),
      ...bodies,
      receive(source, read, ports),
    ];
    router.post(pathOf(source), ...handlers);
    if (source === defaultSource(sources)) router.post("/", ...handlers);
  }
  return router;
}

function pathOf(source: WebhookSource): RegExp {
  return new RegExp(`^/${RegExp.escape(encodeURIComponent(source.name))}/?$`);
}

/** The one named `default`, or the only one. */
export function defaultSource<T extends AlertSource>(sources: readonly T[]): T | null {
  const named = sources.find(({ name }) => name === "default");
  return named ?? (sources.length === 1 ? (sources[0] ?? null) : null);
}

function refuseWhileDraining(ports: WebhookPorts): RequestHandler {
  return (_request, _response, next) => {
    if (ports.draining()) {
      throw new Problem("OVERLOADED", "this replica is stopping: another one takes alerts", {
        retryable: true,
      });
    }
    next();
  };
}

/** 401 for a credential that nobody has, 403 for another source's. */
function authenticate(source: WebhookSource, sources: readonly WebhookSource[]): RequestHandler {
  return (request, response, next) => {
    const { authorization } = request.headers;
    if (source.credential === null || carries(authorization, source.credential)) {
      next();
      return;
    }
    const others = sources.filter(
      ({ credential }) => credential !== null && carries(authorization, credential),
    );
    if (others.length > 0) {
      throw new Problem("FORBIDDEN", `the credential is another source's; this address is ${source.name}'s`);
    }
    response.set("WWW-Authenticate", source.credential.type === "basic" ? 'Basic realm="gitmend"' : "Bearer");
    throw new Problem("UNAUTHENTICATED", `the credential of ${source.name} is missing or wrong`);
  };
}

function receive(source: WebhookSource, read: BodyReader, ports: WebhookPorts): RequestHandler {
  return async (request, response) => {
    const body: unknown = request.body;
    const bytes = Buffer.isBuffer(body) ? body : Buffer.alloc(0);
    const { alerts, deadLetters, truncated, bodyHash, mendedBody } = await read(bytes, source);
    const about = { source: source.name, bodyHash };
    if (truncated > 0) tellTruncated(truncated, about, ports);
    if (ports.backlog.refuses(alerts)) throw shed(alerts.length, about, ports);
    const committed = ports.alerts.receive({ ...about, alerts, deadLetters, mendedBody });
    const received: Received = await within(commitSeconds, committed, tooSlow);
    ports.log.info({ ...about, ...received }, "alerts received");
    response.status(202).json(received);
  };
}

function tellTruncated(truncated: number, about: object, { log, metrics }: WebhookPorts): void {
  metrics.count("alerts_suppressed_total", { reason: "truncated" }, truncated);
  log.warn({ ...about, truncated }, "Alertmanager left alerts out of a delivery: set max_alerts to 0");
}

/** All of it or nothing: nothing is durable yet, and Alertmanager sends the whole body again. */
function shed(alerts: number, about: object, { backlog, log, metrics }: WebhookPorts): Problem {
  metrics.count("alerts_suppressed_total", { reason: "shed" }, alerts);
  const waiting = backlog.length();
  log.warn({ ...about, alerts, backlog: waiting }, "a delivery was sent back: too many firings wait");
  return new Problem("OVERLOADED", `${waiting} firings wait for a decision: send it again`, {
    retryable: true,
  });
}

function tooSlow(): Problem {
  return new Problem("DATABASE_UNAVAILABLE", `the database took longer than ${commitSeconds} s`, {
    retryable: true,
  });
}
