// Which pods a ResourceQuota is about, by its scopes.
import { expect, it } from "vitest";
import { askedBy } from "../../../src/controller/checks/pod-amounts.ts";
import { inScope } from "../../../src/controller/checks/resource-quota.ts";
import type { KubernetesObject } from "../../../src/domain/facts/objects.ts";
import type { JsonObject } from "../../../src/domain/json.ts";

const container = (resources: JsonObject) => ({ containers: [{ name: "app", resources }] });
const modest = container({ requests: { memory: "64Mi" } });
const careless = container({});
const ending = { ...modest, activeDeadlineSeconds: 600 };
const important = { ...modest, priorityClassName: "high" };

const isIn = (spec: JsonObject, pod: JsonObject) => {
  const quota = { apiVersion: "v1", kind: "ResourceQuota", metadata: { name: "q" }, spec };
  return inScope(quota as unknown as KubernetesObject, pod, askedBy(pod, []));
};
const priority = (operator: string, values: string[] = []) => ({
  scopeSelector: { matchExpressions: [{ scopeName: "PriorityClass", operator, values }] },
});

it.each([
  ["without a scope is about every pod", {}, { modest, careless, ending, important }],
  ["BestEffort", { scopes: ["BestEffort"] }, { careless }],
  ["NotBestEffort", { scopes: ["NotBestEffort"] }, { modest, ending, important }],
  ["Terminating", { scopes: ["Terminating"] }, { ending }],
  ["NotTerminating", { scopes: ["NotTerminating"] }, { modest, careless, important }],
  ["both at once", { scopes: ["NotBestEffort", "NotTerminating"] }, { modest, important }],
  ["of a priority class", priority("In", ["high", "highest"]), { important }],
  ["of any priority class", priority("Exists"), { important }],
  ["of no such class", priority("NotIn", ["high"]), { modest, careless, ending }],
  ["that is unknown takes no pod in", { scopes: ["CrossNamespacePodAffinity"] }, {}],
] as const)("a quota %s", (_what, spec, taken) => {
  const pods = { modest, careless, ending, important };
  const found = Object.entries(pods).flatMap(([name, pod]) =>
    isIn(spec as unknown as JsonObject, pod as unknown as JsonObject) ? [name] : [],
  );
  expect(found).toEqual(Object.keys(taken));
});
