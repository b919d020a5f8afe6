// Deployments: one ReplicaSet a template, revisions, rolling updates, and the conditions that people and alerts read.
// The scaling rules are those of kube-controller-manager, but for proportional scaling in the middle of a rollout.
import { createHash } from "node:crypto";
import { timestamp } from "./clock.ts";
import { type Condition, type Deployment, type PodTemplate, type ReplicaSet, sameJson } from "./objects.ts";
import { absolute, byOwner, type Controller, newMetadata, type World, withCondition } from "./world.ts";

export const revisionKey = "deployment.kubernetes.io/revision";
const historyKey = "deployment.kubernetes.io/revision-history";
const hashLabel = "pod-template-hash";
/** Annotations of the Deployment that its ReplicaSets do not take over. */
const ownAnnotations = new Set([
  "kubectl.kubernetes.io/last-applied-configuration",
  revisionKey,
  historyKey,
  "deployment.kubernetes.io/desired-replicas",
  "deployment.kubernetes.io/max-replicas",
]);

export const deploymentController: Controller = (world) => {
  const replicaSets = byOwner(world.store.list("replicasets") as ReplicaSet[]);
  const wakeTimes = (world.store.list("deployments") as Deployment[])
    .filter((deployment) => deployment.metadata.deletionTimestamp === undefined)
    .map((deployment) => syncDeployment(world, deployment, replicaSets.get(deployment.metadata.uid) ?? []));
  return Math.min(Infinity, ...wakeTimes);
};

function syncDeployment(world: World, deployment: Deployment, owned: readonly ReplicaSet[]): number {
  const { current, old } = ensureCurrent(world, deployment, owned);
  const scaled = deployment.spec.strategy.type === "Recreate" ? recreate : rollingUpdate;
  const sets = scaled(deployment, current, old).map((one) => world.store.put(one) as ReplicaSet);
  if (current !== null) removeHistory(world, deployment, sets);
  return writeStatus(world, deployment, sets);
}

// ---- revisions ----------------------------------------------------------------------------------------------------

const revisionOf = (set: ReplicaSet) => Number(set.metadata.annotations?.[revisionKey] ?? 0);

function bareTemplate(template: PodTemplate): PodTemplate {
  const { [hashLabel]: _hash, ...labels } = template.metadata?.labels ?? {};
  return { ...template, metadata: { ...template.metadata, labels } };
}

function inherited(deployment: Deployment): Record<string, string> {
  const all = Object.entries(deployment.metadata.annotations ?? {});
  return Object.fromEntries(all.filter(([key]) => !ownAnnotations.has(key)));
}

/** Finds or makes the ReplicaSet of the present template and gives it the highest revision. Null while paused before it exists. */
function ensureCurrent(
  world: World,
  deployment: Deployment,
  owned: readonly ReplicaSet[],
): { current: ReplicaSet | null; old: ReplicaSet[] } {
  const template = bareTemplate(deployment.spec.template);
  const found = owned.find((set) => sameJson(bareTemplate(set.spec.template), template));
  const old = owned.filter((set) => set !== found).toSorted((a, b) => revisionOf(a) - revisionOf(b));
  if (deployment.spec.paused) return { current: found ?? null, old };
  const highest = Math.max(0, ...old.map(revisionOf));
  const current =
    found === undefined
      ? newReplicaSet(world, deployment, highest + 1)
      : promoted(deployment, found, highest);
  const stored = world.store.put(current) as ReplicaSet;
  announceRevision(world, deployment, stored);
  return { current: stored, old };
}

function newReplicaSet(world: World, deployment: Deployment, revision: number): ReplicaSet {
  const hash = templateHash(deployment.spec.template);
  const { name, namespace, uid } = deployment.metadata;
  const labels = { ...deployment.spec.template.metadata?.labels, [hashLabel]: hash };
  return {
    apiVersion: "apps/v1",
    kind: "ReplicaSet",
    metadata: newMetadata(world, {
      name: `${name}-${hash}`,
      ...(namespace === undefined ? {} : { namespace }),
      generation: 1,
      labels,
      annotations: { ...inherited(deployment), [revisionKey]: String(revision) },
      ownerReferences: [
        { apiVersion: "apps/v1", kind: "Deployment", name, uid, controller: true, blockOwnerDeletion: true },
      ],
    }),
    spec: {
      replicas: 0,
      selector: {
        ...deployment.spec.selector,
        matchLabels: { ...deployment.spec.selector.matchLabels, [hashLabel]: hash },
      },
      template: { ...deployment.spec.template, metadata: { ...deployment.spec.template.metadata, labels } },
    },
    status: { replicas: 0 },
  };
}

const hashLetters = "bcdfghjklmnpqrstvwxz2456789";

function templateHash(template: PodTemplate): string {
  const digest = createHash("sha256").update(sortedText(template)).digest();
  return [...digest.subarray(0, 10)].map((byte) => hashLetters[byte % hashLetters.length]).join("");
}

function sortedText(value: unknown): string {
  return JSON.stringify(value, (_key, part: unknown) =>
    typeof part === "object" && part !== null && !Array.isArray(part)
      ? Object.fromEntries(Object.entries(part).toSorted(([a], [b]) => (a < b ? -1 : 1)))
      : part,
  );
}

/** A template that comes back: its old ReplicaSet becomes the newest revision and remembers the old number. */
function promoted(deployment: Deployment, set: ReplicaSet, highest: number): ReplicaSet {
  const annotations = { ...set.metadata.annotations, ...inherited(deployment) };
  const revision = revisionOf(set);
  if (revision <= highest) {
    const history = [annotations[historyKey], String(revision)].filter((one) => one !== undefined);
    annotations[historyKey] = history.join(",");
    annotations[revisionKey] = String(highest + 1);
  }
  return { ...set, metadata: { ...set.metadata, annotations } };
}

function announceRevision(world: World, { metadata }: Deployment, set: ReplicaSet): void {
  const latest = world.store.get("deployments", metadata.namespace ?? null, metadata.name);
  if (latest === undefined) return;
  const annotations = {
    ...latest.metadata.annotations,
    [revisionKey]: set.metadata.annotations?.[revisionKey] ?? "",
  };
  world.store.put({ ...latest, metadata: { ...latest.metadata, annotations } });
}

function removeHistory(world: World, deployment: Deployment, sets: readonly ReplicaSet[]): void {
  const idle = sets.slice(0, -1).filter((set) => set.spec.replicas === 0 && set.status.replicas === 0);
  const excess = Math.max(0, idle.length - deployment.spec.revisionHistoryLimit);
  for (const set of idle.slice(0, excess)) world.store.remove(set);
}

// ---- scaling ------------------------------------------------------------------------------------------------------

function scaledTo(set: ReplicaSet, replicas: number): ReplicaSet {
  if (set.spec.replicas === replicas) return set;
  const generation = (set.metadata.generation ?? 0) + 1;
  return { ...set, metadata: { ...set.metadata, generation }, spec: { ...set.spec, replicas } };
}

const sum = (sets: readonly ReplicaSet[], count: (set: ReplicaSet) => number) =>
  sets.reduce((total, set) => total + count(set), 0);
const available = (set: ReplicaSet) => set.status.availableReplicas ?? 0;

/** Oldest first, the current one last. */
function rollingUpdate(
  deployment: Deployment,
  current: ReplicaSet | null,
  old: readonly ReplicaSet[],
): ReplicaSet[] {
  const wanted = deployment.spec.replicas;
  if (current === null)
    return old.map((set, index) => (index === old.length - 1 ? scaledTo(set, wanted) : set));
  const { surge, unavailable } = rollingLimits(deployment);
  const total = sum([...old, current], (set) => set.spec.replicas);
  const room = Math.max(0, Math.min(wanted + surge - total, wanted - current.spec.replicas));
  const grown = scaledTo(current, Math.min(wanted, current.spec.replicas + room));
  return [...shrinkOld(old, grown, wanted - unavailable), grown];
}

/** Not both 0: the API server's rule for percentages that round down to nothing. */
function rollingLimits({ spec }: Deployment): { surge: number; unavailable: number } {
  const surge = absolute(spec.strategy.rollingUpdate?.maxSurge, spec.replicas, "up");
  const unavailable = absolute(spec.strategy.rollingUpdate?.maxUnavailable, spec.replicas, "down");
  return { surge, unavailable: surge === 0 && unavailable === 0 ? 1 : Math.min(unavailable, spec.replicas) };
}

/** Takes away unhealthy old replicas first, then healthy ones as far as enough stay available. */
function shrinkOld(old: readonly ReplicaSet[], current: ReplicaSet, minAvailable: number): ReplicaSet[] {
  const all = [...old, current];
  const newUnavailable = current.spec.replicas - available(current);
  let budget = sum(all, (set) => set.spec.replicas) - minAvailable - newUnavailable;
  const cleaned = old.map((set) => {
    const cut = Math.max(0, Math.min(budget, set.spec.replicas - available(set)));
    budget -= cut;
    return scaledTo(set, set.spec.replicas - cut);
  });
  let spare = sum([...cleaned, current], available) - minAvailable;
  return cleaned.map((set) => {
    const cut = Math.max(0, Math.min(spare, budget, set.spec.replicas));
    spare -= cut;
    budget -= cut;
    return scaledTo(set, set.spec.replicas - cut);
  });
}

function recreate(
  deployment: Deployment,
  current: ReplicaSet | null,
  old: readonly ReplicaSet[],
): ReplicaSet[] {
  if (current === null) return [...old];
  const gone = old.every((set) => set.status.replicas === 0);
  return [
    ...old.map((set) => scaledTo(set, 0)),
    gone ? scaledTo(current, deployment.spec.replicas) : current,
  ];
}

// ---- status -------------------------------------------------------------------------------------------------------

function writeStatus(world: World, synced: Deployment, sets: readonly ReplicaSet[]): number {
  const { metadata } = synced;
  const deployment = world.store.get("deployments", metadata.namespace ?? null, metadata.name) as Deployment;
  const counts = countReplicas(deployment, sets);
  const availableNow = availability(deployment, counts.availableReplicas);
  const { condition, wakeAt } = progress(world, deployment, counts, sets.at(-1)?.metadata.name ?? "");
  const first = withCondition(deployment.status?.conditions ?? [], availableNow, world.now());
  const moving = condition === null ? first : withCondition(first, condition, world.now());
  const failures = sets.flatMap(({ status }) => status.conditions ?? []).slice(0, 1);
  const conditions = [...moving.filter(({ type }) => type !== "ReplicaFailure"), ...failures];
  const shown = Object.fromEntries(Object.entries(counts).filter(([, count]) => count !== 0));
  world.store.put({
    ...deployment,
    status: { observedGeneration: metadata.generation ?? 1, ...shown, conditions },
  } as Deployment);
  return wakeAt;
}

interface Counts {
  readonly replicas: number;
  readonly updatedReplicas: number;
  readonly readyReplicas: number;
  readonly availableReplicas: number;
  readonly unavailableReplicas: number;
}

function countReplicas({ spec }: Deployment, sets: readonly ReplicaSet[]): Counts {
  const availableReplicas = sum(sets, available);
  const template = bareTemplate(spec.template);
  const current = sets.filter((set) => sameJson(bareTemplate(set.spec.template), template));
  const replicas = sum(sets, (set) => set.status.replicas);
  return {
    replicas,
    updatedReplicas: sum(current, (set) => set.status.replicas),
    readyReplicas: sum(sets, (set) => set.status.readyReplicas ?? 0),
    availableReplicas,
    unavailableReplicas: Math.max(0, sum(sets, (set) => set.spec.replicas) - availableReplicas),
  };
}

function availability(deployment: Deployment, availableReplicas: number): Condition {
  const { unavailable } = rollingLimits(deployment);
  const enough = availableReplicas >= deployment.spec.replicas - unavailable;
  return enough
    ? {
        type: "Available",
        status: "True",
        reason: "MinimumReplicasAvailable",
        message: "Deployment has minimum availability.",
      }
    : {
        type: "Available",
        status: "False",
        reason: "MinimumReplicasUnavailable",
        message: "Deployment does not have minimum availability.",
      };
}

/** The Progressing condition; it fails when nothing has moved for the deadline. */
function progress(
  world: World,
  { status, spec, metadata }: Deployment,
  counts: Counts,
  setName: string,
): { condition: Condition | null; wakeAt: number } {
  if (spec.paused) return { condition: null, wakeAt: Infinity };
  const old = status?.conditions?.find((one) => one.type === "Progressing");
  const make = (state: "True" | "False", reason: string, message: string, moved: boolean): Condition => ({
    type: "Progressing",
    status: state,
    reason,
    message,
    lastUpdateTime: moved ? timestamp(world.now()) : (old?.lastUpdateTime ?? timestamp(world.now())),
  });
  const done =
    counts.updatedReplicas === spec.replicas &&
    counts.replicas === spec.replicas &&
    counts.availableReplicas === spec.replicas;
  if (done) {
    const text = `ReplicaSet "${setName}" has successfully progressed.`;
    return {
      condition: make("True", "NewReplicaSetAvailable", text, old?.reason !== "NewReplicaSetAvailable"),
      wakeAt: Infinity,
    };
  }
  const newRollout = status?.observedGeneration !== metadata.generation || old === undefined;
  const moved =
    newRollout ||
    (status?.updatedReplicas ?? 0) < counts.updatedReplicas ||
    (status?.availableReplicas ?? 0) < counts.availableReplicas ||
    (status?.readyReplicas ?? 0) < counts.readyReplicas ||
    (status?.replicas ?? 0) - (status?.updatedReplicas ?? 0) > counts.replicas - counts.updatedReplicas;
  if (moved) {
    const condition = make("True", "ReplicaSetUpdated", `ReplicaSet "${setName}" is progressing.`, true);
    return { condition, wakeAt: deadline(world, spec.progressDeadlineSeconds, condition) };
  }
  const dueAt = deadline(world, spec.progressDeadlineSeconds, old);
  // A finished rollout that loses pods later is no stuck rollout: its condition stays.
  if (old.reason === "NewReplicaSetAvailable" || old.status === "False")
    return { condition: old, wakeAt: Infinity };
  if (world.now() < dueAt) return { condition: old, wakeAt: dueAt };
  const text = `ReplicaSet "${setName}" has timed out progressing.`;
  return { condition: make("False", "ProgressDeadlineExceeded", text, true), wakeAt: Infinity };
}

function deadline(world: World, seconds: number, condition: Condition): number {
  const limit = Math.min(seconds, world.timing.progressDeadlineSeconds);
  return Date.parse(condition.lastUpdateTime ?? timestamp(world.now())) + limit * 1000;
}
