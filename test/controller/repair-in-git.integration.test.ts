// A target that Flux owns, and whose manifest in Git is bad: the repair is a branch in the repository that the manifest comes from. Nothing
// is changed in the cluster by gitmend; what people merge is what Flux applies. Whatever becomes of the controller meanwhile.
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Database, openDatabase } from "../../src/adapters/postgres/open-database.ts";
import type { FaultPoint } from "../../src/controller/fault-ports.ts";
import type { CatalogFile } from "../../src/controller/ports.ts";
import type { ExecutionEvent } from "../../src/domain/execution/events.ts";
import { newAlert } from "../contracts/store-samples.ts";
import { startWorld, type World } from "../e2e/world.ts";
import { eventually } from "../support/eventually.ts";
import {
  bareRepository,
  type GitServer,
  git,
  serveGitOverHttp,
  type WorkCopy,
  workCopy,
} from "../support/git.ts";
import { rawAdmin } from "../support/kube-control-plane.ts";
import { cluster, endOfLease, type Replica, startReplica } from "../support/replica.ts";

const good = "example.test/app:1.0.0";
const bad = "example.test/does-not-exist:1.0.1";
const manifest = (image: string) => `# Deployed by Flux. Ask team shop.
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
const template = `
name: last-good-image
configuration: {cooldown: 1h, timeout: 30m}
steps:
  - name: patch
    retry: {attempts: 20, backoff: 1s}
    action:
      type: custom
      action: git_patch_manifest
      parameters:
        repository: "{{ target.manager.source.url }}"
        branch: "{{ target.manager.source.follows }}"
        path: "{{ target.manager.source.path }}"
        fields: {"/spec/template/spec/containers[name=app]/image": "${good}"}
        wait_timeout: 10m
  - name: apply
    retry: {attempts: 20, backoff: 1s}
    action:
      type: kubernetes
      action: reconcile_flux
      parameters:
        kind: "{{ target.manager.object.kind }}"
        namespace: "{{ target.manager.object.namespace }}"
        name: "{{ target.manager.object.name }}"
`;
const policy = `
name: tests
rules:
  - name: bad-image
    on: [ImagePullBackOffPersistent]
    event: {type: select-template, params: {template: last-good-image}}
`;
const catalog: readonly CatalogFile[] = [
  { path: "templates/last-good-image.yaml", text: template },
  { path: "policies/tests.yaml", text: policy },
];
const deadly: ReadonlySet<FaultPoint> = new Set([
  "step-after-start",
  "step-after-effect",
  "step-after-outcome",
]);
const token = "only-for-this-one";
const merge = "application/merge-patch+json";
const definitions = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions";

let world: World;
let server: GitServer;
beforeAll(async () => {
  world = await startWorld(["owned", "foreign"]);
  server = await serveGitOverHttp(join(world.folder, "served"), token);
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
});
afterAll(async () => {
  await server.close();
  await world.stop();
});

interface Team {
  readonly bare: string;
  readonly work: WorkCopy;
  stop(): Promise<void>;
}

/** A repository, and Flux that applies what stands on its branch. `url`: what the GitRepository names. */
async function given(namespace: string, url: string): Promise<Team> {
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
      await reconcile();
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

/** One incident to its end. `dies`: once at each deadly point after each event. */
async function played(namespace: string, people: () => Promise<void>, dies: boolean) {
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
        },
      ],
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
    await people();
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
    return { events, deaths: died.size, log: (await lines()).join("\n") };
  } finally {
    for (const replica of await Promise.allSettled(replicas))
      if (replica.status === "fulfilled") await replica.value.kill();
    await database.close();
  }
}

const byGitmend = (namespace: string, kind: string) =>
  world.simulation.cluster.effects.count({ manager: "gitmend", namespace, kind });
const image = (namespace: string) =>
  JSON.stringify(world.simulation.cluster.get("deployments", namespace, "api"));

describe("a target whose bad manifest stands in Git", () => {
  it("recovers when people merge the repair, and not before, though the controller dies again and again", async () => {
    const team = await given("owned", `${server.url}/owned.git`);
    try {
      const people = async () => {
        const branch = await eventually(
          "a branch is there",
          () => git(team.bare, ["for-each-ref", "--format=%(refname:short)", "refs/heads/gitmend/"]) || null,
          { seconds: 60 },
        );
        expect(branch).toMatch(/^gitmend\/[0-9a-f]{12}-patch$/);
        expect(git(team.bare, ["show", `${branch}:apps/api.yaml`])).toBe(manifest(good).trimEnd());
        expect(image("owned")).toContain(bad);
        git(team.work.folder, ["fetch", "--quiet", "origin"]);
        git(team.work.folder, ["merge", "--quiet", "--no-ff", "--no-edit", `origin/${branch}`]);
        git(team.work.folder, ["push", "--quiet", "origin", "HEAD:main"]);
      };
      const { events, deaths } = await played("owned", people, true);
      expect(events.at(-1)).toMatchObject({ type: "Ended", outcome: "succeeded" });
      expect(deaths).toBeGreaterThanOrEqual(4);
      expect(image("owned")).toContain(good);
      expect(byGitmend("owned", "Deployment")).toBe(0);
      expect(git(team.bare, ["log", "--no-merges", "--format=%an", "main", "--", "apps"])).toBe(
        "gitmend\ntest",
      );
      expect(JSON.stringify(events)).not.toContain(token);
    } finally {
      await team.stop();
    }
  }, 150_000);

  it("has nothing read, pushed or changed when its source is not one of ours", async () => {
    const asked = server.requests.length;
    const team = await given("foreign", `${server.url}/foreign.git`);
    try {
      const { events, log } = await played("foreign", async () => undefined, false);
      expect(events).toEqual([]);
      expect(log).toContain("foreign.git is none of `sources` in gitmend.yaml");
      expect(server.requests).toHaveLength(asked);
      expect(byGitmend("foreign", "Deployment")).toBe(0);
    } finally {
      await team.stop();
    }
  }, 150_000);
});
