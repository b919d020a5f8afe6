// A Kubernetes cluster in this process: its API over plain HTTP on loopback, controllers that behave like the real
// ones, and a control object for tests and the demo. test/contracts/kubernetes-api.ts holds it to the real server.

import type { ApiWorld } from "./api-request.ts";
import { serveApi } from "./api-server.ts";
import { realClock, type SimulationClock, timestamp } from "./clock.ts";
import { createControl, type SimulatedCluster } from "./control.ts";
import { deploymentController } from "./deployment-controller.ts";
import { createEffectLog } from "./effects.ts";
import { budgetController } from "./eviction.ts";
import { createFaults } from "./faults.ts";
import { handleRequest } from "./handle-request.ts";
import { createJobController } from "./job-controller.ts";
import { createKubelet } from "./kubelet.ts";
import type { ApiObject, Node } from "./objects.ts";
import { quotaController } from "./pod-admission.ts";
import { garbageCollector } from "./pod-deletion.ts";
import { replicaSetController } from "./replica-set-controller.ts";
import { scheduler } from "./scheduler.ts";
import { statefulSetController } from "./stateful-set-controller.ts";
import { createStore } from "./store.ts";
import { volumeBinder } from "./volume-binder.ts";
import { type Controller, defaultTiming, newMetadata, seededRandom, type Timing } from "./world.ts";

export interface SimulationOptions {
  /** Names, uids and addresses follow from it. Default 1. */
  readonly seed?: number;
  /** Default 3: node-1, node-2, node-3. */
  readonly nodes?: number;
  /** Besides default, kube-system, kube-public and kube-node-lease. */
  readonly namespaces?: readonly string[];
  readonly timing?: Partial<Timing>;
  /** Default: the machine's clock. */
  readonly clock?: SimulationClock;
  /** Default: a free one. */
  readonly port?: number;
}

export interface RunningSimulation {
  readonly url: string;
  /** Text of a kubeconfig with one context, `simulated`. */
  readonly kubeconfig: string;
  readonly cluster: SimulatedCluster;
  stop(): Promise<void>;
}

export async function startSimulatedCluster(options: SimulationOptions = {}): Promise<RunningSimulation> {
  const clock = options.clock ?? realClock();
  const written = new Map<string, string>();
  const world: ApiWorld = {
    store: createStore(),
    timing: { ...defaultTiming, ...options.timing },
    now: () => clock.now(),
    random: seededRandom(options.seed ?? 1),
    effects: createEffectLog(),
    accounts: new Map(),
    writtenLogs: (pod, container) =>
      written.get(`${pod.metadata.namespace}/${pod.metadata.name}/${container}`) ?? null,
  };
  const faults = createFaults();
  populate(world, options);
  const controllers = runControllers(world, clock);
  const server = await serveApi((request) => handleRequest(world, request), faults, options.port ?? 0);
  return {
    url: server.url,
    kubeconfig: kubeconfigText(server.url),
    cluster: createControl(world, faults, written),
    stop: async () => {
      controllers.stop();
      clock.stop();
      await server.stop();
    },
  };
}

function kubeconfigText(server: string): string {
  return [
    "apiVersion: v1",
    "kind: Config",
    // insecure-skip-tls-verify: client libraries refuse plain HTTP without it.
    `clusters: [{name: simulated, cluster: {server: "${server}", insecure-skip-tls-verify: true}}]`,
    "users: [{name: admin, user: {}}]",
    "contexts: [{name: simulated, context: {cluster: simulated, user: admin}}]",
    "current-context: simulated",
    "",
  ].join("\n");
}

function populate(world: ApiWorld, { nodes = 3, namespaces = [] }: SimulationOptions): void {
  for (const name of ["default", "kube-system", "kube-public", "kube-node-lease", ...namespaces]) {
    world.store.put({
      apiVersion: "v1",
      kind: "Namespace",
      metadata: newMetadata(world, { name, labels: { "kubernetes.io/metadata.name": name } }),
      status: { phase: "Active" },
    } as ApiObject);
  }
  for (let number = 1; number <= nodes; number += 1) world.store.put(newNode(world, `node-${number}`));
}

function newNode(world: ApiWorld, name: string): Node {
  const capacity = { cpu: "16", memory: "64Gi", pods: "110" };
  const sizes = { capacity, allocatable: capacity };
  const labels = {
    "kubernetes.io/hostname": name,
    "kubernetes.io/os": "linux",
    "kubernetes.io/arch": "amd64",
  };
  const since = timestamp(world.now());
  return {
    apiVersion: "v1",
    kind: "Node",
    metadata: newMetadata(world, { name, labels }),
    spec: {},
    status: {
      ...sizes,
      conditions: [
        {
          type: "MemoryPressure",
          status: "False",
          reason: "KubeletHasSufficientMemory",
          lastTransitionTime: since,
        },
        {
          type: "DiskPressure",
          status: "False",
          reason: "KubeletHasNoDiskPressure",
          lastTransitionTime: since,
        },
        { type: "Ready", status: "True", reason: "KubeletReady", lastTransitionTime: since },
      ],
    },
  };
}

/** Called again and again until the cluster stands still; then sleeps until the next change or due time. */
function runControllers(world: ApiWorld, clock: SimulationClock): { stop(): void } {
  const controllers: readonly Controller[] = [
    deploymentController,
    replicaSetController,
    statefulSetController,
    createJobController(),
    volumeBinder,
    scheduler,
    createKubelet(),
    garbageCollector,
    budgetController,
    quotaController,
  ];
  let pending: NodeJS.Immediate | null = null;
  let running = false;
  const settle = () => {
    pending = null;
    running = true;
    const seen = () => world.store.revision();
    let before: string;
    let dueAt: number;
    let rounds = 0;
    do {
      before = seen();
      dueAt = Math.min(...controllers.map((controller) => controller(world)));
      rounds += 1;
    } while (seen() !== before && rounds < 100);
    running = false;
    clock.wakeAt(dueAt, settle);
  };
  const unsubscribe = world.store.onChange(() => {
    // A macrotask later, as in a real cluster: a client sees its own write before the controllers react to it.
    if (!running && pending === null) pending = setImmediate(settle);
  });
  settle();
  return {
    stop: () => {
      unsubscribe();
      if (pending !== null) clearImmediate(pending);
    },
  };
}
