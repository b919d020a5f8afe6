// S9: a bad commit that Flux or Argo CD has applied. The shipped templates and policies choose the revert of that commit, not of the last
// one, in the repository that both ends name; people merge it, the workload recovers, and gitmend has changed nothing in the cluster.
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { shippedLibrary } from "../../src/cli/shipped-library.ts";
import { fold } from "../../src/domain/execution/evolve.ts";
import { firing, type GivenController, givenController } from "../cli/given-controller.ts";
import { eventually } from "../support/eventually.ts";
import {
  bareRepository,
  type GitServer,
  git,
  serveGitOverHttp,
  temporaryFolder,
  type WorkCopy,
  workCopy,
} from "../support/git.ts";
import { rawAdmin } from "../support/kube-control-plane.ts";

const token = "only-for-this-one";
const merge = "application/merge-patch+json";
const definitions = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions";
const settings = (database: string) => `# Ask team data.
apiVersion: v1
kind: ConfigMap
metadata: {name: settings}
data:
  database: ${database}
`;

let folder: ReturnType<typeof temporaryFolder>;
let server: GitServer;
let given: GivenController;
beforeAll(async () => {
  folder = temporaryFolder();
  server = await serveGitOverHttp(join(folder.path, "served"), token);
  const tokenFile = join(folder.path, "token");
  writeFileSync(tokenFile, token);
  const credential = { username: "gitmend", token: { file: tokenFile } };
  given = await givenController({
    live: [{ namespaces: ["shop", "till", "spare"] }],
    sources: ["shop", "till"].map((namespace) => ({
      url: `${server.url}/${namespace}.git`,
      credential,
      namespaces: [namespace],
    })),
  });
  const admin = rawAdmin(given.simulation.kubeconfig);
  for (const [group, version, kind, plural] of [
    ["kustomize.toolkit.fluxcd.io", "v1", "Kustomization", "kustomizations"],
    ["source.toolkit.fluxcd.io", "v1", "GitRepository", "gitrepositories"],
    ["argoproj.io", "v1alpha1", "Application", "applications"],
  ] as const)
    await admin("POST", definitions, {
      apiVersion: "apiextensions.k8s.io/v1",
      kind: "CustomResourceDefinition",
      metadata: { name: `${plural}.${group}` },
      spec: {
        group,
        scope: "Namespaced",
        names: { kind, plural, singular: kind.toLowerCase(), listKind: `${kind}List` },
        versions: [
          {
            name: version,
            served: true,
            storage: true,
            schema: { openAPIV3Schema: { type: "object", "x-kubernetes-preserve-unknown-fields": true } },
            subresources: { status: {} },
          },
        ],
      },
    });
  const own = ["ask", "scale", "slow", "broken"].map((name) => [`templates/${name}.yaml`, null] as const);
  const shipped = (await shippedLibrary()).map(({ path, text }) => [path, hurried(text)] as const);
  given.push(Object.fromEntries([...own, ["policies/tests.yaml", null], ...shipped]));
  await eventually("the shipped library is in use", () =>
    given.app.controller.catalog.current()?.templates.has("revert-bad-commit"),
  );
});
afterAll(async () => {
  await given.stop();
  await server.close();
  folder.remove();
});

function hurried(text: string): string {
  const health = "action: validate_pod_health\n      parameters:\n";
  return text.replaceAll(health, `${health}        stable_for: 1s\n`);
}

const stateOf = async (id: string) => fold(await given.app.database.executions.events(id));
const byGitmend = (namespace: string) =>
  ["Deployment", "ConfigMap", "Pod", "ReplicaSet"].reduce(
    (sum, kind) => sum + given.simulation.cluster.effects.count({ manager: "gitmend", namespace, kind }),
    0,
  );

interface Team {
  readonly bare: string;
  readonly work: WorkCopy;
  readonly bad: string;
  /** As what applies it: makes the cluster what stands on the branch, again and again. */
  stop(): Promise<void>;
}

/** A workload that crashes with the settings of the last commit but one. */
async function applied(namespace: string, by: "flux" | "argocd", url: string): Promise<Team> {
  const { cluster, kubeconfig } = given.simulation;
  cluster.deploy({ namespace, name: "api", replicas: 2 });
  const admin = rawAdmin(kubeconfig);
  const bare = bareRepository(join(folder.path, "served", `${namespace}.git`));
  const work = workCopy(join(folder.path, `${namespace}-work`), bare);
  work.push({ "apps/settings.yaml": settings("db:5432"), "other/readme.md": "1" });
  const bad = work.push({ "apps/settings.yaml": settings("db:9999") });
  work.push({ "other/readme.md": "2" });
  const reconcile = by === "flux" ? await flux(namespace, url, admin) : await argocd(namespace, url, admin);
  const deployment = `/apis/apps/v1/namespaces/${namespace}/deployments/api?fieldManager=${by}`;
  const round = async () => {
    const commit = git(bare, ["rev-parse", "main"]);
    const broken = git(bare, ["show", `${commit}:apps/settings.yaml`]).includes("db:9999");
    const command = broken ? ["sh", "-c", "echo no database; exit 1"] : ["sh", "-c", "serve"];
    const containers = [{ name: "app", image: "example.test/api:1.0.0", command }];
    await admin("PATCH", deployment, { spec: { template: { spec: { containers } } } }, merge);
    await reconcile(commit);
  };
  await round();
  const over = new AbortController();
  const running = (async () => {
    while (!over.signal.aborted) {
      await pause(100);
      await round();
    }
  })();
  return {
    bare,
    work,
    bad,
    async stop() {
      over.abort();
      await running;
    },
  };
}

type Admin = ReturnType<typeof rawAdmin>;

async function flux(namespace: string, url: string, admin: Admin) {
  const owners = `/apis/kustomize.toolkit.fluxcd.io/v1/namespaces/${namespace}/kustomizations`;
  await admin("POST", `/apis/source.toolkit.fluxcd.io/v1/namespaces/${namespace}/gitrepositories`, {
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
  await admin(
    "PATCH",
    `/apis/apps/v1/namespaces/${namespace}/deployments/api?fieldManager=kustomize-controller`,
    { metadata: { labels } },
    merge,
  );
  return async (commit: string) => {
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
  };
}

async function argocd(namespace: string, repoURL: string, admin: Admin) {
  const applications = `/apis/argoproj.io/v1alpha1/namespaces/${namespace}/applications`;
  await admin("POST", applications, {
    apiVersion: "argoproj.io/v1alpha1",
    kind: "Application",
    metadata: { name: "shop" },
    spec: {
      source: { repoURL, path: "apps", targetRevision: "main" },
      destination: { server: "https://kubernetes.default.svc", namespace },
    },
  });
  const annotations = { "argocd.argoproj.io/tracking-id": `shop:apps/Deployment:${namespace}/api` };
  await admin(
    "PATCH",
    `/apis/apps/v1/namespaces/${namespace}/deployments/api?fieldManager=argocd-controller`,
    { metadata: { annotations } },
    merge,
  );
  return async (revision: string) => {
    const resources = [
      { group: "apps", version: "v1", kind: "Deployment", namespace, name: "api", status: "Synced" },
    ];
    const status = {
      resources,
      sync: { status: "Synced", revision },
      operationState: { phase: "Succeeded" },
    };
    await admin("PATCH", `${applications}/shop/status`, { status }, merge);
  };
}

/** The alert of a pod that crashes; the execution that it brings about. */
async function crashes(namespace: string): Promise<string> {
  const pod = await eventually(
    "a pod crashes",
    () =>
      given.simulation.cluster
        .pods(namespace)
        .find(({ status }) =>
          status.containerStatuses?.some(({ state }) => state.waiting?.reason === "CrashLoopBackOff"),
        )?.metadata.name,
  );
  await given.deliver({
    ...firing("KubePodCrashLooping", { namespace, pod, container: "app" }, namespace),
    startsAt: new Date().toISOString(),
  });
  return eventually("it is decided", async () => {
    const { rows } = await given.app.database.pool.query<{ id: string }>(
      "select id::text from executions where target_namespace = $1",
      [namespace],
    );
    return rows[0]?.id ?? null;
  });
}

const proposed = (bare: string) =>
  eventually(
    "a branch is there",
    () => git(bare, ["for-each-ref", "--format=%(refname:short)", "refs/heads/gitmend/"]) || null,
    { seconds: 30 },
  );
const endOf = (id: string) =>
  eventually(
    "it has ended",
    async () => {
      const state = await stateOf(id);
      return state.phase === "ended" ? state : null;
    },
    { seconds: 60 },
  );

describe("S9: a bad commit that was applied", () => {
  it.each([
    ["argocd", "shop"],
    ["flux", "till"],
  ] as const)(
    "by %s is taken back by people, in Git and nowhere else, and the workload recovers",
    async (by, namespace) => {
      const team = await applied(namespace, by, `${server.url}/${namespace}.git`);
      try {
        const id = await crashes(namespace);
        const branch = await proposed(team.bare);
        expect(await stateOf(id)).toMatchObject({ match: { template: "revert-bad-commit" } });
        expect(git(team.bare, ["diff", "--name-only", `main..${branch}`])).toBe("apps/settings.yaml");
        expect(git(team.bare, ["show", `${branch}:apps/settings.yaml`])).toBe(settings("db:5432").trimEnd());
        const message = git(team.bare, ["log", "-1", "--format=%B", branch]);
        expect(message).toContain(`This reverts commit ${team.bad}. For sim/${namespace}/deploy/api.`);
        expect(given.simulation.cluster.deployment(namespace, "api").healthy).toBe(false);
        git(team.work.folder, ["fetch", "--quiet", "origin"]);
        git(team.work.folder, ["merge", "--quiet", "--no-ff", "--no-edit", `origin/${branch}`]);
        git(team.work.folder, ["push", "--quiet", "origin", "HEAD:main"]);
        const state = await endOf(id);
        expect([state.outcome, state.endReason]).toEqual(["succeeded", "every step succeeded"]);
        expect(given.simulation.cluster.deployment(namespace, "api").healthy).toBe(true);
        expect(byGitmend(namespace)).toBe(0);
        expect(JSON.stringify(await given.app.database.executions.events(id))).not.toContain(token);
      } finally {
        await team.stop();
      }
    },
    120_000,
  );

  it("from a repository that nobody has allowed is for people, and nothing is read there", async () => {
    const asked = server.requests.length;
    const team = await applied("spare", "argocd", `${server.url}/spare.git`);
    try {
      const id = await crashes("spare");
      const state = await endOf(id);
      expect(state).toMatchObject({ outcome: "refused", escalated: true });
      expect(server.requests).toHaveLength(asked);
      expect(byGitmend("spare")).toBe(0);
    } finally {
      await team.stop();
    }
  }, 120_000);
});
