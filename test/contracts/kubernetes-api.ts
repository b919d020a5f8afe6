// What gitmend relies on in a Kubernetes API server. One suite for the real one and the simulated one: what holds here
// for both lets all other tests trust the simulation.
import { afterAll, beforeAll, describe, expect, it, type TestContext } from "vitest";
import type { ClusterApi, JsonPatchOperation } from "../../src/actions/action.ts";
import type { KubernetesObject, ObjectRef } from "../../src/domain/facts/objects.ts";
import { Problem, type ProblemCode } from "../../src/domain/problem.ts";
import type { RawAdmin } from "../support/kube-control-plane.ts";
import { placementContract } from "./kubernetes-placement.ts";
import { workloadContract } from "./kubernetes-workloads.ts";

export interface ContractSubject {
  /** The name that refs carry. */
  readonly cluster: string;
  api(signal: AbortSignal): ClusterApi;
  version(): Promise<string>;
  readonly admin: RawAdmin;
  stop(): Promise<void>;
}

type Need = "policy/v1" | "autoscaling/v2" | "containers";

/** The only tests that may be skipped, and where. */
const expectedSkips: readonly {
  readonly need: Need;
  readonly reason: string;
  readonly applies: (server: { readonly minor: number; readonly fakeNodes: boolean }) => boolean;
}[] = [
  { need: "policy/v1", reason: "policy/v1 came with Kubernetes 1.21", applies: ({ minor }) => minor < 21 },
  {
    need: "autoscaling/v2",
    reason: "autoscaling/v2 came with Kubernetes 1.23",
    applies: ({ minor }) => minor < 23,
  },
  {
    need: "containers",
    reason: "the nodes are played: no containers, no logs",
    applies: ({ fakeNodes }) => fakeNodes,
  },
];

interface Server {
  readonly minor: number;
  readonly fakeNodes: boolean;
  readonly groupVersions: ReadonlySet<string>;
}

interface ApiList {
  readonly items: readonly KubernetesObject[];
}

export function kubernetesApiContract(name: string, start: () => Promise<ContractSubject>): void {
  describe(`the Kubernetes API of ${name}`, () => {
    let subject: ContractSubject;
    let server: Server;
    let api: ClusterApi;
    const skipped = new Set<Need>();
    const namespace = `contract-${Date.now().toString(36)}`;

    beforeAll(async () => {
      subject = await start();
      server = await askServer(subject.admin);
      api = subject.api(AbortSignal.timeout(300_000));
      await subject.admin("POST", "/api/v1/namespaces", {
        apiVersion: "v1",
        kind: "Namespace",
        metadata: { name: namespace },
      });
      await eventually("the namespace takes pods", async () => {
        const account = await subject.admin("GET", `/api/v1/namespaces/${namespace}/serviceaccounts/default`);
        return account.code === 200 || server.groupVersions.has("simulated");
      });
    }, 120_000);

    afterAll(async () => {
      await subject?.admin("DELETE", `/api/v1/namespaces/${namespace}`);
      await subject?.stop();
    }, 60_000);

    const needs = (context: TestContext, need: Need) => {
      const there = need === "containers" ? !server.fakeNodes : server.groupVersions.has(need);
      if (there) return;
      skipped.add(need);
      context.skip(expectedSkips.find((one) => one.need === need)!.reason);
    };

    const ref = (
      apiVersion: string,
      kind: string,
      objectName: string,
      inside: string | null = namespace,
    ): ObjectRef => ({
      cluster: subject.cluster,
      apiVersion,
      kind,
      namespace: inside,
      name: objectName,
    });
    const deployment = (objectName: string) => ref("apps/v1", "Deployment", objectName);

    async function read(what: ObjectRef): Promise<KubernetesObject> {
      const found = await api.get(what);
      if (found === null) throw new Error(`${what.kind} ${what.name} is gone`);
      return found;
    }

    /** Patches the object as it is now; tries again when a controller wrote in between. */
    async function patchNow(
      what: ObjectRef,
      change: (object: KubernetesObject) => readonly JsonPatchOperation[],
    ): Promise<KubernetesObject> {
      for (let tries = 1; ; tries += 1) {
        const object = await read(what);
        try {
          return await api.patch(what, [at(object), ...change(object)], { dryRun: false });
        } catch (error) {
          if (tries === 20 || !(error instanceof Problem) || error.code !== "API_CONFLICT") throw error;
        }
      }
    }

    async function create(
      manifest: Readonly<Record<string, unknown>>,
      path: string,
    ): Promise<KubernetesObject> {
      const { code, body } = await subject.admin("POST", path, manifest);
      expect(code, JSON.stringify(body)).toBe(201);
      return body as KubernetesObject;
    }

    const createDeployment = (objectName: string, replicas: number, image = "example.test/app:1.0.0") =>
      create(manifestOf(objectName, replicas, image), `/apis/apps/v1/namespaces/${namespace}/deployments`);

    async function rolledOut(objectName: string): Promise<KubernetesObject> {
      let last: KubernetesObject | null = null;
      await eventually(`${objectName} is rolled out`, async () => {
        last = await read(deployment(objectName));
        // The last thing that the controller writes: from here on the version stands still.
        return isRolledOut(last) && conditionOf(last, "Progressing")?.reason === "NewReplicaSetAvailable";
      });
      return last!;
    }

    const replicaSets = async (objectName: string) =>
      api.list({ apiVersion: "apps/v1", kind: "ReplicaSet", namespace, labelSelector: `app=${objectName}` });
    const pods = async (objectName: string) =>
      api.list({ apiVersion: "v1", kind: "Pod", namespace, labelSelector: `app=${objectName}` });

    // ---- reading ----------------------------------------------------------------------------------------------------

    describe("reading", () => {
      it("gives an object whole, and null for one that is not there", async () => {
        await createDeployment("read-one", 1);
        const found = await read(deployment("read-one"));
        expect(found).toMatchObject({ apiVersion: "apps/v1", kind: "Deployment", spec: { replicas: 1 } });
        expect(found.metadata.uid).toMatch(/^[0-9a-f-]{36}$/);
        expect(found.metadata.resourceVersion).not.toBe("");
        expect(await api.get(deployment("no-such"))).toBeNull();
        expect(await api.get(ref("v1", "Pod", "no-such", "no-such-namespace"))).toBeNull();
        expect(await api.get(ref("v1", "Node", "no-such", null))).toBeNull();
      });

      it("says that a kind does not exist instead of saying that the object does not", async () => {
        await expectProblem("API_NOT_FOUND", api.get(ref("nothing.example.test/v1", "Thing", "x")));
        await expectProblem("API_NOT_FOUND", api.get(ref("apps/v1", "Nothing", "x")));
      });

      it("never leaves the path of the object, whatever its name is", async () => {
        await expectProblem("API_INVALID", api.get(ref("v1", "Pod", "..")));
        await expectProblem("API_INVALID", api.get(ref("v1", "Pod", "a/log")));
        await expectProblem("API_INVALID", api.get(ref("v1", "Pod", "x", "../nodes")));
      });

      it("lists by label, by field, by namespace and over all namespaces, with the kind on every item", async () => {
        await createDeployment("list-a", 2);
        await createDeployment("list-b", 1);
        await rolledOut("list-a");
        await rolledOut("list-b");
        const query = { apiVersion: "apps/v1", kind: "Deployment", namespace };
        const names = (objects: readonly KubernetesObject[]) =>
          objects.map(({ metadata }) => metadata.name).toSorted();
        expect(names(await api.list({ ...query, labelSelector: "app in (list-a, list-b)" }))).toEqual([
          "list-a",
          "list-b",
        ]);
        expect(names(await api.list({ ...query, labelSelector: "app=list-a" }))).toEqual(["list-a"]);
        expect(names(await api.list({ ...query, fieldSelector: "metadata.name=list-b" }))).toEqual([
          "list-b",
        ]);
        expect(names(await api.list({ ...query, labelSelector: "app=nobody" }))).toEqual([]);
        const everywhere = await api.list({ ...query, namespace: null, labelSelector: "app=list-a" });
        expect(everywhere).toMatchObject([{ apiVersion: "apps/v1", kind: "Deployment" }]);

        const [pod] = await pods("list-a");
        const node = pod!.spec!.nodeName as string;
        const onNode = await api.list({
          apiVersion: "v1",
          kind: "Pod",
          namespace,
          labelSelector: "app=list-a",
          fieldSelector: `spec.nodeName=${node}`,
        });
        expect(onNode.map(({ metadata }) => metadata.name)).toContain(pod!.metadata.name);
        expect(onNode.every(({ spec }) => spec!.nodeName === node)).toBe(true);
      });

      it("refuses a field selector that the kind does not know", async () => {
        const query = {
          apiVersion: "apps/v1",
          kind: "Deployment",
          namespace,
          fieldSelector: "spec.replicas=1",
        };
        await expectProblem("API_INVALID", api.list(query));
      });

      it("follows a pod's owners up to its Deployment", async () => {
        await createDeployment("owned", 1);
        await rolledOut("owned");
        const [pod] = await pods("owned");
        const [setOwner] = pod!.metadata.ownerReferences!;
        expect(setOwner).toMatchObject({ apiVersion: "apps/v1", kind: "ReplicaSet", controller: true });
        const set = await read(ref("apps/v1", "ReplicaSet", setOwner!.name));
        expect(set.metadata.uid).toBe(setOwner!.uid);
        expect(set.metadata.ownerReferences).toMatchObject([
          { kind: "Deployment", name: "owned", controller: true },
        ]);
      });

      it("tells its version", async () => {
        expect(await subject.version()).toMatch(/^v1\.\d+\./);
      });
    });

    // ---- conditional changes ----------------------------------------------------------------------------------------

    describe("a conditional patch", () => {
      it("with a stale resourceVersion gets a conflict and changes nothing", async () => {
        await createDeployment("stale", 1);
        const old = await rolledOut("stale");
        await patchNow(deployment("stale"), () => [{ op: "replace", path: "/spec/replicas", value: 2 }]);
        const before = await rolledOut("stale");
        const operations = [at(old), { op: "replace" as const, path: "/spec/replicas", value: 7 }];
        await expectProblem("API_CONFLICT", api.patch(deployment("stale"), operations, { dryRun: false }));
        await expectProblem("API_CONFLICT", api.patch(deployment("stale"), operations, { dryRun: true }));
        expect((await read(deployment("stale"))).spec).toEqual(before.spec);
      });

      it("without a resourceVersion is not even sent", async () => {
        const operations = [{ op: "replace" as const, path: "/spec/replicas", value: 7 }];
        await expectProblem("API_INVALID", api.patch(deployment("no-such"), operations, { dryRun: false }));
      });

      it("of an object that is gone says so", async () => {
        const operations = [{ op: "replace" as const, path: "/metadata/resourceVersion", value: "1" }];
        await expectProblem("API_NOT_FOUND", api.patch(deployment("no-such"), operations, { dryRun: false }));
      });

      it("as a dry-run answers what would be and persists nothing", async () => {
        await createDeployment("dry", 1);
        const before = await rolledOut("dry");
        const operations = [at(before), { op: "replace" as const, path: "/spec/replicas", value: 4 }];
        const would = await api.patch(deployment("dry"), operations, { dryRun: true });
        expect(would.spec!.replicas).toBe(4);
        expect(would.metadata.generation).toBe(before.metadata.generation! + 1);
        const after = await read(deployment("dry"));
        expect(after.metadata.resourceVersion).toBe(before.metadata.resourceVersion);
        expect(after.spec).toEqual(before.spec);
      });

      it("that changes nothing keeps the resourceVersion", async () => {
        await createDeployment("same", 1);
        const before = await rolledOut("same");
        const operations = [at(before), { op: "replace" as const, path: "/spec/replicas", value: 1 }];
        const after = await api.patch(deployment("same"), operations, { dryRun: false });
        expect(after.metadata.resourceVersion).toBe(before.metadata.resourceVersion);
      });

      it("adds an annotation when it makes the missing parent too, and is refused when it does not", async () => {
        const path = `/api/v1/namespaces/${namespace}/configmaps`;
        const manifest = { apiVersion: "v1", kind: "ConfigMap", metadata: { name: "bare" } };
        const before = await create(manifest, path);
        expect(before.metadata.annotations).toBeUndefined();
        const what = ref("v1", "ConfigMap", "bare");
        const key = { op: "add" as const, path: "/metadata/annotations/gitmend.dev~1effect", value: "x/y" };
        await expectProblem("API_INVALID", api.patch(what, [at(before), key], { dryRun: false }));
        expect((await read(what)).metadata.annotations).toBeUndefined();
        const parent = { op: "add" as const, path: "/metadata/annotations", value: {} };
        const after = await api.patch(what, [at(before), parent, key], { dryRun: false });
        expect(after.metadata.annotations).toEqual({ "gitmend.dev/effect": "x/y" });
        expect(after.metadata.resourceVersion).not.toBe(before.metadata.resourceVersion);
      });

      it("is recorded as gitmend's in managedFields, for the fields that it wrote", async () => {
        await createDeployment("managed", 1);
        await rolledOut("managed");
        await patchNow(deployment("managed"), () => [{ op: "replace", path: "/spec/replicas", value: 2 }]);
        const after = await read(deployment("managed"));
        const own = after.metadata.managedFields!.filter(({ manager }) => manager === "gitmend");
        expect(own).toHaveLength(1);
        expect(own[0]!.fieldsV1).toMatchObject({ "f:spec": { "f:replicas": {} } });
      });

      it("with values that cannot be is refused and changes nothing", async () => {
        await createDeployment("invalid", 1);
        const before = await rolledOut("invalid");
        const containers = "/spec/template/spec/containers";
        const refused: JsonPatchOperation[] = [
          { op: "replace", path: "/spec/replicas", value: -1 },
          { op: "replace", path: "/spec/replicas", value: "many" },
          { op: "replace", path: `${containers}/0/image`, value: "" },
          { op: "replace", path: containers, value: [] },
          { op: "replace", path: "/spec/selector/matchLabels/app", value: "other" },
          { op: "add", path: "/metadata/annotations/number", value: 1 },
          { op: "replace", path: "/spec/nothing/here", value: 1 },
          { op: "add", path: "/metadata/labels/bad", value: "no spaces allowed" },
          { op: "add", path: `${containers}/0/resources/limits`, value: { memory: "lots" } },
        ];
        for (const operation of refused) {
          const call = api.patch(deployment("invalid"), [at(before), operation], { dryRun: false });
          await expectProblem("API_INVALID", call, operation.path);
        }
        const after = await read(deployment("invalid"));
        expect(after.metadata.resourceVersion).toBe(before.metadata.resourceVersion);
      });

      it("names the field that is wrong, and quotes nothing else of the answer", async () => {
        const before = await read(deployment("invalid"));
        const operation = { op: "replace" as const, path: "/spec/replicas", value: -1 };
        const call = api.patch(deployment("invalid"), [at(before), operation], { dryRun: false });
        const problem = await expectProblem("API_INVALID", call);
        expect(problem.details).toMatchObject({ status: 422, reason: "Invalid", fields: ["spec.replicas"] });
        expect(problem.message).toBe(
          `patch apps/v1 Deployment ${namespace}/invalid: the API server answered 422 Invalid: spec.replicas`,
        );
      });
    });

    // ---- workloads --------------------------------------------------------------------------------------------------

    describe("a Deployment", () => {
      it("rolls a new template out as a new ReplicaSet with the next revision", async () => {
        await createDeployment("roll", 3);
        const first = await rolledOut("roll");
        expect(revisionOf(first)).toBe("1");
        const [setBefore] = await replicaSets("roll");
        await patchNow(deployment("roll"), () => [image("example.test/app:2.0.0")]);
        const second = await rolledOut("roll");
        expect(revisionOf(second)).toBe("2");
        expect(second.metadata.generation).toBeGreaterThan(first.metadata.generation!);
        const sets = await replicaSets("roll");
        expect(new Set(sets.map(revisionOf))).toEqual(new Set(["1", "2"]));
        expect(sets.find((set) => revisionOf(set) === "1")!.metadata.uid).toBe(setBefore!.metadata.uid);
        const sizes = Object.fromEntries(sets.map((set) => [revisionOf(set), set.spec!.replicas]));
        expect(sizes).toEqual({ 1: 0, 2: 3 });
      });

      it("makes the old ReplicaSet current again when its template comes back", async () => {
        const before = await replicaSets("roll");
        const old = before.find((set) => revisionOf(set) === "1")!;
        const template = structuredClone(old.spec!.template) as {
          metadata: { labels: Record<string, string> };
        };
        delete template.metadata.labels["pod-template-hash"];
        await patchNow(deployment("roll"), () => [
          { op: "replace", path: "/spec/template", value: template as never },
        ]);
        const back = await rolledOut("roll");
        expect(revisionOf(back)).toBe("3");
        const sets = await replicaSets("roll");
        expect(sets).toHaveLength(2);
        const current = sets.find((set) => revisionOf(set) === "3")!;
        expect(current.metadata.uid).toBe(old.metadata.uid);
        expect(current.metadata.annotations!["deployment.kubernetes.io/revision-history"]).toBe("1");
        expect(current.spec!.replicas).toBe(3);
      });

      it("restarts all pods when an annotation of the template changes", async () => {
        await createDeployment("restart", 2);
        await rolledOut("restart");
        const before = (await pods("restart")).map(({ metadata }) => metadata.uid);
        await patchNow(deployment("restart"), () => [
          {
            op: "add",
            path: "/spec/template/metadata/annotations",
            value: { "kubectl.kubernetes.io/restartedAt": "2026-01-01T00:00:00Z" },
          },
        ]);
        await rolledOut("restart");
        await eventually("only new pods are left", async () => {
          const now = (await pods("restart")).map(({ metadata }) => metadata.uid);
          return now.length === 2 && now.every((uid) => !before.includes(uid));
        });
      });

      it("scales up and down without a new revision", async () => {
        await createDeployment("scale", 1);
        await rolledOut("scale");
        for (const replicas of [4, 2, 0]) {
          await patchNow(deployment("scale"), () => [
            { op: "replace", path: "/spec/replicas", value: replicas },
          ]);
          const after = await rolledOut("scale");
          expect(after.status!.readyReplicas ?? 0).toBe(replicas);
          expect(revisionOf(after)).toBe("1");
          await eventually(
            `${replicas} pods are left`,
            async () => (await pods("scale")).length === replicas,
          );
        }
      });

      it("keeps its old pods serving while an image cannot be pulled, and heals when it is taken back", async () => {
        await createDeployment("pull", 4);
        await rolledOut("pull");
        await patchNow(deployment("pull"), () => [image("example.test/app:does-not-exist")]);
        await eventually("a pod waits for its image", async () => (await pods("pull")).some(waitsForImage));
        const stuck = await read(deployment("pull"));
        expect(stuck.status!.availableReplicas).toBeGreaterThanOrEqual(3);
        expect(isRolledOut(stuck)).toBe(false);
        await patchNow(deployment("pull"), () => [image("example.test/app:1.0.0")]);
        await rolledOut("pull");
        await eventually("no pod waits", async () => !(await pods("pull")).some(waitsForImage));
      });

      it("reports itself available, and not progressing in time, by its conditions", async () => {
        const manifest = manifestOf("slow", 1, "example.test/app:does-not-exist", {
          progressDeadlineSeconds: 1,
        });
        await create(manifest, `/apis/apps/v1/namespaces/${namespace}/deployments`);
        await eventually("the deadline passes", async () => {
          const progressing = conditionOf(await read(deployment("slow")), "Progressing");
          return progressing?.status === "False" && progressing.reason === "ProgressDeadlineExceeded";
        });
        expect(conditionOf(await read(deployment("slow")), "Available")?.status).toBe("False");
        await patchNow(deployment("slow"), () => [image("example.test/app:1.0.0")]);
        const healed = await rolledOut("slow");
        expect(conditionOf(healed, "Available")?.status).toBe("True");
        await eventually("it has progressed", async () => {
          const progressing = conditionOf(await read(deployment("slow")), "Progressing");
          return progressing?.status === "True" && progressing.reason === "NewReplicaSetAvailable";
        });
      });
    });

    describe("a node", () => {
      it("gets no new pods while it is cordoned, and some again afterwards", async () => {
        const nodes = await api.list({ apiVersion: "v1", kind: "Node", namespace: null });
        expect(nodes.length).toBeGreaterThanOrEqual(2);
        const name = nodes[0]!.metadata.name;
        const node = ref("v1", "Node", name, null);
        const cordoned = await patchNow(node, () => [
          { op: "add", path: "/spec/unschedulable", value: true },
        ]);
        expect(cordoned.spec!.unschedulable).toBe(true);
        await createDeployment("cordon", 4);
        await rolledOut("cordon");
        expect((await pods("cordon")).map(({ spec }) => spec!.nodeName)).not.toContain(name);
        const back = await patchNow(node, () => [{ op: "remove", path: "/spec/unschedulable" }]);
        expect(back.spec!.unschedulable ?? false).toBe(false);
        for (const other of nodes.slice(1)) {
          const what = ref("v1", "Node", other.metadata.name, null);
          await patchNow(what, () => [{ op: "add", path: "/spec/unschedulable", value: true }]);
        }
        try {
          await createDeployment("uncordon", 1);
          await rolledOut("uncordon");
          expect((await pods("uncordon")).map(({ spec }) => spec!.nodeName)).toEqual([name]);
        } finally {
          for (const other of nodes.slice(1)) {
            const what = ref("v1", "Node", other.metadata.name, null);
            await patchNow(what, () => [{ op: "remove", path: "/spec/unschedulable" }]);
          }
        }
      });
    });

    // ---- deletion ---------------------------------------------------------------------------------------------------

    describe("deleting a pod", () => {
      const options = ({ metadata }: KubernetesObject) => ({
        uid: metadata.uid,
        resourceVersion: metadata.resourceVersion,
        gracePeriodSeconds: null,
        dryRun: false,
      });

      it("with another uid or version gets a conflict and leaves the pod alone", async () => {
        await createDeployment("keep", 1);
        await rolledOut("keep");
        const [pod] = await pods("keep");
        const what = ref("v1", "Pod", pod!.metadata.name);
        const otherUid = { ...options(pod!), uid: "00000000-0000-4000-8000-000000000000" };
        await expectProblem("API_CONFLICT", api.remove(what, otherUid));
        await expectProblem("API_CONFLICT", api.remove(what, { ...options(pod!), resourceVersion: "1" }));
        expect((await read(what)).metadata).toMatchObject({ uid: pod!.metadata.uid });
        expect((await read(what)).metadata.deletionTimestamp).toBeUndefined();
      });

      it("as a dry-run leaves it alone", async () => {
        const [pod] = await pods("keep");
        const what = ref("v1", "Pod", pod!.metadata.name);
        await api.remove(what, { ...options(pod!), dryRun: true });
        const after = await read(what);
        expect(after.metadata.resourceVersion).toBe(pod!.metadata.resourceVersion);
        expect(after.metadata.deletionTimestamp).toBeUndefined();
      });

      it("makes its ReplicaSet start another one; a second deletion finds nothing to do", async () => {
        await createDeployment("delete", 1);
        await rolledOut("delete");
        const [pod] = await pods("delete");
        const what = ref("v1", "Pod", pod!.metadata.name);
        await api.remove(what, options(pod!));
        await expectProblem(["API_CONFLICT", "API_NOT_FOUND"], api.remove(what, options(pod!)));
        await eventually("another pod is ready", async () => {
          const left = await pods("delete");
          return left.length === 1 && left[0]!.metadata.uid !== pod!.metadata.uid && isReady(left[0]!);
        });
        expect(await api.get(what)).toBeNull();
        await expectProblem("API_NOT_FOUND", api.remove(what, options(pod!)));
      });

      it("without a grace period removes it at once", async () => {
        await createDeployment("kill", 1);
        await rolledOut("kill");
        const [pod] = await pods("kill");
        const what = ref("v1", "Pod", pod!.metadata.name);
        await api.remove(what, { ...options(pod!), gracePeriodSeconds: 0 });
        expect((await api.get(what))?.metadata.uid).toBeUndefined();
      });

      it("deletes what a deleted Deployment owned", async () => {
        await createDeployment("cascade", 2);
        const before = await rolledOut("cascade");
        await eventually("the deployment can be deleted as it is", async () => {
          const now = await read(deployment("cascade"));
          return api.remove(deployment("cascade"), options(now)).then(
            () => true,
            () => false,
          );
        });
        await eventually("nothing is left", async () => {
          const left = [...(await replicaSets("cascade")), ...(await pods("cascade"))];
          return left.length === 0;
        });
        expect(await api.get(deployment("cascade"))).toBeNull();
        await expectProblem("API_NOT_FOUND", api.remove(deployment("cascade"), options(before)));
      });
    });

    // ---- events, logs, newer APIs -----------------------------------------------------------------------------------

    describe("an event", () => {
      const note = (objectName: string) => ({
        name: objectName,
        type: "Normal" as const,
        reason: "RemediationStarted",
        message: "gitmend rolls back",
      });

      it("is written once however often it is sent, and found by its object", async () => {
        await createDeployment("noted", 0);
        const { metadata } = await read(deployment("noted"));
        const about = { ...deployment("noted"), uid: metadata.uid };
        await api.event(about, note("noted.0001"));
        await api.event(about, { ...note("noted.0001"), message: "another text" });
        const query = { apiVersion: "v1", kind: "Event", namespace };
        const fieldSelector = `involvedObject.uid=${metadata.uid},reason=RemediationStarted`;
        const found = await api.list({ ...query, fieldSelector });
        expect(found).toMatchObject([
          {
            type: "Normal",
            message: "gitmend rolls back",
            involvedObject: { kind: "Deployment", name: "noted" },
          },
        ]);
      });

      it("about a node lives in the default namespace", async () => {
        const [node] = await api.list({ apiVersion: "v1", kind: "Node", namespace: null });
        const about = { ...ref("v1", "Node", node!.metadata.name, null), uid: node!.metadata.uid };
        const name = `${node!.metadata.name}.${namespace}`;
        await api.event(about, note(name));
        expect(await read(ref("v1", "Event", name, "default"))).toMatchObject({
          reason: "RemediationStarted",
        });
      });

      it("about an object whose namespace is gone is refused", async () => {
        const about = {
          ...ref("v1", "Pod", "lost", "no-such-namespace"),
          uid: "00000000-0000-4000-8000-000000000000",
        };
        await expectProblem("API_NOT_FOUND", api.event(about, note("lost.0001")));
      });
    });

    describe("what only some servers have", () => {
      it("gives the newest lines of a container's log, and refuses the log of a run that never was", async (context) => {
        needs(context, "containers");
        await createDeployment("logs", 1);
        await rolledOut("logs");
        const [pod] = await pods("logs");
        const query = { namespace, pod: pod!.metadata.name, container: "app", previous: false };
        const all = await api.logs({ ...query, tailLines: 100, limitBytes: 10_000 });
        const lines = all.trimEnd().split("\n");
        expect(lines.length).toBeGreaterThan(1);
        const last = await api.logs({ ...query, tailLines: 1, limitBytes: 10_000 });
        expect(last.trimEnd()).toBe(lines.at(-1));
        expect(await api.logs({ ...query, tailLines: 100, limitBytes: 7 })).toHaveLength(7);
        const never = api.logs({ ...query, previous: true, tailLines: 1, limitBytes: 100 });
        await expectProblem("API_INVALID", never);
        const gone = api.logs({ ...query, pod: "no-such", tailLines: 1, limitBytes: 100 });
        await expectProblem("API_NOT_FOUND", gone);
      });

      it("refuses an eviction that a disruption budget forbids, and allows one that it does not", async (context) => {
        needs(context, "policy/v1");
        await createDeployment("budget", 2);
        await rolledOut("budget");
        const budgets = `/apis/policy/v1/namespaces/${namespace}/poddisruptionbudgets`;
        await create(
          {
            apiVersion: "policy/v1",
            kind: "PodDisruptionBudget",
            metadata: { name: "budget" },
            spec: { minAvailable: 2, selector: { matchLabels: { app: "budget" } } },
          },
          budgets,
        );
        const what = ref("policy/v1", "PodDisruptionBudget", "budget");
        const allowed = async () => (await read(what)).status?.disruptionsAllowed;
        await eventually("the budget is counted", async () => (await allowed()) === 0);
        const [pod] = await pods("budget");
        const path = `/api/v1/namespaces/${namespace}/pods/${pod!.metadata.name}/eviction`;
        const eviction = {
          apiVersion: "policy/v1",
          kind: "Eviction",
          metadata: { name: pod!.metadata.name, namespace },
        };
        expect((await subject.admin("POST", path, eviction)).code).toBe(429);
        await patchNow(what, () => [{ op: "replace", path: "/spec/minAvailable", value: 1 }]);
        await eventually("the budget allows one", async () => (await allowed()) === 1);
        expect((await subject.admin("POST", path, eviction)).code).toBe(201);
        await eventually(
          "the pod is gone",
          async () => (await api.get(ref("v1", "Pod", pod!.metadata.name))) === null,
        );
      });

      it("finds the autoscaler that owns a Deployment's size", async (context) => {
        needs(context, "autoscaling/v2");
        const query = { apiVersion: "autoscaling/v2", kind: "HorizontalPodAutoscaler", namespace };
        const scaleTargetRef = { apiVersion: "apps/v1", kind: "Deployment", name: "scaled" };
        await create(
          {
            apiVersion: "autoscaling/v2",
            kind: "HorizontalPodAutoscaler",
            metadata: { name: "scaled" },
            spec: { scaleTargetRef, minReplicas: 1, maxReplicas: 5 },
          },
          `/apis/autoscaling/v2/namespaces/${namespace}/horizontalpodautoscalers`,
        );
        expect(await api.list(query)).toMatchObject([{ spec: { scaleTargetRef, maxReplicas: 5 } }]);
      });
    });

    placementContract(() => ({ admin: subject.admin, namespace }));
    workloadContract(() => ({
      cluster: subject.cluster,
      api,
      admin: subject.admin,
      namespace,
      groupVersions: server.groupVersions,
      rolledOut: async (objectName, replicas, template) => {
        const manifest = manifestOf(objectName, replicas, "example.test/app:1.0.0");
        const spec = { ...manifest.spec.template.spec, ...template };
        await create(
          { ...manifest, spec: { ...manifest.spec, template: { ...manifest.spec.template, spec } } },
          `/apis/apps/v1/namespaces/${namespace}/deployments`,
        );
        await rolledOut(objectName);
        return pods(objectName);
      },
    }));

    it("was asked everything but what this version of Kubernetes is known to lack", () => {
      const expected = expectedSkips.filter(({ applies }) => applies(server)).map(({ need }) => need);
      expect([...skipped].toSorted()).toEqual(expected.toSorted());
    });
  });
}

// ---- what the suite asks and looks at -----------------------------------------------------------------------------

async function askServer(admin: RawAdmin): Promise<Server> {
  const version = (await admin("GET", "/version")).body as { minor: string; gitVersion: string };
  const groups = (await admin("GET", "/apis")).body as { groups: { versions: { groupVersion: string }[] }[] };
  const nodes = (await admin("GET", "/api/v1/nodes")).body as ApiList;
  const runtimes = nodes.items.map(
    ({ status }) => (status?.nodeInfo as { containerRuntimeVersion?: string } | undefined) ?? {},
  );
  const groupVersions = new Set(
    groups.groups.flatMap(({ versions }) => versions.map((one) => one.groupVersion)),
  );
  if (version.gitVersion.endsWith("+simulated")) groupVersions.add("simulated");
  return {
    minor: Number.parseInt(version.minor, 10),
    fakeNodes: runtimes.some(
      ({ containerRuntimeVersion }) => containerRuntimeVersion?.startsWith("fake://") === true,
    ),
    groupVersions,
  };
}

async function eventually(what: string, isTrue: () => Promise<boolean>, timeoutSeconds = 60): Promise<void> {
  const end = Date.now() + timeoutSeconds * 1000;
  while (!(await isTrue())) {
    if (Date.now() > end) throw new Error(`not within ${timeoutSeconds} s: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

async function expectProblem(
  codes: ProblemCode | readonly ProblemCode[],
  call: Promise<unknown>,
  what = "the call",
): Promise<Problem> {
  const error: unknown = await call.then(
    () => new Error(`${what} succeeded`),
    (thrown: unknown) => thrown,
  );
  if (!(error instanceof Problem)) throw error;
  expect([codes].flat(), `${what}: ${error.message}`).toContain(error.code);
  return error;
}

const at = ({ metadata }: KubernetesObject): JsonPatchOperation => ({
  op: "replace",
  path: "/metadata/resourceVersion",
  value: metadata.resourceVersion,
});

const image = (value: string): JsonPatchOperation => ({
  op: "replace",
  path: "/spec/template/spec/containers/0/image",
  value,
});

function manifestOf(name: string, replicas: number, imageName: string, more: object = {}) {
  const labels = { app: name };
  const containers = [{ name: "app", image: imageName }];
  return {
    apiVersion: "apps/v1",
    kind: "Deployment",
    metadata: { name, labels },
    spec: {
      replicas,
      selector: { matchLabels: labels },
      template: { metadata: { labels }, spec: { containers } },
      ...more,
    },
  };
}

const revisionOf = ({ metadata }: KubernetesObject) =>
  metadata.annotations?.["deployment.kubernetes.io/revision"];

function isRolledOut({ metadata, spec, status = {} }: KubernetesObject): boolean {
  const wanted = spec!.replicas;
  const counts = [status.replicas, status.updatedReplicas, status.readyReplicas, status.availableReplicas];
  return (
    status.observedGeneration === metadata.generation && counts.every((count) => (count ?? 0) === wanted)
  );
}

interface Condition {
  readonly type: string;
  readonly status: string;
  readonly reason?: string;
}

function conditionOf({ status }: KubernetesObject, type: string): Condition | undefined {
  return ((status?.conditions ?? []) as Condition[]).find((one) => one.type === type);
}

const isReady = (pod: KubernetesObject) => conditionOf(pod, "Ready")?.status === "True";

function waitsForImage({ status }: KubernetesObject): boolean {
  const containers = (status?.containerStatuses ?? []) as { state?: { waiting?: { reason?: string } } }[];
  return containers.some(({ state }) => state?.waiting?.reason === "ImagePullBackOff");
}
