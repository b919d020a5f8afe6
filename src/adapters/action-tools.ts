// The tools that one attempt is handed: clusters, notifications, evidence, time; all of them end with the attempt.
import { createHash } from "node:crypto";
import { setTimeout as delay } from "node:timers/promises";
import type { ActionTools, Sources } from "../actions/action.ts";
import type { Clock, Clusters, ExecutionStore } from "../controller/ports.ts";
import { Problem } from "../domain/problem.ts";
import { redactText } from "../domain/redact.ts";
import { storableText } from "../domain/storable.ts";
import { accountKey, type RunAs, runAsText, type Scope, scopeText } from "../domain/templates/scope.ts";
import type { SendHttp } from "./http/endpoints.ts";
import type { ClusterConnection } from "./kubernetes/cluster-api.ts";
import type { Notifier } from "./notifications/create-notifier.ts";
import type { QueryMetrics } from "./prometheus/query-prometheus.ts";

export interface ConfiguredCluster {
  readonly connection: ClusterConnection;
  readonly labels: Readonly<Record<string, string>>;
}

export interface ToolPorts {
  readonly notifier: Notifier;
  readonly executions: Pick<ExecutionStore, "saveEvidence">;
  readonly clock: Clock;
  readonly queryMetrics: QueryMetrics;
  readonly sendHttp: SendHttp;
  readonly sources: Sources;
  readonly knownBindings: ActionTools["knownBindings"];
  /** Of gitmend.yaml now: nobody is acted as who is not named there any more. Left out: nobody ever is. */
  readonly scopes?: readonly Scope[];
}

export function actionTools(clusters: ReadonlyMap<string, ConfiguredCluster>, ports: ToolPorts): Clusters {
  return {
    names: [...clusters.keys()],
    labels: (name) => clusters.get(name)?.labels ?? {},
    tools: (signal, executionId, urgent = false, planned = []) =>
      toolsOf(clusters, ports, signal, executionId, urgent, planned),
  };
}

/**
 * Whom a plan acts as. It never falls back to gitmend's own account.
 * @throws Problem SCOPE_EXCEEDED: gitmend.yaml says something else by now
 */
function accountOf(planned: readonly Scope[], scopes: readonly Scope[]): RunAs | null {
  for (const scope of planned) {
    const now = scopes.find(({ path }) => path === scope.path)?.runAs ?? null;
    if (scope.runAs === null || accountKey(now) === accountKey(scope.runAs)) continue;
    throw new Problem(
      "SCOPE_EXCEEDED",
      `${scopeText(scope)} no longer lets gitmend act as ${runAsText(scope.runAs)}`,
    );
  }
  const accounts = new Map(
    planned.flatMap(({ runAs }) => (runAs === null ? [] : [[accountKey(runAs), runAs]])),
  );
  const [only = null, ...others] = accounts.values();
  if (others.length > 0) throw new Problem("SCOPE_EXCEEDED", "its scopes act as different accounts");
  return only;
}

function toolsOf(
  clusters: ReadonlyMap<string, ConfiguredCluster>,
  { notifier, executions, clock, queryMetrics, sendHttp, sources, knownBindings, scopes = [] }: ToolPorts,
  signal: AbortSignal,
  executionId: string,
  urgent: boolean,
  planned: readonly Scope[],
): ActionTools {
  return {
    signal,
    cluster(name) {
      const cluster = clusters.get(name);
      if (cluster === undefined)
        throw new Problem("CLUSTER_UNKNOWN", `there is no cluster ${name} in the configuration`);
      return cluster.connection.api(signal, urgent, accountOf(planned, scopes));
    },
    sources,
    knownBindings,
    http: (call, key) => sendHttp(call, key, signal),
    query: (cluster, promql) => queryMetrics(cluster, promql, signal),
    async notify(channel, message, key) {
      if (signal.aborted)
        throw new Problem("NOTIFICATION_REFUSED", "given up before the message was sent", {
          retryable: true,
        });
      return notifier.notify(channel, message, key);
    },
    async saveEvidence(name, text) {
      const redacted = storableText(redactText(text));
      const sha256 = createHash("sha256").update(redacted).digest("hex");
      await executions.saveEvidence({ executionId, name, sha256, text: redacted });
      return { name, sha256, bytes: Buffer.byteLength(redacted) };
    },
    now: () => clock.now(),
    sleep: (seconds) => delay(seconds * 1000, undefined, { signal }),
  };
}
