// New pods that no node has room for stay Pending: said before the change. What is counted is the least that they need (requests,
// node selector, taints, pods a node may have), so that what fits is never refused. An autoscaler adds nodes for Pending pods:
// where one works, nothing is refused.
import type { ClusterApi } from "../../actions/action.ts";
import { selects } from "../../actions/disruption-room.ts";
import type { KubernetesObject } from "../../domain/facts/objects.ts";
import { canonicalJson, isObject, type JsonObject } from "../../domain/json.ts";
import { Problem, toProblem } from "../../domain/problem.ts";
import { type NewPods, newPodsOf } from "./new-pods.ts";
import { type Amounts, amountsIn, amountText, askedBy, objectsIn } from "./pod-amounts.ts";
import type { CheckedEffect } from "./step-check.ts";

/** A cluster with more pods is not counted: the answer would cost more than a pod that waits. */
const mostPods = 5_000;
const askAgainSeconds = 15;
const one = 1_000_000_000n;

/** @throws Problem NO_ROOM_ON_NODES, retryable: pods may end, nodes may come; API_*, but not API_FORBIDDEN */
export async function refuseWithoutRoom(checked: CheckedEffect): Promise<void> {
  const pods = newPodsOf(checked);
  // A DaemonSet's pod has its node.
  if (pods === null || pods.ref.kind === "DaemonSet" || !takesMore(pods, checked)) return;
  const api = checked.tools.cluster(pods.ref.cluster);
  try {
    const [nodes, running] = await Promise.all([
      api.list({ apiVersion: "v1", kind: "Node", namespace: null }),
      podsOfCluster(api),
    ]);
    // A cluster that shows no node has them somewhere else.
    if (running.length >= mostPods || nodes.length === 0) return;
    const problem = roomProblem(pods, nodes, running);
    if (problem !== null && !(await mayGrow(nodes, pods.ref.cluster, api))) throw problem;
  } catch (error) {
    // Who may not look leaves it to the scheduler.
    if (toProblem(error).code !== "API_FORBIDDEN") throw error;
  }
}

const stillInUse = "status.phase!=Succeeded,status.phase!=Failed";

function podsOfCluster(api: ClusterApi): Promise<readonly KubernetesObject[]> {
  return api.list({
    apiVersion: "v1",
    kind: "Pod",
    namespace: null,
    fieldSelector: stillInUse,
    enough: mostPods,
  });
}

/** More pods at some time, larger ones, or other nodes for them: a restart that ends a pod for each that it starts takes nothing. */
function takesMore({ moments, spec }: NewPods, { found }: CheckedEffect): boolean {
  if (moments.some(({ adds, frees }) => adds > frees)) return true;
  const template = found[0]?.object?.spec?.["template"];
  const before = isObject(template) && isObject(template.spec) ? template.spec : {};
  if (nodesText(before) !== nodesText(spec)) return true;
  const old = askedBy(before, []).requests;
  return [...askedBy(spec, []).requests].some(([name, value]) => value > (old.get(name) ?? 0n));
}

function nodesText({ nodeSelector = {}, tolerations = [] }: JsonObject): string {
  return canonicalJson([nodeSelector, tolerations]);
}

interface Place {
  readonly node: string;
  readonly free: Amounts;
  /** How many such pods it takes. */
  readonly fits: number;
}

function roomProblem(
  pods: NewPods,
  nodes: readonly KubernetesObject[],
  running: readonly KubernetesObject[],
): Problem | null {
  const asked = askedBy(pods.spec, []).requests;
  const suitable = nodes.filter((node) => isSuitable(node, pods.spec));
  for (const { adds, frees } of pods.moments) {
    const staying = frees === 0 ? running : running.filter((pod) => !isOwn(pod, pods));
    const places = placesOn(suitable, staying, asked);
    const fits = places.reduce((sum, place) => sum + place.fits, 0);
    if (fits < adds) return noRoom(pods, adds, asked, fits, places, nodes.length);
  }
  return null;
}

function isOwn({ metadata }: KubernetesObject, { namespace, selector }: NewPods): boolean {
  return metadata.namespace === namespace && selects(selector, metadata.labels ?? {});
}

function placesOn(
  nodes: readonly KubernetesObject[],
  running: readonly KubernetesObject[],
  asked: Amounts,
): readonly Place[] {
  const byNode = new Map<string, KubernetesObject[]>();
  for (const pod of running) {
    const node = pod.spec?.["nodeName"];
    if (typeof node !== "string") continue;
    const known = byNode.get(node);
    if (known === undefined) byNode.set(node, [pod]);
    else known.push(pod);
  }
  const requests = requestsOf();
  return nodes.map((node) => placeOn(node, byNode.get(node.metadata.name) ?? [], asked, requests));
}

/** Thousands of pods ask for a few dozen different amounts: each is read once. */
function requestsOf(): (pod: KubernetesObject) => Amounts {
  const known = new Map<string, Amounts>();
  return ({ spec }) => {
    const own = isObject(spec) ? spec : {};
    const { containers, initContainers, resources, overhead } = own;
    const amounts = [...objectsIn(containers), ...objectsIn(initContainers)].map((it) => [
      it.resources,
      it.restartPolicy,
    ]);
    const key = JSON.stringify([amounts, objectsIn(containers).length, resources, overhead]);
    const found = known.get(key) ?? askedBy(own, []).requests;
    known.set(key, found);
    return found;
  };
}

function placeOn(
  node: KubernetesObject,
  pods: readonly KubernetesObject[],
  asked: Amounts,
  requests: (pod: KubernetesObject) => Amounts,
): Place {
  const free = new Map(amountsIn(node.status?.["allocatable"]));
  const take = (name: string, value: bigint) => free.set(name, (free.get(name) ?? 0n) - value);
  for (const pod of pods) {
    take("pods", one);
    for (const [name, value] of requests(pod)) take(name, value);
  }
  const each = [...asked, ["pods", one] as const].filter(([, value]) => value > 0n);
  const fits = each.map(([name, value]) => Math.max(0, Number((free.get(name) ?? 0n) / value)));
  return { node: node.metadata.name, free, fits: Math.min(...fits) };
}

function isSuitable({ metadata, spec = {}, status = {} }: KubernetesObject, podSpec: JsonObject): boolean {
  const ready = objectsIn(status["conditions"]).some(
    ({ type, status: is }) => type === "Ready" && is === "True",
  );
  const wanted = Object.entries(isObject(podSpec.nodeSelector) ? podSpec.nodeSelector : {});
  const tolerations = objectsIn(podSpec.tolerations);
  return (
    ready &&
    spec["unschedulable"] !== true &&
    wanted.every(([name, value]) => metadata.labels?.[name] === value) &&
    objectsIn(spec["taints"]).every((taint) => isTolerated(taint, tolerations))
  );
}

function isTolerated({ key, value, effect }: JsonObject, tolerations: readonly JsonObject[]): boolean {
  if (effect === "PreferNoSchedule") return true;
  return tolerations.some(
    (one) =>
      (one.effect === undefined || one.effect === "" || one.effect === effect) &&
      (one.key === undefined || one.key === "" || one.key === key) &&
      (one.operator === "Exists" || (one.value ?? "") === (value ?? "")),
  );
}

function noRoom(
  { of, ref }: NewPods,
  adds: number,
  asked: Amounts,
  fits: number,
  places: readonly Place[],
  nodes: number,
): Problem {
  const amounts = [...asked].map(([name, value]) => `${amountText(name, value)} ${name}`).join(" and ");
  const what = amounts === "" ? "one place each" : `${amounts} each`;
  const where =
    places.length === 0
      ? `none of the ${nodes} nodes takes them (node selector, taints, cordoned, not ready)`
      : `${fits} fit on the ${places.length} of ${nodes} nodes that take them${largestText(places, asked)}`;
  return new Problem(
    "NO_ROOM_ON_NODES",
    `cluster ${ref.cluster} has no room for ${adds} ${adds === 1 ? "pod" : "pods"} of ${of} (${what}): ${where}. Add a node, end ` +
      "other pods, or ask for less",
    { retryable: true, details: { retryAfterSeconds: askAgainSeconds, pods: adds, fits } },
  );
}

/** The node that has most left of what is asked for first. */
function largestText(places: readonly Place[], asked: Amounts): string {
  const names = [...asked.keys()];
  const [name] = names;
  if (name === undefined) return "";
  const left = (place: Place) => place.free.get(name) ?? 0n;
  const best = places.reduce((most, place) => (left(place) > left(most) ? place : most));
  const text = (of: string) => {
    const free = best.free.get(of) ?? 0n;
    return `${amountText(of, free > 0n ? free : 0n)} ${of}`;
  };
  return `; most is left on ${best.node}: ${names.map(text).join(" and ")}`;
}

/** Karpenter and what is built on it label their nodes. */
const growing = ["karpenter.sh/", "eks.amazonaws.com/compute-type"];

/** The Cluster Autoscaler tells its state in a ConfigMap. Who may not read that does not know. */
async function mayGrow(
  nodes: readonly KubernetesObject[],
  cluster: string,
  api: ClusterApi,
): Promise<boolean> {
  const labelled = nodes.some(({ metadata }) =>
    Object.keys(metadata.labels ?? {}).some((label) => growing.some((prefix) => label.startsWith(prefix))),
  );
  if (labelled) return true;
  const status = { namespace: "kube-system", name: "cluster-autoscaler-status" };
  return (await api.get({ cluster, apiVersion: "v1", kind: "ConfigMap", ...status })) !== null;
}
