// Refused before against failed after: what quotas and LimitRanges of a namespace say to a step that brings pods, on the simulated
// cluster always and on a real API server where the environment names one.
import { readFile } from "node:fs/promises";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import type { ActionTools } from "../../../src/actions/action.ts";
import { type ClusterConnection, connectCluster } from "../../../src/adapters/kubernetes/cluster-api.ts";
import { refuseBeyondNamespaceLimits } from "../../../src/controller/checks/namespace-limits.ts";
import { readTouched } from "../../../src/controller/protection.ts";
import type { KubernetesObject } from "../../../src/domain/facts/objects.ts";
import type { FieldChange, PatchEffect } from "../../../src/domain/planning/effect.ts";
import { type Problem, toProblem } from "../../../src/domain/problem.ts";
import { startSimulatedCluster } from "../../../src/simulation/start-simulated-cluster.ts";
import { eventually } from "../../support/eventually.ts";
import {
  hasControlPlane,
  howToGetOne,
  type RawAdmin,
  rawAdmin,
  startControlPlane,
} from "../../support/kube-control-plane.ts";

interface Started {
  readonly kubeconfig: string;
  stop(): Promise<void>;
}

const cluster = "prod-eu";
const merge = "application/merge-patch+json";

function roomContract(name: string, start: () => Promise<Started>): void {
  describe(`new pods in a namespace with bounds, on ${name}`, () => {
    const run = Date.now().toString(36);
    let tests = 0;
    let namespace = "";
    let core = "";
    let apps = "";
    let started: Started;
    let admin: RawAdmin;
    let connection: ClusterConnection;

    beforeAll(async () => {
      started = await start();
      admin = rawAdmin(started.kubeconfig);
      connection = connectCluster({ name: cluster, kubeconfigText: started.kubeconfig });
    }, 120_000);
    beforeEach(async () => {
      tests += 1;
      namespace = `bounded-${run}-${tests}`;
      core = `/api/v1/namespaces/${namespace}`;
      apps = `/apis/apps/v1/namespaces/${namespace}`;
      await created("/api/v1/namespaces", {
        apiVersion: "v1",
        kind: "Namespace",
        metadata: { name: namespace },
      });
      // Its default account has to be there before the API server lets pods in.
      await eventually("a pod may be made", async () => {
        const pod = podOf("early", {});
        const { code } = await admin("POST", `${core}/pods?dryRun=All`, pod);
        return code === 201;
      });
    });
    afterEach(() => admin("DELETE", `/api/v1/namespaces/${namespace}`));
    afterAll(async () => {
      await connection?.close();
      await started?.stop();
    }, 60_000);

    const created = async (path: string, manifest: object) => {
      const { code, body } = await admin("POST", path, manifest);
      expect(code, JSON.stringify(body)).toBe(201);
    };
    const read = async <T = KubernetesObject>(path: string) => (await admin("GET", path)).body as T;
    const containers = (resources: object) => [{ name: "app", image: "example.test/app:1.0.0", resources }];
    const podOf = (pod: string, resources: object) => ({
      apiVersion: "v1",
      kind: "Pod",
      metadata: { name: pod },
      spec: { containers: containers(resources) },
    });
    const memory = (amount: string) => ({ requests: { memory: amount }, limits: { memory: amount } });

    async function deployed(app: string, replicas: number, resources: object, strategy: object = {}) {
      const labels = { app };
      await created(`${apps}/deployments`, {
        apiVersion: "apps/v1",
        kind: "Deployment",
        metadata: { name: app },
        spec: {
          replicas,
          strategy,
          selector: { matchLabels: labels },
          template: { metadata: { labels }, spec: { containers: containers(resources) } },
        },
      });
      await eventually(`${app} has its pods`, async () => {
        const { status, metadata } = await read(`${apps}/deployments/${app}`);
        return status?.["replicas"] === replicas && status["observedGeneration"] === metadata.generation;
      });
    }
    const quota = async (quotaName: string, hard: Record<string, string>, spec: object = {}) => {
      await created(`${core}/resourcequotas`, {
        apiVersion: "v1",
        kind: "ResourceQuota",
        metadata: { name: quotaName },
        spec: { hard, ...spec },
      });
      const keys = Object.keys(hard);
      await eventually(`${quotaName} is counted`, async () => {
        const used = await usedOf(quotaName);
        return keys.every((key) => used[key] !== undefined);
      });
    };
    const usedOf = async (quotaName: string) =>
      (await read<{ status?: { used?: Record<string, string> } }>(`${core}/resourcequotas/${quotaName}`))
        .status?.used ?? {};

    /** What the checks say to a change of this Deployment. */
    async function refusal(app: string, changes: readonly FieldChange[]): Promise<Problem | null> {
      const object = { cluster, apiVersion: "apps/v1", kind: "Deployment", namespace, name: app };
      const signal = AbortSignal.timeout(20_000);
      const tools = { signal, cluster: () => connection.api(signal) } as unknown as ActionTools;
      const effect: PatchEffect = {
        kind: "patch",
        object,
        uid: "u1",
        resourceVersion: "1",
        changes,
        missingParents: [],
      };
      const found = await readTouched([object], tools);
      return refuseBeyondNamespaceLimits({ effect, found, tools }).then(() => null, toProblem);
    }
    const scale = (before: number, after: number) => [{ pointer: "/spec/replicas", before, after }];
    const resized = (after: object) =>
      [
        { pointer: "/spec/template/spec/containers/0/resources", after: after as FieldChange["after"] },
      ] as readonly FieldChange[];
    const restarted = [
      {
        pointer: "/spec/template/metadata/annotations",
        after: { "kubectl.kubernetes.io/restartedAt": "now" },
      },
    ];

    /** What the cluster does with it all the same: the words of its refusal. */
    const failedAfter = (app: string) =>
      eventually(`pods of ${app} are refused`, async () => {
        const { items } = await read<{ items: readonly Record<string, unknown>[] }>(`${core}/events`);
        const failed = items.find(
          ({ reason, involvedObject }) =>
            reason === "FailedCreate" && (involvedObject as { name: string }).name.startsWith(`${app}-`),
        );
        return (failed?.["message"] as string | undefined) ?? false;
      });

    it("are refused beyond the quota before the change; without the check the pods would never come", async () => {
      await deployed("scaled", 2, memory("64Mi"));
      await quota("small", { pods: "10", "requests.memory": "256Mi" });
      await eventually("both pods count", async () => {
        return (await usedOf("small"))["requests.memory"] === "128Mi";
      });
      expect(await refusal("scaled", scale(2, 4))).toBeNull();
      expect(await refusal("scaled", scale(2, 1))).toBeNull();
      const problem = await refusal("scaled", scale(2, 6));
      expect(problem).toMatchObject({
        code: "QUOTA_EXCEEDED",
        retryable: true,
        details: { quota: "small", resource: "requests.memory", hard: "256Mi", left: "128Mi", need: "256Mi" },
      });
      expect(problem?.message).toContain(
        `ResourceQuota ${namespace}/small leaves 128Mi of 256Mi requests.memory, and 4 new pods of`,
      );
      expect(
        (await admin("PATCH", `${apps}/deployments/scaled`, { spec: { replicas: 6 } }, merge)).code,
      ).toBe(200);
      const message = await failedAfter("scaled");
      expect(message).toContain("exceeded quota: small, requested: requests.memory=64Mi, used:");
      expect(message).toContain("limited: requests.memory=256Mi");
      await eventually("as many as the quota lets in", async () => {
        const { status } = await read(`${apps}/deployments/scaled`);
        return status?.["replicas"] === 4;
      });
    });

    it("take the place of those that a rollout ends, unless none may be missing meanwhile", async () => {
      await deployed("rolled", 2, memory("64Mi"), { rollingUpdate: { maxSurge: 1, maxUnavailable: 0 } });
      await deployed("replaced", 2, memory("64Mi"), { type: "Recreate" });
      const used = (await read<{ items: readonly unknown[] }>(`${core}/pods`)).items.length;
      await quota("full", { pods: String(used) });
      await eventually("it is full", async () => {
        return (await usedOf("full"))["pods"] === String(used);
      });
      expect(await refusal("replaced", restarted)).toBeNull();
      expect(await refusal("rolled", restarted)).toMatchObject({
        code: "QUOTA_EXCEEDED",
        message: expect.stringContaining(`leaves 0 of ${used} pods, and the first new pod of`) as string,
      });
    });

    it("have to name what a quota counts, and a quota of another scope does not count them", async () => {
      await deployed("unnamed", 1, {});
      await quota("ending", { pods: "0" }, { scopes: ["Terminating"] });
      expect(await refusal("unnamed", scale(1, 2))).toBeNull();
      await quota("counted", { "limits.cpu": "100" });
      expect(await refusal("unnamed", scale(1, 2))).toMatchObject({
        code: "QUOTA_EXCEEDED",
        retryable: false,
        message: expect.stringContaining("takes no pod without limits.cpu (app)") as string,
      });
      expect(
        (await admin("PATCH", `${apps}/deployments/unnamed`, { spec: { replicas: 2 } }, merge)).code,
      ).toBe(200);
      expect(await failedAfter("unnamed")).toMatch(/failed quota: counted: must specify limits\.cpu/);
      await created(`${core}/limitranges`, {
        apiVersion: "v1",
        kind: "LimitRange",
        metadata: { name: "fills-in" },
        spec: { limits: [{ type: "Container", default: { cpu: "100m" } }] },
      });
      expect(await refusal("unnamed", scale(1, 2))).toBeNull();
    });

    it.each([
      [
        "more than the most",
        { max: { memory: "96Mi" } },
        memory("128Mi"),
        "may have 96Mi memory at most, and its limit is 128Mi",
        "maximum memory usage per Container is 96Mi, but limit is 128Mi",
      ],
      [
        "less than the least",
        { min: { memory: "32Mi" } },
        memory("16Mi"),
        "has to ask for 32Mi memory at least, and that is 16Mi",
        "minimum memory usage per Container is 32Mi, but request is 16Mi",
      ],
      [
        "a limit too far above its request",
        { maxLimitRequestRatio: { memory: "2" } },
        { requests: { memory: "32Mi" }, limits: { memory: "128Mi" } },
        "may be 2 times its request at most",
        "memory max limit to request ratio per Container is 2, but provided ratio is 4.000000",
      ],
    ])("may not have %s, as the LimitRange says", async (what, bounds, resources, message, after) => {
      const app = what.replaceAll(" ", "-");
      await deployed(app, 1, memory("64Mi"));
      await created(`${core}/limitranges`, {
        apiVersion: "v1",
        kind: "LimitRange",
        metadata: { name: "bounds" },
        spec: { limits: [{ type: "Container", ...bounds }] },
      });
      expect(await refusal(app, restarted)).toBeNull();
      expect(await refusal(app, resized(resources))).toMatchObject({
        code: "LIMIT_RANGE_EXCEEDED",
        retryable: false,
        message: expect.stringContaining(message) as string,
      });
      const spec = { template: { spec: { containers: containers(resources) } } };
      expect((await admin("PATCH", `${apps}/deployments/${app}`, { spec }, merge)).code).toBe(200);
      expect(await failedAfter(app)).toContain(after);
    });
  });
}

roomContract("the simulated cluster", async () => {
  const simulation = await startSimulatedCluster();
  return { kubeconfig: simulation.kubeconfig, stop: () => simulation.stop() };
});

if (hasControlPlane()) {
  roomContract("the real control plane", async () => {
    const plane = await startControlPlane();
    return { kubeconfig: await readFile(plane.kubeconfigPath, "utf8"), stop: () => plane.stop() };
  });
} else {
  describe("new pods on the real control plane", () => {
    it("is not here", (context) => context.skip(howToGetOne));
  });
}
