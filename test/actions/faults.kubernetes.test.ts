// Effects when the API server misbehaves, and what only a cluster with containers can show: on the simulated one.
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import type { ActionInput, ChangeAction, ReadAction } from "../../src/actions/action.ts";
import { effects } from "../../src/actions/effects.ts";
import { findAction } from "../../src/actions/registry.ts";
import { connectCluster } from "../../src/adapters/kubernetes/cluster-api.ts";
import type { KubernetesObject } from "../../src/domain/facts/objects.ts";
import type { JsonObject } from "../../src/domain/json.ts";
import { startSimulatedCluster } from "../../src/simulation/start-simulated-cluster.ts";
import { rawAdmin } from "../support/kube-control-plane.ts";
import { eventually, type GivenCluster, givenCluster } from "./given-cluster.ts";
import { withinRules } from "./only-its-verbs.ts";

let given: GivenCluster;
let count = 0;
let name = "";
let target: KubernetesObject;

const scale = findAction("scale_deployment") as ChangeAction;
const restart = findAction("restart_deployment") as ChangeAction;
const cordon = findAction("cordon_node") as ChangeAction;
const simulated = () => given.subject.simulated!;
const deployment = () => given.ref("Deployment", name);
const run = async (action: string, input: ActionInput): Promise<JsonObject> =>
  (findAction(action) as ReadAction).run(input, given.context("look", target), given.tools);

beforeAll(async () => {
  const simulation = await startSimulatedCluster();
  const connection = connectCluster({ name: "test", kubeconfigText: simulation.kubeconfig });
  given = await givenCluster({
    cluster: "test",
    api: (signal) => connection.api(signal),
    restricted: async ({ rbac }) => ({
      api: withinRules(connection.api(new AbortController().signal), rbac),
      close: async () => {},
    }),
    admin: rawAdmin(simulation.kubeconfig),
    simulated: simulation.cluster,
    stop: async () => {
      await connection.close();
      await simulation.stop();
    },
  });
});
afterAll(async () => given?.subject.stop());
beforeEach(async () => {
  simulated().faults.clear();
  count += 1;
  name = `faulty-${count}`;
  target = await given.deployed(name);
  simulated().effects.clear();
});

describe("an effect whose answer is lost", () => {
  it("is found when it was made, and is counted once", async () => {
    const context = given.context("scale", target);
    const effect = await scale.prepare({ replicas: 5 }, context, given.tools);
    simulated().faults.add({ method: "PATCH", fault: { kind: "status", code: 500, when: "after" } });
    await expect(effects.apply(effect, context, given.tools)).rejects.toMatchObject({
      code: "API_OUTCOME_UNKNOWN",
    });
    await expect(effects.didItHappen(effect, context, given.tools)).resolves.toBe("yes");
    expect(simulated().effects.count({ kind: "Deployment", name })).toBe(1);
  });

  it("is found by its annotation when somebody has changed the field since", async () => {
    const context = given.context("scale", target);
    const effect = await scale.prepare({ replicas: 5 }, context, given.tools);
    simulated().faults.add({ method: "PATCH", fault: { kind: "reset", when: "after" } });
    await expect(effects.apply(effect, context, given.tools)).rejects.toMatchObject({
      code: "API_OUTCOME_UNKNOWN",
    });
    await given.changeAs("ana", deployment(), { spec: { replicas: 1 } });
    await expect(effects.didItHappen(effect, context, given.tools)).resolves.toBe("yes");
  });

  it("is found not to have been made when the request was lost, and may be sent again", async () => {
    const context = given.context("scale", target);
    const effect = await scale.prepare({ replicas: 5 }, context, given.tools);
    simulated().faults.add({ method: "PATCH", fault: { kind: "status", code: 503, when: "before" } });
    await expect(effects.apply(effect, context, given.tools)).rejects.toMatchObject({
      code: "API_OUTCOME_UNKNOWN",
    });
    await expect(effects.didItHappen(effect, context, given.tools)).resolves.toBe("no");
    await effects.apply(effect, context, given.tools);
    expect(simulated().effects.count({ kind: "Deployment", name })).toBe(1);
  });

  it("stays unknown while the API server can't be asked", async () => {
    const context = given.context("scale", target);
    const effect = await scale.prepare({ replicas: 5 }, context, given.tools);
    const fault = simulated().faults.add({
      method: "GET",
      times: Infinity,
      fault: { kind: "status", code: 500 },
    });
    await expect(effects.didItHappen(effect, context, given.tools)).resolves.toBe("unknown");
    fault.remove();
    await expect(effects.didItHappen(effect, context, given.tools)).resolves.toBe("no");
  });
});

describe("a late write of a dead owner", () => {
  it("is refused, and the new owner's stands", async () => {
    const context = given.context("scale", target);
    const late = await scale.prepare({ replicas: 5 }, context, given.tools);
    const current = await scale.prepare({ replicas: 4 }, context, given.tools);
    await effects.apply(current, context, given.tools);
    await expect(effects.apply(late, context, given.tools)).rejects.toMatchObject({ code: "API_CONFLICT" });
    expect((await given.read(deployment())).spec?.replicas).toBe(4);
  });

  it("is a conflict too when the field that it removes is gone already", async () => {
    const context = given.context("cordon", null);
    const effect = await cordon.prepare({ node: "node-3" }, context, given.tools);
    await effects.apply(effect, context, given.tools);
    const restore = await effects.prepareRestore(effect, context, given.tools);
    await given.changeAs("ana", given.ref("Node", "node-3"), { spec: { unschedulable: null } });
    await expect(effects.apply(restore!, context, given.tools)).rejects.toMatchObject({
      code: "API_CONFLICT",
    });
  });
});

describe("two effects of one step on one object", () => {
  it("are told apart: the alternative did not happen because the first action did", async () => {
    const context = given.context("repair", target);
    await effects.apply(await scale.prepare({ replicas: 3 }, context, given.tools), context, given.tools);
    await eventually("the new pods are there", async () => {
      const { status } = await given.read(deployment());
      return status?.availableReplicas === 3;
    });
    const alternative = await restart.prepare({}, context, given.tools);
    await given.changeAs("ana", deployment(), { metadata: { labels: { touched: "yes" } } });
    await expect(effects.didItHappen(alternative, context, given.tools)).resolves.toBe("no");
  });
});

describe("a container that crashes", () => {
  beforeEach(async () => {
    simulated().breakDeployment(given.namespace, name, "crash");
    await simulated().until("a pod crash-loops", (cluster) =>
      cluster
        .pods(given.namespace)
        .some(
          (pod) =>
            pod.metadata.name.startsWith(`${name}-`) && JSON.stringify(pod).includes("CrashLoopBackOff"),
        ),
    );
  });

  it("is seen by its pod's status", async () => {
    let status: JsonObject = {};
    // Between two back-offs it runs for a moment.
    await eventually("its container waits", async () => {
      status = await run("get_pod_status", {});
      return status.waiting_reason === "CrashLoopBackOff";
    });
    expect(status).toMatchObject({ ready: false, last_exit_code: 1 });
    expect(status.restarts).toBeGreaterThanOrEqual(1);
  });

  it("never passes for healthy", async () => {
    const input = { wait_timeout: "2s", stable_for: "1s" };
    await expect(run("validate_pod_health", input)).rejects.toMatchObject({ code: "NOT_HEALTHY" });
  });

  it("leaves its last words as evidence, redacted, and at most 20 lines in the record", async () => {
    const bad = (await run("get_pod_status", {})).pod as string;
    const lines = Array.from({ length: 30 }, (_, index) => `line ${index}`);
    simulated().setLog(
      given.namespace,
      bad,
      "app",
      [...lines, "fatal: password=hunter2 refused", ""].join("\n"),
    );
    const output = await run("collect_logs", { pod: bad });
    expect(output).toMatchObject({ exists: true, pod: bad, evidence: `look-${bad}.log`, unavailable: [] });
    expect(output.lines).toHaveLength(20);
    expect((output.lines as string[]).at(-1)).toBe("fatal: password=[redacted] refused");
    const kept = given.evidence.get(`look-${bad}.log`)!;
    expect(kept).toContain("--- app, before its last restart");
    expect(kept).toContain("line 0");
    expect(kept).not.toContain("hunter2");
  });
});

describe("logs that are searched", () => {
  const write = async (text: string) => {
    const pods = await given.podsOf(name);
    for (const pod of pods) simulated().setLog(given.namespace, pod.metadata.name, "app", text);
    return pods.map(({ metadata }) => metadata.name);
  };

  it("say how often each pattern occurs in all pods of the target, and show the last lines, redacted", async () => {
    const pods = await write("ok\nERROR: timeout, token=s3cr3t\nerror: refused\nok\n");
    const output = await run("check_logs", { patterns: ["(?i)error", "timeout", "never"] });
    expect(output).toMatchObject({
      logs: 2,
      counts: { "(?i)error": 4, timeout: 2, never: 0 },
      matches: 4,
      evidence: "look.log",
      unavailable: [],
    });
    expect((output.pods as string[]).toSorted()).toEqual(pods.toSorted());
    expect(output.lines).toContain("ERROR: timeout, token=[redacted]");
    const kept = given.evidence.get("look.log")!;
    for (const pod of pods) expect(kept).toContain(`--- ${pod}: app`);
    expect(kept).not.toContain("s3cr3t");
  });

  it("show at most 20 lines, the last ones, of one pod when one is named", async () => {
    const [pod] = await write(
      Array.from({ length: 50 }, (_, index) => `error ${index} ${"x".repeat(400)}`).join("\n"),
    );
    const output = await run("check_logs", { pod: pod!, patterns: "error" });
    expect(output).toMatchObject({ pods: [pod], counts: { error: 50 }, matches: 50 });
    const lines = output.lines as string[];
    expect(lines).toHaveLength(20);
    expect(lines[0]).toMatch(/^error 30 x+…$/);
    expect(lines.every((line) => line.length <= 300)).toBe(true);
  });

  it("never show the middle of a private key, even where a pattern matches it", async () => {
    const [pod] = await write("-----BEGIN PRIVATE KEY-----\nMIIEvQ\nabcdef\n-----END PRIVATE KEY-----\nok\n");
    const output = await run("check_logs", { pod: pod!, patterns: ["[A-Za-z]+"] });
    expect(JSON.stringify(output)).not.toMatch(/MIIEvQ|abcdef/);
  });

  it("are not to be had: that is told, and nothing fails", async () => {
    const fault = simulated().faults.add({
      path: /\/log\?/,
      times: Infinity,
      fault: { kind: "status", code: 500 },
    });
    const output = await run("check_logs", {});
    fault.remove();
    expect(output).toMatchObject({ logs: 0, matches: 0, evidence: null });
    expect((output.unavailable as string[]).length).toBeGreaterThan(0);
    const gone = await run("check_logs", { pod: "no-such" });
    expect(gone).toMatchObject({ pods: [], unavailable: ["there are no pods"] });
  });

  it("are not searched with what is no RE2 pattern, and that is said before anything runs", async () => {
    const checkLogs = findAction("check_logs")!;
    for (const pattern of ["(", "(?=x)", "a{2000}"]) {
      await expect(
        checkLogs.resolve!({ patterns: [pattern] }, given.context("look", target), given.tools),
      ).rejects.toMatchObject({
        code: "PARAMETER_INVALID",
        message: expect.stringContaining(`"${pattern}"`),
      });
    }
  });

  it("end soon whatever the pattern: a mebibyte of what ruins a backtracking engine", async () => {
    const [pod] = await write(`${"a".repeat(9000)}!\n`.repeat(110));
    const output = await run("check_logs", { pod: pod!, patterns: ["^(a+)+$"] });
    expect(output).toMatchObject({ counts: { "^(a+)+$": 0 } });
  });
});

describe("a node that is not ready", () => {
  it("is not opened for pods again unless somebody insists, and is not drained", async () => {
    const node = simulated().get("nodes", null, "node-1") as unknown as JsonObject;
    const conditions = [{ type: "Ready", status: "False" }];
    simulated().apply({ ...node, spec: { unschedulable: true }, status: { conditions } } as never);
    await given.subject.admin(
      "PATCH",
      "/api/v1/nodes/node-1/status",
      { status: { conditions } },
      "application/merge-patch+json",
    );
    const uncordon = findAction("uncordon_node") as ChangeAction;
    const context = given.context("open", null);
    await expect(uncordon.prepare({ node: "node-1" }, context, given.tools)).rejects.toMatchObject({
      code: "PRECONDITION_FAILED",
      retryable: true,
    });
    const insists = uncordon.prepare({ node: "node-1", verify_health: false }, context, given.tools);
    await expect(insists).resolves.toMatchObject({
      changes: [{ pointer: "/spec/unschedulable", before: true }],
    });

    const drain = findAction("drain_node") as ChangeAction;
    const refusal = { code: "PRECONDITION_FAILED", message: expect.stringContaining("node-1 is not Ready") };
    await expect(drain.resolve!({ node: "node-1" }, context, given.tools)).rejects.toMatchObject(refusal);
    const planned = { node: "node-1", pods: [] };
    await expect(drain.prepare(planned, context, given.tools)).rejects.toMatchObject(refusal);
  });
});
