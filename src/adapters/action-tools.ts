// The tools that one attempt is handed: clusters, notifications, evidence, time; all of them end with the attempt.
import { createHash } from "node:crypto";
import { setTimeout as delay } from "node:timers/promises";
import type { ActionTools, Sources } from "../actions/action.ts";
import type { Clock, Clusters, ExecutionStore } from "../controller/ports.ts";
import { Problem } from "../domain/problem.ts";
import { redactText } from "../domain/redact.ts";
import { storableText } from "../domain/storable.ts";
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
}

export function actionTools(clusters: ReadonlyMap<string, ConfiguredCluster>, ports: ToolPorts): Clusters {
  return {
    names: [...clusters.keys()],
    labels: (name) => clusters.get(name)?.labels ?? {},
    tools: (signal, executionId, urgent = false) => toolsOf(clusters, ports, signal, executionId, urgent),
  };
}

function toolsOf(
  clusters: ReadonlyMap<string, ConfiguredCluster>,
  { notifier, executions, clock, queryMetrics, sendHttp, sources }: ToolPorts,
  signal: AbortSignal,
  executionId: string,
  urgent: boolean,
): ActionTools {
  return {
    signal,
    cluster(name) {
      const cluster = clusters.get(name);
      if (cluster === undefined)
        throw new Problem("CLUSTER_UNKNOWN", `there is no cluster ${name} in the configuration`);
      return cluster.connection.api(signal, urgent);
    },
    sources,
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
