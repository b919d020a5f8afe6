// What is checked right before the effect of a step, in this order: the first that refuses it says why.
import { type AccessPorts, refuseWithoutAccess } from "./access.ts";
import { refuseAgainstBudget } from "./disruption-budgets.ts";
import { refuseLastReadyReplica } from "./last-ready-replica.ts";
import { refuseBeyondNamespaceLimits } from "./namespace-limits.ts";
import { refuseLargeReplicaChange } from "./replica-change.ts";
import { refuseWithoutRoom } from "./room-on-nodes.ts";
import type { CheckedEffect, StepCheck } from "./step-check.ts";

export interface CheckPorts extends AccessPorts {
  /** How many replicas one step adds or takes away, at most. */
  readonly mostReplicaChange: number;
}

const checks: readonly StepCheck<CheckPorts>[] = [
  refuseLargeReplicaChange,
  refuseLastReadyReplica,
  refuseAgainstBudget,
  refuseBeyondNamespaceLimits,
  refuseWithoutRoom,
  refuseWithoutAccess,
];

/** @throws Problem of the first check that refuses the effect; nothing has been written */
export async function assertMayHappen(checked: CheckedEffect, ports: CheckPorts): Promise<void> {
  for (const check of checks) await check(checked, ports);
}
