// Incidents that the shipped library has a remedy for, or an escalation: the fault, its alerts as Alertmanager sends them, and
// how the cluster shows that it was right. Those that cannot be played yet are listed with the reason.
import { sameJson } from "../../src/actions/differences.ts";
import type { Json } from "../../src/domain/json.ts";
import type { SimulatedCluster } from "../../src/simulation/control.ts";
import type { Deployment, Node, Pod, StatefulSet } from "../../src/simulation/objects.ts";

export interface Incident {
  readonly cluster: SimulatedCluster;
  /** Delivers these alerts. */
  readonly fire: (...labels: readonly Readonly<Record<string, string>>[]) => Promise<void>;
  /** All delivered alerts are over. */
  readonly resolve: () => Promise<void>;
  /** Resolves when so many executions have ended; people were told of those that escalated. */
  readonly ended: (count: number) => Promise<readonly EndedExecution[]>;
  /** gitmend has seen the RoleBindings as they stand, and they stood so for long. */
  readonly remember: () => Promise<void>;
  /** From here on API calls fail. */
  readonly strike: () => void;
}

export interface EndedExecution {
  readonly id: string;
  readonly outcome: string;
  readonly escalated: boolean;
  readonly template: string;
}

export interface Scenario {
  readonly id: string;
  /** Plays it to its end. @returns why it is no success; null: it is one */
  readonly play: (incident: Incident) => Promise<string | null>;
}

const namespace = "shop";
export const namespaces = [namespace];
const api = (cluster: SimulatedCluster) => cluster.deployment(namespace, "api");
const withinSeconds = 20;

async function deployed(cluster: SimulatedCluster, replicas: number, image?: string): Promise<void> {
  cluster.deploy({ namespace, name: "api", replicas, ...(image === undefined ? {} : { image }) });
  if (image === undefined) await cluster.until("healthy", () => api(cluster).healthy, withinSeconds);
}

function edit(cluster: SimulatedCluster, change: (spec: Record<string, unknown>) => void): void {
  const object = structuredClone(cluster.get("deployments", namespace, "api")) as unknown as {
    spec: Record<string, unknown>;
  };
  change(object.spec);
  cluster.apply(object as never);
}

const isWaiting = (pod: Pod, reason: string) =>
  pod.status.containerStatuses?.some(({ state }) => state.waiting?.reason === reason) === true;

async function crashLooping(cluster: SimulatedCluster, count = 1): Promise<readonly Pod[]> {
  const looping = () => cluster.pods(namespace).filter((pod) => isWaiting(pod, "CrashLoopBackOff"));
  await cluster.until("pods crash-loop", () => looping().length >= count, withinSeconds);
  return looping();
}

/** The pods of a Deployment that is healthy and has no others. */
async function settled(cluster: SimulatedCluster, replicas: number): Promise<readonly Pod[]> {
  const isSettled = () => api(cluster).healthy && cluster.pods(namespace).length === replicas;
  await cluster.until("nothing rolls out", isSettled, withinSeconds);
  return cluster.pods(namespace);
}

const podAlert = (alertname: string, { metadata }: Pod) => ({
  alertname,
  namespace,
  pod: metadata.name,
  container: "app",
});
const deploymentAlert = (alertname: string) => ({ alertname, namespace, deployment: "api" });

/** null: the Deployment has recovered, with the template that it had before the fault. */
async function recovered(cluster: SimulatedCluster): Promise<string | null> {
  return cluster
    .until("the Deployment is healthy", () => api(cluster).healthy, 10)
    .then(() => null)
    .catch(() => `the Deployment is not healthy: ${JSON.stringify(api(cluster))}`);
}

/** A Deployment with more in its pods than `deployed` gives them. */
function applyDeployment(cluster: SimulatedCluster, replicas: number, podSpec: object, container = {}): void {
  const labels = { app: "api" };
  const containers = [{ name: "app", image: "example.test/api:1.0.0", ...container }];
  cluster.apply({
    apiVersion: "apps/v1",
    kind: "Deployment",
    metadata: { namespace, name: "api" },
    spec: {
      replicas,
      selector: { matchLabels: labels },
      template: { metadata: { labels }, spec: { ...podSpec, containers } },
    },
  } as never);
}

const applyObject = (cluster: SimulatedCluster, apiVersion: string, kind: string, name: string, parts = {}) =>
  cluster.apply({ apiVersion, kind, metadata: { namespace, name }, ...parts } as never);

/** Tried, given up in good order, and left to people. */
function leftToPeople([execution]: readonly EndedExecution[]): string | null {
  const { outcome = "", escalated = false } = execution ?? {};
  const gaveUp = ["failed", "rolled_back"].includes(outcome);
  return gaveUp && escalated ? null : `not left to people: ${JSON.stringify(execution)}`;
}

function told(execution: EndedExecution | undefined): string | null {
  return execution?.escalated === true ? null : `people were not told: ${JSON.stringify(execution)}`;
}

function memoryOf(cluster: SimulatedCluster): unknown {
  const { template } = (cluster.get("deployments", namespace, "api") as Deployment).spec;
  const [container] = template.spec.containers as unknown as readonly {
    readonly resources?: { readonly limits?: { readonly memory?: string } };
  }[];
  return container?.resources?.limits?.memory;
}

function rightsOf(binding: { roleRef?: Json; subjects?: Json } = {}): Json {
  return { roleRef: binding.roleRef ?? null, subjects: binding.subjects ?? null };
}

export const scenarios: readonly Scenario[] = [
  {
    id: "S1 a command that exits 1",
    async play({ cluster, fire, ended, strike }) {
      await deployed(cluster, 3);
      cluster.breakDeployment(namespace, "api", "crash");
      const [pod] = await crashLooping(cluster);
      strike();
      await fire(podAlert("KubePodCrashLooping", pod!));
      await ended(1);
      return recovered(cluster);
    },
  },
  {
    id: "S2 an image that does not exist",
    async play({ cluster, fire, ended, strike }) {
      await deployed(cluster, 2);
      cluster.breakDeployment(namespace, "api", "image");
      await cluster.until(
        "a pod waits for its image",
        () => cluster.pods(namespace).some((pod) => isWaiting(pod, "ImagePullBackOff")),
        withinSeconds,
      );
      strike();
      await fire(deploymentAlert("KubeDeploymentRolloutStuck"));
      await ended(1);
      return recovered(cluster);
    },
  },
  {
    id: "S3 a container leaks past its limit",
    async play({ cluster, fire, resolve, ended, strike }) {
      await deployed(cluster, 2);
      edit(cluster, (spec) => {
        const { containers } = (spec as unknown as Deployment["spec"]).template.spec;
        Object.assign(containers[0]!, {
          resources: { limits: { memory: "64Mi" }, requests: { memory: "64Mi" } },
        });
      });
      await settled(cluster, 2);
      strike();
      const seen: unknown[] = [];
      for (const round of [1, 2, 3]) {
        const [pod] = await settled(cluster, 2);
        await fire(podAlert("ContainerOOMKilling", pod!));
        const all = await ended(round);
        seen.push(memoryOf(cluster));
        if (round === 3 && told(all.at(-1)) !== null) return told(all.at(-1));
        await resolve();
      }
      return JSON.stringify(seen) === '["128Mi","256Mi","256Mi"]'
        ? recovered(cluster)
        : `its limit went through ${JSON.stringify(seen)}`;
    },
  },
  {
    id: "S6 a taint that maintenance left behind",
    async play({ cluster, fire, ended, strike }) {
      const node = () => cluster.get("nodes", null, "node-1") as Node;
      const taints = [{ key: "maintenance", effect: "NoSchedule" }];
      cluster.apply({ ...(node() as object), spec: { taints } } as never);
      applyDeployment(cluster, 1, { nodeSelector: { "kubernetes.io/hostname": "node-1" } });
      const waits = ({ status }: Pod) =>
        status.conditions?.some(({ reason }) => reason === "Unschedulable") === true;
      await cluster.until("its pod waits", () => cluster.pods(namespace).some(waits), withinSeconds);
      strike();
      await fire({
        alertname: "KubePodNotScheduled",
        namespace,
        pod: cluster.pods(namespace)[0]!.metadata.name,
      });
      const all = await ended(1);
      if (node().spec.taints !== undefined) return `the taint is still there: ${JSON.stringify(all)}`;
      return recovered(cluster);
    },
  },
  {
    id: "S8 a claim of a class that does not exist",
    async play({ cluster, fire, ended, strike }) {
      const spec = (storageClassName: string) => ({ spec: { storageClassName } });
      cluster.apply({ apiVersion: "storage.k8s.io/v1", kind: "StorageClass", metadata: { name: "fast" } });
      applyObject(cluster, "v1", "PersistentVolumeClaim", "data-db-0", spec("fsat"));
      const labels = { app: "db" };
      applyObject(cluster, "apps/v1", "StatefulSet", "db", {
        spec: {
          replicas: 2,
          selector: { matchLabels: labels },
          template: {
            metadata: { labels },
            spec: { containers: [{ name: "db", image: "example.test/db:1" }] },
          },
          volumeClaimTemplates: [{ metadata: { name: "data" }, ...spec("fast") }],
        },
      });
      await cluster.until("its pod is there", () => cluster.pods(namespace).length === 1, withinSeconds);
      strike();
      await fire({ alertname: "KubeStatefulSetReplicasMismatch", namespace, statefulset: "db" });
      const all = await ended(1);
      const ready = () => (cluster.get("statefulsets", namespace, "db") as StatefulSet).status.readyReplicas;
      return cluster
        .until("all its pods are ready", () => ready() === 2, 10)
        .then(() => null)
        .catch(() => `${ready()} of 2 pods are ready: ${JSON.stringify(all)}`);
    },
  },
  {
    id: "S11 a RoleBinding that was deleted",
    async play({ cluster, fire, remember, ended, strike }) {
      const rbac = "rbac.authorization.k8s.io/v1";
      const rules = [{ apiGroups: [""], resources: ["configmaps"], verbs: ["get"] }];
      applyObject(cluster, rbac, "Role", "reader", { rules });
      const roleRef = { apiGroup: "rbac.authorization.k8s.io", kind: "Role", name: "reader" };
      const subjects = [{ kind: "ServiceAccount", namespace, name: "api" }];
      applyObject(cluster, rbac, "RoleBinding", "api-reads", { roleRef, subjects });
      await remember();
      cluster.remove("rolebindings", namespace, "api-reads");
      applyDeployment(cluster, 2, { serviceAccountName: "api" }, { command: ["app", "needs-role reader"] });
      await cluster.until("its pods are there", () => cluster.pods(namespace).length === 2, withinSeconds);
      strike();
      await fire({ alertname: "RBACPolicyDenied", namespace, deployment: "api" });
      await ended(1);
      const back = cluster.get("rolebindings", namespace, "api-reads") as object | undefined;
      if (!sameJson({ roleRef, subjects }, rightsOf(back)))
        return `it is not as it was: ${JSON.stringify(back)}`;
      return recovered(cluster);
    },
  },
  {
    id: "S14 five pods of one Deployment",
    async play({ cluster, fire, ended, strike }) {
      await deployed(cluster, 5);
      edit(cluster, (spec) => Object.assign(spec, { strategy: { type: "Recreate" } }));
      cluster.breakDeployment(namespace, "api", "crash");
      const pods = await crashLooping(cluster, 5);
      strike();
      await fire(...pods.map((pod) => podAlert("KubePodCrashLooping", pod)));
      const all = await ended(1);
      return all.length === 1 ? recovered(cluster) : `${all.length} executions for one Deployment`;
    },
  },
  {
    id: "S17 a restart does not help, and there is nothing to go back to",
    async play({ cluster, fire, ended, strike }) {
      await deployed(cluster, 2, "example.test/api:does-not-exist");
      strike();
      await fire(deploymentAlert("KubeDeploymentReplicasMismatch"));
      return leftToPeople(await ended(1));
    },
  },
  {
    id: "S17 the revision before is as bad",
    async play({ cluster, fire, ended, strike }) {
      await deployed(cluster, 2, "example.test/api:does-not-exist");
      edit(cluster, (spec) => {
        const { containers } = (spec as unknown as Deployment["spec"]).template.spec;
        Object.assign(containers[0]!, { image: "example.test/api:2.0.0", command: ["sh", "-c", "exit 1"] });
      });
      const [pod] = await crashLooping(cluster);
      strike();
      await fire(podAlert("KubePodCrashLooping", pod!));
      return leftToPeople(await ended(1));
    },
  },
];

/** Scenario -> why it is not played. */
export const notPlayed: Readonly<Record<string, string>> = {
  S4: "no shipped template raises maxReplicas, and the simulation has no autoscaler",
  S5: "no shipped template relaxes a PodDisruptionBudget and restores it",
  S7: "the library tells people about a silent node; it does not drain one that does not answer",
  S9: "no forge that makes a pull request against a source repository",
  S10: "no action restores a Secret",
  S12: "no shipped template expands a claim",
  S13: "dependencies between workloads are a matter of policies that the library does not ship",
  S15: "no shipped policy knows the alert",
  S16: "no shipped policy knows the alert",
};
