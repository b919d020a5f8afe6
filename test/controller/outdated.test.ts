import { describe, expect, it } from "vitest";
import type { Action } from "../../src/actions/action.ts";
import type { EnginePorts } from "../../src/controller/engine-ports.ts";
import { overwrites, stillAsPlanned } from "../../src/controller/outdated.ts";
import type { Session } from "../../src/controller/session.ts";
import { fold } from "../../src/domain/execution/evolve.ts";
import type { FieldChange } from "../../src/domain/planning/effect.ts";
import { Problem } from "../../src/domain/problem.ts";
import { approvalGate, plan, requested, scaleEffect, target } from "../fixtures/executions.ts";
import { recorded, step } from "../support/given.ts";

const scale = step("make-room", { call: { action: "scale_deployment", input: { replicas: 4 } } });
const approved = recorded([
  requested(),
  {
    type: "Planned",
    plan: { ...plan, steps: [scale] },
    previews: [{ step: "make-room", summary: "2 -> 4", changes: scaleEffect.changes, source: "server" }],
  },
  { type: "GateDecided", gate: approvalGate },
  { type: "ApprovalGranted", approvals: [], commit: "1".repeat(40) },
]);

/** What the approved plan meets now: the object's uid, and what preparing and dry-running its step say. */
async function meets({
  clusters = [target.cluster],
  uid = target.uid,
  refusal = null,
  changes = scaleEffect.changes,
}: {
  clusters?: readonly string[];
  uid?: string;
  refusal?: Problem | null;
  changes?: readonly FieldChange[];
}): Promise<string | null> {
  const session = { id: "e1", signal: new AbortController().signal, state: () => fold(approved) } as Session;
  const action = {
    changes: true,
    prepare: async () => (refusal === null ? scaleEffect : Promise.reject(refusal)),
  } as unknown as Action;
  const ports = {
    actions: new Map([["scale_deployment", action]]),
    effects: { dryRun: async () => changes },
    clusters: {
      names: clusters,
      tools: () => ({ cluster: () => ({ get: async () => ({ metadata: { uid } }) }) }),
    },
  } as unknown as EnginePorts;
  return stillAsPlanned(session, ports);
}

describe("a plan that was approved a while ago", () => {
  it("runs when everything is as people were shown", async () => {
    expect(await meets({})).toBeNull();
  });
  it("runs when only what will be written differs, as a time stamp does", async () => {
    expect(await meets({ changes: [{ pointer: "/spec/replicas", before: 2, after: 5 }] })).toBeNull();
  });
  it("is outdated when its cluster is no longer configured: nobody waits for that", async () => {
    expect(await meets({ clusters: ["prod-us"] })).toBe(
      "there is no cluster prod-eu in the configuration any more",
    );
  });
  it("is outdated when the target is another object of the same name", async () => {
    expect(await meets({ uid: "another" })).toMatch(/deleted or replaced/);
  });
  it("is outdated when a field no longer holds what the diff showed", async () => {
    expect(await meets({ changes: [{ pointer: "/spec/replicas", before: 3, after: 4 }] })).toMatch(
      /not as the approved diff/,
    );
  });
  it.each(["NOTHING_TO_ROLL_BACK", "TARGET_GONE", "PRECONDITION_FAILED"] as const)(
    "is outdated when its step can no longer be made (%s), instead of being asked for ever",
    async (code) => {
      expect(await meets({ refusal: new Problem(code, "somebody was faster") })).toMatch(
        /make-room can no longer be made as it was approved: somebody was faster/,
      );
    },
  );
  it.each([
    new Problem("API_OUTCOME_UNKNOWN", "no answer", { retryable: true }),
    new Problem("PRECONDITION_FAILED", "a rollout is under way", { retryable: true }),
    new Problem("API_UNREACHABLE", "given up before it was sent"),
  ])("waits while it cannot be known: $message", async (refusal) => {
    await expect(meets({ refusal })).rejects.toBe(refusal);
  });
});

describe("a step that is tried again", () => {
  const again = (before: number, pointer = "/spec/replicas") =>
    overwrites(scaleEffect, {
      ...scaleEffect,
      resourceVersion: "later",
      changes: [{ pointer, before, after: 4 }],
    } as typeof scaleEffect);

  it("goes on when only the object's version is another", () => {
    expect(again(2)).toBeNull();
  });
  it("does not write over what somebody wrote into its field meanwhile", () => {
    expect(again(7)).toMatchObject({ code: "FIELD_CHANGED_SINCE", retryable: false });
  });
  it("does not write a field that it had no need to write at first", () => {
    expect(again(2, "/spec/paused")).toMatchObject({ code: "FIELD_CHANGED_SINCE" });
  });
});
