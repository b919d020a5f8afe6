// What the actions that hand work to other engines do beyond the contract: Jobs with real pods, and runs of Argo and Tekton that
// end well, badly, or not at all.
import { beforeAll, describe, expect, it } from "vitest";
import type { ActionInput, ChangeAction } from "../../src/actions/action.ts";
import { effects } from "../../src/actions/effects.ts";
import { findAction } from "../../src/actions/registry.ts";
import { makeEffect } from "../../src/controller/make-effect.ts";
import type { KubernetesObject } from "../../src/domain/facts/objects.ts";
import type { CreateEffect } from "../../src/domain/planning/effect.ts";
import { toProblem } from "../../src/domain/problem.ts";
import { eventually, type GivenCluster } from "./given-cluster.ts";
import { givenArgo, givenTekton, playArgo, playTekton } from "./given-engines.ts";

const image = "example.test/tools@sha256:0000000000000000000000000000000000000000000000000000000000000000";
const sizes = { cpu: "100m", memory: "64Mi" };

export function engineRuns(cluster: () => GivenCluster): void {
  let target: KubernetesObject;
  let count = 0;

  async function submitted(name: string, input: ActionInput) {
    const given = cluster();
    count += 1;
    const action = findAction(name) as ChangeAction;
    const tools = await given.toolsOf(action);
    const context = given.context(`${name}-${count}`, target);
    const resolved = (await action.resolve?.(input, context, tools)) ?? input;
    const effect = (await action.prepare(resolved, context, tools)) as CreateEffect;
    await effects.apply(effect, context, tools);
    const end = () => action.settle(resolved, effect, context, tools);
    return { effect, context, tools, end };
  }
  const problemOf = (work: Promise<unknown>) => work.then(() => null, toProblem);
  const podsOf = ({ object }: CreateEffect) =>
    cluster().api.list({
      apiVersion: "v1",
      kind: "Pod",
      namespace: object.namespace,
      labelSelector: `job-name=${object.name}`,
    });

  describe("run_job", () => {
    beforeAll(async () => {
      target = await cluster().deployed("engines", 1);
    });

    it("runs one pod to its end, and tells how it went", async () => {
      const { effect, end } = await submitted("run_job", { image, ...sizes, command: ["true"] });
      const output = await end();
      expect(output).toMatchObject({ job: effect.object.name, exit_code: 0, reason: "Completed" });
      expect(await podsOf(effect)).toHaveLength(1);
    });

    it("has no more rights than it is given", async () => {
      const { effect } = await submitted("run_job", { image, ...sizes });
      // Kubernetes 1.20 forgets it.
      expect(effect.manifest["spec"]).toMatchObject({ ttlSecondsAfterFinished: 3600 });
      const job = await cluster().read(effect.object);
      expect(job.spec).toMatchObject({
        backoffLimit: 0,
        activeDeadlineSeconds: 600,
        template: {
          spec: {
            automountServiceAccountToken: false,
            restartPolicy: "Never",
            securityContext: { runAsNonRoot: true, seccompProfile: { type: "RuntimeDefault" } },
            containers: [
              {
                resources: { limits: sizes },
                securityContext: { allowPrivilegeEscalation: false, capabilities: { drop: ["ALL"] } },
              },
            ],
          },
        },
      });
    });

    it("hands values and references over in the environment, and its own effect key", async () => {
      const env = { POD: "api-0; rm -rf /", COUNT: 3, TOKEN: { secret: "tokens", key: "api" } };
      const { effect, context } = await submitted("run_job", { image, ...sizes, env });
      const [container] = podSpecOf(await cluster().read(effect.object));
      expect(container?.env).toEqual([
        { name: "POD", value: "api-0; rm -rf /" },
        { name: "COUNT", value: "3" },
        { name: "TOKEN", valueFrom: { secretKeyRef: { name: "tokens", key: "api" } } },
        { name: "GITMEND_EFFECT_KEY", value: context.effectKey },
      ]);
    });

    it("refuses a variable that would be pasted into a script", async () => {
      const script = { command: ["sh", "-c", "clean $(POD)"], env: { POD: "a; b" } };
      expect(await problemOf(submitted("run_job", { image, ...sizes, ...script }))).toMatchObject({
        code: "PARAMETER_INVALID",
        message: expect.stringContaining('"$POD"'),
      });
    });

    it("shows what it would create, without values of variables", async () => {
      const given = cluster();
      const action = findAction("run_job") as ChangeAction;
      const input = { image, ...sizes, env: { PASSWORD: "hunter2" }, namespace: given.namespace };
      const context = given.context("preview", target);
      const effect = await action.prepare(input, context, given.tools);
      const changes = await effects.dryRun(effect, context, given.tools);
      expect(JSON.stringify(changes)).toContain(image);
      expect(JSON.stringify(changes)).not.toContain("hunter2");
      await expect(given.api.get((effect as CreateEffect).object)).resolves.toBeNull();
    });

    it("is one Job however often it is submitted", async () => {
      const { effect, context, tools, end } = await submitted("run_job", { image, ...sizes });
      expect(await problemOf(effects.apply(effect, context, tools))).toMatchObject({ code: "API_CONFLICT" });
      await expect(effects.didItHappen(effect, context, tools)).resolves.toBe("yes");
      await end();
      expect(await podsOf(effect)).toHaveLength(1);
    });

    it.each([
      ["429", { kind: "status", code: 429, retryAfterSeconds: 7 }, "not-applied", 0],
      ["500 before it had its effect", { kind: "status", code: 500 }, "not-applied", 0],
      ["500 after it had its effect", { kind: "status", code: 500, when: "after" }, "made", 1],
      ["a connection that breaks after it", { kind: "reset", when: "after" }, "made", 1],
      ["a conflict that is its own earlier one", { kind: "status", code: 409, when: "after" }, "made", 1],
    ] as const)("that is answered with %s is submitted at most once", async (_, fault, end, jobs) => {
      const given = cluster();
      const { simulated } = given.subject;
      if (simulated === null) return;
      count += 1;
      const action = findAction("run_job") as ChangeAction;
      const context = given.context(`fault-${count}`, target);
      const input = { image, ...sizes, namespace: given.namespace };
      const effect = (await action.prepare(input, context, given.tools)) as CreateEffect;
      const placed = simulated.faults.add({ method: "POST", path: /\/jobs\?/, fault });
      const lease = { valid: () => true, replicaId: () => "r1", onLost: () => undefined };
      const { tools } = given;
      const request = { effect, context, tools, probeTools: tools, timeoutSeconds: 30, idempotent: true };
      const found = await makeEffect(request, { effects, lease });
      placed.remove();
      expect(found).toMatchObject({ end });
      if (found.end === "not-applied") expect(found.problem.retryable).toBe(true);
      expect(simulated.effects.count({ kind: "Job", name: effect.object.name })).toBe(jobs);
    });

    it("says so when its pod was gone before its log could be kept", async () => {
      const { effect, end } = await submitted("run_job", { image, ...sizes });
      const jobEnded = async () =>
        JSON.stringify((await cluster().read(effect.object)).status).includes("Complete");
      await eventually("the job ends", jobEnded);
      for (const { metadata } of await podsOf(effect))
        await cluster().removed({ ...cluster().ref("Pod", metadata.name) });
      expect(await end()).toMatchObject({
        exit_code: null,
        evidence: null,
        unavailable: [expect.stringMatching(/gone/)],
      });
    });

    const failing = { image, ...sizes, command: ["sh", "-c", "echo no; exit 3"] };
    it("has failed when its container has, with exit code, last line and the place of its log", async (context) => {
      const { simulated } = cluster().subject;
      if (simulated === null) return context.skip("the nodes are played: a pod of a Job always ends well");
      const { effect, end } = await submitted("run_job", failing);
      await eventually("its pod is there", async () => (await podsOf(effect)).length > 0);
      const [pod] = await podsOf(effect);
      simulated.setLog(
        effect.object.namespace ?? "",
        pod!.metadata.name,
        "run",
        "connecting\npassword=hunter2 refused\n",
      );
      const problem = await problemOf(end());
      expect(problem).toMatchObject({ code: "RUN_FAILED", retryable: false });
      expect(problem?.message).toMatch(
        /BackoffLimitExceeded.*exit code 3 \(Error\).*its log is kept as gitmend-/,
      );
      expect(problem?.message).not.toContain("hunter2");
      expect(cluster().evidence.get(`${effect.object.name}.log`)).toContain("connecting");
    });

    it("has failed when its pod is evicted", async (context) => {
      const { simulated } = cluster().subject;
      if (simulated === null)
        return context.skip("before Kubernetes 1.26 a Job replaces a pod that is taken away");
      const { effect, end } = await submitted("run_job", { image, ...sizes, command: ["sleep", "infinity"] });
      await eventually("its pod runs", async () => JSON.stringify(await podsOf(effect)).includes("Running"));
      const [pod] = await podsOf(effect);
      const { name, uid } = pod!.metadata;
      const options = { uid, gracePeriodSeconds: 0, dryRun: false };
      await cluster().api.evict(cluster().ref("Pod", name), options);
      expect(await problemOf(end())).toMatchObject({ code: "RUN_FAILED" });
    });

    it("goes on without a log that cannot be read", async (context) => {
      const { simulated } = cluster().subject;
      if (simulated === null) return context.skip("no faults can be put in the way of a real API server");
      const { end } = await submitted("run_job", { image, ...sizes });
      const fault = simulated.faults.add({
        path: /\/log\?/,
        times: Number.POSITIVE_INFINITY,
        fault: { kind: "status", code: 404 },
      });
      const output = await end();
      fault.remove();
      expect(output).toMatchObject({
        exit_code: 0,
        evidence: null,
        unavailable: [expect.stringContaining("run")],
      });
    });

    it("is ended by Kubernetes when it takes too long", async () => {
      const stuck = "example.test/does-not-exist:1";
      const { end } = await submitted("run_job", { image: stuck, ...sizes, timeout: "1s" });
      expect(await problemOf(end())).toMatchObject({
        code: "RUN_FAILED",
        message: expect.stringContaining("DeadlineExceeded"),
      });
    });
  });

  describe("run_argo_workflow", () => {
    beforeAll(async () => {
      await givenArgo(cluster(), "nightly");
    });

    it("submits a Workflow of the template with its arguments, and gives its outputs", async () => {
      const parameters = { table: "orders", days: 7 };
      const { effect, end } = await submitted("run_argo_workflow", {
        template: "nightly",
        parameters,
        timeout: "5m",
      });
      expect((await cluster().read(effect.object)).spec).toMatchObject({
        workflowTemplateRef: { name: "nightly" },
        arguments: {
          parameters: [
            { name: "table", value: "orders" },
            { name: "days", value: "7" },
          ],
        },
        activeDeadlineSeconds: 300,
        ttlStrategy: { secondsAfterCompletion: 3600 },
      });
      await playArgo(cluster(), effect.object);
      expect(await end()).toMatchObject({
        phase: "Succeeded",
        outputs: { rows: "17" },
        duration_seconds: 42,
      });
    });

    it("has failed with what failed in it", async () => {
      const { effect, end } = await submitted("run_argo_workflow", {
        template: "nightly",
        cluster_template: true,
      });
      const node = { type: "Pod", phase: "Failed", displayName: "load", message: "Error (exit code 2)" };
      const failed = { phase: "Failed", message: "child failed", nodes: { a: node } };
      await playArgo(cluster(), effect.object, failed);
      expect(await problemOf(end())).toMatchObject({
        code: "RUN_FAILED",
        retryable: false,
        message: expect.stringMatching(/Failed; child failed; load: Error \(exit code 2\)/),
      });
    });

    it("refuses a template that is not there before anything is submitted", async () => {
      expect(await problemOf(submitted("run_argo_workflow", { template: "nightyl" }))).toMatchObject({
        code: "PARAMETER_INVALID",
        message: expect.stringContaining("there is no WorkflowTemplate nightyl"),
      });
    });

    it("is ended by its own controller when it is taken back", async () => {
      const { effect, context, tools } = await submitted("run_argo_workflow", { template: "nightly" });
      const stop = await effects.prepareRestore(effect, context, tools);
      await effects.apply(stop!, { ...context, effectKey: `${context.effectKey}/undo` }, tools);
      expect((await cluster().read(effect.object)).spec).toMatchObject({ shutdown: "Terminate" });
      // The stop has left its mark on it, and it is known as the step's own all the same.
      await expect(effects.didItHappen(effect, context, tools)).resolves.toBe("yes");
    });
  });

  describe("run_tekton_pipeline", () => {
    beforeAll(async () => {
      await givenTekton(cluster(), "nightly");
    });

    it("submits a PipelineRun with parameters and workspaces, and gives its results", async () => {
      const { effect, end } = await submitted("run_tekton_pipeline", {
        pipeline: "nightly",
        params: { ref: "main" },
        workspaces: { source: { claim: "src" }, cache: { empty: true } },
        service_account: "builder",
      });
      expect((await cluster().read(effect.object)).spec).toEqual({
        pipelineRef: { name: "nightly" },
        params: [{ name: "ref", value: "main" }],
        workspaces: [
          { name: "source", persistentVolumeClaim: { claimName: "src" } },
          { name: "cache", emptyDir: {} },
        ],
        taskRunTemplate: { serviceAccountName: "builder" },
        timeouts: { pipeline: "600s" },
      });
      await playTekton(cluster(), effect.object);
      expect(await end()).toMatchObject({
        reason: "Succeeded",
        results: { digest: "sha256:abc" },
        duration_seconds: 42,
      });
    });

    it("has failed with Tekton's own words", async () => {
      const { effect, end } = await submitted("run_tekton_pipeline", { pipeline: "nightly" });
      const failed = {
        status: "False",
        reason: "PipelineRunTimeout",
        message: "failed to finish within 10m0s",
      };
      await playTekton(cluster(), effect.object, failed);
      expect(await problemOf(end())).toMatchObject({
        code: "RUN_FAILED",
        message: expect.stringContaining("PipelineRunTimeout; failed to finish within 10m0s"),
      });
    });

    it("is cancelled when it is taken back", async () => {
      const { effect, context, tools } = await submitted("run_tekton_pipeline", { pipeline: "nightly" });
      const stop = await effects.prepareRestore(effect, context, tools);
      await effects.apply(stop!, context, tools);
      expect((await cluster().read(effect.object)).spec).toMatchObject({ status: "Cancelled" });
    });
  });
}

function podSpecOf({ spec }: KubernetesObject): readonly { readonly env?: unknown }[] {
  const { template } = spec as { template: { spec: { containers: { env?: unknown }[] } } };
  return template.spec.containers;
}
