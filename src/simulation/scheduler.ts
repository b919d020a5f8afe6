// The scheduler: a pod goes to the node with the fewest pods among those that take it, and says of all others why they do not,
// in the real one's words.
import type { Condition, Node, Pod, Taint } from "./objects.ts";
import { hasEnded, totals } from "./pod-admission.ts";
import { amount } from "./quantities.ts";
import { claimTrouble } from "./volume-binder.ts";
import { type Controller, type World, withCondition } from "./world.ts";

/** Resource by resource, of each node: what its pods ask for. */
type InUse = Map<string, Map<string, number>>;

export const scheduler: Controller = (world) => {
  const pods = world.store.list("pods") as Pod[];
  const waiting = pods.filter(
    (pod) => pod.spec.nodeName === undefined && pod.metadata.deletionTimestamp === undefined,
  );
  if (waiting.length === 0) return Infinity;
  const load = new Map<string, number>();
  for (const { spec } of pods) if (spec.nodeName) load.set(spec.nodeName, (load.get(spec.nodeName) ?? 0) + 1);
  const nodes = world.store.list("nodes") as Node[];
  const inUse = requestsByNode(pods);
  for (const pod of waiting) place(world, pod, nodes, load, inUse);
  return Infinity;
};

function requestsByNode(pods: readonly Pod[]): InUse {
  const inUse: InUse = new Map();
  for (const pod of pods) if (!hasEnded(pod)) take(inUse, pod, pod.spec.nodeName);
  return inUse;
}

function take(inUse: InUse, { spec }: Pod, node: string | undefined): void {
  if (node === undefined) return;
  const ofNode = inUse.get(node) ?? new Map<string, number>();
  for (const [name, value] of Object.entries(totals(spec, "requests")))
    ofNode.set(name, (ofNode.get(name) ?? 0) + amount(value));
  inUse.set(node, ofNode);
}

function place(
  world: World,
  pod: Pod,
  nodes: readonly Node[],
  load: Map<string, number>,
  inUse: InUse,
): void {
  const claims = pod.spec.volumes?.flatMap((volume) => volume.persistentVolumeClaim?.claimName ?? []) ?? [];
  const unbound = claimTrouble(world, pod.metadata.namespace ?? null, claims);
  const refusals = nodes.map((node) => (unbound === null ? whyNot(node, pod, inUse) : [unbound]));
  const [node] = nodes
    .filter((_, index) => refusals[index]?.length === 0)
    .toSorted((a, b) => (load.get(a.metadata.name) ?? 0) - (load.get(b.metadata.name) ?? 0));
  const scheduled: Condition =
    node === undefined
      ? { type: "PodScheduled", status: "False", reason: "Unschedulable", message: summary(refusals) }
      : { type: "PodScheduled", status: "True" };
  const conditions = withCondition(pod.status.conditions ?? [], scheduled, world.now());
  const name = node?.metadata.name;
  if (name !== undefined) load.set(name, (load.get(name) ?? 0) + 1);
  take(inUse, pod, name);
  world.store.put({
    ...pod,
    spec: name === undefined ? pod.spec : { ...pod.spec, nodeName: name },
    status: { ...pod.status, conditions },
  });
}

/** Empty: it takes the pod. A node that is out of the question is not asked for room. */
function whyNot(node: Node, { spec }: Pod, inUse: InUse): readonly string[] {
  const { metadata, status } = node;
  if (node.spec.unschedulable === true) return ["node(s) were unschedulable"];
  const ready = status.conditions.some((one) => one.type === "Ready" && one.status === "True");
  if (!ready) return ["node(s) had untolerated taint {node.kubernetes.io/not-ready: }"];
  const taint = node.spec.taints?.find((one) => !isTolerated(one, spec));
  if (taint !== undefined) return [`node(s) had untolerated taint {${taint.key}: ${taint.value ?? ""}}`];
  const wanted = Object.entries(spec.nodeSelector ?? {});
  if (wanted.some(([key, value]) => metadata.labels?.[key] !== value))
    return ["node(s) didn't match Pod's node affinity/selector"];
  const used = inUse.get(metadata.name);
  return Object.entries(totals(spec, "requests"))
    .filter(
      ([name, value]) => (used?.get(name) ?? 0) + amount(value) > amount(status.allocatable?.[name] ?? 0),
    )
    .map(([name]) => `Insufficient ${name}`);
}

function isTolerated({ key, value = "", effect }: Taint, { tolerations = [] }: Pod["spec"]): boolean {
  if (effect === "PreferNoSchedule") return true;
  return tolerations.some(
    (one) =>
      (one.effect ?? effect) === effect &&
      (one.key ?? key) === key &&
      (one.operator === "Exists" || (one.value ?? "") === value),
  );
}

/** `0/3 nodes are available: 1 Insufficient memory, 2 node(s) were unschedulable.` */
function summary(refusals: readonly (readonly string[])[]): string {
  const all = refusals.flat();
  const counted = [...new Set(all)]
    .toSorted()
    .map((why) => `${all.filter((one) => one === why).length} ${why}`);
  return `0/${refusals.length} nodes are available: ${counted.join(", ")}.`;
}
