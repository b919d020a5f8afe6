// The clusters of gitmend.yaml, connected. Without any: the pod's own cluster, else whatever kubeconfig is found, which is
// only observed, because nothing is live that the configuration does not name.
import { existsSync, readFileSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import type { ConfiguredCluster } from "./adapters/action-tools.ts";
import { connectCluster } from "./adapters/kubernetes/cluster-api.ts";
import { defaultClusterName, type Environment } from "./app-settings.ts";
import type { Config } from "./config/read-config.ts";
import type { Log } from "./controller/ports.ts";

export interface ClusterSetup {
  readonly byName: ReadonlyMap<string, ConfiguredCluster>;
  /** Where gitmend itself runs; null outside a cluster. */
  readonly ownNamespace: string | null;
  close(): Promise<void>;
}

const serviceAccountNamespace = "/var/run/secrets/kubernetes.io/serviceaccount/namespace";

/** @throws Problem CONFIG_INVALID: a kubeconfig or context that is not there */
export function connectClusters(config: Config, environment: Environment, log: Log): ClusterSetup {
  const configured = config.clusters.length > 0 ? config.clusters : foundCluster(environment);
  const byName = new Map(
    configured.map((cluster) => [cluster.name, connect(cluster, config, environment, log)]),
  );
  return {
    byName,
    ownNamespace: existsSync(serviceAccountNamespace)
      ? readFileSync(serviceAccountNamespace, "utf8").trim()
      : null,
    async close() {
      await Promise.all([...byName.values()].map(({ connection }) => connection.close()));
    },
  };
}

type ClusterEntry = Config["clusters"][number];

function connect(
  { name, labels, kubeconfig, context, in_cluster }: ClusterEntry,
  { limits }: Config,
  environment: Environment,
  log: Log,
): ConfiguredCluster {
  const where = in_cluster
    ? { inCluster: true }
    : { kubeconfigPath: kubeconfig ?? defaultKubeconfig(environment) };
  const connection = connectCluster(
    { name, ...where, context: context ?? null },
    {
      mostRequests: limits.api_concurrency,
      onDecrease: (decrease) =>
        log.warn({ cluster: name, ...decrease }, "the API server is busy: fewer requests at once"),
    },
  );
  return { connection, labels };
}

function foundCluster(environment: Environment): readonly ClusterEntry[] {
  if (environment["KUBERNETES_SERVICE_HOST"] !== undefined)
    return [{ name: defaultClusterName, labels: {}, in_cluster: true }];
  const kubeconfig = defaultKubeconfig(environment);
  return existsSync(kubeconfig)
    ? [{ name: defaultClusterName, labels: {}, in_cluster: false, kubeconfig }]
    : [];
}

function defaultKubeconfig(environment: Environment): string {
  return environment["KUBECONFIG"] ?? join(environment["HOME"] ?? homedir(), ".kube", "config");
}
