// The revisions of a Deployment's pod template, as its ReplicaSets keep them, and which of them to go back to.
import type { KubernetesObject } from "../domain/facts/objects.ts";
import { isObject, type Json, type JsonObject } from "../domain/json.ts";
import { Problem } from "../domain/problem.ts";
import type { ClusterApi } from "./action.ts";
import { sameJson } from "./differences.ts";
import { replicaSetsOf } from "./pods.ts";

const revisionAnnotation = "deployment.kubernetes.io/revision";
const hashLabel = "pod-template-hash";

export interface Revision {
  readonly number: number;
  /** The pod template, without the label that the controller adds. */
  readonly template: JsonObject;
  /** Pods that its ReplicaSet should have now, and how many of them are available. */
  readonly pods: number;
  readonly availablePods: number;
  /** It is the one that the Deployment asks for now. */
  readonly current: boolean;
}

export interface ChosenRevision {
  readonly revision: Revision;
  /** All pods of its ReplicaSet are available: it runs at this moment. Nothing else that Kubernetes keeps proves a revision. */
  readonly proven: boolean;
  /** Why it should be a good one, or that nothing says so, for people. */
  readonly proof: string;
}

/** Newest first. ReplicaSets that the controller has not numbered yet are left out. */
export async function revisionsOf(
  api: ClusterApi,
  deployment: KubernetesObject,
): Promise<readonly Revision[]> {
  const sets = await replicaSetsOf(api, deployment);
  return sets
    .map((set) => toRevision(set, deployment))
    .filter(({ number }) => Number.isInteger(number))
    .toSorted((one, other) => other.number - one.number);
}

function toRevision({ metadata, spec, status }: KubernetesObject, deployment: KubernetesObject): Revision {
  const template = withoutHash(spec?.template);
  return {
    number: Number.parseInt(metadata.annotations?.[revisionAnnotation] ?? "", 10),
    template,
    pods: countOf(spec?.replicas),
    availablePods: countOf(status?.availableReplicas),
    current: sameJson(template, withoutHash(deployment.spec?.template)),
  };
}

function countOf(value: unknown): number {
  return typeof value === "number" ? value : 0;
}

function withoutHash(template: unknown): JsonObject {
  if (!isObject(template) || !isObject(template.metadata) || !isObject(template.metadata.labels)) {
    return isObject(template) ? template : {};
  }
  const { [hashLabel]: _hash, ...labels } = template.metadata.labels;
  return { ...template, metadata: { ...template.metadata, labels } };
}

/** The Deployment's pod template as it is compared with those of its revisions. */
export function templateOf(deployment: KubernetesObject): JsonObject {
  return withoutHash(deployment.spec?.template);
}

/**
 * `last-good`: the newest other revision that is proven, else the newest of which some pods are available, else the previous one.
 * @throws Problem NOTHING_TO_ROLL_BACK: there is no such revision, or the Deployment is at it already.
 */
export function chooseRevision(wanted: Json | undefined, revisions: readonly Revision[]): ChosenRevision {
  const others = revisions.filter(({ current }) => !current);
  if (typeof wanted === "number") return numbered(wanted, revisions);
  const good = wanted === "previous" ? undefined : (others.find(isProven) ?? others.find(isPartly));
  const revision = good ?? others[0];
  if (revision === undefined) {
    throw new Problem(
      "NOTHING_TO_ROLL_BACK",
      "it has no earlier revision: all that it keeps is what runs now",
    );
  }
  return chosen(revision, revision === others[0] ? "previous revision" : "earlier revision");
}

function numbered(number: number, revisions: readonly Revision[]): ChosenRevision {
  const revision = revisions.find((candidate) => candidate.number === number);
  if (revision === undefined) {
    const known = revisions.map((candidate) => candidate.number).join(", ");
    throw new Problem("NOTHING_TO_ROLL_BACK", `it keeps no revision ${number} (it has ${known || "none"})`);
  }
  if (revision.current) {
    throw new Problem("NOTHING_TO_ROLL_BACK", `it is at revision ${number} already`);
  }
  return chosen(revision, "chosen revision");
}

function isProven({ pods, availablePods }: Revision): boolean {
  return pods > 0 && availablePods >= pods;
}

function isPartly({ availablePods }: Revision): boolean {
  return availablePods > 0;
}

function chosen(revision: Revision, which: string): ChosenRevision {
  const { pods, availablePods } = revision;
  const proven = isProven(revision);
  const all = pods === 1 ? "its pod is available now" : `all ${pods} of its pods are available now`;
  const some = availablePods === 0 ? "" : `, ${availablePods} of ${pods} of its pods are available`;
  return { revision, proven, proof: proven ? `proven: ${all}` : `${which}, not proven${some}` };
}
