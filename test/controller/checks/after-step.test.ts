// What stands in the cluster after a step: kept, taken back, changed on the way, or written on by somebody else.
import { describe, expect, it } from "vitest";
import type { Action, ActionTools } from "../../../src/actions/action.ts";
import type { KubernetesObject } from "../../../src/domain/facts/objects.ts";
import type { Effect, PatchEffect } from "../../../src/domain/planning/effect.ts";
import { Problem, type ProblemCode } from "../../../src/domain/problem.ts";
import { asWritten } from "../../support/as-written.ts";
import { scaleEffect, step } from "../../support/given.ts";
import { nowInTests, startOne } from "../../support/start-one.ts";

const scale = step("scale", { call: { action: "scale_deployment", input: {} } });
const action = (effect: Effect) =>
  ({
    name: "scale_deployment",
    changes: true,
    idempotent: true,
    input: { type: "object" },
    prepare: async () => effect,
    settle: async () => ({}),
  }) as unknown as Action;

const written = (replicas: number | null, manager?: string): KubernetesObject => {
  const object = asWritten(scaleEffect) as KubernetesObject;
  const fieldsV1 = { "f:spec": { "f:replicas": {} } };
  return {
    ...object,
    metadata: {
      ...object.metadata,
      ...(manager === undefined ? {} : { managedFields: [{ manager, fieldsV1 }] }),
    },
    spec: replicas === null ? {} : { replicas },
  };
};
const serving = (object: KubernetesObject, readyReplicas: number): KubernetesObject => ({
  ...object,
  metadata: { ...object.metadata, generation: 4 },
  status: {
    observedGeneration: 4,
    replicas: 3,
    updatedReplicas: 3,
    readyReplicas,
    availableReplicas: readyReplicas,
  },
});

/** One step; `before` stands in the cluster until the effect is made, `after` one by one from then on. Time passes with each wait. */
async function stepOn(
  after: readonly (KubernetesObject | Problem | null)[],
  { before = null, effect = scaleEffect }: { before?: KubernetesObject | null; effect?: Effect } = {},
) {
  const sent: Effect[] = [];
  const left = [...after];
  let reads = 0;
  let milliseconds = Date.parse(nowInTests);
  const get = async () => {
    if (sent.length === 0) return before;
    reads += 1;
    const next = left.length > 1 ? left.shift() : left[0];
    if (next instanceof Problem) throw next;
    return next ?? null;
  };
  const tools = {
    cluster: () => ({ get, list: async () => [] }),
    now: () => new Date(milliseconds).toISOString(),
    sleep: async (seconds: number) => void (milliseconds += seconds * 1000),
  } as unknown as Partial<ActionTools>;
  const effects = { apply: async (made: Effect) => void sent.push(made) } as never;
  const { events, session } = await startOne({
    steps: [scale],
    action: action(effect),
    tools,
    ports: { effects },
  });
  return { events: events.slice(1), reads, session };
}

describe("after a step", () => {
  it("is content with one look where the fields hold what was written", async () => {
    const { events, reads } = await stepOn([written(3, "gitmend")]);
    expect(events).toMatchObject([{ type: "StepSucceeded" }]);
    expect(reads).toBe(1);
  });

  it.each([
    [
      "taken back, by whom its manager says",
      written(2, "argocd-controller"),
      "/spec/replicas is 2, and 3 was written; argocd-controller took it back",
    ],
    ["taken back by nobody knows whom", written(2), "somebody took it back"],
    [
      "changed on its way into the store",
      written(4, "gitmend"),
      "/spec/replicas is 4, and 3 was written; an admission webhook",
    ],
    ["dropped", written(null), "/spec/replicas is absent, and 3 was written"],
  ])(
    "fails when a field was %s: the change was made, so it can be taken back",
    async (_what, now, message) => {
      const { events, session } = await stepOn([now]);
      expect(events).toMatchObject([
        {
          type: "StepFailed",
          code: "FIELD_NOT_KEPT",
          changed: true,
          retryable: false,
          message: expect.stringContaining(message) as string,
        },
      ]);
      expect(session.state().changes).toHaveLength(1);
    },
  );

  it("leaves to somebody else what they have made of it since", async () => {
    const { events } = await stepOn([written(7, "kubectl-edit")]);
    expect(events).toMatchObject([{ type: "StepSucceeded" }]);
  });

  it("does not mind what the server adds beside what was written", async () => {
    const labels = {
      ...(scaleEffect as PatchEffect),
      changes: [{ pointer: "/metadata/labels", after: { tier: "web" } }],
    };
    const object = asWritten(labels) as KubernetesObject;
    const now = { ...object, metadata: { ...object.metadata, labels: { tier: "web", injected: "yes" } } };
    const { events } = await stepOn([now], { effect: labels });
    expect(events).toMatchObject([{ type: "StepSucceeded" }]);
  });

  it("sees that what was removed is there again", async () => {
    const removed = { ...(scaleEffect as PatchEffect), changes: [{ pointer: "/spec/replicas", before: 3 }] };
    const { events } = await stepOn([written(3, "kube-controller-manager")], { effect: removed });
    expect(events).toMatchObject([{ type: "StepFailed", code: "FIELD_NOT_KEPT" }]);
  });

  it.each([
    ["is gone", null],
    [
      "is being deleted",
      { ...written(3), metadata: { ...written(3).metadata, deletionTimestamp: nowInTests } },
    ],
    ["is another one of that name", { ...written(3), metadata: { ...written(3).metadata, uid: "u2" } }],
  ])("fails when the object %s", async (_what, now) => {
    const { events } = await stepOn([now]);
    expect(events).toMatchObject([{ type: "StepFailed", code: "TARGET_GONE", changed: true }]);
  });

  it("shows no secret that was written", async () => {
    const pointer = "/data/password";
    const secret = {
      ...(scaleEffect as PatchEffect),
      changes: [{ pointer, before: "old-hunter2", after: "new-hunter2" }],
    };
    const { events } = await stepOn(
      [asWritten({ ...secret, changes: [{ pointer, after: "old-hunter2" }] })],
      { effect: secret },
    );
    expect(events).toMatchObject([{ type: "StepFailed", code: "FIELD_NOT_KEPT" }]);
    expect(JSON.stringify(events)).not.toContain("hunter2");
  });

  it("waits a little for pods that were ready, and is content when they are back", async () => {
    const before = serving(written(2), 3);
    const { events } = await stepOn([serving(written(3), 1), serving(written(3), 3)], { before });
    expect(events).toMatchObject([{ type: "StepSucceeded" }]);
  });

  it("fails when fewer pods are ready than before, and says how many", async () => {
    const { events } = await stepOn([serving(written(3), 1)], { before: serving(written(2), 2) });
    expect(events).toMatchObject([
      {
        type: "StepFailed",
        code: "NOT_HEALTHY",
        changed: true,
        message: expect.stringMatching(/1 pods? (is|are) ready, before the step there were 2/) as string,
      },
    ]);
  });

  it("does not count pods that a rollout replaces, nor pods that were not ready before", async () => {
    const rolling = { ...serving(written(3), 1), status: { observedGeneration: 3, readyReplicas: 1 } };
    expect((await stepOn([rolling], { before: serving(written(2), 2) })).events).toMatchObject([
      { type: "StepSucceeded" },
    ]);
    expect((await stepOn([serving(written(3), 0)], { before: serving(written(2), 0) })).events).toMatchObject(
      [{ type: "StepSucceeded" }],
    );
  });

  const answer = (code: ProblemCode) => new Problem(code, "no", { retryable: true });
  it.each(["API_THROTTLED", "API_OUTCOME_UNKNOWN", "API_UNREACHABLE"] as const)(
    "asks again when the API server does not say (%s)",
    async (code) => {
      const { events, reads } = await stepOn([answer(code), answer(code), written(3)]);
      expect(events).toMatchObject([{ type: "StepSucceeded" }]);
      expect(reads).toBe(3);
    },
  );
  it("does not call done what nobody could look at", async () => {
    const { events } = await stepOn([answer("API_OUTCOME_UNKNOWN")]);
    expect(events).toMatchObject([
      {
        type: "StepFailed",
        code: "NOT_HEALTHY",
        changed: true,
        message: expect.stringContaining("did not answer") as string,
      },
    ]);
  });
});
