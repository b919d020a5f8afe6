// What restore_role_binding grants, and refuses to grant, beyond the contract.
import { describe, expect, it } from "vitest";
import type { ActionInput } from "../../src/actions/action.ts";
import { restoreRoleBinding } from "../../src/actions/kubernetes/restore-role-binding.ts";
import type { KubernetesObject } from "../../src/domain/facts/objects.ts";
import { toProblem } from "../../src/domain/problem.ts";
import { lostBinding } from "./given-bindings.ts";
import type { GivenCluster } from "./given-cluster.ts";

const api = "rbac.authorization.k8s.io/v1";

export function restoredRights(cluster: () => GivenCluster): void {
  describe("restore_role_binding", () => {
    const place = (name: string) => ({
      cluster: cluster().subject.cluster,
      apiVersion: api,
      namespace: cluster().namespace,
      name,
    });
    const planned = async (input: ActionInput, target: KubernetesObject) => {
      const given = cluster();
      const tools = await given.toolsOf(restoreRoleBinding);
      const context = given.context("restore", target);
      const resolved = await restoreRoleBinding.resolve!(input, context, tools);
      return { resolved, effect: await restoreRoleBinding.prepare(resolved, context, tools) };
    };
    const refused = (input: ActionInput, target: KubernetesObject) =>
      planned(input, target).then(() => "it is put back", toProblem);
    const because = (why: string) => ({
      code: "PRECONDITION_FAILED",
      message: expect.stringContaining(why),
    });

    it("finds the one that the target's service account has lost, and plans exactly what it was", async () => {
      cluster().known.length = 0;
      const { target } = await lostBinding(cluster(), "found");
      const { resolved, effect } = await planned({}, target);
      expect(resolved).toMatchObject({ name: "found", known: cluster().known[0]?.fingerprint });
      expect(effect).toMatchObject({
        kind: "create",
        manifest: {
          metadata: { labels: { team: "shop" } },
          roleRef: { kind: "Role", name: "found" },
          subjects: [{ kind: "ServiceAccount", name: "default" }],
        },
      });
    });

    it("puts nothing back that is there, stood too short, is of another account or was never seen", async () => {
      const { target } = await lostBinding(cluster(), "refused");
      const known = cluster().known;
      const own = known.at(-1)!;
      known.length = 0;
      expect(await refused({}, target)).toMatchObject(because("gitmend remembers no RoleBinding"));
      expect(await refused({ name: "cluster-admin" }, target)).toMatchObject(
        because("gitmend remembers no RoleBinding cluster-admin"),
      );
      known.push({ ...own, settled: false });
      expect(await refused({}, target)).toMatchObject(because("too short before it was gone"));
      known[0] = { ...own, subjects: [{ ...own.subjects[0], name: "other" }] };
      expect(await refused({}, target)).toMatchObject(because("gitmend remembers no RoleBinding"));
      known[0] = own;
      const { body } = await cluster().subject.admin(
        "POST",
        `/apis/${api}/namespaces/${cluster().namespace}/rolebindings`,
        {
          apiVersion: api,
          kind: "RoleBinding",
          metadata: { name: "refused" },
          roleRef: own.roleRef,
          subjects: own.subjects,
        },
      );
      expect(body).toMatchObject({ kind: "RoleBinding" });
      expect(await refused({}, target)).toMatchObject(because("refused: it is there"));
    });

    it("puts nothing back whose role grants other rights by now, or is gone", async () => {
      cluster().known.length = 0;
      const { target } = await lostBinding(cluster(), "widened");
      const role = { ...place("widened"), kind: "Role" };
      await cluster().changeAs("mallory", role, {
        rules: [{ apiGroups: ["*"], resources: ["*"], verbs: ["*"] }],
      });
      expect(await refused({}, target)).toMatchObject(because("Role widened grants other rights by now"));
      await cluster().removed(role);
      expect(await refused({}, target)).toMatchObject(because("its role is gone"));
    });

    it("puts nothing back that is another one than was planned", async () => {
      cluster().known.length = 0;
      const { target } = await lostBinding(cluster(), "pinned");
      expect(await refused({ name: "pinned", known: "0".repeat(64) }, target)).toMatchObject(
        because("it was another one when it was planned"),
      );
    });

    it("asks which, when several are gone", async () => {
      cluster().known.length = 0;
      await lostBinding(cluster(), "several-1");
      const { target } = await lostBinding(cluster(), "several-2");
      expect(await refused({}, target)).toMatchObject(because("so say which: several-1, several-2"));
      expect((await planned({ name: "several-2" }, target)).resolved).toMatchObject({ name: "several-2" });
    });

    it("grants nothing that the API server does not let it grant, and says what is missing", async (context) => {
      if (cluster().subject.simulated !== null) context.skip("the simulated API server knows no roles");
      cluster().known.length = 0;
      const rules = [{ apiGroups: [""], resources: ["secrets"], verbs: ["get", "list"] }];
      const { target } = await lostBinding(cluster(), "escalating", rules);
      expect(await refused({}, target)).toMatchObject(
        because("its account needs the verb bind on that role"),
      );
      expect(await cluster().api.get({ ...place("escalating"), kind: "RoleBinding" })).toBeNull();
    });
  });
}
