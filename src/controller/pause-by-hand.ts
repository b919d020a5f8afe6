// A person pauses or resumes: everything, a namespace, one execution. The answer waits for what came of it: the owners of what
// runs record that they stand still (or go on), wherever they are.
import { didYouMean } from "../domain/did-you-mean.ts";
import { fold } from "../domain/execution/evolve.ts";
import type { Pause, PauseScope } from "../domain/facts/pause.ts";
import { canonicalJson } from "../domain/json.ts";
import { shortened } from "../domain/plain-text.ts";
import { Problem } from "../domain/problem.ts";
import type { PauseStore, Said } from "./pause-ports.ts";
import type { Pauses } from "./pauses.ts";
import type { Clusters, ExecutionStore, ExecutionSummary } from "./ports.ts";

export interface PauseRequest extends Said {
  readonly cluster?: string;
  readonly namespace?: string;
  /** An id, or its beginning or end; alone. */
  readonly execution?: string;
  /** How long; null or left out: until somebody resumes. */
  readonly seconds?: number | null;
}

export interface PauseAnswer {
  /** What holds now, or what was resumed; null: nothing of exactly this scope was, or its execution has ended. */
  readonly pause: Pause | null;
  /** What else holds still of all this. */
  readonly still: readonly Pause[];
  /** The one that was asked about, as it is now. */
  readonly execution: ExecutionSummary | null;
  /** Live executions that the scope is about, and how many of them start no further step. */
  readonly live: number;
  readonly paused: number;
  /** All of them have recorded it; false: their owners will, they were not at it within the time. */
  readonly acted: boolean;
}

export interface PauseByHandPorts {
  readonly pauses: Pick<Pauses, "all">;
  readonly pauseStore: Pick<PauseStore, "pause" | "resume" | "counts">;
  readonly executions: Pick<ExecutionStore, "find" | "events">;
  readonly clusters: Pick<Clusters, "names">;
}

/** A dead owner's lease has ended by then, and the next one is at it. */
const ownerSeconds = 10;

/** @throws Problem USAGE, NOT_FOUND, DATABASE_UNAVAILABLE */
export async function pauseByHand(request: PauseRequest, ports: PauseByHandPorts): Promise<PauseAnswer> {
  const { scope, execution } = await scopeOf(request, ports);
  if (execution?.phase === "ended") return ofEnded(execution);
  const said = { by: request.by, reason: request.reason };
  const pause = await ports.pauseStore.pause(scope, said, request.seconds ?? null);
  const { live, paused } = await settled(scope, ({ live: all, paused: still }) => still >= all, ports);
  const others = (await othersOf(scope, ports)).filter(
    (one) => one.source !== "command" || !isOf(one, scope),
  );
  return { pause, still: others, ...(await shown(execution, ports)), live, paused, acted: paused >= live };
}

/** @throws Problem USAGE, NOT_FOUND, DATABASE_UNAVAILABLE */
export async function resumeByHand(request: PauseRequest, ports: PauseByHandPorts): Promise<PauseAnswer> {
  const { scope, execution } = await scopeOf(request, ports);
  if (execution?.phase === "ended") return ofEnded(execution);
  const pause = await ports.pauseStore.resume(scope, { by: request.by, reason: request.reason });
  const still = await othersOf(scope, ports);
  const goOn = (counts: { paused: number }) => still.length > 0 || counts.paused === 0;
  const { live, paused } = await settled(scope, goOn, ports);
  return { pause, still, ...(await shown(execution, ports)), live, paused, acted: goOn({ paused }) };
}

async function scopeOf(
  { cluster: named, namespace, execution: id }: PauseRequest,
  { executions, clusters }: PauseByHandPorts,
): Promise<{ readonly scope: PauseScope; readonly execution: ExecutionSummary | null }> {
  const cluster = named ?? null;
  if (id !== undefined) {
    if (cluster !== null || namespace !== undefined)
      throw new Problem("USAGE", "an execution is named alone: without namespace and cluster");
    const execution = await executions.find(id);
    if (execution === null)
      throw new Problem("NOT_FOUND", `no execution ${shortened(id, 40)}, or more than one begins or ends so`);
    return { scope: { kind: "execution", execution: execution.id }, execution };
  }
  if (cluster !== null && !clusters.names.includes(cluster))
    throw new Problem("USAGE", `there is no cluster ${cluster}${didYouMean(cluster, clusters.names)}`);
  const scope: PauseScope =
    namespace === undefined ? { kind: "everything", cluster } : { kind: "namespace", cluster, namespace };
  return { scope, execution: null };
}

function ofEnded(execution: ExecutionSummary): PauseAnswer {
  return { pause: null, still: [], execution, live: 0, paused: 0, acted: true };
}

async function settled(
  scope: PauseScope,
  isDone: (counts: { readonly live: number; readonly paused: number }) => boolean,
  { pauseStore }: PauseByHandPorts,
) {
  const deadline = performance.now() + ownerSeconds * 1000;
  for (;;) {
    const counts = await pauseStore.counts(scope);
    if (isDone(counts) || performance.now() >= deadline) return counts;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

/** What holds at least a part of it. */
async function othersOf(
  scope: PauseScope,
  { pauses, executions }: PauseByHandPorts,
): Promise<readonly Pause[]> {
  const all = await pauses.all();
  if (scope.kind !== "execution") return all.filter((pause) => overlap(pause.scope, scope));
  const { plan } = fold(await executions.events(scope.execution));
  const namespaces = plan?.touches.namespaces ?? [];
  const clusters = plan?.touches.clusters ?? [];
  return all.filter(({ scope: other }) => {
    if (other.kind === "execution") return other.execution === scope.execution;
    if (other.kind === "object") return false;
    const here = other.cluster === null || clusters.includes(other.cluster);
    return here && (other.kind === "everything" || namespaces.includes(other.namespace));
  });
}

function overlap(left: PauseScope, right: PauseScope): boolean {
  if (!("cluster" in left && "cluster" in right)) return false;
  const here = left.cluster === null || right.cluster === null || left.cluster === right.cluster;
  const both = left.kind === "namespace" && right.kind === "namespace";
  return here && (!both || left.namespace === right.namespace);
}

function isOf({ scope }: Pause, other: PauseScope): boolean {
  return canonicalJson({ ...scope }) === canonicalJson({ ...other });
}

async function shown(execution: ExecutionSummary | null, { executions }: PauseByHandPorts) {
  return { execution: execution === null ? null : await executions.find(execution.id) };
}
