// What each action does beyond the contract that all share, on whatever cluster is given.
import { Ajv } from "ajv";
import { describe, expect, it } from "vitest";
import type { ActionContext, ActionInput, ChangeAction, ReadAction } from "../../src/actions/action.ts";
import { effects } from "../../src/actions/effects.ts";
import { findAction } from "../../src/actions/registry.ts";
import type { KubernetesObject } from "../../src/domain/facts/objects.ts";
import type { JsonObject } from "../../src/domain/json.ts";
import { eventually, type GivenCluster } from "./given-cluster.ts";

export function actionBehaviour(cluster: () => GivenCluster): void {
  async function read(
    name: string,
    input: ActionInput,
    target: KubernetesObject | null,
  ): Promise<JsonObject> {
    const given = cluster();
    const action = findAction(name) as ReadAction;
    const output = await action.run(input, given.context(name, target), await given.toolsOf(action));
    const validate = new Ajv({ allowUnionTypes: true }).compile(action.output);
    expect(validate(output), JSON.stringify([output, validate.errors])).toBe(true);
    return output;
  }

  async function change(
    name: string,
    input: ActionInput,
    target: KubernetesObject | null,
  ): Promise<JsonObject> {
    const { context } = attempt(name, target);
    const action = findAction(name) as ChangeAction;
    const tools = await cluster().toolsOf(action);
    const resolved = (await action.resolve?.(input, context, tools)) ?? input;
    const effect = await action.prepare(resolved, context, tools);
    await effects.apply(effect, context, tools);
    return action.settle(resolved, effect, context, tools);
  }

  function attempt(name: string, target: KubernetesObject | null) {
    const given = cluster();
    const context: ActionContext = given.context(name, target);
    return { context, tools: given.tools };
  }

  describe("get_pod_status", () => {
    it("reads a pod's state and its controller", async () => {
      const given = cluster();
      const target = await given.deployed("status-one", 1);
      const [pod] = await given.podsOf("status-one");
      const status = await read("get_pod_status", { pod: pod!.metadata.name }, target);
      expect(status).toMatchObject({
        exists: true,
        namespace: given.namespace,
        pod: pod!.metadata.name,
        phase: "Running",
        ready: true,
        restarts: 0,
        waiting_reason: null,
        owner_kind: "ReplicaSet",
      });
    });

    it("answers that a pod is gone instead of failing", async () => {
      const status = await read("get_pod_status", { namespace: "default", pod: "no-such" }, null);
      expect(status).toMatchObject({ exists: false, pod: "no-such", ready: false, restarts: 0 });
    });

    it("chooses the pod that most needs a look when none is named", async () => {
      const given = cluster();
      await given.deployed("status-bad");
      await given.broken("status-bad");
      const target = await given.read(given.ref("Deployment", "status-bad"));
      const status = await read("get_pod_status", {}, target);
      expect(status).toMatchObject({ exists: true, ready: false, waiting_reason: "ImagePullBackOff" });
    });
  });

  describe("restart_pod", () => {
    it("names the pod that it deleted and the one that took its place", async () => {
      const given = cluster();
      const target = await given.deployed("restarted");
      const [pod] = await given.podsOf("restarted");
      const { name } = pod!.metadata;
      const output = await change("restart_pod", { pod: name, grace_period_seconds: 1 }, target);
      expect(output).toMatchObject({ namespace: given.namespace, pod: name, ready: true });
      expect(output.replacement).toMatch(/^restarted-/);
      expect(output.replacement).not.toBe(name);

      const undone = await read("rollback_pod_restart", { pod: name }, target);
      expect(undone.note).toMatch(/can't come back; restarted-\S+ took its place/);

      const healthy = await read(
        "validate_pod_health",
        { pod: name, stable_for: "1s", wait_timeout: "30s" },
        target,
      );
      expect(healthy).toMatchObject({ healthy: true, pods: expect.not.arrayContaining([name]) });
      expect(healthy.pods).toHaveLength(2);
    });

    it("refuses a pod that no controller would replace", async () => {
      const given = cluster();
      const { subject, namespace } = given;
      const containers = [{ name: "app", image: "example.test/app:1" }];
      await subject.admin("POST", `/api/v1/namespaces/${namespace}/pods`, {
        apiVersion: "v1",
        kind: "Pod",
        metadata: { name: "alone" },
        spec: { containers },
      });
      await expect(change("restart_pod", { namespace, pod: "alone" }, null)).rejects.toMatchObject({
        code: "OWNERLESS_POD",
      });
      expect((await given.read(given.ref("Pod", "alone"))).metadata.deletionTimestamp).toBeUndefined();
    });

    it("says that the pod is gone", async () => {
      const input = { namespace: "default", pod: "no-such" };
      await expect(change("restart_pod", input, null)).rejects.toMatchObject({ code: "TARGET_GONE" });
    });
  });

  describe("rollback_deployment", () => {
    it("goes back to the revision whose pods are ready, waits, and is healthy again", async () => {
      const given = cluster();
      await given.deployed("bad-release");
      await given.broken("bad-release");
      const target = await given.read(given.ref("Deployment", "bad-release"));
      const { context, tools } = attempt("plan", target);
      const resolved = await findAction("rollback_deployment")!.resolve!({}, context, tools);
      expect(resolved).toMatchObject({
        deployment: "bad-release",
        revision: 1,
        proven: expect.any(Boolean),
      });
      expect(findAction("rollback_deployment")!.preview(resolved)).toBe(
        `roll deployment ${given.namespace}/bad-release back to revision 1 (${resolved.proof as string})`,
      );

      const output = await change("rollback_deployment", { ...resolved, timeout: "60s" }, target);
      expect(output).toMatchObject({
        revision: 1,
        ready: true,
        proven: resolved.proven,
        proof: resolved.proof,
      });
      const after = await given.read(given.ref("Deployment", "bad-release"));
      expect(JSON.stringify(after.spec)).toContain("example.test/app:1.0.0");
      expect(JSON.stringify(after.spec)).not.toMatch(/does-not-exist|pod-template-hash/);
      expect(after.metadata.annotations).toMatchObject({
        "gitmend.dev/execution": "01900000-0000-7000-8000-000000000001",
        "gitmend.dev/effect": "01900000-0000-7000-8000-000000000001/rollback_deployment",
      });
      expect(JSON.stringify((after.spec as JsonObject).template)).not.toContain("gitmend.dev");
      await expect(
        read("validate_pod_health", { stable_for: "1s", wait_timeout: "30s" }, after),
      ).resolves.toMatchObject({ healthy: true });
    });

    it("has nowhere to go from the first revision", async () => {
      const target = await cluster().deployed("first-release", 1);
      await expect(change("rollback_deployment", {}, target)).rejects.toMatchObject({
        code: "NOTHING_TO_ROLL_BACK",
      });
    });

    it("leaves a Deployment alone whose rollouts a person has paused", async () => {
      const given = cluster();
      const target = await given.deployed("paused", 1);
      await given.changeAs("ana", given.ref("Deployment", "paused"), { spec: { paused: true } });
      await expect(change("restart_deployment", {}, target)).rejects.toMatchObject({
        code: "PRECONDITION_FAILED",
      });
    });
  });

  describe("restart_deployment", () => {
    it("replaces every pod", async () => {
      const given = cluster();
      const target = await given.deployed("all-anew");
      const before = (await given.podsOf("all-anew")).map(({ metadata }) => metadata.uid);
      const { restarted_at: at } = await change("restart_deployment", {}, target);
      expect(at).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/);
      await eventually("all pods are others", async () => {
        const pods = await given.podsOf("all-anew");
        return pods.length === 2 && pods.every(({ metadata }) => !before.includes(metadata.uid));
      });
    });

    it("refuses while a rollout is under way", async () => {
      const given = cluster();
      await given.deployed("half-way");
      await given.broken("half-way");
      const target = await given.read(given.ref("Deployment", "half-way"));
      await expect(change("restart_deployment", {}, target)).rejects.toMatchObject({
        code: "PRECONDITION_FAILED",
        retryable: true,
      });
    });
  });

  describe("scale_deployment", () => {
    it("makes a relative number absolute when the plan is made", async () => {
      const target = await cluster().deployed("grown");
      const { context, tools } = attempt("plan", target);
      const input = { replicas: { factor: 2, max: 3 } };
      const resolved = await findAction("scale_deployment")!.resolve!(input, context, tools);
      expect(resolved).toMatchObject({ deployment: "grown", replicas: 3 });
      await expect(change("scale_deployment", resolved, target)).resolves.toMatchObject({
        replicas: 3,
        previous: 2,
      });
    });
  });

  describe("validate_pod_health", () => {
    it("fails with what is wrong", async () => {
      const given = cluster();
      await given.deployed("sick");
      await given.broken("sick");
      const target = await given.read(given.ref("Deployment", "sick"));
      await expect(read("validate_pod_health", { wait_timeout: "1s" }, target)).rejects.toMatchObject({
        code: "NOT_HEALTHY",
        message: expect.stringMatching(/of 2 pods are of the newest revision.*ImagePullBackOff/),
      });
    });

    it("judges the pod itself when the incident names no workload", async () => {
      const given = cluster();
      await given.deployed("single", 1);
      const [pod] = await given.podsOf("single");
      const input = {
        namespace: given.namespace,
        pod: pod!.metadata.name,
        stable_for: "1s",
        wait_timeout: "20s",
      };
      await expect(read("validate_pod_health", input, null)).resolves.toMatchObject({
        pods: [pod!.metadata.name],
      });
      const gone = { ...input, pod: "no-such", wait_timeout: "1s" };
      await expect(read("validate_pod_health", gone, null)).rejects.toMatchObject({
        code: "NOT_HEALTHY",
        message: "pod no-such is gone",
      });
    });
  });

  describe("collect_logs", () => {
    it("fails nothing when there are no logs to be had", async () => {
      const gone = await read("collect_logs", { namespace: "default", pod: "no-such" }, null);
      expect(gone).toMatchObject({ exists: false, evidence: null, unavailable: ["pod no-such is gone"] });
      const target = await cluster().deployed("talking", 1);
      const logs = await read("collect_logs", {}, target);
      const got = (logs.lines as string[]).length > 0 && logs.evidence !== null;
      expect(got || (logs.unavailable as string[]).length > 0).toBe(true);
    });
  });

  describe("collect_events", () => {
    it("keeps what was said of a Deployment, its ReplicaSets and its pods, newest first, and of nobody else", async () => {
      const given = cluster();
      const target = await given.deployed("told-of");
      await given.deployed("told-of-worker", 1);
      const [pod] = await given.podsOf("told-of");
      const [stranger] = await given.podsOf("told-of-worker");
      const about = (object: KubernetesObject, kind: "Deployment" | "Pod") => ({
        ...given.ref(kind, object.metadata.name),
        uid: object.metadata.uid,
      });
      const { api } = given;
      const warning = { type: "Warning", reason: "BackOff" } as const;
      await api.event(about(target, "Deployment"), {
        name: "told-1",
        type: "Normal",
        reason: "Scaled",
        message: "to 2",
      });
      await api.event(about(pod!, "Pod"), {
        ...warning,
        name: "told-2",
        message: "password=hunter2\nrefused",
      });
      await api.event(about(stranger!, "Pod"), { ...warning, name: "told-3", message: "not mine" });
      const gone = { ...about(pod!, "Pod"), name: `${pod!.metadata.name.slice(0, -5)}zzzzz`, uid: "gone" };
      await api.event(gone, { ...warning, name: "told-4", message: "of a pod that is gone" });

      const output = await read("collect_events", {}, target);
      const lines = output.lines as string[];
      expect(lines.join("\n")).toMatch(/Normal Scaled Deployment\/told-of: to 2/);
      expect(lines.join("\n")).toMatch(/Warning BackOff Pod\/told-of-\S+: password=\[redacted\] refused/);
      expect(lines.join("\n")).toContain("of a pod that is gone");
      expect(lines.join("\n")).not.toMatch(/not mine|told-of-worker/);
      expect(lines).toEqual(
        lines.toSorted((one, other) => other.slice(0, 20).localeCompare(one.slice(0, 20))),
      );
      expect(output.reasons).toMatchObject({ BackOff: 2, Scaled: 1 });
      expect(output.warnings).toBe(2);
      const kept = given.evidence.get(output.evidence as string);
      expect(kept?.trimEnd().split("\n")).toHaveLength(output.events as number);
      expect(kept).not.toContain("hunter2");

      const one = await read("collect_events", { pod: pod!.metadata.name, limit: 1 }, target);
      expect(one.lines).toHaveLength(1);
      expect(one.lines).toMatchObject([expect.stringContaining(`Pod/${pod!.metadata.name}`)]);
    });

    it("finds what was said of a node", async () => {
      const given = cluster();
      const target = await given.read(given.ref("Node", "node-1"));
      const { uid } = target.metadata;
      const name = `node-told-${given.namespace}`;
      const event = { name, type: "Warning", reason: "DiskPressure", message: "nearly full" } as const;
      await given.api.event({ ...given.ref("Node", "node-1"), uid }, event);
      const output = await read("collect_events", {}, target);
      expect(output.reasons).toMatchObject({ DiskPressure: expect.any(Number) });
      expect(given.evidence.get(output.evidence as string)).toContain("Node/node-1: nearly full");
    });

    it("says so when there is nothing whose events it could collect", async () => {
      await expect(read("collect_events", {}, null)).rejects.toMatchObject({
        code: "PRECONDITION_FAILED",
        message: expect.stringContaining("no target"),
      });
    });
  });

  describe("notify_team", () => {
    it("sends title, text and severity with the effect's key, and can't tell afterwards", async () => {
      const given = cluster();
      const { context, tools } = attempt("tell", null);
      const action = findAction("notify_team") as ChangeAction;
      const input = { message: "api was rolled back", severity: "warning", namespace: "shop", title: "api" };
      const effect = await action.prepare(input, context, tools);
      await expect(effects.dryRun(effect, context, tools)).resolves.toEqual([]);
      expect(given.notifications).toEqual([]);
      await effects.apply(effect, context, tools);
      expect(given.notifications).toEqual([
        {
          channel: null,
          message: { title: "shop: api", text: "api was rolled back", severity: "warning" },
          key: context.effectKey,
        },
      ]);
      await expect(effects.didItHappen(effect, context, tools)).resolves.toBe("unknown");
      await expect(effects.prepareRestore(effect, context, tools)).resolves.toBeNull();
    });
  });
}
