// An effect that could not be taken back for lack of rights is not made.
import { describe, expect, it } from "vitest";
import type { Action } from "../../../src/actions/action.ts";
import { actions } from "../../../src/actions/registry.ts";
import { missingAccessOf } from "../../../src/adapters/kubernetes/missing-access.ts";
import { undoAccess } from "../../../src/controller/checks/undo-access.ts";
import type { AccessQuestion } from "../../../src/controller/rbac-in-use.ts";
import type { Effect } from "../../../src/domain/planning/effect.ts";
import type { ActionCall, Undo } from "../../../src/domain/planning/plan.ts";
import { scaleEffect, step, target } from "../../support/given.ts";
import { startOne } from "../../support/start-one.ts";

const context = { executionId: "e1", step: "scale", effectKey: "e1/scale", cluster: "prod-eu", target };
const find = ({ action }: ActionCall) => actions.find(({ name }) => name === action)!;
const job: Effect = {
  kind: "create",
  object: { cluster: "prod-eu", apiVersion: "batch/v1", kind: "Job", namespace: "shop", name: "clean" },
  manifest: {},
  provenUntil: "2026-11-17T11:00:00.000Z",
};
const needs = (undo: Undo, effect: Effect) =>
  undoAccess(undo, effect, context, find).map(
    ({ verb, object }) => `${verb} ${object.kind} ${object.namespace}/${object.name}`,
  );

describe("what taking an effect back needs", () => {
  it.each<[string, Undo, Effect, readonly string[]]>([
    ["old values written back", { how: "restore" }, scaleEffect, ["patch Deployment shop/api"]],
    ["a Job that is ended", { how: "stop", why: "" }, job, ["delete Job shop/clean"]],
    [
      "a Job that is ended, and what its step names",
      { how: "action", call: { action: "scale_deployment", input: { replicas: 2 } } },
      job,
      ["delete Job shop/clean", "patch Deployment shop/api"],
    ],
    [
      "a check that only reads",
      { how: "action", call: { action: "validate_pod_health", input: {} } },
      scaleEffect,
      [],
    ],
    ["nothing", { how: "nothing", why: "it cannot be" }, scaleEffect, []],
  ])("%s", (_what, undo, effect, expected) => {
    expect(needs(undo, effect)).toEqual(expected);
  });
});

describe("a step whose undo the account may not make", () => {
  const run = async (may: (question: AccessQuestion) => boolean) => {
    const sent: Effect[] = [];
    const { events } = await startOne({
      steps: [
        step("create", {
          call: { action: "run_job", input: {} },
          undo: { how: "stop", why: "what it has done stays" },
          retry: { attempts: 1, backoffSeconds: 0, maxBackoffSeconds: 0 },
        }),
      ],
      action: {
        name: "run_job",
        changes: true,
        idempotent: true,
        input: { type: "object" },
        prepare: async () => job,
        settle: async () => ({}),
      } as unknown as Action,
      tools: { cluster: () => ({ get: async () => null, list: async () => [] }) as never },
      ports: {
        effects: { apply: async (effect: Effect) => void sent.push(effect) } as never,
        missingAccess: missingAccessOf(() => async (question) => may(question)),
      },
    });
    return { sent, events };
  };
  it("is refused before it has changed anything, and says which right is for the undo", async () => {
    const { sent, events } = await run(({ verb }) => verb !== "delete");
    expect(sent).toEqual([]);
    expect(events.find(({ type }) => type === "StepFailed")).toMatchObject({
      code: "ACCESS_MISSING",
      changed: false,
      message: expect.stringMatching(
        /may not delete jobs\.batch in namespace shop of cluster prod-eu, and without that this step could not be taken back: grant/,
      ) as string,
    });
  });
  it("is made once the right is there", async () => {
    const { sent, events } = await run(() => true);
    expect(sent).toEqual([job]);
    expect(events.some(({ type }) => type === "StepSucceeded")).toBe(true);
  });
});
