// Acting as another account, against the simulated cluster always, and against a real API server where the environment names one:
// there gitmend is an account of its own that may impersonate exactly two others, and nothing else.
import { readFile } from "node:fs/promises";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { parse, stringify } from "yaml";
import { type ClusterConnection, connectCluster } from "../../../src/adapters/kubernetes/cluster-api.ts";
import type { ObjectRef } from "../../../src/domain/facts/objects.ts";
import { Problem } from "../../../src/domain/problem.ts";
import type { RunAs } from "../../../src/domain/templates/scope.ts";
import { startSimulatedCluster } from "../../../src/simulation/start-simulated-cluster.ts";
import { eventually } from "../../support/eventually.ts";
import {
  hasControlPlane,
  howToGetOne,
  type RawAdmin,
  rawAdmin,
  startControlPlane,
} from "../../support/kube-control-plane.ts";

const namespace = `acts-${Date.now().toString(36)}`;
const bot: RunAs = { user: `system:serviceaccount:${namespace}:bot`, groups: [] };
const team: RunAs = { user: `team-${namespace}`, groups: [`group-${namespace}`] };
const stranger: RunAs = { user: `system:serviceaccount:${namespace}:stranger`, groups: [] };

interface Started {
  /** gitmend's own account. */
  readonly connection: ClusterConnection;
  readonly admin: RawAdmin;
  stop(): Promise<void>;
}

function runAsContract(name: string, start: () => Promise<Started>): void {
  describe(`acting as another account in ${name}`, () => {
    let started: Started;
    const signal = () => AbortSignal.timeout(60_000);
    const as = (runAs: RunAs | null) => started.connection.api(signal(), false, runAs);
    const deployment = (where: string): ObjectRef => ({
      cluster: "test",
      apiVersion: "apps/v1",
      kind: "Deployment",
      namespace: where,
      name: "api",
    });

    beforeAll(async () => {
      started = await start();
    }, 120_000);
    afterAll(async () => {
      await started?.admin("DELETE", `/api/v1/namespaces/${namespace}`);
      await started?.stop();
    }, 60_000);

    it.each([
      ["a service account", bot],
      ["a user by their group", team],
    ])("reads and writes with the rights of %s", async (_what, runAs) => {
      const write = async () => {
        const before = await as(runAs).get(deployment(namespace));
        const resourceVersion = String(before?.metadata.resourceVersion);
        const operations = [
          { op: "replace", path: "/metadata/resourceVersion", value: resourceVersion },
          { op: "add", path: "/spec/minReadySeconds", value: runAs === bot ? 3 : 4 },
        ] as const;
        await as(runAs).patch(deployment(namespace), operations, { dryRun: true });
        return as(runAs).patch(deployment(namespace), operations, { dryRun: false });
      };
      // The Deployment controller writes its status after each change: in between that is a conflict, as for everybody.
      const after = await eventually("nobody else writes in between", write);
      expect(after["spec"]).toMatchObject({ minReadySeconds: runAs === bot ? 3 : 4 });
    });

    it("has its rights and no more: elsewhere it is refused, by its name", async () => {
      await expect(as(bot).get(deployment("kube-system"))).rejects.toMatchObject({
        code: "API_FORBIDDEN",
        message: `get apps/v1 Deployment kube-system/api as service account ${namespace}/bot: the API server answered 403 Forbidden`,
      });
      await expect(as(bot).list({ apiVersion: "v1", kind: "Secret", namespace })).rejects.toMatchObject({
        code: "API_FORBIDDEN",
      });
    });

    it("is refused where gitmend may not act as the account, and says that it is gitmend that may not", async () => {
      const refused = await as(stranger)
        .get(deployment(namespace))
        .catch((error: unknown) => error);
      expect(refused).toBeInstanceOf(Problem);
      expect(String((refused as Problem).message)).toContain(
        `as service account ${namespace}/stranger: the API server answered 403 Forbidden: gitmend's own account may not impersonate it`,
      );
    });

    it("asks what it may do as the account that it acts as", async () => {
      const { mayDo } = started.connection;
      const patch = { verb: "patch", apiGroup: "apps", resource: "deployments" };
      expect(await mayDo({ ...patch, namespace }, signal(), bot)).toBe(true);
      expect(await mayDo({ ...patch, namespace: "kube-system" }, signal(), bot)).toBe(false);
      expect(await mayDo({ ...patch, namespace: null }, signal(), bot)).toBe(false);
      const impersonate = { verb: "impersonate", apiGroup: "", resource: "serviceaccounts" };
      expect(await mayDo({ ...impersonate, namespace, name: "bot" }, signal())).toBe(true);
      expect(await mayDo({ ...impersonate, namespace, name: "stranger" }, signal())).toBe(false);
      expect(await mayDo({ ...impersonate, namespace: null }, signal())).toBe(false);
    });
  });
}

const rights = [
  { verbs: ["get", "list", "patch"], resources: ["deployments"], namespaces: [namespace] },
] as const;
const manifest = {
  apiVersion: "apps/v1",
  kind: "Deployment",
  metadata: { name: "api", namespace },
  spec: {
    replicas: 0,
    selector: { matchLabels: { app: "api" } },
    template: {
      metadata: { labels: { app: "api" } },
      spec: { containers: [{ name: "main", image: "example.test/api:1" }] },
    },
  },
};

runAsContract("the simulated cluster", async () => {
  const simulation = await startSimulatedCluster({ namespaces: [namespace] });
  simulation.cluster.apply(manifest);
  for (const { user } of [bot, team]) simulation.cluster.allow(user, rights);
  const connection = connectCluster({ name: "test", kubeconfigText: simulation.kubeconfig });
  const stop = async () => {
    await connection.close();
    await simulation.stop();
  };
  return { connection, admin: rawAdmin(simulation.kubeconfig), stop };
});

if (hasControlPlane()) {
  runAsContract("the real control plane", async () => {
    const plane = await startControlPlane();
    const kubeconfigText = await readFile(plane.kubeconfigPath, "utf8");
    const admin = rawAdmin(kubeconfigText);
    await prepare(admin);
    const connection = connectCluster({
      name: "test",
      kubeconfigText: await ownKubeconfig(kubeconfigText, admin),
    });
    const ask = { verb: "impersonate", apiGroup: "", resource: "serviceaccounts", namespace, name: "bot" };
    const patch = { verb: "patch", apiGroup: "apps", resource: "deployments", namespace };
    await eventually("the roles count", async () => {
      const signal = AbortSignal.timeout(10_000);
      return (await connection.mayDo(ask, signal)) && (await connection.mayDo(patch, signal, team));
    });
    const stop = async () => {
      for (const kind of ["clusterrolebindings", "clusterroles"])
        await admin("DELETE", `/apis/rbac.authorization.k8s.io/v1/${kind}/gitmend-${namespace}`);
      await connection.close();
      await plane.stop();
    };
    return { connection, admin, stop };
  });
} else {
  describe("acting as another account in the real control plane", () => {
    it("is not here", (context) => context.skip(howToGetOne));
  });
}

/** The namespace, its Deployment, gitmend's account and the two that it may act as. */
async function prepare(admin: RawAdmin): Promise<void> {
  const rbac = "/apis/rbac.authorization.k8s.io/v1";
  const create = async (path: string, body: object) => {
    const { code, body: answer } = await admin("POST", path, body);
    if (code !== 201) throw new Error(`${path}: ${code} ${JSON.stringify(answer)}`);
  };
  const own = [{ kind: "ServiceAccount", name: "gitmend", namespace }];
  const apiGroup = "rbac.authorization.k8s.io";
  const bind = async (
    scope: string,
    kind: "Role" | "ClusterRole",
    name: string,
    rules: object,
    subjects: object,
  ) => {
    const plural = kind === "Role" ? "roles" : "clusterroles";
    const bindings = kind === "Role" ? "rolebindings" : "clusterrolebindings";
    await create(`${scope}/${plural}`, { metadata: { name }, rules });
    await create(`${scope}/${bindings}`, { metadata: { name }, roleRef: { apiGroup, kind, name }, subjects });
  };
  await create("/api/v1/namespaces", { metadata: { name: namespace } });
  for (const name of ["gitmend", "bot", "stranger"])
    await create(`/api/v1/namespaces/${namespace}/serviceaccounts`, { metadata: { name } });
  await create(`/apis/apps/v1/namespaces/${namespace}/deployments`, manifest);
  const impersonate = (resources: string, name: string) => ({
    apiGroups: [""],
    resources: [resources],
    resourceNames: [name],
    verbs: ["impersonate"],
  });
  const local = `${rbac}/namespaces/${namespace}`;
  await bind(local, "Role", "gitmend-acts-as-bot", [impersonate("serviceaccounts", "bot")], own);
  await bind(
    rbac,
    "ClusterRole",
    `gitmend-${namespace}`,
    [impersonate("users", team.user), impersonate("groups", team.groups[0] ?? "")],
    own,
  );
  await bind(
    local,
    "Role",
    "remediates",
    [{ apiGroups: ["apps"], resources: ["deployments"], verbs: ["get", "list", "patch"] }],
    [
      { kind: "ServiceAccount", name: "bot", namespace },
      { kind: "Group", name: team.groups[0], apiGroup },
    ],
  );
}

/** With a token of gitmend's account in the place of the admin's certificate. */
async function ownKubeconfig(text: string, admin: RawAdmin): Promise<string> {
  const path = `/api/v1/namespaces/${namespace}/serviceaccounts/gitmend/token`;
  const { body } = await admin("POST", path, {
    apiVersion: "authentication.k8s.io/v1",
    kind: "TokenRequest",
    spec: { expirationSeconds: 3600 },
  });
  const { token } = (body as { status: { token: string } }).status;
  const kubeconfig = parse(text) as { users: { name: string; user: object }[] };
  const users = kubeconfig.users.map(({ name }) => ({ name, user: { token } }));
  return stringify({ ...kubeconfig, users });
}
