// Jobs: one pod after the other until one succeeds, as often as backoffLimit allows and as long as the deadline does; what has
// ended goes after its time to live. A pod that is taken away counts as failed, as in Kubernetes since 1.26.
import { timestamp } from "./clock.ts";
import { createPods } from "./create-pods.ts";
import type { Condition, Job, Pod } from "./objects.ts";
import { startDeletion } from "./pod-deletion.ts";
import { byOwner, type Controller, newMetadata, randomSuffix, type World, withCondition } from "./world.ts";

export function createJobController(): Controller {
  /** Pods of a Job that were there, by its uid: one that is gone without an end has failed. */
  const seen = new Map<string, Set<string>>();
  return (world) => {
    const pods = byOwner(world.store.list("pods") as Pod[]);
    const jobs = world.store.list("jobs") as Job[];
    const uids = new Set(jobs.map(({ metadata }) => metadata.uid));
    for (const uid of seen.keys()) if (!uids.has(uid)) seen.delete(uid);
    return Math.min(
      Infinity,
      ...jobs.map((job) => syncJob(world, job, pods.get(job.metadata.uid) ?? [], podsSeen(seen, job))),
    );
  };
}

function podsSeen(seen: Map<string, Set<string>>, { metadata: { uid } }: Job): Set<string> {
  const known = seen.get(uid) ?? new Set<string>();
  seen.set(uid, known);
  return known;
}

function ended({ status }: Job): Condition | undefined {
  return status.conditions?.find(
    ({ type, status: value }) => value === "True" && (type === "Complete" || type === "Failed"),
  );
}

/** @returns when it wants to be looked at again */
function syncJob(world: World, job: Job, owned: readonly Pod[], seen: Set<string>): number {
  const end = ended(job);
  if (end !== undefined) return clearAway(world, job, end);
  for (const { metadata } of owned) seen.add(metadata.uid);
  const startedAt = job.status.startTime ?? timestamp(world.now());
  const inPhase = (phase: Pod["status"]["phase"]) => owned.filter(({ status }) => status.phase === phase);
  const succeeded = inPhase("Succeeded").length;
  const failed = inPhase("Failed").length + (seen.size - owned.length);
  const active = owned.filter(
    ({ status, metadata }) => isActive(status.phase) && metadata.deletionTimestamp === undefined,
  );
  const { activeDeadlineSeconds: deadline = Infinity, backoffLimit, completions } = job.spec;
  const deadlineAt = Date.parse(startedAt) + deadline * 1000;
  const counts = { startTime: startedAt, ...shown({ active: active.length, succeeded, failed }) };
  if (succeeded >= completions)
    return finish(world, job, counts, active, { type: "Complete", status: "True" });
  if (failed > backoffLimit) {
    const message = "Job has reached the specified backoff limit";
    const condition = { type: "Failed", status: "True", reason: "BackoffLimitExceeded", message } as const;
    return finish(world, job, counts, active, condition);
  }
  if (world.now() >= deadlineAt) {
    const message = "Job was active longer than specified deadline";
    const condition = { type: "Failed", status: "True", reason: "DeadlineExceeded", message } as const;
    return finish(world, job, counts, active, condition);
  }
  const terminating = owned.some(
    ({ metadata, status }) => metadata.deletionTimestamp !== undefined && isActive(status.phase),
  );
  if (active.length === 0 && !terminating) {
    const refused = createPods(world, job, 1, () => newPod(world, job)) !== null;
    world.store.put({ ...job, status: { ...job.status, ...counts, ...(refused ? {} : { active: 1 }) } });
  } else world.store.put({ ...job, status: { ...job.status, ...counts } });
  return deadlineAt;
}

function isActive(phase: Pod["status"]["phase"]): boolean {
  return phase === "Pending" || phase === "Running";
}

/** Zeros are left out, as the real server does. */
function shown(counts: Readonly<Record<string, number>>): Job["status"] {
  return Object.fromEntries(Object.entries(counts).filter(([, count]) => count !== 0));
}

function finish(
  world: World,
  job: Job,
  counts: Job["status"],
  active: readonly Pod[],
  condition: Pick<Condition, "type" | "status"> & Partial<Condition>,
): number {
  for (const pod of active) startDeletion(world, pod, null);
  const { active: _active, ...rest } = counts;
  const completionTime = condition.type === "Complete" ? { completionTime: timestamp(world.now()) } : {};
  const conditions = withCondition(job.status.conditions ?? [], condition, world.now());
  const { active: _old, ...kept } = job.status;
  world.store.put({ ...job, status: { ...kept, ...rest, ...completionTime, conditions } });
  return world.now();
}

function clearAway(world: World, job: Job, { lastTransitionTime }: Condition): number {
  const { ttlSecondsAfterFinished: kept } = job.spec;
  if (kept === undefined) return Infinity;
  const at = Date.parse(lastTransitionTime ?? "") + kept * 1000;
  if (world.now() < at) return at;
  world.store.remove(job);
  return Infinity;
}

function newPod(world: World, job: Job): Pod {
  const { template } = job.spec;
  const { name, namespace, uid } = job.metadata;
  return {
    apiVersion: "v1",
    kind: "Pod",
    metadata: newMetadata(world, {
      name: `${name}-${randomSuffix(world)}`,
      generateName: `${name}-`,
      ...(namespace === undefined ? {} : { namespace }),
      labels: { ...template.metadata?.labels },
      ...(template.metadata?.annotations ? { annotations: { ...template.metadata.annotations } } : {}),
      ownerReferences: [
        { apiVersion: "batch/v1", kind: "Job", name, uid, controller: true, blockOwnerDeletion: true },
      ],
    }),
    spec: structuredClone(template.spec),
    status: { phase: "Pending" },
  };
}
