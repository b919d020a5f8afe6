// What the adapter makes of an API server in trouble: every failure must say whether something may have been applied,
// and a change must never be sent twice. Real HTTP; the faults are the simulated cluster's.

import { createServer } from "node:http";
import { type AddressInfo, createServer as createNetServer } from "node:net";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { ClusterApi, JsonPatchOperation } from "../../../src/actions/action.ts";
import { type ClusterConnection, connectCluster } from "../../../src/adapters/kubernetes/cluster-api.ts";
import type { KubernetesObject, ObjectRef } from "../../../src/domain/facts/objects.ts";
import { Problem, type ProblemCode } from "../../../src/domain/problem.ts";
import type { FaultKind } from "../../../src/simulation/faults.ts";
import {
  type RunningSimulation,
  startSimulatedCluster,
} from "../../../src/simulation/start-simulated-cluster.ts";

let simulation: RunningSimulation;
let connection: ClusterConnection;
let api: ClusterApi;
const controller = () => new AbortController();
const deployment: ObjectRef = {
  cluster: "test",
  apiVersion: "apps/v1",
  kind: "Deployment",
  namespace: "shop",
  name: "api",
};

beforeEach(async () => {
  simulation = await startSimulatedCluster();
  simulation.cluster.deploy({ namespace: "shop", name: "api", replicas: 1 });
  await simulation.cluster.until("it is healthy", (cluster) => cluster.deployment("shop", "api").healthy);
  connection = connectCluster(
    { name: "test", kubeconfigText: simulation.kubeconfig },
    { requestTimeoutSeconds: 0.5, retrySeconds: 0.001 },
  );
  api = connection.api(controller().signal);
});

afterEach(async () => {
  await connection.close();
  await simulation.stop();
});

const read = async () => (await api.get(deployment))!;
const scale = (object: KubernetesObject, replicas: number): readonly JsonPatchOperation[] => [
  { op: "replace", path: "/metadata/resourceVersion", value: object.metadata.resourceVersion },
  { op: "replace", path: "/spec/replicas", value: replicas },
];

async function problemOf(call: Promise<unknown>): Promise<Problem> {
  const error: unknown = await call.then(
    () => new Error("the call succeeded"),
    (thrown: unknown) => thrown,
  );
  if (!(error instanceof Problem)) throw error;
  return error;
}

const changes = () => simulation.cluster.effects.count({ manager: "gitmend" });

describe("a change that the API server does not answer well", () => {
  const cases: readonly [string, FaultKind, ProblemCode, number][] = [
    ["is refused as unauthenticated", { kind: "status", code: 401 }, "API_FORBIDDEN", 0],
    ["is forbidden", { kind: "status", code: 403 }, "API_FORBIDDEN", 0],
    ["meets a conflict", { kind: "status", code: 409 }, "API_CONFLICT", 0],
    ["is invalid", { kind: "status", code: 422 }, "API_INVALID", 0],
    ["is throttled", { kind: "status", code: 429, retryAfterSeconds: 7 }, "API_THROTTLED", 0],
    ["fails before the effect", { kind: "status", code: 500 }, "API_OUTCOME_UNKNOWN", 0],
    ["fails after the effect", { kind: "status", code: 500, when: "after" }, "API_OUTCOME_UNKNOWN", 1],
    ["meets a gateway's time limit", { kind: "status", code: 504, when: "after" }, "API_OUTCOME_UNKNOWN", 1],
    ["is cut off before the effect", { kind: "reset" }, "API_OUTCOME_UNKNOWN", 0],
    ["is cut off after the effect", { kind: "reset", when: "after" }, "API_OUTCOME_UNKNOWN", 1],
    ["hangs before the effect", { kind: "hang" }, "API_OUTCOME_UNKNOWN", 0],
    ["hangs after the effect", { kind: "hang", when: "after" }, "API_OUTCOME_UNKNOWN", 1],
  ];
  it.each(cases)("%s", async (_name, fault, code, applied) => {
    const object = await read();
    const placed = simulation.cluster.faults.add({ method: "PATCH", fault, times: Infinity });
    const problem = await problemOf(api.patch(deployment, scale(object, 2), { dryRun: false }));
    expect(problem.code).toBe(code);
    expect(placed.hits(), "it is sent once").toBe(1);
    expect(changes()).toBe(applied);
    if (code === "API_THROTTLED") expect(problem.details.retryAfterSeconds).toBe(7);
  });

  it("is never repeated when it deletes or writes an event either", async () => {
    const [pod] = await api.list({ apiVersion: "v1", kind: "Pod", namespace: "shop" });
    const ref: ObjectRef = { ...deployment, apiVersion: "v1", kind: "Pod", name: pod!.metadata.name };
    const { uid, resourceVersion } = pod!.metadata;
    const deletions = simulation.cluster.faults.add({
      method: "DELETE",
      fault: { kind: "status", code: 503 },
      times: Infinity,
    });
    const options = { uid, resourceVersion, gracePeriodSeconds: null, dryRun: false };
    expect((await problemOf(api.remove(ref, options))).code).toBe("API_OUTCOME_UNKNOWN");
    expect(deletions.hits()).toBe(1);
    const events = simulation.cluster.faults.add({
      method: "POST",
      fault: { kind: "reset" },
      times: Infinity,
    });
    const note = { name: "a.1", type: "Normal" as const, reason: "Test", message: "text" };
    expect((await problemOf(api.event({ ...ref, uid }, note))).code).toBe("API_OUTCOME_UNKNOWN");
    expect(events.hits()).toBe(1);
  });

  it("is reported as unknown when its attempt is aborted while the server works on it", async () => {
    const object = await read();
    const attempt = controller();
    const placed = simulation.cluster.faults.add({ method: "PATCH", fault: { kind: "hang", when: "after" } });
    const call = problemOf(
      connection.api(attempt.signal).patch(deployment, scale(object, 2), { dryRun: false }),
    );
    await placed.reached;
    attempt.abort();
    expect((await call).code).toBe("API_OUTCOME_UNKNOWN");
  });

  it("is not sent at all by an attempt that is aborted already", async () => {
    const object = await read();
    const placed = simulation.cluster.faults.add({ method: "PATCH", fault: { kind: "reset" } });
    const call = connection.api(AbortSignal.abort()).patch(deployment, scale(object, 2), { dryRun: false });
    expect((await problemOf(call)).code).toBe("API_UNREACHABLE");
    expect(placed.hits()).toBe(0);
  });

  it("never reaches another cluster than the one it names", async () => {
    const object = await read();
    const other = { ...deployment, cluster: "other" };
    expect((await problemOf(api.patch(other, scale(object, 2), { dryRun: false }))).code).toBe(
      "CLUSTER_UNKNOWN",
    );
    expect(changes()).toBe(0);
  });
});

describe("a read that the API server does not answer well", () => {
  const passing: readonly [string, FaultKind][] = [
    ["throttling", { kind: "status", code: 429, retryAfterSeconds: 0 }],
    ["a conflict, which no API server answers to a read", { kind: "status", code: 409 }],
    ["an internal error", { kind: "status", code: 500 }],
    ["a reset connection", { kind: "reset" }],
  ];
  it.each(passing)("is repeated after %s", async (_name, fault) => {
    const placed = simulation.cluster.faults.add({ method: "GET", fault, times: 3 });
    expect((await read()).metadata.name).toBe("api");
    expect(placed.hits()).toBe(3);
  });

  it("is asked once more after no answer, and no more often", async () => {
    const once = simulation.cluster.faults.add({ method: "GET", fault: { kind: "hang" } });
    expect((await read()).metadata.name).toBe("api");
    expect(once.hits()).toBe(1);
    const always = simulation.cluster.faults.add({ method: "GET", fault: { kind: "hang" }, times: Infinity });
    expect((await problemOf(read())).message).toContain("no answer within 0.5 s");
    expect(always.hits()).toBe(2);
  });

  it("gives up after a few tries and says what it was", async () => {
    const placed = simulation.cluster.faults.add({
      method: "GET",
      fault: { kind: "status", code: 503 },
      times: Infinity,
    });
    expect((await problemOf(read())).code).toBe("API_OUTCOME_UNKNOWN");
    expect(placed.hits()).toBe(4);
  });

  it("stops waiting for its next try when the attempt is aborted", async () => {
    const attempt = controller();
    const placed = simulation.cluster.faults.add({
      method: "GET",
      fault: { kind: "status", code: 429, retryAfterSeconds: 600 },
      times: Infinity,
    });
    const call = problemOf(connection.api(attempt.signal).get(deployment));
    await placed.reached;
    attempt.abort();
    expect(["API_THROTTLED", "API_OUTCOME_UNKNOWN"]).toContain((await call).code);
    expect(placed.hits()).toBe(1);
  });

  it("is not repeated when it was refused", async () => {
    const placed = simulation.cluster.faults.add({
      method: "GET",
      fault: { kind: "status", code: 403 },
      times: Infinity,
    });
    expect((await problemOf(read())).code).toBe("API_FORBIDDEN");
    expect(placed.hits()).toBe(1);
  });
});

describe("a dry-run that the API server does not answer well", () => {
  const fault = (code: 409 | 429 | 500) =>
    code === 429
      ? ({ kind: "status", code, retryAfterSeconds: 0 } as const)
      : ({ kind: "status", code } as const);

  it.each([429, 500] as const)(
    "is repeated after %i, whatever it tries, and changes nothing",
    async (code) => {
      const object = await read();
      const [pod] = simulation.cluster.pods("shop");
      const { name = "", uid = "", resourceVersion = "" } = pod?.metadata ?? {};
      const ref: ObjectRef = { ...deployment, apiVersion: "v1", kind: "Pod", name };
      const other: ObjectRef = { ...deployment, apiVersion: "v1", kind: "ConfigMap", name: "other" };
      const tried: readonly (readonly ["PATCH" | "POST" | "DELETE", () => Promise<unknown>])[] = [
        ["PATCH", () => api.patch(deployment, scale(object, 2), { dryRun: true })],
        ["POST", () => api.create(other, {}, { dryRun: true })],
        ["DELETE", () => api.remove(ref, { uid, resourceVersion, gracePeriodSeconds: null, dryRun: true })],
        ["POST", () => api.evict(ref, { uid, gracePeriodSeconds: null, dryRun: true })],
      ];
      for (const [method, call] of tried) {
        const placed = simulation.cluster.faults.add({ method, fault: fault(code), times: 2 });
        await call();
        expect(placed.hits()).toBe(2);
      }
      expect(changes()).toBe(0);
    },
  );

  it("is not repeated after a conflict, but whoever tries again may find another state", async () => {
    const object = await read();
    const placed = simulation.cluster.faults.add({ method: "PATCH", fault: fault(409), times: Infinity });
    const problem = await problemOf(api.patch(deployment, scale(object, 2), { dryRun: true }));
    expect(problem).toMatchObject({ code: "API_CONFLICT", retryable: true });
    expect(placed.hits()).toBe(1);
  });

  it("is not repeated when a disruption budget refuses it", async () => {
    const [pod] = simulation.cluster.pods("shop");
    const { name = "", uid = "" } = pod?.metadata ?? {};
    simulation.cluster.apply({
      apiVersion: "policy/v1",
      kind: "PodDisruptionBudget",
      metadata: { namespace: "shop", name: "all" },
      spec: { selector: {}, minAvailable: 1 },
    });
    const seen = simulation.cluster.faults.add({
      method: "POST",
      fault: { kind: "latency", milliseconds: 0 },
      times: Infinity,
    });
    const ref: ObjectRef = { ...deployment, apiVersion: "v1", kind: "Pod", name };
    const refused = await problemOf(api.evict(ref, { uid, gracePeriodSeconds: null, dryRun: true }));
    expect(refused.details["causes"]).toContain("DisruptionBudget");
    expect(seen.hits()).toBe(1);
  });
});

describe("an API server that is not there", () => {
  it("is unreachable: nothing was applied", async () => {
    const port = await freePort();
    const text = simulation.kubeconfig.replace(/127\.0\.0\.1:\d+/, `127.0.0.1:${port}`);
    const gone = connectCluster({ name: "test", kubeconfigText: text }, { retrySeconds: 0.001 });
    const call = gone.api(controller().signal).patch(deployment, scale(await read(), 2), { dryRun: false });
    expect((await problemOf(call)).code).toBe("API_UNREACHABLE");
    const unknown = simulation.kubeconfig.replace(/127\.0\.0\.1:\d+/, "nowhere.invalid");
    const lost = connectCluster({ name: "test", kubeconfigText: unknown });
    expect((await problemOf(lost.version())).code).toBe("API_UNREACHABLE");
  });
});

async function freePort(): Promise<number> {
  const server = createNetServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

describe("a connection", () => {
  it("is kept and used again by later calls", async () => {
    let opened = 0;
    const server = createServer((_request, response) => {
      response.setHeader("content-type", "application/json");
      response.end('{"gitVersion":"v1.32.0"}');
    });
    server.on("connection", () => (opened += 1));
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const { port } = server.address() as AddressInfo;
    const text = simulation.kubeconfig.replace(/127\.0\.0\.1:\d+/, `127.0.0.1:${port}`);
    const kept = connectCluster({ name: "test", kubeconfigText: text });
    for (let call = 0; call < 30; call += 1) expect(await kept.version()).toBe("v1.32.0");
    expect(opened).toBeLessThanOrEqual(2);
    await kept.close();
    await new Promise((resolve) => server.close(resolve));
  });

  it("never repeats in a message what the API server said", async () => {
    const server = createServer((_request, response) => {
      response.statusCode = 403;
      response.end('{"kind":"Status","reason":"Forbidden","message":"token s3cr3t is not allowed"}');
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const { port } = server.address() as AddressInfo;
    const text = simulation.kubeconfig.replace(/127\.0\.0\.1:\d+/, `127.0.0.1:${port}`);
    const refused = connectCluster({ name: "test", kubeconfigText: text });
    const problem = await problemOf(refused.version());
    expect(problem.message).toBe("read the version: the API server answered 403 Forbidden");
    expect(JSON.stringify([problem.details, String(problem.cause)])).not.toContain("s3cr3t");
    await refused.close();
    await new Promise((resolve) => server.close(resolve));
  });
});

describe("a kubeconfig", () => {
  const load = (kubeconfigText: string, context?: string) => () =>
    connectCluster({ name: "test", kubeconfigText, ...(context === undefined ? {} : { context }) });

  it("that is broken is refused without quoting it", () => {
    const broken = "users: [{name: a, user: {token: s3cr3t";
    expect(load(broken)).toThrow(expect.objectContaining({ code: "CONFIG_INVALID" }));
    expect(load(broken)).not.toThrow(/s3cr3t/);
  });

  it("without the wanted context is refused", () => {
    expect(load(simulation.kubeconfig, "staging")).toThrow(/has no context "staging"/);
  });

  it("that asks for impersonated groups is refused: they would be dropped", () => {
    const text = simulation.kubeconfig.replace("user: {}", "user: {as: bot, as-groups: [ops]}");
    expect(load(text)).toThrow(/as-groups/);
  });

  it("that does not exist is refused by its path", () => {
    const address = { name: "test", kubeconfigPath: "/no/such/kubeconfig" };
    expect(() => connectCluster(address)).toThrow(/\/no\/such\/kubeconfig cannot be read \(ENOENT\)/);
  });
});

describe("an API server that is busy", () => {
  const limited = (mostRequests: number) =>
    connectCluster(
      { name: "test", kubeconfigText: simulation.kubeconfig },
      { requestTimeoutSeconds: 5, retrySeconds: 0.001, mostRequests },
    );
  const other: ObjectRef = { ...deployment, name: "other" };
  const fault = (path: RegExp, kind: FaultKind) => simulation.cluster.faults.add({ path, fault: kind });

  it("is asked by an undo while a request of a step hangs, and by other steps only after that", async () => {
    const busy = limited(1);
    const hanging = fault(/deployments\/api$/, { kind: "hang" });
    const seen = fault(/deployments\/other$/, { kind: "latency", milliseconds: 0 });
    const first = busy.api(controller().signal).get(deployment);
    await hanging.reached;
    const step = busy.api(controller().signal).get(other);
    expect(await busy.api(controller().signal, true).get({ ...deployment, name: "gone" })).toBeNull();
    expect(seen.hits()).toBe(0);
    hanging.release();
    expect((await first)?.metadata.name).toBe("api");
    expect(await step).toBeNull();
    expect(seen.hits()).toBe(1);
    await busy.close();
  });

  it("gets fewer requests at once after it has answered 429, of all executions alike", async () => {
    const busy = limited(8);
    fault(/deployments\/api$/, { kind: "status", code: 429, retryAfterSeconds: 0 });
    await busy.api(controller().signal).get(deployment);
    expect(busy.concurrency()).toBe(4);
    await busy.close();
  });

  it("is not taken for busy when a disruption budget refuses an eviction", async () => {
    const busy = limited(8);
    const [pod] = simulation.cluster.pods("shop");
    const { name = "", uid = "" } = pod?.metadata ?? {};
    simulation.cluster.apply({
      apiVersion: "policy/v1",
      kind: "PodDisruptionBudget",
      metadata: { namespace: "shop", name: "all" },
      spec: { selector: {}, minAvailable: 1 },
    });
    const eviction = busy
      .api(controller().signal)
      .evict(
        { ...deployment, apiVersion: "v1", kind: "Pod", name },
        { uid, gracePeriodSeconds: null, dryRun: false },
      );
    expect((await problemOf(eviction)).code).toBe("API_THROTTLED");
    expect(busy.concurrency()).toBe(8);
    await busy.close();
  });
});
