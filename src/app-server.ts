// The HTTP server, wired to the database, the controller and the metrics.
import type { Database } from "./adapters/postgres/open-database.ts";
import type { MetricsRegistry } from "./adapters/telemetry/metrics.ts";
import { type DoctorParts, doctor } from "./app-doctor.ts";
import { openEmergency } from "./app-emergency.ts";
import { secretValue, webhookSources } from "./app-settings.ts";
import type { Controller } from "./controller/controller.ts";
import type { Metrics } from "./controller/metrics.ts";
import type { Log } from "./controller/ports.ts";
import { phases } from "./domain/execution/events.ts";
import { parseQuantity } from "./domain/expressions/quantity.ts";
import { hasErrors } from "./domain/finding.ts";
import { toProblem } from "./domain/problem.ts";
import { createServer, type Server } from "./server/create-server.ts";
import type { ServerState } from "./server/server-state.ts";

export interface ServerParts extends Omit<DoctorParts, "views"> {
  readonly token: string;
  readonly database: Database;
  readonly metrics: MetricsRegistry;
  readonly log: Log;
  readonly draining: () => boolean;
}

export function openServer(parts: ServerParts): Server {
  const { config, environment, database, controller, clusters, metrics, log, token } = parts;
  const { alerts, escalations, eventLog, executions, views } = database;
  const listen = listenAddress(config.server.listen);
  const own = config.server.metrics_listen;
  const options = {
    listen,
    metricsListen: own === undefined ? null : listenAddress(own),
    token,
    sources: webhookSources(config, environment, [...clusters.byName.keys()]),
    teams: new Map(Object.entries(config.approvals.teams)),
    limits: { bodyBytes: Number(parseQuantity(config.limits.body).nanos / 1_000_000_000n) },
  };
  const push = {
    secrets: [
      config.config_repository.webhook_secret,
      config.approvals.forge?.webhook_secret,
      ...config.sources.map(({ forge }) => forge?.webhook_secret),
    ].flatMap((reference) => secretValue(reference, environment) ?? []),
    announced: (requests: readonly string[]) => {
      controller.catalog.lookSoon();
      controller.reviews.lookSoon();
      void lookAtApprovals(requests, executions, log);
    },
  };
  return createServer(options, {
    alerts: { ...alerts, receive: counted(alerts, controller, metrics) },
    executions,
    views,
    eventLog,
    escalations,
    news: parts.ports.shared,
    emergency: openEmergency(config, database.clock),
    state: serverState(parts),
    startAgain: (request) => controller.startAgain(request),
    pauses: controller.pauses,
    breakers: controller.breakers,
    backlog: controller.backlog,
    start: (request) => controller.start(request),
    examine: doctor({ ...parts, views }),
    metrics: { ...metrics, scrape: () => scrape(parts) },
    push,
    log,
  });
}

/** Whoever drives it, on whatever replica, reads its request for approval now. A nudge that is lost costs a minute. */
async function lookAtApprovals(
  requests: readonly string[],
  executions: Database["executions"],
  log: Log,
): Promise<void> {
  try {
    for (const id of requests) {
      const execution = await executions.find(id);
      if (execution?.phase === "awaiting_approval")
        await executions.send(execution.id, { type: "look-at-approval" });
    }
  } catch (error) {
    log.warn({ reason: toProblem(error).message }, "news of a request for approval are read later");
  }
}

function serverState({ config, database, controller, draining }: ServerParts): ServerState {
  return {
    draining,
    mode: () => (config.live.length === 0 ? "observe" : "live"),
    async ready() {
      const answers = await database.ready().then(
        () => true,
        () => false,
      );
      return { database: answers, catalog: controller.catalog.current() !== null };
    },
    catalog() {
      const inUse = controller.catalog.current();
      const { findings, problem } = controller.catalog.findings();
      return {
        revision: inUse?.revision ?? null,
        templates: inUse?.templates.size ?? 0,
        rules: inUse?.ruleCount ?? 0,
        findings,
        problem,
      };
    },
  };
}

type Receive = Database["alerts"]["receive"];

function counted(
  alerts: Pick<Database["alerts"], "receive">,
  controller: Controller,
  metrics: Metrics,
): Receive {
  return async (delivery) => {
    const received = await alerts.receive(delivery);
    controller.backlog.opened(received.opened);
    controller.nudge();
    for (const status of ["firing", "resolved"] as const) {
      const count = delivery.alerts.filter((alert) => alert.status === status).length;
      if (count > 0) metrics.count("alerts_received_total", { status }, count);
    }
    const { repeated, deadLetters } = received;
    if (repeated > 0) metrics.count("alerts_suppressed_total", { reason: "repeated" }, repeated);
    if (deadLetters > 0) metrics.count("alerts_suppressed_total", { reason: "dead-letter" }, deadLetters);
    return received;
  };
}

/** One question to the database for all gauges that need it. */
async function scrape({ metrics, database, controller, clusters }: ServerParts): Promise<string> {
  const health = database.views.health();
  health.catch(() => undefined);
  return metrics.scrape({
    catalog_revision_info() {
      const revision = controller.catalog.current()?.revision;
      return revision === undefined ? [] : [{ labels: { revision }, value: 1 }];
    },
    catalog_invalid: () => [{ labels: {}, value: hasErrors(controller.catalog.findings().findings) ? 1 : 0 }],
    async executions_active() {
      const { active } = await health;
      const live = phases.filter((phase) => phase !== "ended");
      return live.map((state) => ({ labels: { state }, value: active[state] ?? 0 }));
    },
    decision_backlog: () => [{ labels: {}, value: controller.backlog.length() }],
    async breakers_open() {
      const { openBreakers } = await health;
      return (["target", "template", "global"] as const).map((scope) => ({
        labels: { scope },
        value: openBreakers[scope] ?? 0,
      }));
    },
    audit_lag_seconds: async () => [{ labels: {}, value: (await health).auditLagSeconds }],
    api_concurrency: () =>
      [...clusters.byName].map(([cluster, { connection }]) => ({
        labels: { cluster },
        value: connection.concurrency(),
      })),
  });
}

function listenAddress(listen: string) {
  const colon = listen.lastIndexOf(":");
  return { host: listen.slice(0, colon).replace(/^\[|\]$/g, ""), port: Number(listen.slice(colon + 1)) };
}
