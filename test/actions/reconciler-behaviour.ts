// What the actions on Flux's and Argo CD's objects do and leave alone, on the real API server and the simulated one.
import { beforeAll, describe, expect, it } from "vitest";
import type { ActionInput, ChangeAction } from "../../src/actions/action.ts";
import { effects } from "../../src/actions/effects.ts";
import { findAction } from "../../src/actions/registry.ts";
import { makeEffect } from "../../src/controller/make-effect.ts";
import type { ObjectRef } from "../../src/domain/facts/objects.ts";
import type { PatchEffect } from "../../src/domain/planning/effect.ts";
import { toProblem } from "../../src/domain/problem.ts";
import type { GivenCluster } from "./given-cluster.ts";
import { givenReconcilers, playArgoCd, playFlux, putReconciler, reconciler } from "./given-reconcilers.ts";

const mark = "gitmend.dev/suspended";

export function reconcilerBehaviour(cluster: () => GivenCluster): void {
  let count = 0;

  async function put(kind: string, spec: object = {}, metadata: object = {}, manager = "kubectl") {
    count += 1;
    const name = `${kind.toLowerCase()}-${count}`;
    await putReconciler(cluster(), kind, name, { spec, metadata, manager });
    return reconciler(cluster(), kind, name);
  }

  function inputFor(action: string, { kind, namespace, name }: ObjectRef, more: ActionInput): ActionInput {
    const place = { namespace, name, ...more };
    return action === "sync_argo_application" ? place : { kind, ...place };
  }

  async function prepared(name: string, ref: ObjectRef, more: ActionInput = {}, execution?: string) {
    const action = findAction(name) as ChangeAction;
    const tools = await cluster().toolsOf(action);
    count += 1;
    const given = cluster().context(`${name}-${count}`, null);
    const context = execution === undefined ? given : { ...given, executionId: execution };
    const input = inputFor(name, ref, more);
    const effect = (await action.prepare(input, context, tools)) as PatchEffect;
    const apply = () => effects.apply(effect, context, tools);
    const settle = () => action.settle(input, effect, context, tools);
    return { effect, context, tools, apply, settle };
  }

  async function done(name: string, ref: ObjectRef, more: ActionInput = {}, execution?: string) {
    const { apply, settle } = await prepared(name, ref, more, execution);
    await apply();
    return settle();
  }

  const problemOf = (work: Promise<unknown>) => work.then(() => null, toProblem);
  const specOf = async (ref: ObjectRef) => (await cluster().read(ref)).spec;
  const marksOf = async (ref: ObjectRef) => (await cluster().read(ref)).metadata.annotations?.[mark];

  beforeAll(() => givenReconcilers(cluster()));

  describe("suspend_gitops, and resume_gitops after it", () => {
    it.each([
      ["Kustomization", { path: "./apps" }],
      ["Kustomization", { path: "./apps", suspend: false }],
      ["HelmRelease", { chart: { spec: { chart: "api" } } }],
      ["Application", { syncPolicy: { automated: { prune: true, selfHeal: true }, retry: { limit: 3 } } }],
      ["Application", { syncPolicy: { automated: {} } }],
    ])("leave a %s exactly as it was: %j", async (kind, spec) => {
      const ref = await put(kind, spec);
      expect(await done("suspend_gitops", ref)).toMatchObject({ kind, changed: true });
      const suspended = await specOf(ref);
      if (kind === "Application") expect(suspended?.["syncPolicy"]).not.toHaveProperty("automated");
      else expect(suspended).toMatchObject({ suspend: true });
      expect(await marksOf(ref)).toContain('"execution":"01900000-0000-7000-8000-000000000001"');
      expect(await done("resume_gitops", ref)).toMatchObject({ resumed: true, suspended: false });
      expect(await specOf(ref)).toEqual(spec);
      expect(await marksOf(ref)).toBeUndefined();
      // `finally` may come twice.
      expect(await done("resume_gitops", ref)).toMatchObject({ resumed: false, suspended: false });
    });

    it.each([
      ["Kustomization", { suspend: true }],
      ["Application", { syncPolicy: { syncOptions: ["CreateNamespace=true"] } }],
    ])("leave alone what people have suspended: a %s", async (kind, spec) => {
      const ref = await put(kind, spec);
      expect(await done("suspend_gitops", ref)).toMatchObject({ changed: false });
      expect(await done("resume_gitops", ref)).toMatchObject({ resumed: false, suspended: true });
      expect(await specOf(ref)).toEqual(spec);
    });

    it("leave alone what people have resumed meanwhile", async () => {
      const ref = await put("Application", { syncPolicy: { automated: { selfHeal: true } } });
      await done("suspend_gitops", ref);
      await cluster().changeAs("ana", ref, { spec: { syncPolicy: { automated: { prune: true } } } });
      expect(await done("resume_gitops", ref)).toMatchObject({ resumed: false, suspended: false });
      expect(await specOf(ref)).toEqual({ syncPolicy: { automated: { prune: true } } });
      expect(await marksOf(ref)).toBeUndefined();
    });

    it("leave alone what another execution has suspended: it is neither shared nor resumed", async () => {
      const ref = await put("Kustomization");
      await done("suspend_gitops", ref, {}, "other");
      expect(await problemOf(prepared("suspend_gitops", ref))).toMatchObject({
        code: "PRECONDITION_FAILED",
        retryable: true,
        message: expect.stringContaining("execution other"),
      });
      expect(await done("resume_gitops", ref)).toMatchObject({ resumed: false, suspended: true });
      expect(await done("resume_gitops", ref, {}, "other")).toMatchObject({ resumed: true });
    });

    it.each([
      "not JSON",
      '{"execution":"01900000-0000-7000-8000-000000000001","before":{"prune":"$(rm)"}}',
      '{"before":{"prune":true}}',
      "[]",
    ])("write nothing that somebody put into the mark: %s", async (text) => {
      const ref = await put("Application", { project: "default" }, { annotations: { [mark]: text } });
      expect(await problemOf(prepared("resume_gitops", ref))).toMatchObject({ code: "PRECONDITION_FAILED" });
      expect(await specOf(ref)).toEqual({ project: "default" });
    });

    it("is refused where it would be written back: the manifest in Git names it", async () => {
      const ref = await put("Kustomization", { suspend: false }, {}, "kustomize-controller");
      expect(await problemOf(prepared("suspend_gitops", ref))).toMatchObject({
        code: "PRECONDITION_FAILED",
        message: expect.stringContaining("the Kustomization that applies its manifest"),
      });
    });

    it("is refused where an ApplicationSet writes its applications anew, unless that leaves them alone", async () => {
      const automated = { syncPolicy: { automated: {} } };
      const setOf = async (spec: object) => {
        const { apiVersion, kind, name } = await put("ApplicationSet", spec);
        const { uid } = (await cluster().read(reconciler(cluster(), kind, name))).metadata;
        return put("Application", automated, {
          ownerReferences: [{ apiVersion, kind, name, uid, controller: true }],
        });
      };
      expect(await problemOf(prepared("suspend_gitops", await setOf({})))).toMatchObject({
        code: "PRECONDITION_FAILED",
        message: expect.stringMatching(/^ApplicationSet applicationset-\d+ would soon take/),
      });
      for (const spec of [
        { syncPolicy: { applicationsSync: "create-only" } },
        { ignoreApplicationDifferences: [{ jsonPointers: ["/spec/syncPolicy"] }] },
      ])
        expect(await done("suspend_gitops", await setOf(spec))).toMatchObject({ changed: true });
    });

    it("is refused where another application heals it", async () => {
      const parent = await put("Application", { syncPolicy: { automated: { selfHeal: true } } });
      const annotations = { "argocd.argoproj.io/tracking-id": `${parent.name}:argoproj.io/Application:a/b` };
      const child = await put("Application", { syncPolicy: { automated: {} } }, { annotations });
      expect(await problemOf(prepared("suspend_gitops", child))).toMatchObject({
        code: "PRECONDITION_FAILED",
        message: expect.stringContaining(parent.name),
      });
      await cluster().changeAs("ana", parent, { spec: { syncPolicy: { automated: { selfHeal: null } } } });
      expect(await done("suspend_gitops", child)).toMatchObject({ changed: true });
    });

    it("waits until what runs just now has ended, and fails when it does not", async () => {
      const ref = await put("Kustomization");
      const reconciling = { type: "Reconciling", status: "True", reason: "Progressing", message: "" };
      await playFlux(cluster(), ref, { conditions: [reconciling] });
      const { apply, settle } = await prepared("suspend_gitops", ref, { wait_timeout: "1s" });
      await apply();
      expect(await problemOf(settle())).toMatchObject({
        code: "NOT_HEALTHY",
        message: expect.stringContaining("reconciles still"),
      });
      // Between two tries of one that fails nothing runs.
      await playFlux(cluster(), ref, { conditions: [{ ...reconciling, reason: "ProgressingWithRetry" }] });
      expect(await settle()).toMatchObject({ changed: true });
      const application = await put("Application", { syncPolicy: { automated: {} } });
      await cluster().changeAs("argocd", application, { operation: { sync: {} } });
      const syncing = await prepared("suspend_gitops", application, { wait_timeout: "1s" });
      await syncing.apply();
      expect(await problemOf(syncing.settle())).toMatchObject({ code: "NOT_HEALTHY" });
      await playArgoCd(cluster(), application);
      expect(await syncing.settle()).toMatchObject({ changed: true });
    });
  });

  describe("reconcile_flux", () => {
    it("asks, and is done when Flux has acted on that and is ready", async () => {
      const ref = await put("GitRepository", { url: "https://git.example.com/fleet.git" });
      await playFlux(cluster(), ref);
      const { apply, settle } = await prepared("reconcile_flux", ref, { timeout: "1s" });
      await apply();
      expect(await problemOf(settle())).toMatchObject({
        code: "NOT_HEALTHY",
        message: expect.stringContaining("has not reconciled"),
      });
      await playFlux(cluster(), ref);
      expect(await settle()).toMatchObject({
        kind: "GitRepository",
        revision: expect.stringMatching(/^main@sha1:/),
      });
    });

    it("is done too when somebody has asked again since", async () => {
      const ref = await put("Kustomization");
      const { apply, settle } = await prepared("reconcile_flux", ref, { timeout: "1s" });
      await apply();
      const annotations = { "reconcile.fluxcd.io/requestedAt": "later" };
      await cluster().changeAs("ana", ref, { metadata: { annotations } });
      await playFlux(cluster(), ref);
      expect(await settle()).toMatchObject({ name: ref.name });
    });

    it("says in Flux's own words why it is not ready, and gives up at once what is stalled", async () => {
      const ref = await put("HelmRelease");
      const { effect, apply, settle } = await prepared("reconcile_flux", ref, { timeout: "1s", reset: true });
      expect(effect.changes.map(({ pointer }) => pointer)).toEqual([
        "/metadata/annotations/reconcile.fluxcd.io~1requestedAt",
        "/metadata/annotations/reconcile.fluxcd.io~1resetAt",
      ]);
      await apply();
      const ready = {
        type: "Ready",
        status: "False",
        reason: "UpgradeFailed",
        message: "password=hunter2 is wrong",
      };
      await playFlux(cluster(), ref, { conditions: [ready] });
      const problem = await problemOf(settle());
      expect(problem).toMatchObject({
        code: "NOT_HEALTHY",
        message: expect.stringContaining("UpgradeFailed"),
      });
      expect(problem?.message).not.toContain("hunter2");
      await playFlux(cluster(), ref, { conditions: [ready, { type: "Stalled", status: "True" }] });
      expect(await problemOf(settle())).toMatchObject({ message: expect.stringContaining("is stalled") });
    });

    it("is refused while it is suspended: nothing would come of it", async () => {
      const ref = await put("Kustomization", { suspend: true });
      expect(await problemOf(prepared("reconcile_flux", ref))).toMatchObject({ code: "PRECONDITION_FAILED" });
    });
  });

  describe("sync_argo_application", () => {
    it("asks with the application's own options, and is done when it is refreshed, synced and healthy", async () => {
      const policy = { syncOptions: ["ServerSideApply=true"], retry: { limit: 2 } };
      const ref = await put("Application", { syncPolicy: policy });
      const { context, apply, settle } = await prepared("sync_argo_application", ref, {
        prune: true,
        timeout: "1s",
      });
      await apply();
      const asked = await cluster().read(ref);
      expect(asked["operation"]).toEqual({
        initiatedBy: { username: "gitmend" },
        info: [{ name: "gitmend", value: context.effectKey }],
        sync: { prune: true, syncOptions: ["ServerSideApply=true"] },
        retry: { limit: 2 },
      });
      expect(asked.metadata.annotations?.["argocd.argoproj.io/refresh"]).toBe("normal");
      expect(await problemOf(settle())).toMatchObject({ code: "NOT_HEALTHY" });
      for (const status of [{ sync: { status: "OutOfSync" } }, { health: { status: "Degraded" } }]) {
        await playArgoCd(cluster(), ref, status);
        expect(await problemOf(settle())).toMatchObject({
          code: "NOT_HEALTHY",
          message: expect.stringMatching(/OutOfSync|Degraded/),
        });
      }
      await playArgoCd(cluster(), ref);
      expect(await settle()).toMatchObject({ revision: "5394cb7f48332b2de7c17dd8b8384bbc84b7e738" });
    });

    it("has failed when Argo CD gives its sync up, in Argo CD's words", async () => {
      const ref = await put("Application");
      const { apply, settle } = await prepared("sync_argo_application", ref);
      await apply();
      const { operation } = await cluster().read(ref);
      await playArgoCd(cluster(), ref, {
        operationState: { phase: "Failed", message: "one or more objects failed to apply", operation },
      });
      expect(await problemOf(settle())).toMatchObject({
        code: "RUN_FAILED",
        message: expect.stringContaining("one or more objects failed to apply"),
      });
    });

    it.each([
      ["an operation is asked for", { operation: { sync: {} } }, true],
      ["an operation is under way", { status: { operationState: { phase: "Running" } } }, true],
      [
        "it is told to skip it",
        { metadata: { annotations: { "argocd.argoproj.io/skip-reconcile": "true" } } },
        false,
      ],
    ])("is refused while %s", async (_why, change, retryable) => {
      const ref = await put("Application");
      await cluster().changeAs("ana", ref, change);
      expect(await problemOf(prepared("sync_argo_application", ref))).toMatchObject({
        code: "PRECONDITION_FAILED",
        retryable,
      });
    });
  });

  describe("a request to Flux or Argo CD", () => {
    const faults = [
      ["429", { kind: "status", code: 429, retryAfterSeconds: 7 }, "not-applied", 0],
      ["500 before it had its effect", { kind: "status", code: 500 }, "not-applied", 0],
      ["500 after it had its effect", { kind: "status", code: 500, when: "after" }, "made", 1],
      ["a connection that breaks after it", { kind: "reset", when: "after" }, "made", 1],
      ["a conflict that is its own earlier one", { kind: "status", code: 409, when: "after" }, "made", 1],
    ] as const;
    const requests = [
      ["suspend_gitops", "Kustomization"],
      ["resume_gitops", "Kustomization"],
      ["reconcile_flux", "HelmRelease"],
      ["sync_argo_application", "Application"],
    ] as const;
    it.each(requests.flatMap((one) => faults.map((fault) => [...one, ...fault] as const)))(
      "%s of a %s that is answered with %s is made at most once",
      async (action, kind, _, fault, end, times) => {
        const { simulated } = cluster().subject;
        if (simulated === null) return;
        const ref = await put(kind);
        if (action === "resume_gitops") await done("suspend_gitops", ref);
        const { effect, context, tools } = await prepared(action, ref);
        simulated.effects.clear();
        const placed = simulated.faults.add({ method: "PATCH", path: new RegExp(ref.name), fault });
        const lease = { valid: () => true, replicaId: () => "r1", onLost: () => undefined };
        const request = { effect, context, tools, probeTools: tools, timeoutSeconds: 30, idempotent: true };
        const found = await makeEffect(request, { effects, lease });
        placed.remove();
        expect(found).toMatchObject({ end });
        expect(simulated.effects.count({ manager: "gitmend", uid: effect.uid })).toBe(times);
      },
    );
  });
}
