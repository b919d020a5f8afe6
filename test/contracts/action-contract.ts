// What every action that changes something must do, over the whole registry: change once, be found again, be taken back
// only where nobody else has changed it since, and change nothing in a dry-run; all of it with the permissions it asks for and no more.
import { Ajv } from "ajv";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import type { ActionContext, ActionInput, ActionTools, ChangeAction } from "../../src/actions/action.ts";
import { effects } from "../../src/actions/effects.ts";
import { valueAt } from "../../src/actions/json-pointer.ts";
import { actions } from "../../src/actions/registry.ts";
import { assertStands } from "../../src/controller/checks/after-step.ts";
import type { KubernetesObject, ObjectRef } from "../../src/domain/facts/objects.ts";
import type { Effect, PatchEffect } from "../../src/domain/planning/effect.ts";
import { toProblem } from "../../src/domain/problem.ts";
import { actionBehaviour } from "../actions/action-behaviour.ts";
import { engineRuns } from "../actions/engine-runs.ts";
import { lostBinding } from "../actions/given-bindings.ts";
import { stuckClaim } from "../actions/given-claims.ts";
import { type ActionSubject, type GivenCluster, givenCluster } from "../actions/given-cluster.ts";
import { givenArgo, givenTekton, playArgo, playJob, playTekton } from "../actions/given-engines.ts";
import { playHelm, releaseOf } from "../actions/given-helm.ts";
import { givenReconcilers, playArgoCd, playFlux, putReconciler } from "../actions/given-reconcilers.ts";
import { helmRollbacks } from "../actions/helm-rollbacks.ts";
import { largeChanges } from "../actions/large-changes.ts";
import { nodeChanges } from "../actions/node-changes.ts";
import { reconcilerBehaviour } from "../actions/reconciler-behaviour.ts";
import { restoredRights } from "../actions/restored-rights.ts";
import { eventually } from "../support/eventually.ts";

interface Arranged {
  readonly input: ActionInput;
  readonly target: KubernetesObject;
}

interface ChangeCase {
  /** `name` is free in this cluster. */
  arrange(given: GivenCluster, name: string): Promise<Arranged>;
  /** A merge patch with which somebody else writes the same field: another value, or the old one where there are only two. */
  readonly disturb: object | null;
  /** What the undo makes of that. */
  readonly undo?: "refuses" | "has nothing to do";
  /** It makes an object, which its undo takes away. */
  readonly creates?: true;
  /** Plays the engine that does the work, where the cluster has none. */
  readonly done?: (given: GivenCluster, object: ObjectRef) => Promise<void>;
}

const twoPods: ChangeCase["arrange"] = async (given, name) => ({
  input: { replicas: 3 },
  target: await given.deployed(name),
});
const node =
  (name: string, unschedulable: true | null): ChangeCase["arrange"] =>
  async (given) => {
    const ref = given.ref("Node", name);
    await given.changeAs("kubectl", ref, { spec: { unschedulable } });
    const isTainted = ({ spec = {} }: KubernetesObject) =>
      JSON.stringify(spec["taints"] ?? []).includes("node.kubernetes.io/unschedulable");
    // The cluster's own controller follows with a taint.
    if (given.subject.simulated === null)
      await eventually(
        "its taint follows",
        async () => isTainted(await given.read(ref)) === (unschedulable === true),
      );
    return { input: {}, target: await given.read(ref) };
  };
const sized = (memory: string) => {
  const resources = { requests: { memory: "64Mi" }, limits: { memory } };
  return [{ name: "app", image: "example.test/app:1.0.0", resources }];
};
const containers = (list: object) => ({ spec: { template: { spec: { containers: list } } } });
/** Only pods of this test run on the node, so that none comes between the plan and the drain. */
const quietNode: ChangeCase["arrange"] = async (given, name) => {
  await given.empty();
  await given.deployed(name, 4);
  return {
    input: { wait_timeout: "60s" },
    target: await given.read(given.ref("Node", "node-2")),
  };
};
/** Nobody can pull its image, so that it runs on until it is stopped. */
const stuckJob: ChangeCase["arrange"] = async (given, name) => ({
  input: { image: "example.test/does-not-exist:1.0.0", cpu: "100m", memory: "64Mi", env: { NAME: name } },
  target: await given.deployed(name, 1),
});
const workflowOf: ChangeCase["arrange"] = async (given, name) => {
  await givenArgo(given, "nightly");
  return { input: { template: "nightly", parameters: { name } }, target: await given.deployed(name, 1) };
};
const pipelineOf: ChangeCase["arrange"] = async (given, name) => {
  await givenTekton(given, "nightly");
  return { input: { pipeline: "nightly", params: { name } }, target: await given.deployed(name, 1) };
};
const tainted: ChangeCase["arrange"] = async (given) => {
  const taints = [
    { key: "maintenance", value: "disk", effect: "NoSchedule" },
    { key: "dedicated", effect: "PreferNoSchedule" },
  ];
  await given.changeAs("kubectl", given.ref("Node", "node-1"), { spec: { taints } });
  return { input: { key: "maintenance" }, target: await given.read(given.ref("Node", "node-1")) };
};
const reconcilerOf =
  (kind: string, spec: object, annotations: object = {}): ChangeCase["arrange"] =>
  async (given, name) => {
    await givenReconcilers(given);
    await putReconciler(given, kind, name, { spec, metadata: { annotations } });
    const target = await given.deployed(name, 1);
    const input = { namespace: given.namespace, name };
    return { input: kind === "Application" ? input : { ...input, kind }, target };
  };
const suspendedHere = '{"execution":"01900000-0000-7000-8000-000000000001"}';
const otherImage = [{ name: "app", image: "example.test/app:9.9.9" }];
const otherTime = { "kubectl.kubernetes.io/restartedAt": "2020-01-01T00:00:00Z" };

/** One for each action that changes the cluster. */
const cases: Readonly<Record<string, ChangeCase>> = {
  scale_deployment: { arrange: twoPods, disturb: { spec: { replicas: 1 } }, undo: "refuses" },
  restart_deployment: {
    arrange: async (given, name) => ({ input: {}, target: await given.deployed(name) }),
    disturb: { spec: { template: { metadata: { annotations: otherTime } } } },
    undo: "refuses",
  },
  rollback_deployment: {
    arrange: async (given, name) => {
      await given.deployed(name);
      await given.broken(name);
      return { input: { timeout: "30s" }, target: await given.read(given.ref("Deployment", name)) };
    },
    disturb: { spec: { template: { spec: { containers: otherImage } } } },
    undo: "refuses",
  },
  restart_pod: {
    arrange: async (given, name) => {
      const target = await given.deployed(name);
      const [pod] = await given.podsOf(name);
      return { input: { pod: pod!.metadata.name }, target };
    },
    disturb: null,
  },
  increase_resources: {
    arrange: async (given, name) => ({
      input: { memory: { factor: 2, max: "1Gi" } },
      target: await given.deployed(name, 1, sized("128Mi")),
    }),
    disturb: containers([
      { ...sized("512Mi")[0], resources: { requests: { memory: "100Mi" }, limits: { memory: "512Mi" } } },
    ]),
    undo: "refuses",
  },
  patch_resource: {
    arrange: async (given, name) => ({
      input: { patch: { spec: { minReadySeconds: 1, revisionHistoryLimit: 3 } } },
      target: await given.deployed(name, 1),
    }),
    disturb: { spec: { minReadySeconds: 2, revisionHistoryLimit: 4 } },
    undo: "refuses",
  },
  drain_node: {
    arrange: quietNode,
    disturb: { spec: { unschedulable: null } },
    undo: "has nothing to do",
  },
  untaint_node: {
    arrange: tainted,
    disturb: { spec: { taints: [{ key: "other", effect: "NoSchedule" }] } },
    undo: "refuses",
  },
  suspend_gitops: {
    arrange: reconcilerOf("Kustomization", { path: "./apps" }),
    disturb: {
      metadata: { annotations: { "gitmend.dev/suspended": "no longer" } },
      spec: { suspend: false },
    },
    undo: "refuses",
  },
  resume_gitops: {
    arrange: reconcilerOf("Kustomization", { suspend: true }, { "gitmend.dev/suspended": suspendedHere }),
    disturb: null,
  },
  reconcile_flux: { arrange: reconcilerOf("Kustomization", {}), disturb: null, done: playFlux },
  sync_argo_application: { arrange: reconcilerOf("Application", {}), disturb: null, done: playArgoCd },
  rollback_helm_release: { arrange: releaseOf, disturb: null, done: playHelm },
  run_job: { arrange: stuckJob, disturb: null, done: playJob },
  run_argo_workflow: { arrange: workflowOf, disturb: null, done: playArgo },
  run_tekton_pipeline: { arrange: pipelineOf, disturb: null, done: playTekton },
  restore_role_binding: { arrange: lostBinding, disturb: { subjects: [] }, creates: true },
  recreate_claim: { arrange: stuckClaim, disturb: null },
  cordon_node: {
    arrange: node("node-1", null),
    disturb: { spec: { unschedulable: null } },
    undo: "has nothing to do",
  },
  uncordon_node: {
    arrange: node("node-2", true),
    disturb: { spec: { unschedulable: true } },
    undo: "has nothing to do",
  },
};

interface Ready extends Arranged {
  /** The input before it was resolved. */
  readonly written: ActionInput;
  readonly context: ActionContext;
}

interface Prepared extends Ready {
  readonly effect: ObjectEffect;
}

type ObjectEffect = Exclude<Effect, { kind: "send" | "request" | "branch" }>;

function onObject(effect: Effect): ObjectEffect {
  if (effect.kind === "send" || effect.kind === "request" || effect.kind === "branch")
    throw new Error("it changes no object");
  return effect;
}

export function actionContract(name: string, start: () => Promise<ActionSubject>): void {
  describe(`the actions on ${name}`, () => {
    let given: GivenCluster;
    let count = 0;

    beforeAll(async () => {
      given = await givenCluster(await start());
    }, 120_000);

    afterAll(async () => {
      await given?.stop();
    }, 60_000);

    const changing = actions.filter(
      (action): action is ChangeAction => action.changes && action.rbac.length > 0,
    );

    it("are all covered here", () => {
      expect(Object.keys(cases).toSorted()).toEqual(changing.map((action) => action.name).toSorted());
    });

    describe.each(changing.map((action) => [action.name, action] as const))("%s", (_, action) => {
      let tools: ActionTools;
      beforeAll(async () => {
        tools = await given.toolsOf(action);
      });
      afterEach(async () => {
        for (const name of ["node-1", "node-2"])
          await given.changeAs("kubectl", given.ref("Node", name), {
            spec: { unschedulable: null, taints: null },
          });
      });

      async function arranged(): Promise<Ready> {
        count += 1;
        const { input, target } = await cases[action.name]!.arrange(given, `app-${count}`);
        const context = given.context(`step-${count}`, target);
        const resolved = (await action.resolve?.(input, context, tools)) ?? input;
        given.subject.simulated?.effects.clear();
        return { input: resolved, written: input, target, context };
      }

      async function prepared(): Promise<Prepared> {
        const ready = await arranged();
        return { ...ready, effect: onObject(await action.prepare(ready.input, ready.context, tools)) };
      }

      /** Prepares anew when a controller wrote in between, as the engine does. */
      async function attempted<T>(
        work: (effect: Prepared["effect"], context: ActionContext) => Promise<T>,
      ): Promise<Prepared & { readonly result: T; readonly before: KubernetesObject | null }> {
        const ready = await arranged();
        for (let tries = 1; ; tries += 1) {
          const effect = onObject(await action.prepare(ready.input, ready.context, tools));
          const before = await given.api.get(effect.object);
          try {
            return { ...ready, effect, before, result: await work(effect, ready.context) };
          } catch (error) {
            if (tries === 20 || toProblem(error).code !== "API_CONFLICT") throw error;
          }
        }
      }

      const made = () => attempted((effect, context) => effects.apply(effect, context, tools));

      const problemOf = async (work: Promise<unknown>) => work.then(() => "it succeeded", toProblem);

      const persisted = (effect: ObjectEffect) => {
        const one = effect.kind === "create" ? { name: effect.object.name } : { uid: effect.uid };
        return given.subject.simulated?.effects.count({ manager: "gitmend", ...one }) ?? null;
      };

      it("works without permissions that it does not ask for", async () => {
        const readsSecrets = action.rbac.some(({ resource }) => resource === "secrets");
        const kind = readsSecrets ? "ConfigMap" : "Secret";
        const others = { apiVersion: "v1", kind, namespace: given.namespace };
        await expect(tools.cluster("test").list(others)).rejects.toMatchObject({ code: "API_FORBIDDEN" });
      });

      it("knows the object that it touches before it reads anything", async () => {
        const { input, written, context, effect } = await prepared();
        const { name, ...place } = effect.object;
        // What is created gets the effect's key added to its name.
        const known = effect.kind === "create" ? name.slice(0, "gitmend-12345678".length) : name;
        expect(action.objects(written, context)).toEqual([{ ...place, name: known }]);
        expect(action.objects(input, context)[0]).toEqual({ ...place, name: known });
      });

      it("shows what would change and changes nothing in a dry-run", async () => {
        const {
          effect,
          result: changes,
          before,
        } = await attempted((one, context) => effects.dryRun(one, context, tools));
        const after = await given.api.get(effect.object);
        expect(after?.metadata.uid).toBe(before?.metadata.uid);
        expect(after?.spec).toEqual(before?.spec);
        expect(marks(after)).toEqual(marks(before));
        expect(after?.metadata.deletionTimestamp).toBeUndefined();
        expect(persisted(effect)).toBeOneOf([0, null]);
        const text = JSON.stringify(changes);
        expect(text).not.toMatch(/managedFields|resourceVersion|hunter2/);
        // A Job's pods are labelled for whoever looks for them: that is part of what is created.
        if (effect.kind !== "create") expect(text).not.toMatch(/gitmend\.dev\/(execution|effect)/);
        for (const pointer of pointersOf(effect)) {
          // A parent that did not exist is shown with all that is in it.
          const shown = changes.some(
            (change) => isWithin(change.pointer, pointer) || isWithin(pointer, change.pointer),
          );
          expect(shown, `${pointer} in ${text}`).toBe(true);
        }
      });

      it("is found out not to have happened before it is made", async () => {
        const { context, effect } = await prepared();
        await expect(effects.didItHappen(effect, context, tools)).resolves.toBe("no");
      });

      it("happens once, is found again, and is refused the second time", async () => {
        const { context, effect } = await made();
        await expect(effects.didItHappen(effect, context, tools)).resolves.toBe("yes");
        const again = await problemOf(effects.apply(effect, context, tools));
        expect(again).toMatchObject({ code: expect.stringMatching(/^API_CONFLICT$|^API_NOT_FOUND$/) });
        if (effect.kind !== "delete") expect(again).toMatchObject({ code: "API_CONFLICT" });
        expect(persisted(effect)).toBeOneOf([1, null]);
        await expect(effects.didItHappen(effect, context, tools)).resolves.toBe("yes");
      });

      it("gives an output that its schema allows", async () => {
        const { input, context, effect } = await made();
        await cases[action.name]!.done?.(given, effect.object);
        const output = await action.settle(input, effect, context, tools);
        const validate = new Ajv({ allowUnionTypes: true }).compile(action.output);
        expect(validate(output), JSON.stringify([output, validate.errors])).toBe(true);
      });

      if (action.undo.how === "stop") {
        it("is stopped while it runs, once, and what has ended is left alone", async () => {
          const { context, effect } = await made();
          const undo: ActionContext = { ...context, effectKey: `${context.effectKey}/undo` };
          const stop = await restored(effect, undo);
          await expect(effects.didItHappen(stop, undo, tools)).resolves.toBe("yes");
          const again = await made();
          await cases[action.name]!.done?.(given, again.effect.object);
          await expect(effects.prepareRestore(again.effect, again.context, tools)).resolves.toBeNull();
        });
        it("is waited for until it ends, and has failed when somebody takes it away", async () => {
          const { input, context, effect } = await made();
          await given.removed(effect.object);
          await expect(action.settle(input, effect, context, tools)).rejects.toMatchObject({
            code: "RUN_FAILED",
          });
        });
        it("that is gone is not made again once it may have been cleared away", async () => {
          const { context, effect } = await prepared();
          const later = { ...effect, provenUntil: "2020-01-01T00:00:00.000Z" } as Effect;
          await expect(effects.didItHappen(later, context, tools)).resolves.toBe("unknown");
        });
      }

      async function restored(effect: Effect, context: ActionContext): Promise<Effect> {
        for (let tries = 1; ; tries += 1) {
          const restore = await effects.prepareRestore(effect, context, tools);
          if (restore === null) throw new Error("there is nothing to restore");
          try {
            await effects.apply(restore, context, tools);
            return restore;
          } catch (error) {
            if (tries === 20 || toProblem(error).code !== "API_CONFLICT") throw error;
          }
        }
      }

      if (cases[action.name]!.creates === true) {
        it("is taken away again once, unless somebody has changed it since", async () => {
          const { context, effect } = await made();
          const undo: ActionContext = { ...context, effectKey: `${context.effectKey}/undo` };
          await restored(effect, undo);
          expect(await given.api.get(effect.object)).toBeNull();
          await expect(effects.prepareRestore(effect, undo, tools)).resolves.toBeNull();
          const again = await made();
          await given.changeAs("ana", again.effect.object, cases[action.name]!.disturb!);
          expect(await problemOf(effects.prepareRestore(again.effect, again.context, tools))).toMatchObject({
            code: "FIELD_CHANGED_SINCE",
            details: { field: "/subjects" },
          });
        });
      }
      if (action.undo.how !== "restore" || cases[action.name]!.creates === true) return;

      it("is taken back: the fields hold their old values, and there is nothing left to take back", async () => {
        const { context, effect } = await made();
        const undo: ActionContext = { ...context, effectKey: `${context.effectKey}/undo` };
        const restore = await restored(effect, undo);
        const object = await given.read(effect.object);
        for (const { pointer, before } of (effect as PatchEffect).changes) {
          expect(valueAt(object, pointer)).toEqual(before);
        }
        await expect(effects.didItHappen(restore, undo, tools)).resolves.toBe("yes");
        await expect(effects.prepareRestore(effect, undo, tools)).resolves.toBeNull();
      });

      it("is kept as it was written, until somebody takes it back", async () => {
        const { context, effect } = await made();
        await expect(assertStands(effect, null, 0, tools)).resolves.toBeUndefined();
        await restored(effect, { ...context, effectKey: `${context.effectKey}/undo` });
        expect(await problemOf(assertStands(effect, null, 0, tools))).toMatchObject({
          code: "FIELD_NOT_KEPT",
        });
      });

      const { disturb, undo: answer } = cases[action.name]!;
      it(`${answer} when it is taken back after somebody else has written the same field`, async () => {
        const { context, effect } = await made();
        await given.changeAs("ana", effect.object, disturb!);
        const kept = await problemOf(assertStands(effect, null, 0, tools));
        // The old value is a step taken back; another one is what somebody has made of it.
        if (answer === "refuses") expect(kept).toBe("it succeeded");
        else expect(kept).toMatchObject({ code: "FIELD_NOT_KEPT" });
        const found = await given.read(effect.object);
        const undone = effects.prepareRestore(effect, context, tools);
        if (answer === "has nothing to do") {
          await expect(undone).resolves.toBeNull();
          return;
        }
        const refused = await undone.then(() => null, toProblem);
        // API servers may leave the field to who created the object too, and the test is done within a second.
        const manager = expect.stringMatching(/\bana\b/);
        expect(refused).toMatchObject({ code: "FIELD_CHANGED_SINCE", details: { manager } });
        const { field, found: shown, expected } = refused!.details;
        expect(shown).toEqual(valueAt(found, String(field)));
        expect(shown).not.toEqual(expected);
      });
    });

    describe("an effect on an object that is gone or another one", () => {
      it("did not happen, and can't be taken back", async () => {
        const target = await given.deployed("replaced");
        const context = given.context("gone", target);
        const scale = changing.find((action) => action.name === "scale_deployment")!;
        const effect = await scale.prepare({ replicas: 4 }, context, given.tools);
        const other = { ...effect, uid: "00000000-0000-4000-8000-000000000000" } as Effect;
        const missing = { ...effect, object: given.ref("Deployment", "no-such") } as Effect;
        for (const one of [other, missing]) {
          await expect(effects.didItHappen(one, context, given.tools)).resolves.toBe("no");
          await expect(effects.prepareRestore(one, context, given.tools)).rejects.toMatchObject({
            code: "TARGET_GONE",
          });
        }
        await expect(
          scale.prepare({ replicas: 1, deployment: "no-such" }, context, given.tools),
        ).rejects.toMatchObject({ code: "TARGET_GONE" });
      });
    });

    actionBehaviour(() => given);
    largeChanges(() => given);
    nodeChanges(() => given);
    engineRuns(() => given);
    reconcilerBehaviour(() => given);
    helmRollbacks(() => given);
    restoredRights(() => given);
  });
}

/** gitmend's own annotations; those of controllers come and go. */
function marks(object: KubernetesObject | null): readonly string[] {
  return Object.keys(object?.metadata.annotations ?? {}).filter((name) => name.startsWith("gitmend.dev/"));
}

function isWithin(pointer: string, parent: string): boolean {
  return pointer === parent || pointer.startsWith(`${parent}/`);
}

function pointersOf(effect: Effect): readonly string[] {
  return effect.kind === "patch" ? effect.changes.map(({ pointer }) => pointer) : [""];
}
