// What every controller of the simulated cluster works on, and how fast things happen there.
import { timestamp } from "./clock.ts";
import type { ApiObject, Condition, Metadata } from "./objects.ts";
import type { Store } from "./store.ts";

/** Seconds. The defaults make a rollout take well under a second. */
export interface Timing {
  /** From scheduled to containers started. */
  readonly startSeconds: number;
  /** From started to ready. */
  readonly readySeconds: number;
  /** How long a container that exits runs before it does. */
  readonly crashAfterSeconds: number;
  /** The first back-off of a crash loop; doubles each time up to the maximum (10 and 300 in a real kubelet). */
  readonly crashBackoffSeconds: number;
  readonly crashBackoffMaxSeconds: number;
  /** How long a pod that is to end by itself (of a Job) runs, unless its command is `sleep <seconds>`. */
  readonly runSeconds: number;
  /** How long a deleted pod needs to stop, at most its grace period. */
  readonly stopSeconds: number;
  /** Upper bound of every Deployment's progressDeadlineSeconds. */
  readonly progressDeadlineSeconds: number;
}

export const defaultTiming: Timing = {
  startSeconds: 0.05,
  readySeconds: 0.1,
  crashAfterSeconds: 0.05,
  crashBackoffSeconds: 0.2,
  crashBackoffMaxSeconds: 2,
  runSeconds: 0.1,
  stopSeconds: 0.05,
  progressDeadlineSeconds: 600,
};

export interface World {
  readonly store: Store;
  readonly timing: Timing;
  /** Milliseconds since the epoch, in the simulated cluster's time. */
  now(): number;
  /** From the seed: uids and name suffixes are the same in every run. */
  random(): number;
}

/** One pass over the cluster. Returns when it wants to be called again although nothing changed; Infinity: never. */
export type Controller = (world: World) => number;

const suffixLetters = "bcdfghjklmnpqrstvwxz2456789";

export function randomSuffix(world: Pick<World, "random">, length = 5): string {
  return Array.from({ length }, () => suffixLetters[Math.floor(world.random() * suffixLetters.length)]).join(
    "",
  );
}

export function newUid(world: Pick<World, "random">): string {
  const hex = Array.from({ length: 32 }, () => Math.floor(world.random() * 16).toString(16)).join("");
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-4${hex.slice(13, 16)}-a${hex.slice(17, 20)}-${hex.slice(20)}`;
}

/** Metadata of a new object: what the API server fills in. */
export function newMetadata(world: World, metadata: Partial<Metadata> & { name: string }): Metadata {
  return {
    ...metadata,
    uid: newUid(world),
    resourceVersion: "",
    creationTimestamp: timestamp(world.now()),
  };
}

/** A small seeded generator (mulberry32). */
export function seededRandom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
  };
}

/** Objects by the uid of their controlling owner. */
export function byOwner<T extends ApiObject>(objects: readonly T[]): Map<string, T[]> {
  const owned = new Map<string, T[]>();
  for (const object of objects) {
    const owner = object.metadata.ownerReferences?.find((one) => one.controller)?.uid;
    if (owner !== undefined) owned.set(owner, [...(owned.get(owner) ?? []), object]);
  }
  return owned;
}

/** Sets a condition; lastTransitionTime moves only with the status. */
export function withCondition(
  conditions: readonly Condition[],
  condition: Pick<Condition, "type" | "status"> & Partial<Condition>,
  now: number,
): Condition[] {
  const old = conditions.find((one) => one.type === condition.type);
  const lastTransitionTime =
    old?.status === condition.status ? (old.lastTransitionTime ?? timestamp(now)) : timestamp(now);
  return [...conditions.filter((one) => one.type !== condition.type), { ...condition, lastTransitionTime }];
}

/** `25%` of `total`, or the number itself. */
export function absolute(value: number | string | undefined, total: number, round: "up" | "down"): number {
  if (value === undefined) return 0;
  if (typeof value === "number") return value;
  const share = (Number.parseInt(value, 10) * total) / 100;
  return round === "up" ? Math.ceil(share) : Math.floor(share);
}
