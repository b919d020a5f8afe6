// What the end-to-end tests stand on: PostgreSQL, a cluster, a config repository, and controllers as real processes.
import { mkdirSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import {
  type RunningSimulation,
  type SimulationOptions,
  startSimulatedCluster,
} from "../../src/simulation/start-simulated-cluster.ts";
import { type ControllerProcess, startControllerProcess } from "../support/controller-process.ts";
import { eventually } from "../support/eventually.ts";
import { bareRepository, git, temporaryFolder, workCopy } from "../support/git.ts";
import { startPostgres, type TestPostgres } from "../support/postgres.ts";
import { type AlertPayload, deliver, firing, resolved } from "./firings.ts";

const crashLooping = "KubePodCrashLooping";

/** Short waits; otherwise what the shipped library has. */
export const rollback = `
name: roll-back
configuration: {cooldown: 1h}
steps:
  - name: look
    action: {type: kubernetes, action: get_pod_status}
  - name: roll-back
    action: {type: kubernetes, action: rollback_deployment, parameters: {revision: last-good, timeout: 60s}}
  - name: verify
    action: {type: monitoring, action: validate_pod_health, parameters: {wait_timeout: 60s, stable_for: 1s}}
`;

/** Changes something, then fails: everything is undone. */
export const scaleThenFail = `
name: scale-then-fail
configuration: {cooldown: 1h}
steps:
  - name: scale
    action: {type: kubernetes, action: scale_deployment, parameters: {replicas: {add: 2}}}
  - name: check
    action: {type: kubernetes, action: get_pod_status}
    postconditions: ["size(output) == 0"]
    retry: {attempts: 1}
`;

export const policy = (template: string) => `
name: tests
rules:
  - name: crash-looping
    on: [KubePodCrashLooping]
    event: {type: select-template, params: {template: ${template}}}
`;

export interface ExecutionView {
  readonly id: string;
  readonly phase: string;
  readonly outcome: string | null;
  readonly escalated: boolean;
}

export interface World {
  readonly postgres: TestPostgres;
  readonly simulation: RunningSimulation;
  readonly folder: string;
  stop(): Promise<void>;
}

export async function startWorld(
  namespaces: readonly string[],
  timing: SimulationOptions["timing"] = {},
): Promise<World> {
  const folder = temporaryFolder();
  const [postgres, simulation] = await Promise.all([
    startPostgres({ fsync: false }),
    startSimulatedCluster({ namespaces, timing: { crashBackoffMaxSeconds: 1, ...timing } }),
  ]);
  await writeFile(join(folder.path, "kubeconfig"), simulation.kubeconfig);
  return {
    postgres,
    simulation,
    folder: folder.path,
    async stop() {
      await simulation.stop();
      await postgres.remove();
      folder.remove();
    },
  };
}

export interface Site {
  readonly namespace: string;
  readonly database: string;
  start(environment?: Readonly<Record<string, string>>, replica?: string): Promise<ControllerProcess>;
  /** Delivers an alert for the first crash-looping pod, as Alertmanager does. */
  fire(controller: ControllerProcess, pod?: string): Promise<void>;
  /** The same in a namespace of the site's own choosing. */
  fireIn(controller: ControllerProcess, namespace: string): Promise<void>;
  /** The last alert that was delivered has ended. */
  resolve(controller: ControllerProcess): Promise<void>;
  /** `git log` of the audit repository of a replica, newest last. */
  auditLog(replica?: string): string;
}

/** One gitmend installation of its own in a shared world: database, config repository, namespace. */
export async function openSite(
  world: World,
  namespace: string,
  template: string,
  config: object = {},
): Promise<Site> {
  const name = /name: (\S+)/.exec(template)?.[1] ?? "";
  const files = { [`templates/${name}.yaml`]: template, "policies/tests.yaml": policy(name) };
  return openShippedSite(world, namespace, files, [namespace], config);
}

/** The same with any catalog, live in several namespaces. */
export async function openShippedSite(
  world: World,
  name: string,
  files: Readonly<Record<string, string>>,
  live: readonly string[],
  config: object = {},
): Promise<Site> {
  const folder = join(world.folder, name);
  mkdirSync(folder, { recursive: true });
  const repository = bareRepository(join(folder, "config.git"));
  workCopy(join(folder, "work"), repository).push(files);
  const database = await world.postgres.createDatabase();
  const settings = {
    database: { url: database },
    clusters: [{ name: "sim", kubeconfig: join(world.folder, "kubeconfig") }],
    live: [{ namespaces: live }],
    config_repository: { url: repository },
    ...config,
  };
  let last: AlertPayload | null = null;
  const place = (replica: string) => join(folder, replica);
  const auditFolder = (replica: string) => join(place(replica), "data", "audit.git");
  return {
    namespace: name,
    database,
    start: (environment = {}, replica = "a") =>
      startControllerProcess({ folder: place(replica), config: settings, environment }),
    async fire(controller, pod) {
      last = firing(crashLooping, name, pod ?? (await crashingPod(world, name)));
      await deliver(controller, last);
    },
    fireIn: async (controller, namespace) =>
      deliver(controller, firing(crashLooping, namespace, await crashingPod(world, namespace))),
    async resolve(controller) {
      if (last === null) throw new Error("nothing was fired");
      await deliver(controller, resolved(last));
    },
    auditLog: (replica = "a") =>
      git(place(replica), [
        "--git-dir",
        auditFolder(replica),
        "log",
        "--reverse",
        "--format=%s%n%b",
        "audit",
      ]),
  };
}

export async function crashingPod({ simulation }: World, namespace: string): Promise<string> {
  return eventually("a pod crash-loops", () => {
    const pods = simulation.cluster.pods(namespace);
    return pods.find(({ status }) =>
      status.containerStatuses?.some(({ state }) => state.waiting?.reason === "CrashLoopBackOff"),
    )?.metadata.name;
  });
}

export async function deployAndBreak({ simulation }: World, namespace: string): Promise<void> {
  simulation.cluster.deploy({ namespace, name: "api", replicas: 2 });
  await simulation.cluster.until("healthy", (cluster) => cluster.deployment(namespace, "api").healthy, 20);
  simulation.cluster.breakDeployment(namespace, "api", "crash");
}

export async function ended(controller: ControllerProcess, seconds = 60): Promise<ExecutionView> {
  const look = async () => {
    const { items } = (await controller.get("/api/v1/executions")) as { items: ExecutionView[] };
    return items.find(({ outcome }) => outcome !== null);
  };
  try {
    return await eventually("the execution ends", look, { seconds });
  } catch (error) {
    throw new Error(`${String(error)}\n${controller.log()}`, { cause: error });
  }
}
