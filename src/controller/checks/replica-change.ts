// One step changes the number of replicas by so many at most, up or down: a slipped digit is not a fleet.
import { objectText } from "../../domain/facts/objects.ts";
import { Problem } from "../../domain/problem.ts";
import type { CheckedEffect } from "./step-check.ts";
import { writtenReplicas } from "./written-value.ts";

/** @throws Problem REPLICA_CHANGE_TOO_LARGE, final */
export function refuseLargeReplicaChange(
  { effect }: CheckedEffect,
  { mostReplicaChange }: { readonly mostReplicaChange: number },
): void {
  const written = writtenReplicas(effect);
  if (effect.kind !== "patch" || written === null) return;
  const { before, after } = written;
  const change = Math.abs(after - before);
  if (change <= mostReplicaChange) return;
  throw new Problem(
    "REPLICA_CHANGE_TOO_LARGE",
    `${objectText(effect.object)} would go from ${before} to ${after} replicas, a change of ${change}: one step changes at most ` +
      `${mostReplicaChange} (limits.replica_change of gitmend.yaml)`,
    { details: { before, after, most: mostReplicaChange } },
  );
}
