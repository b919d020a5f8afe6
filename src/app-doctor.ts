// What `gitmend doctor` asks, wired: the Git remotes, the clusters, the addresses of gitmend.yaml, the data folder.
import { statfs } from "node:fs/promises";
import { reachAlertmanager } from "./adapters/alertmanager/reach-alertmanager.ts";
import { reachForPush } from "./adapters/git/reach-remote.ts";
import type { ClusterSetup } from "./app-clusters.ts";
import { withoutKey } from "./app-emergency.ts";
import { alertmanagerAuthorization, gitRemote } from "./app-settings.ts";
import type { Config } from "./config/read-config.ts";
import type { Controller, ControllerPorts } from "./controller/controller.ts";
import { type DoctorPorts, examine, type Reachable } from "./controller/doctor.ts";
import type { Check } from "./controller/doctor-ports.ts";
import type { Views } from "./controller/views.ts";

export interface DoctorParts {
  readonly config: Config;
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly dataFolder: string;
  readonly auditFolder: string;
  readonly views: Views;
  readonly clusters: ClusterSetup;
  readonly ports: ControllerPorts;
  readonly controller: Controller;
}

const queryMilliseconds = 5_000;

export function doctor(parts: DoctorParts): () => Promise<readonly Check[]> {
  const { config, views, clusters, ports, controller, dataFolder } = parts;
  const doctorPorts: DoctorPorts = {
    views,
    catalog: controller.catalog,
    clusters: [...clusters.byName].map(([name, { connection }]) => ({ ...connection, name })),
    actions: ports.actions,
    live: config.live,
    reachables: [
      configRepository(parts),
      ...auditRemote(parts),
      approvals(parts),
      ...sources(parts),
      ...metricAddresses(parts),
      ...alertAddresses(parts),
    ],
    people: {
      approvers: config.approvals.people.length,
      channels: Object.keys(config.notifications.channels).length,
      withoutKey: withoutKey(config),
    },
    dataFolder,
    async freeBytes() {
      const { bavail, bsize } = await statfs(dataFolder);
      return bavail * bsize;
    },
    wallClock: () => new Date().toISOString(),
  };
  return () => examine(doctorPorts);
}

function configRepository({ ports: { source }, config }: DoctorParts): Reachable {
  return {
    name: "config repository",
    mend: "see `url`, `branch` and `credential` under config_repository in gitmend.yaml",
    async reach() {
      const head = await source.head();
      if (head === null) throw new Error(`the branch ${source.branch} does not exist`);
      return `${config.config_repository.url === undefined ? "embedded" : "answers"}, ${source.branch} at ${head.slice(0, 12)}`;
    },
  };
}

function auditRemote({ config, environment, auditFolder }: DoctorParts): readonly Reachable[] {
  const remote = gitRemote(config.audit_repository, environment);
  if (remote === null) return [];
  return [
    {
      name: "audit repository",
      mend: "see `url` and `credential` under audit_repository in gitmend.yaml; gitmend must be allowed to push",
      reach: () => reachForPush(remote, auditFolder, config.audit_repository.branch),
    },
  ];
}

function approvals({ ports: { forge } }: DoctorParts): Reachable {
  return {
    name: "approvals",
    mend: "see `approvals` in gitmend.yaml, and docs/how-to/approve-on-<forge>.md for the rights that gitmend needs there",
    reach: () => forge.reach(),
  };
}

function sources({ ports: { repairs } }: DoctorParts): readonly Reachable[] {
  return repairs.reachables.map((source) => ({
    name: `source ${source.name}`,
    mend: "see `sources` in gitmend.yaml: url, credential, and the forge's account, which may push branches and merge nothing",
    reach: () => source.reach(),
  }));
}

/** One for each cluster that an entry of `prometheus` has the metrics of. */
function metricAddresses({ config, ports: { clusters } }: DoctorParts): readonly Reachable[] {
  return config.prometheus.flatMap(({ url, clusters: own = clusters.names }) =>
    own.map((cluster) => ({
      name: `prometheus of ${cluster}`,
      mend: "see `prometheus` in gitmend.yaml: address and credential",
      async reach() {
        const tools = clusters.tools(AbortSignal.timeout(queryMilliseconds), "");
        await tools.query(cluster, "vector(1)");
        return `${url} answers queries`;
      },
    })),
  );
}

function alertAddresses({ config, environment }: DoctorParts): readonly Reachable[] {
  return config.alertmanagers.flatMap((source) => {
    const { name, url } = source;
    if (url === undefined) return [];
    return [
      {
        name: `alertmanager ${name}`,
        mend: "see `url` and `url_credential` of this Alertmanager in gitmend.yaml",
        reach: () => reachAlertmanager(url, alertmanagerAuthorization(source, environment)),
      },
    ];
  });
}
