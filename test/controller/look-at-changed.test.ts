// How the objects are that an execution has changed, looked at when people are needed.
import { describe, expect, it } from "vitest";
import { lookAtChanged } from "../../src/controller/look-at-changed.ts";
import { fold } from "../../src/domain/execution/evolve.ts";
import type { Effect, PatchEffect } from "../../src/domain/planning/effect.ts";
import { recorded, running, scaleEffect, started, step, target } from "../support/given.ts";

const scaleAgain: Effect = {
  ...(scaleEffect as PatchEffect),
  changes: [
    { pointer: "/spec/replicas", before: 3, after: 5 },
    { pointer: "/metadata/annotations/gitmend.dev~1effect", after: "e1/two" },
  ],
};
const pod = { cluster: "prod-eu", apiVersion: "v1", kind: "Pod", namespace: "shop", name: "api-0" };
const removal: Effect = {
  kind: "delete",
  object: pod,
  uid: "p1",
  resourceVersion: "9",
  gracePeriodSeconds: null,
};
const message: Effect = {
  kind: "send",
  channel: "sre",
  message: { title: "", text: "", severity: "info" },
};

async function found(effects: readonly Effect[], get: (name: string) => Promise<object | null>) {
  const steps = effects.map((_effect, n) => step(`s${n}`));
  const starts = effects.map((effect, n) => started(`s${n}`, effect));
  const state = fold(recorded([...running(steps), ...starts]));
  const tools = { cluster: () => ({ get: ({ name }: { name: string }) => get(name) }) };
  const clusters = { tools: () => tools } as unknown as Parameters<typeof lookAtChanged>[1]["clusters"];
  return lookAtChanged({ id: "e1", state: () => state }, { clusters });
}

describe("what was changed", () => {
  it("is looked at once an object, against what was written last", async () => {
    const api = { metadata: { uid: "u1" }, spec: { replicas: 7 } };
    expect(await found([scaleEffect, scaleAgain, message], async () => api)).toEqual([
      {
        object: target,
        state: "there",
        problem: null,
        changes: [{ pointer: "/spec/replicas", before: 5, after: 7 }],
      },
    ]);
  });
  it("may be gone, or another one of the same name", async () => {
    expect(await found([scaleEffect], async () => null)).toMatchObject([{ state: "gone" }]);
    expect(await found([removal], async () => ({ metadata: { uid: "p2" } }))).toMatchObject([
      { object: pod, state: "replaced" },
    ]);
  });
  it("may be out of sight, which holds nothing up and hides nothing of the others", async () => {
    const seen = await found([scaleEffect, removal], async (name) => {
      if (name === "api") throw new Error("connect ECONNREFUSED");
      return { metadata: { uid: "p1" } };
    });
    expect(seen).toMatchObject([
      { object: target, state: "unread", problem: expect.stringContaining("ECONNREFUSED"), changes: [] },
      { object: pod, state: "there" },
    ]);
  });
  it("asks nobody where nothing was changed", async () => {
    expect(await found([message], () => Promise.reject(new Error("asked")))).toEqual([]);
  });
});
