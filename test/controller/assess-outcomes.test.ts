// The loop around an assessment: what it looks at, when it waits, what it appends. Cluster and Prometheus answer from tables.
import { beforeEach, describe, expect, it } from "vitest";
import type { ActionTools, MetricSample } from "../../src/actions/action.ts";
import { assessOutcomes } from "../../src/controller/assess-outcomes.ts";
import type { Assessments, DueAssessment, OpenFiring } from "../../src/controller/ports.ts";
import type { AssessmentMade, RecordedEvent } from "../../src/domain/execution/events.ts";
import { fold } from "../../src/domain/execution/evolve.ts";
import type { KubernetesObject } from "../../src/domain/facts/objects.ts";
import { Problem } from "../../src/domain/problem.ts";
import { alert, type History, succeededRollback, target } from "../fixtures/executions.ts";
import { noMetrics } from "../support/no-metrics.ts";

const now = "2026-11-17T10:10:00.000Z";
const meta = (name: string, owner?: readonly [kind: string, name: string]) => ({
  name,
  namespace: "shop",
  uid: name === "api" ? target.uid : `uid-${name}`,
  resourceVersion: "1",
  generation: 1,
  ...(owner === undefined
    ? {}
    : {
        ownerReferences: [
          {
            apiVersion: "apps/v1",
            kind: owner[0],
            name: owner[1],
            uid: owner[1] === "api" ? target.uid : `uid-${owner[1]}`,
            controller: true,
          },
        ],
      }),
});
const pod = (name: string, replicaSet = "api-1"): KubernetesObject => ({
  apiVersion: "v1",
  kind: "Pod",
  metadata: meta(name, ["ReplicaSet", replicaSet]),
  status: { phase: "Running", conditions: [{ type: "Ready", status: "True" }], containerStatuses: [] },
});
const replicaSet = (name: string, deployment: string): KubernetesObject => ({
  apiVersion: "apps/v1",
  kind: "ReplicaSet",
  metadata: meta(name, ["Deployment", deployment]),
});
const deployment = (name: string): KubernetesObject => ({
  apiVersion: "apps/v1",
  kind: "Deployment",
  metadata: meta(name),
  spec: { replicas: 1, selector: { matchLabels: { app: name } } },
  status: { observedGeneration: 1, replicas: 1, updatedReplicas: 1, availableReplicas: 1 },
});
const named = alert.labels["pod"]!;
const firing = (podName: string, own: boolean, id = podName): OpenFiring => ({
  id,
  own,
  alert: { ...alert, fingerprint: id, labels: { ...alert.labels, pod: podName } },
});

interface World {
  objects: KubernetesObject[];
  firings: OpenFiring[];
  /** null: there is no Prometheus. */
  series: MetricSample[] | null;
  away: boolean;
  due: DueAssessment;
  history: History;
}
let world: World;
beforeEach(() => {
  world = {
    objects: [deployment("api"), replicaSet("api-1", "api"), pod(named)],
    firings: [],
    series: null,
    away: false,
    due: { executionId: succeededRollback.executionId, claim: 1, round: 1, waitedSeconds: 0 },
    history: succeededRollback,
  };
});

interface Result {
  readonly made: AssessmentMade | null;
  readonly seq: number;
  readonly stillFiring: readonly string[];
  readonly putOffSeconds: number | null;
}

async function assessNow(): Promise<Result> {
  let result: Result = { made: null, seq: 0, stillFiring: [], putOffSeconds: null };
  const assessments: Assessments = {
    takeDue: async () => [world.due],
    putOff: async (_due, putOffSeconds) => void (result = { ...result, putOffSeconds }),
    firings: async () => world.firings,
    commit: async (_due, { event, seq }, stillFiring) => {
      result = { ...result, made: event, seq, stillFiring };
      return true;
    },
  };
  await assessOutcomes({
    assessments,
    executions: { state: async () => fold(world.history.events) },
    clusters: { names: ["prod-eu"], labels: () => ({}), tools: () => tools() },
    clock: { now: () => now },
    metrics: noMetrics,
    log: { info: () => undefined, warn: () => undefined, error: (fields) => expect(fields).toBeNull() },
  });
  return result;
}

function tools(): ActionTools {
  const unlessAway = <T>(value: T): T => {
    if (world.away)
      throw new Problem("API_UNREACHABLE", "the API server does not answer", { retryable: true });
    return value;
  };
  const of = (kind: string) => world.objects.filter((object) => object.kind === kind);
  return {
    cluster: () => ({
      get: async ({ kind, name }: { kind: string; name: string }) =>
        unlessAway(of(kind).find(({ metadata }) => metadata.name === name) ?? null),
      list: async ({ kind }: { kind: string }) => unlessAway(of(kind)),
    }),
    query: async () => {
      if (world.series === null) throw new Problem("METRICS_UNAVAILABLE", "no Prometheus is configured");
      return world.series;
    },
  } as unknown as ActionTools;
}

describe("an assessment", () => {
  it("finds a remedy effective when nothing fires for a target that is well", async () => {
    const { made, seq } = await assessNow();
    expect(made).toMatchObject({ verdict: "effective", round: 1, again: null });
    expect(seq).toBe(succeededRollback.events.length + 1);
  });

  it("sees the alert of another pod of the same target, and not that of a neighbour", async () => {
    world.objects.push(
      pod("api-new"),
      deployment("web"),
      replicaSet("web-1", "web"),
      pod("web-new", "web-1"),
    );
    world.firings = [firing("web-new", false)];
    expect((await assessNow()).made?.verdict).toBe("effective");
    world.firings = [firing("web-new", false), firing("api-new", false)];
    const { made, stillFiring } = await assessNow();
    expect(made?.verdict).toBe("ineffective");
    expect(stillFiring).toEqual(["api-new"]);
  });

  it("takes a firing whose pod is gone for no evidence, and the silence about it neither", async () => {
    world.objects = [deployment("api"), replicaSet("api-1", "api"), pod("api-new")];
    world.firings = [firing(named, true)];
    const { made, stillFiring } = await assessNow();
    expect(made).toMatchObject({ verdict: "inconclusive", again: "2026-11-17T10:20:00.000Z" });
    expect(stillFiring).toEqual([]);
  });

  it("believes Prometheus that nothing is about to fire in the place of a pod that is gone", async () => {
    world.objects = [deployment("api"), replicaSet("api-1", "api"), pod("api-new")];
    world.series = [{ labels: { ...alert.labels, pod: named, alertstate: "pending" }, value: 1 }];
    expect((await assessNow()).made?.verdict).toBe("effective");
    world.series = [{ labels: { ...alert.labels, pod: "api-new", alertstate: "pending" }, value: 1 }];
    const { made } = await assessNow();
    expect(made?.verdict).toBe("ineffective");
    expect(made?.evidence[0]?.finding).toBe("KubePodCrashLooping is about to fire: prod-eu/shop/pod/api-new");
  });

  it("asks a cluster that is away again, for as long as the delay, and then says why it does not know", async () => {
    world.away = true;
    expect(await assessNow()).toMatchObject({ made: null, putOffSeconds: 30 });
    world.due = { ...world.due, waitedSeconds: 600 };
    const { made, putOffSeconds } = await assessNow();
    expect(putOffSeconds).toBeNull();
    expect(made).toMatchObject({ verdict: "inconclusive", again: "2026-11-17T10:20:00.000Z" });
    expect(made?.evidence.map(({ finding }) => finding)).toContain("the API server does not answer");
  });

  it("asks the template's checks", async () => {
    const events = succeededRollback.events.map((recorded): RecordedEvent => {
      if (recorded.event.type !== "Planned") return recorded;
      const checks = [{ promql: "rate(errors[5m])", expect: "value < 0.05" }];
      const plan = { ...recorded.event.plan, assessment: { delaySeconds: 600, checks } };
      return { ...recorded, event: { ...recorded.event, plan } };
    });
    world.history = { ...succeededRollback, events };
    expect((await assessNow()).putOffSeconds).toBe(30);
    world.series = [{ labels: {}, value: 0.5 }];
    expect((await assessNow()).made?.evidence.at(-1)).toMatchObject({
      what: "check",
      supports: "ineffective",
    });
    world.series = [{ labels: {}, value: 0.01 }];
    expect((await assessNow()).made?.verdict).toBe("effective");
  });
});
