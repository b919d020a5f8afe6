// What rollback_helm_release goes back to, and what it leaves alone.
import { beforeAll, describe, expect, it } from "vitest";
import type { ActionInput, ChangeAction } from "../../src/actions/action.ts";
import { effects } from "../../src/actions/effects.ts";
import { findAction } from "../../src/actions/registry.ts";
import type { KubernetesObject } from "../../src/domain/facts/objects.ts";
import type { CreateEffect } from "../../src/domain/planning/effect.ts";
import { toProblem } from "../../src/domain/problem.ts";
import type { GivenCluster } from "./given-cluster.ts";
import { type GivenRevision, playHelm, putRevision, releaseOf } from "./given-helm.ts";
import { givenReconcilers, putReconciler } from "./given-reconcilers.ts";

export function helmRollbacks(cluster: () => GivenCluster): void {
  const action = findAction("rollback_helm_release") as ChangeAction;
  let count = 0;
  let target: KubernetesObject;
  const next = () => {
    count += 1;
    return `helm-${count}`;
  };
  const place = { image: "example.test/does-not-exist:1.0.0", service_account: "helm" };

  async function released(...revisions: readonly Partial<GivenRevision>[]): Promise<string> {
    const release = next();
    for (const [index, one] of revisions.entries())
      await putRevision(cluster(), release, {
        revision: index + 1,
        status: "superseded",
        makes: [target.metadata.name],
        ...one,
      });
    return release;
  }
  async function resolved(release: string, more: ActionInput = {}): Promise<ActionInput> {
    const context = cluster().context("rollback", target);
    return action.resolve!({ ...place, release, ...more }, context, await cluster().toolsOf(action));
  }
  const problemOf = (work: Promise<unknown>) => work.then(() => null, toProblem);

  beforeAll(async () => {
    await givenReconcilers(cluster());
    target = await cluster().deployed("helm-made", 1);
  });

  describe("rollback_helm_release", () => {
    it("says in the plan from which revision it goes to which, and runs exactly that", async () => {
      const name = next();
      const arranged = await releaseOf(cluster(), name);
      const context = cluster().context("rollback-it", arranged.target);
      const tools = await cluster().toolsOf(action);
      const input = await action.resolve!(arranged.input, context, tools);
      expect(input).toMatchObject({ revision: 1, from: 2, chart: "api-1.0.1" });
      expect(action.preview(input)).toBe(
        `roll Helm release ${cluster().namespace}/${name} back from revision 2 to revision 1 (api-1.0.1)`,
      );
      const effect = (await action.prepare(input, context, tools)) as CreateEffect;
      expect(JSON.stringify(await effects.dryRun(effect, context, tools))).not.toContain("hunter2");
      const command = [
        "helm",
        "rollback",
        name,
        "1",
        "--namespace",
        cluster().namespace,
        "--wait",
        "--timeout",
        "600s",
      ];
      expect(effect.manifest["spec"]).toMatchObject({
        template: { spec: { serviceAccountName: "helm", containers: [{ command }] } },
      });
      await effects.apply(effect, context, tools);
      await playHelm(cluster(), effect.object);
      expect(await action.settle(input, effect, context, tools)).toMatchObject({
        rolled_back_to: 1,
        revision: 3,
      });
    });

    it.each<[string, number, readonly Partial<GivenRevision>[]]>([
      [
        "before one that failed, to the one that is deployed",
        1,
        [{ status: "deployed" }, { status: "failed" }],
      ],
      ["over failed ones", 1, [{}, { status: "failed" }, { status: "deployed" }]],
    ])("goes back %s", async (_what, revision, revisions) => {
      expect(await resolved(await released(...revisions))).toMatchObject({ revision });
    });

    it.each<[string, string, readonly Partial<GivenRevision>[], ActionInput]>([
      ["there is nothing to go back to", "NOTHING_TO_ROLL_BACK", [{ status: "deployed" }], {}],
      ["all before it failed", "NOTHING_TO_ROLL_BACK", [{ status: "failed" }, { status: "deployed" }], {}],
      ["the revision is not there", "NOTHING_TO_ROLL_BACK", [{}, { status: "deployed" }], { revision: 7 }],
      ["it is the present one", "NOTHING_TO_ROLL_BACK", [{}, { status: "deployed" }], { revision: 2 }],
      ["Helm works on it", "PRECONDITION_FAILED", [{}, { status: "pending-upgrade" }], {}],
      ["it has moved on since the plan", "PRECONDITION_FAILED", [{}, { status: "deployed" }], { from: 1 }],
      [
        "the revision is another chart by now",
        "PRECONDITION_FAILED",
        [{}, { status: "deployed" }],
        { chart: "api-9.9.9" },
      ],
      ["there is no such release", "TARGET_GONE", [], {}],
      [
        "it is no release at all",
        "PRECONDITION_FAILED",
        [{}, { status: "deployed", data: "aHVudGVyMg==" }],
        {},
      ],
      [
        "an annotation names a release that has not made the target",
        "PRECONDITION_FAILED",
        [{}, { makes: ["other"] }],
        {},
      ],
    ])("is refused when %s", async (_why, code, revisions, more) => {
      const problem = await problemOf(resolved(await released(...revisions), more));
      expect(problem).toMatchObject({ code });
      expect(problem?.message).not.toContain("hunter2");
    });

    it("is refused for what Flux keeps, with the other way", async () => {
      const release = await released({}, { status: "deployed" });
      await putReconciler(cluster(), "HelmRelease", `flux-${release}`, { spec: { releaseName: release } });
      expect(await problemOf(resolved(release))).toMatchObject({
        code: "PRECONDITION_FAILED",
        message: expect.stringMatching(/^Flux HelmRelease .* keeps .*reconcile_flux/),
      });
    });

    it("never lets a name become a part of a query or of a command", () => {
      const { pattern } = (action.input["properties"] as { release: { pattern: string } }).release;
      for (const name of ["a,owner!=helm", "a b", "--kubeconfig", "$(id)", "a;id"])
        expect(new RegExp(pattern).test(name)).toBe(false);
    });
  });
}
