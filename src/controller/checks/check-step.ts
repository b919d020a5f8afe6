// What is checked right before the effect of a step, in this order: the first that refuses it says why. The plan says it in
// advance.
import type { ActionTools } from "../../actions/action.ts";
import type { Effect } from "../../domain/planning/effect.ts";
import { toProblem } from "../../domain/problem.ts";
import type { RunAs } from "../../domain/templates/scope.ts";
import { readTouched } from "../protection.ts";
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

/** What would refuse the effect now, for people; null: nothing, or nobody can tell now. */
export async function whyRefusedNow(
  effect: Effect,
  tools: ActionTools,
  ports: CheckPorts,
  runAs: RunAs | null = null,
): Promise<string | null> {
  if (effect.kind === "send" || effect.kind === "request" || effect.kind === "branch") return null;
  try {
    const found = await readTouched([effect.object], tools);
    await assertMayHappen({ effect, found, tools, runAs }, ports);
    return null;
  } catch (error) {
    tools.signal.throwIfAborted();
    const problem = toProblem(error);
    if (problem.code === "INTERNAL") throw problem;
    return problem.code.startsWith("API_") ? null : problem.message;
  }
}
