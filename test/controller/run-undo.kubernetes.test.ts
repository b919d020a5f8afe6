// Taking back a step of several fields after somebody has changed one of them, on a simulated cluster over HTTP.
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { effects } from "../../src/actions/effects.ts";
import { type ClusterConnection, connectCluster } from "../../src/adapters/kubernetes/cluster-api.ts";
import type { EnginePorts } from "../../src/controller/engine-ports.ts";
import type { Append } from "../../src/controller/ports.ts";
import { resumeUndo, startUndo } from "../../src/controller/run-undo.ts";
import { openSession } from "../../src/controller/session.ts";
import type { ExecutionEvent } from "../../src/domain/execution/events.ts";
import { fold } from "../../src/domain/execution/evolve.ts";
import type { PatchEffect } from "../../src/domain/planning/effect.ts";
import {
  type RunningSimulation,
  startSimulatedCluster,
} from "../../src/simulation/start-simulated-cluster.ts";
import { recorded, running, started, step } from "../support/given.ts";
import { rawAdmin } from "../support/kube-control-plane.ts";
import { noMetrics } from "../support/no-metrics.ts";
import { emptyPauseStore, noPauses } from "../support/no-pauses.ts";

const quiet = { info: () => undefined, warn: () => undefined, error: () => undefined };
const path = "/apis/apps/v1/namespaces/shop/deployments/api";

describe("taking back a step that wrote two fields", () => {
  let simulation: RunningSimulation;
  let connection: ClusterConnection;
  beforeAll(async () => {
    simulation = await startSimulatedCluster();
    connection = connectCluster({ name: "prod-eu", kubeconfigText: simulation.kubeconfig });
  });
  afterAll(async () => {
    await connection.close();
    await simulation.stop();
  });

  let now = "2026-11-17T10:05:00.000Z";
  let effect: PatchEffect;
  /** The step has set replicas 2 -> 3 and minReadySeconds 0 -> 5. */
  beforeEach(async () => {
    const { cluster } = simulation;
    cluster.deploy({ namespace: "shop", name: "api", replicas: 2 });
    await changeAs("gitmend", { spec: { replicas: 3, minReadySeconds: 5 } });
    const { metadata } = cluster.get("deployments", "shop", "api")!;
    effect = {
      kind: "patch",
      object: {
        cluster: "prod-eu",
        apiVersion: "apps/v1",
        kind: "Deployment",
        namespace: "shop",
        name: "api",
      },
      uid: metadata.uid,
      resourceVersion: "1",
      changes: [
        { pointer: "/spec/replicas", before: 2, after: 3 },
        { pointer: "/spec/minReadySeconds", before: 0, after: 5 },
      ],
      missingParents: [],
    };
  });

  async function changeAs(manager: string, patch: object): Promise<void> {
    const send = rawAdmin(simulation.kubeconfig);
    const { code } = await send(
      "PATCH",
      `${path}?fieldManager=${manager}`,
      patch,
      "application/merge-patch+json",
    );
    expect(code).toBe(200);
  }
  const spec = () =>
    (simulation.cluster.get("deployments", "shop", "api") as unknown as { spec: object }).spec;

  function opened(...events: readonly ExecutionEvent[]) {
    const appends: Append[] = [];
    const ports = {
      executions: { append: async (append: Append) => void appends.push(append) },
      clusters: {
        labels: () => ({}),
        tools: (signal: AbortSignal) => ({ signal, cluster: () => connection.api(signal) }),
      },
      effects,
      lease: { valid: () => true },
      // No safety rule but protection stops an undo.
      mostReplicaChange: 0,
      protection: { namespaces: [], ownNamespace: null, ownNode: null },
      faults: { at: async () => undefined },
      clock: { now: () => now },
      log: quiet,
      metrics: noMetrics,
      pauses: noPauses,
      pauseStore: emptyPauseStore,
    } as unknown as EnginePorts;
    const made: ExecutionEvent[] = [...running([step("patch")]), started("patch", effect), ...events];
    const state = fold(recorded(made));
    const session = openSession({ id: "e1", epoch: 1 }, state, new AbortController().signal, ports);
    const written = () => appends.flatMap((append) => append.events.map(({ event }) => event));
    return { change: state.changes[0]!, session, ports, written };
  }

  /** The Deployment's own controllers write too: a try that they got in between of is made again, as the driver does. */
  async function takeBack({ session, ports, written }: ReturnType<typeof opened>) {
    for (;;) {
      const change = session.state().changes[0]!;
      if (change.undoStatus !== "none" && change.undoStatus !== "retrying")
        return written().filter((event) => "attempt" in event && event.attempt === change.undoAttempt);
      await startUndo(change, session, ports);
    }
  }

  it("gives back both", async () => {
    const written = await takeBack(opened());
    expect(written.map(({ type }) => type)).toEqual(["UndoStarted", "StepUndone"]);
    expect(spec()).toMatchObject({ replicas: 2, minReadySeconds: 0 });
  });

  it("gives back the one that nobody has changed, and tells people of the other", async () => {
    await changeAs("ana", { spec: { replicas: 7 } });
    const written = await takeBack(opened());
    expect(spec()).toMatchObject({ replicas: 7, minReadySeconds: 0 });
    expect(written).toMatchObject([
      {
        type: "UndoStarted",
        effect: { changes: [{ pointer: "/spec/minReadySeconds", before: 5, after: 0 }] },
      },
      {
        type: "UndoFailed",
        code: "FIELD_CHANGED_SINCE",
        message: "Deployment api was changed since: /spec/replicas by ana",
        retryable: false,
        details: { field: "/spec/replicas", found: 7, expected: 3, manager: "ana" },
      },
    ]);
  });

  it("says so too when another replica takes over after the write", async () => {
    await changeAs("ana", { spec: { replicas: 7 } });
    const before = opened();
    const restore = (await effects.prepareRestore(
      effect,
      { executionId: "e1", step: "patch", effectKey: "e1/patch/undo", cluster: "prod-eu", target: null },
      before.ports.clusters.tools(new AbortController().signal, "e1"),
    ))!;
    await changeAs("gitmend", { spec: { minReadySeconds: 0 } });
    const { change, session, ports, written } = opened({
      type: "UndoStarted",
      step: "patch",
      attempt: 1,
      call: null,
      effect: restore,
    });
    await resumeUndo(change, session, ports);
    expect(written()).toMatchObject([
      { type: "UndoFailed", code: "FIELD_CHANGED_SINCE", details: { field: "/spec/replicas" } },
    ]);
    expect(spec()).toMatchObject({ replicas: 7, minReadySeconds: 0 });
  });

  it("is tried again for ten minutes, then left to people", async () => {
    const { session, ports, written } = opened();
    const fault = { kind: "status", code: 429, retryAfterSeconds: 0 } as const;
    const placed = simulation.cluster.faults.add({ method: "PATCH", fault, times: Infinity });
    const ends: unknown[] = [];
    for (const at of ["10:05:00.000", "10:15:00.000", "10:15:00.001"]) {
      now = `2026-11-17T${at}Z`;
      await startUndo(session.state().changes[0]!, session, ports);
      ends.push(written().at(-1));
    }
    placed.remove();
    now = "2026-11-17T10:05:00.000Z";
    expect(ends).toMatchObject([
      { type: "UndoFailed", attempt: 1, code: "API_THROTTLED", retryable: true },
      { type: "UndoFailed", attempt: 2, retryable: true },
      { type: "UndoFailed", attempt: 3, retryable: false },
    ]);
    expect(spec()).toMatchObject({ replicas: 3, minReadySeconds: 5 });
  });

  it("writes nothing when both are somebody else's by now", async () => {
    await changeAs("ana", { spec: { replicas: 7, minReadySeconds: 9 } });
    simulation.cluster.effects.clear();
    const { change, session, ports, written } = opened();
    await startUndo(change, session, ports);
    expect(simulation.cluster.effects.all()).toEqual([]);
    expect(written()).toMatchObject([
      {
        type: "UndoFailed",
        details: { fields: [{ field: "/spec/replicas" }, { field: "/spec/minReadySeconds" }] },
      },
    ]);
  });
});
