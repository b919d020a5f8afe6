// increase_resources: gives the containers of a workload more memory or CPU. The plan says exactly how much each gets, so that
// a repeated attempt does not raise twice; what people have given more meanwhile is never lowered.
import { type Quantity, quantityText } from "../../domain/expressions/quantity.ts";
import type { KubernetesObject, ObjectRef } from "../../domain/facts/objects.ts";
import { isObject, type Json, type JsonObject } from "../../domain/json.ts";
import type { PatchEffect } from "../../domain/planning/effect.ts";
import { Problem } from "../../domain/problem.ts";
import type { ActionContext, ActionInput, ActionTools, ChangeAction } from "../action.ts";
import { toPointer } from "../json-pointer.ts";
import {
  type Amounts,
  amountsOf,
  type Ceiling,
  quantityOf,
  type ResourceName,
  raiseAmounts,
  readQuantity,
} from "../more-resources.ts";
import {
  named,
  nameParameter,
  namespaceParameter,
  objectSchema,
  outputSchema,
  reasonParameter,
  type Situation,
  textOf,
} from "../parameters.ts";
import { type FieldWrite, patchEffect } from "../patch-effect.ts";
import { kindParameter, readWorkload, workloadRbac, workloadRef, workloadText } from "../workload.ts";

const resourceNames = ["memory", "cpu"] as const;
const sides = { requests: "request", limits: "limit" } as const;
type Side = keyof typeof sides;

const amount = { type: "string", pattern: "^[0-9]+(\\.[0-9]+)?([numkMGTPE]|[KMGTPE]i)?$" };
const amountOrNumber = { oneOf: [amount, { type: "number", exclusiveMinimum: 0 }] };

function moreOf(what: string): JsonObject {
  const relative = (how: string, schema: JsonObject) =>
    objectSchema({ [how]: schema, max: amountOrNumber }, [how]);
  return {
    description:
      `How much ${what}: an amount, {factor: 2, max: …} or {add: …, max: …}. It is the limit; ` +
      "the request keeps its share of it. Without a limit it is the request.",
    oneOf: [
      ...amountOrNumber.oneOf,
      relative("factor", { type: "number", exclusiveMinimum: 1, maximum: 100 }),
      relative("add", amountOrNumber),
    ],
  };
}

const sized = objectSchema({ memory: amount, cpu: amount });

export const increaseResources: ChangeAction = {
  name: "increase_resources",
  aliases: ["add_resources", "update_limits", "IncreaseMemoryLimits", "IncreaseCPULimits"],
  type: "kubernetes",
  summary: "Raises requests and limits of a workload's containers, never lowers them.",
  risk: "medium",
  changes: true,
  idempotent: true,
  input: objectSchema({
    namespace: namespaceParameter,
    workload: nameParameter("workload", "the target"),
    kind: kindParameter,
    container: {
      ...nameParameter("container", "all that have a request or limit"),
      type: ["string", "null"],
    },
    memory: moreOf("memory"),
    cpu: moreOf("CPU"),
    containers: {
      type: "object",
      additionalProperties: objectSchema({ requests: sized, limits: sized }),
      description: "What each container gets. Filled in when the plan is made.",
    },
    reason: reasonParameter,
  }),
  parameterAliases: {
    name: "workload",
    deployment: "workload",
    resource_type: "kind",
    container_name: "container",
  },
  identity: ["namespace", "workload", "kind", "container"],
  text: ["reason"],
  output: outputSchema({
    namespace: { type: "string" },
    workload: { type: "string" },
    kind: { type: "string" },
    containers: {
      type: "object",
      description: "Requests and limits that were written, by container.",
    },
  }),
  rbac: [...workloadRbac("get", "patch"), { apiGroup: "", resource: "limitranges", verbs: ["list"] }],
  undo: { how: "restore" },
  timeoutSeconds: 30,
  waitParameter: null,
  objects: (input, situation) => [workloadRef(input, situation)],
  preview,
  resolve,
  prepare,
  settle: async (input, _effect, context) => {
    const { kind, namespace, name } = workloadRef(input, context);
    return { namespace: namespace ?? "", workload: name, kind, containers: input.containers ?? {} };
  },
};

/** By container: `{requests: {memory: "64Mi"}, limits: {memory: "128Mi"}}`. */
type Sizes = Readonly<Record<string, JsonObject>>;

function preview(input: ActionInput): string {
  const kind = textOf(input, "kind") ?? "workload";
  const what = isObject(input.containers)
    ? Object.entries(input.containers).map(([name, sizes]) => `${name} to ${sizesText(sizes)}`)
    : resourceNames.filter((name) => input[name] !== undefined).map((name) => `more ${name}`);
  return `give ${kind.toLowerCase()} ${named(input, "workload")} ${what.join("; ") || "more resources"}`;
}

function sizesText(sizes: Json | undefined): string {
  const parts = Object.entries(isObject(sizes) ? sizes : {}).flatMap(([side, values]) =>
    Object.entries(isObject(values) ? values : {}).map(
      ([name, value]) => `${name} ${sides[side as Side]} ${amountText(value)}`,
    ),
  );
  return parts.join(", ");
}

function amountText(value: Json | undefined): string {
  return typeof value === "string" || typeof value === "number" ? String(value) : "";
}

async function resolve(input: ActionInput, situation: Situation, tools: ActionTools): Promise<ActionInput> {
  const { ref, object } = await readWorkload(input, situation, tools);
  const { kind, namespace, name } = ref;
  const containers = await planSizes(input, ref, object, tools);
  return { ...input, namespace, kind, workload: name, containers };
}

async function planSizes(
  input: ActionInput,
  ref: ObjectRef,
  object: KubernetesObject,
  tools: ActionTools,
): Promise<Sizes> {
  const wanted = resourceNames.filter((name) => input[name] !== undefined);
  if (wanted.length === 0) throw new Problem("PARAMETER_INVALID", 'say how much: "memory" or "cpu"');
  const only = textOf(input, "container");
  const containers = containersOf(object).filter(({ name }) => only === null || name === only);
  if (containers.length === 0)
    throw new Problem("PARAMETER_INVALID", `${workloadText(ref)} has no container ${only ?? ""}`);
  const ceilings = await ceilingsOf(ref, tools);
  const why: string[] = [];
  const plan = (container: Container) =>
    merged(
      wanted.map((resource) => {
        const present = amountsOf(container.resources, resource);
        const raise = raiseAmounts(input[resource] ?? null, present, ceilings.get(resource) ?? null);
        if (raise.amounts !== null) return written(resource, raise.amounts);
        why.push(`${resource} of ${container.name} ${raise.why}`);
        return {};
      }),
    );
  const sizes = containers.map((container) => [container.name, plan(container)] as const);
  const raised = sizes.filter(([, size]) => Object.keys(size).length > 0);
  if (raised.length > 0) return Object.fromEntries(raised);
  throw new Problem("PRECONDITION_FAILED", `nothing to raise in ${workloadText(ref)}: ${why.join(", ")}`);
}

function written(resource: ResourceName, { request, limit }: Amounts): JsonObject {
  const side = (quantity: Quantity | null) =>
    quantity === null ? null : { [resource]: quantityText(quantity) };
  const [requests, limits] = [side(request), side(limit)];
  return { ...(requests === null ? {} : { requests }), ...(limits === null ? {} : { limits }) };
}

function merged(parts: readonly JsonObject[]): JsonObject {
  const side = (name: Side) => Object.assign({}, ...parts.map((part) => part[name] ?? {})) as JsonObject;
  const both = { requests: side("requests"), limits: side("limits") };
  return Object.fromEntries(Object.entries(both).filter(([, values]) => Object.keys(values).length > 0));
}

/** What LimitRanges allow one container, the smallest of several; none where they may not be read. */
async function ceilingsOf(ref: ObjectRef, tools: ActionTools): Promise<ReadonlyMap<ResourceName, Ceiling>> {
  const ceilings = new Map<ResourceName, Ceiling>();
  for (const { metadata, spec } of await limitRanges(ref, tools)) {
    const limits = Array.isArray(spec?.limits) ? spec.limits.filter(isObject) : [];
    for (const { type, max } of limits) {
      if (type !== "Container" || !isObject(max)) continue;
      for (const name of resourceNames) {
        const most = max[name] === undefined ? null : readQuantity(amountText(max[name]));
        const known = ceilings.get(name);
        if (most !== null && (known === undefined || most.nanos < known.most.nanos))
          ceilings.set(name, { most, name: `LimitRange ${metadata.name}` });
      }
    }
  }
  return ceilings;
}

async function limitRanges({ cluster, namespace }: ObjectRef, tools: ActionTools) {
  try {
    return await tools.cluster(cluster).list({ apiVersion: "v1", kind: "LimitRange", namespace });
  } catch (error) {
    if (error instanceof Problem && error.code === "API_FORBIDDEN") return [];
    throw error;
  }
}

interface Container {
  readonly name: string;
  readonly resources: unknown;
}

function containersOf({ spec }: KubernetesObject): readonly Container[] {
  const template = isObject(spec?.template) ? spec.template : {};
  const list = isObject(template.spec) ? template.spec.containers : null;
  return (Array.isArray(list) ? list.filter(isObject) : []).map(({ name, resources }) => ({
    name: typeof name === "string" ? name : "",
    resources,
  }));
}

async function prepare(input: ActionInput, context: ActionContext, tools: ActionTools): Promise<PatchEffect> {
  const { ref, object } = await readWorkload(input, context, tools);
  refuseOnDelete(ref, object);
  const sizes = isObject(input.containers)
    ? (input.containers as Sizes)
    : await planSizes(input, ref, object, tools);
  return patchEffect(
    ref,
    object,
    Object.entries(sizes).flatMap(([name, size]) => writesOf(name, size, ref, object)),
  );
}

/** Its pods would keep what they have until somebody deletes them. */
function refuseOnDelete(ref: ObjectRef, { spec }: KubernetesObject): void {
  if (!isObject(spec?.updateStrategy) || spec.updateStrategy.type !== "OnDelete") return;
  throw new Problem(
    "PRECONDITION_FAILED",
    `${workloadText(ref)} is updated only when its pods are deleted (updateStrategy OnDelete): they would keep what they have`,
  );
}

function writesOf(
  name: string,
  size: JsonObject,
  ref: ObjectRef,
  object: KubernetesObject,
): readonly FieldWrite[] {
  const index = containersOf(object).findIndex((container) => container.name === name);
  if (index < 0) throw new Problem("TARGET_GONE", `${workloadText(ref)} no longer has a container ${name}`);
  const { resources } = containersOf(object)[index] as Container;
  return Object.entries(size).flatMap(([side, values]) =>
    Object.entries(isObject(values) ? values : {}).map(([resource, value]) => {
      const present = amountsOf(resources, resource as ResourceName)[sides[side as Side]];
      refuseLowering(
        present,
        amountText(value),
        `${resource} ${sides[side as Side]} of ${name} in ${workloadText(ref)}`,
      );
      const path = ["spec", "template", "spec", "containers", String(index), "resources", side, resource];
      return { pointer: toPointer(path), value: value ?? null };
    }),
  );
}

function refuseLowering(present: Quantity | null, value: string, what: string): void {
  if (present === null || present.nanos <= quantityOf(value).nanos) return;
  throw new Problem(
    "PRECONDITION_FAILED",
    `${what} is ${quantityText(present)} by now, more than the ${value} that was planned: it is not lowered`,
  );
}
