// A workload that Flux owns and whose manifest stands in a Git repository over http: Flux applies what is on its branch, people merge
// there, and the controller may die at each deadly point. Its own controllers cannot be had here.
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { type Database, openDatabase } from "../../src/adapters/postgres/open-database.ts";
import type { FaultPoint } from "../../src/controller/fault-ports.ts";
import type { CatalogFile } from "../../src/controller/ports.ts";
import type { ExecutionEvent } from "../../src/domain/execution/events.ts";
import { newAlert } from "../contracts/store-samples.ts";
import { startWorld, type World } from "../e2e/world.ts";
import { eventually } from "./eventually.ts";
import { bareRepository, type GitServer, git, serveGitOverHttp, type WorkCopy, workCopy } from "./git.ts";
import { rawAdmin } from "./kube-control-plane.ts";
import { cluster, endOfLease, type Replica, startReplica } from "./replica.ts";

export const good = "example.test/app:1.0.0";
export const bad = "example.test/does-not-exist:1.0.1";
export const manifest = (image: string) => `# Deployed by Flux. Ask team shop.
apiVersion: apps/v1
kind: Deployment
metadata: {name: api}
spec:
  replicas: 1
  template:
    spec:
      containers:
      - name: app
        image: ${image} # the release of today
`;
const deadly: ReadonlySet<FaultPoint> = new Set([
  "step-after-start",
  "step-after-effect",
  "step-after-outcome",
  "repair-after-push",
  "approval-after-open",
]);
export const token = "only-for-this-one";
const merge = "application/merge-patch+json";
const definitions = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions";

export interface Team {
  readonly bare: string;
  readonly work: WorkCopy;
  stop(): Promise<void>;
}

export interface Played {
  readonly catalog: readonly CatalogFile[];
  /** What people do meanwhile. `announce`: the forge says that it has news. */
  readonly people: (announce: () => Promise<void>) => Promise<void>;
  /** Once at each deadly point after each event. */
  readonly dies?: boolean;
  /** More of the entry in `sources`, and of gitmend.yaml. */
  readonly source?: object;
  readonly config?: object;
}

export interface FluxOwned {
  readonly world: World;
  readonly server: GitServer;
  /** A repository, and Flux that applies what stands on its branch as long as `applies`. `url`: what the GitRepository names. */
  given(namespace: string, url: string, applies?: () => boolean): Promise<Team>;
  /** One incident to its end. */
  played(
    namespace: string,
    play: Played,
  ): Promise<{
    readonly events: readonly ExecutionEvent[];
    /** `<point> at <last event> <step>`. */
    readonly deaths: readonly string[];
    readonly log: string;
  }>;
  /** Changes that gitmend has made in the cluster. */
  byGitmend(namespace: string, kind: string): number;
  /** The Deployment as it is, as text. */
  deployment(namespace: string): string;
  stop(): Promise<void>;
}

export async function startFluxOwned(namespaces: readonly string[]): Promise<FluxOwned> {
  const world = await startWorld([...namespaces]);
  const server = await serveGitOverHttp(join(world.folder, "served"), token);
  await defineFlux(world);
  return {
    world,
    server,
    given: (...of) => given(world, ...of),
    played: (...of) => played(world, server, ...of),
    byGitmend: (namespace, kind) =>
      world.simulation.cluster.effects.count({ manager: "gitmend", namespace, kind }),
    deployment: (namespace) => JSON.stringify(world.simulation.cluster.get("deployments", namespace, "api")),
    async stop() {
      await server.close();
      await world.stop();
    },
  };
}

async function defineFlux(world: World): Promise<void> {
  const admin = rawAdmin(world.simulation.kubeconfig);
  for (const [group, kind, plural] of [
    ["kustomize.toolkit.fluxcd.io", "Kustomization", "kustomizations"],
    ["source.toolkit.fluxcd.io", "GitRepository", "gitrepositories"],
  ] as const) {
    const openAPIV3Schema = { type: "object", "x-kubernetes-preserve-unknown-fields": true };
    const names = { kind, plural, singular: kind.toLowerCase(), listKind: `${kind}List` };
    const version = {
      name: "v1",
      served: true,
      storage: true,
      schema: { openAPIV3Schema },
      subresources: { status: {} },
    };
    await admin("POST", definitions, {
      apiVersion: "apiextensions.k8s.io/v1",
      kind: "CustomResourceDefinition",
      metadata: { name: `${plural}.${group}` },
      spec: { group, scope: "Namespaced", names, versions: [version] },
    });
  }
}

async function given(world: World, namespace: string, url: string, applies = () => true): Promise<Team> {
  const { simulation } = world;
  simulation.cluster.deploy({ namespace, name: "api", replicas: 1, image: good });
  await simulation.cluster.until("healthy", (one) => one.deployment(namespace, "api").healthy, 20);
  const bare = bareRepository(join(world.folder, "served", `${namespace}.git`));
  const work = workCopy(join(world.folder, `${namespace}-work`), bare);
  work.push({ "apps/api.yaml": manifest(bad) });
  const admin = rawAdmin(simulation.kubeconfig);
  const deployment = `/apis/apps/v1/namespaces/${namespace}/deployments/api?fieldManager=kustomize-controller`;
  const sources = `/apis/source.toolkit.fluxcd.io/v1/namespaces/${namespace}/gitrepositories`;
  const owners = `/apis/kustomize.toolkit.fluxcd.io/v1/namespaces/${namespace}/kustomizations`;
  await admin("POST", sources, {
    apiVersion: "source.toolkit.fluxcd.io/v1",
    kind: "GitRepository",
    metadata: { name: "shop" },
    spec: { url, ref: { branch: "main" } },
  });
  await admin("POST", owners, {
    apiVersion: "kustomize.toolkit.fluxcd.io/v1",
    kind: "Kustomization",
    metadata: { name: "apps" },
    spec: { path: "./apps", sourceRef: { kind: "GitRepository", name: "shop" } },
  });
  const group = "kustomize.toolkit.fluxcd.io";
  const labels = { [`${group}/name`]: "apps", [`${group}/namespace`]: namespace };
  await admin("PATCH", deployment, { metadata: { labels } }, merge);
  async function reconcile(): Promise<void> {
    const commit = git(bare, ["rev-parse", "main"]);
    const image = /image: (\S+)/.exec(git(bare, ["show", `${commit}:apps/api.yaml`]))?.[1];
    const containers = [{ name: "app", image }];
    await admin("PATCH", deployment, { spec: { template: { spec: { containers } } } }, merge);
    const { metadata } = (await admin("GET", `${owners}/apps`)).body as {
      metadata: { generation?: number; annotations?: Record<string, string> };
    };
    const status = {
      observedGeneration: metadata.generation,
      lastAppliedRevision: `main@sha1:${commit}`,
      lastHandledReconcileAt: metadata.annotations?.["reconcile.fluxcd.io/requestedAt"],
      inventory: { entries: [{ id: `${namespace}_api_apps_Deployment`, v: "v1" }] },
      conditions: [{ type: "Ready", status: "True", reason: "ReconciliationSucceeded" }],
    };
    await admin("PATCH", `${owners}/apps/status`, { status }, merge);
  }
  const over = new AbortController();
  await reconcile();
  const running = (async () => {
    while (!over.signal.aborted) {
      await pause(100);
      if (applies()) await reconcile();
    }
  })();
  return {
    bare,
    work,
    async stop() {
      over.abort();
      await running;
    },
  };
}

async function eventsOf({ pool }: Database): Promise<readonly ExecutionEvent[]> {
  const { rows } = await pool.query<{ event: ExecutionEvent }>("select event from events order by seq");
  return rows.map(({ event }) => event);
}

async function played(
  world: World,
  server: GitServer,
  namespace: string,
  { catalog, people, dies = false, source = {}, config = {} }: Played,
) {
  const database = await openDatabase({ url: await world.postgres.createDatabase() });
  const tokenFile = join(world.folder, "token");
  writeFileSync(tokenFile, token);
  const died = new Set<string>();
  const replicas: Promise<Replica>[] = [];
  const setup = {
    database,
    kubeconfig: world.simulation.kubeconfig,
    catalog,
    folder: join(world.folder, namespace),
    config: {
      audit_repository: { url: bareRepository(join(world.folder, `${namespace}-audit.git`)) },
      limits: { gather: "0s" },
      live: [{ max_risk: "high" }],
      sources: [
        {
          url: `${server.url}/owned.git`,
          credential: { username: "gitmend", token: { file: tokenFile } },
          namespaces: ["owned"],
          ...source,
        },
      ],
      ...config,
    },
    diesAt: async (point: FaultPoint) => {
      if (!dies || !deadly.has(point)) return false;
      const last = (await eventsOf(database)).at(-1);
      const here = `${point} at ${last?.type} ${last !== undefined && "step" in last ? last.step : ""}`;
      if (died.has(here)) return false;
      died.add(here);
      return true;
    },
    onDeath: () => void replicas.push(endOfLease(database).then(() => startReplica(setup))),
  };
  try {
    replicas.push(startReplica(setup));
    const pod = await eventually(
      "a pod has no image",
      () =>
        world.simulation.cluster
          .pods(namespace)
          .find(({ status }) =>
            status.containerStatuses?.some(({ state }) => /ImagePull/.test(state.waiting?.reason ?? "")),
          )?.metadata.name,
    );
    const labels = { alertname: "ImagePullBackOffPersistent", namespace, pod };
    const alerts = [newAlert({ name: labels.alertname, cluster, labels })];
    await database.alerts.receive({ bodyHash: "h", source: "default", alerts, deadLetters: [] });
    await people(async () => {
      await eventually("people were asked", async () =>
        (await eventsOf(database)).some(({ type }) => type === "ApprovalRequested"),
      );
      const { rows } = await database.pool.query<{ id: string }>("select id::text from executions");
      for (const { id } of rows) await database.executions.send(id, { type: "look-at-approval" });
    });
    const lines = async () => (await Promise.all(replicas)).flatMap(({ log }) => log);
    const ended = async () => {
      const events = await eventsOf(database);
      const refused = (await lines()).some((line) => line.includes("no plan can be made"));
      return refused || events.some(({ type }) => type === "Ended") ? events : null;
    };
    const events = await eventually("it has come to its end", ended, { seconds: 60 }).catch(
      async (error: unknown) => {
        const logs = (await lines()).slice(-30);
        throw new Error(
          [String(error), ...logs, ...(await eventsOf(database)).map((one) => JSON.stringify(one))].join(
            "\n",
          ),
        );
      },
    );
    return { events, deaths: [...died], log: (await lines()).join("\n") };
  } finally {
    for (const replica of await Promise.allSettled(replicas))
      if (replica.status === "fulfilled") await replica.value.kill();
    await database.close();
  }
}
