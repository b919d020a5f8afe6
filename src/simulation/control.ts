// What tests and the demo do with a simulated cluster besides talking to its API: deploy, break, look, wait.
// Changes made here go past the API: they are in no effect log and no fault strikes them.

import type { Right } from "./accounts.ts";
import { validate, withDefaults } from "./admission.ts";
import type { ApiWorld } from "./api-request.ts";
import { managedFieldsAfter } from "./changed-fields.ts";
import { timestamp } from "./clock.ts";
import { revisionKey } from "./deployment-controller.ts";
import type { Effects } from "./effects.ts";
import type { Faults, FaultTable } from "./faults.ts";
import { type ApiObject, type Deployment, type JsonMap, type Pod, sameJson } from "./objects.ts";
import { newMetadata } from "./world.ts";

export interface DeploymentRequest {
  readonly namespace: string;
  readonly name: string;
  /** Default 3. */
  readonly replicas?: number;
  /** Default `example.test/<name>:1.0.0`. */
  readonly image?: string;
  readonly command?: readonly string[];
  readonly annotations?: Readonly<Record<string, string>>;
  readonly labels?: Readonly<Record<string, string>>;
  readonly progressDeadlineSeconds?: number;
}

/** What is wrong with the new template: a command that exits 1, or an image that does not exist. */
export type Breakage = "crash" | "image";

export interface DeploymentSummary {
  readonly namespace: string;
  readonly name: string;
  readonly wanted: number;
  readonly ready: number;
  readonly updated: number;
  /** Pods that exist, terminating ones left out. */
  readonly replicas: number;
  readonly revision: number;
  readonly images: readonly string[];
  readonly restarts: number;
  /** Rolled out, observed, everything ready, nothing old left. */
  readonly healthy: boolean;
}

export interface SimulatedCluster {
  readonly effects: Effects;
  readonly faults: Faults;
  /** Lets clients act as this user, who may do what the rights say. */
  allow(user: string, rights: readonly Right[]): void;
  /** Creates the object, or replaces it as kubectl would. */
  apply(object: JsonMap): ApiObject;
  /** Takes it away, as kubectl would. */
  remove(plural: string, namespace: string | null, name: string): void;
  deploy(request: DeploymentRequest): Deployment;
  /** A bad release, as a person would make it with kubectl: a new template that cannot run. */
  breakDeployment(namespace: string, name: string, how: Breakage): Deployment;
  deployments(): readonly DeploymentSummary[];
  deployment(namespace: string, name: string): DeploymentSummary;
  pods(namespace: string): readonly Pod[];
  get(plural: string, namespace: string | null, name: string): ApiObject | undefined;
  list(plural: string, namespace?: string): readonly ApiObject[];
  /** What the container wrote, instead of made-up lines. */
  setLog(namespace: string, pod: string, container: string, text: string): void;
  /** Resolves as soon as it is true; looked at after each batch of changes. @throws Error after the timeout. */
  until(
    description: string,
    isTrue: (cluster: SimulatedCluster) => boolean,
    timeoutSeconds?: number,
  ): Promise<void>;
  onChange(listener: () => void): () => void;
  now(): number;
}

export function createControl(
  world: ApiWorld,
  faults: FaultTable,
  logs: Map<string, string>,
): SimulatedCluster {
  const cluster: SimulatedCluster = {
    effects: world.effects,
    faults,
    allow: (user, rights) => void world.accounts.set(user, rights),
    apply: (object) => applyObject(world, object),
    remove: (plural, namespace, name) => {
      const found = world.store.get(plural, namespace, name);
      if (found !== undefined) world.store.remove(found);
    },
    deploy: (request) => applyObject(world, deploymentManifest(request)) as Deployment,
    breakDeployment: (namespace, name, how) =>
      applyObject(world, broken(existing(world, namespace, name), how) as unknown as JsonMap) as Deployment,
    deployments: () =>
      (world.store.list("deployments") as Deployment[]).map((deployment) => summarise(world, deployment)),
    deployment: (namespace, name) => summarise(world, existing(world, namespace, name)),
    pods: (namespace) => world.store.list("pods", namespace) as Pod[],
    get: (plural, namespace, name) => world.store.get(plural, namespace, name),
    list: (plural, namespace) => world.store.list(plural, namespace ?? null),
    setLog: (namespace, pod, container, text) => void logs.set(`${namespace}/${pod}/${container}`, text),
    until: (description, isTrue, timeoutSeconds = 10) =>
      until(world, description, () => isTrue(cluster), timeoutSeconds),
    onChange: (listener) => world.store.onChange(listener),
    now: () => world.now(),
  };
  return cluster;
}

function existing(world: ApiWorld, namespace: string, name: string): Deployment {
  const found = world.store.get("deployments", namespace, name);
  if (found === undefined) throw new Error(`the simulated cluster has no deployment ${namespace}/${name}`);
  return found as Deployment;
}

function deploymentManifest(request: DeploymentRequest): JsonMap {
  const { namespace, name, replicas = 3, image = `example.test/${name}:1.0.0`, command } = request;
  const labels = { app: name };
  const deadline = request.progressDeadlineSeconds;
  return {
    apiVersion: "apps/v1",
    kind: "Deployment",
    metadata: {
      namespace,
      name,
      labels: { ...labels, ...request.labels },
      ...(request.annotations === undefined ? {} : { annotations: { ...request.annotations } }),
    },
    spec: {
      replicas,
      selector: { matchLabels: labels },
      template: {
        metadata: { labels },
        spec: { containers: [{ name: "app", image, ...(command ? { command: [...command] } : {}) }] },
      },
      ...(deadline === undefined ? {} : { progressDeadlineSeconds: deadline }),
    },
  };
}

function broken(deployment: Deployment, how: Breakage): Deployment {
  const { template } = deployment.spec;
  const [first, ...others] = template.spec.containers;
  if (first === undefined) throw new Error("the deployment has no container");
  const repository = first.image.replace(/:[^:/]*$/, "");
  const container =
    how === "crash"
      ? { ...first, command: ["sh", "-c", "echo starting; exit 1"] }
      : { ...first, image: `${repository}:does-not-exist` };
  const spec = { ...template.spec, containers: [container, ...others] };
  return { ...deployment, spec: { ...deployment.spec, template: { ...template, spec } } };
}

function applyObject(world: ApiWorld, sent: JsonMap): ApiObject {
  const wanted = sent as unknown as ApiObject;
  const resource = world.store.resources.of(wanted);
  const { name, namespace = null } = wanted.metadata;
  if (namespace !== null && world.store.get("namespaces", null, namespace) === undefined) {
    applyObject(world, { apiVersion: "v1", kind: "Namespace", metadata: { name: namespace } });
  }
  const old = world.store.get(resource.table, namespace, name);
  const metadata =
    old === undefined ? newMetadata(world, wanted.metadata) : { ...old.metadata, ...wanted.metadata };
  const kept = old === undefined ? {} : { status: (old as unknown as JsonMap).status };
  const object = { ...wanted, ...kept, metadata };
  const filled = withDefaults(resource, object as unknown as JsonMap);
  validate(resource, filled, (old ?? null) as unknown as JsonMap | null);
  const generation = resource.generation ? { generation: nextGeneration(old, filled) } : {};
  const next = filled as unknown as ApiObject;
  const managedFields = managedFieldsAfter(old, next, "kubectl", timestamp(world.now()));
  return world.store.put({ ...next, metadata: { ...next.metadata, ...generation, managedFields } });
}

function nextGeneration(old: ApiObject | undefined, next: JsonMap): number {
  const present = old?.metadata.generation ?? 0;
  return old !== undefined && sameJson((old as unknown as JsonMap).spec, next.spec) ? present : present + 1;
}

function summarise(world: ApiWorld, { metadata, spec, status }: Deployment): DeploymentSummary {
  const namespace = metadata.namespace ?? "";
  const pods = (world.store.list("pods", namespace) as Pod[]).filter((pod) =>
    Object.entries(spec.selector.matchLabels ?? {}).every(
      ([key, value]) => pod.metadata.labels?.[key] === value,
    ),
  );
  const { replicas = 0, updatedReplicas = 0, readyReplicas = 0, observedGeneration } = status;
  const counts = [replicas, updatedReplicas, readyReplicas, status.availableReplicas ?? 0];
  return {
    namespace,
    name: metadata.name,
    wanted: spec.replicas,
    ready: readyReplicas,
    updated: updatedReplicas,
    replicas,
    revision: Number(metadata.annotations?.[revisionKey] ?? 0),
    images: spec.template.spec.containers.map(({ image }) => image),
    restarts: pods
      .flatMap((pod) => pod.status.containerStatuses ?? [])
      .reduce((total, one) => total + one.restartCount, 0),
    healthy: observedGeneration === metadata.generation && counts.every((count) => count === spec.replicas),
  };
}

function until(
  world: ApiWorld,
  description: string,
  isTrue: () => boolean,
  timeoutSeconds: number,
): Promise<void> {
  if (isTrue()) return Promise.resolve();
  return new Promise((resolve, reject) => {
    const end = (finish: () => void) => {
      clearTimeout(timer);
      if (pending !== null) clearImmediate(pending);
      unsubscribe();
      finish();
    };
    let pending: NodeJS.Immediate | null = null;
    // Once for all changes of one pass of the controllers: the question may look at the whole cluster.
    const unsubscribe = world.store.onChange(() => {
      pending ??= setImmediate(() => {
        pending = null;
        if (isTrue()) end(resolve);
      });
    });
    const late = () => end(() => reject(new Error(`not within ${timeoutSeconds} s: ${description}`)));
    const timer = setTimeout(late, timeoutSeconds * 1000);
  });
}
