// What an ended execution leaves in place on purpose, and the plan that takes it back when the incident is over: the steps that
// its own plan carries under `when_resolved`, word for word, so that whoever approved that plan has approved this one.
import { objectKey } from "../facts/objects.ts";
import type { Plan, PlannedWait, Taken } from "../planning/plan.ts";
import { sealPlan } from "../planning/seal-plan.ts";
import { stepOutputs } from "../planning/step-outputs.ts";
import type { ActionDescription } from "../templates/action-description.ts";
import type { Outcome } from "./events.ts";
import { type Execution, leavesChange, planInUse } from "./execution.ts";

/** Where nobody knows what happened, or an undo has failed, people have it in hand already. */
const settled: ReadonlySet<Outcome> = new Set(["succeeded", "partly", "failed", "cancelled"]);

/** In their order; none: there is nothing to take back. */
export function waitingSteps(state: Execution): readonly PlannedWait[] {
  const { plan, outcome } = state;
  if (plan === null || outcome === null || !settled.has(outcome)) return [];
  const { whenResolved = [] } = planInUse(state, plan);
  return whenResolved.length > 0 && leavesChange(state, plan) ? whenResolved : [];
}

/** So long after its end they may begin: each needs those above it, so the shortest `keep` holds for all. null: nothing waits. */
export function keepSecondsOf(state: Execution): number | null {
  const keeps = waitingSteps(state).map(({ keepSeconds }) => keepSeconds);
  return keeps.length === 0 ? null : Math.min(...keeps);
}

/** @param id of the execution that has ended. @param actions all that its steps may name */
export function followUpPlan(
  id: string,
  state: Execution,
  actions: ReadonlyMap<string, ActionDescription>,
): Plan {
  const steps = waitingSteps(state);
  const { plan } = state;
  const [first] = steps;
  if (plan === null || first === undefined) throw new Error(`nothing follows execution ${id}`);
  const inUse = planInUse(state, plan);
  const { template, target, parameters, assessment, timeoutSeconds, approvalRequired } = inUse;
  const taken: Taken = {
    execution: id,
    steps: stepOutputs(plan, state.steps, first.name) as unknown as Taken["steps"],
  };
  const touched = new Set(steps.flatMap(({ touches = [] }) => touches));
  return sealPlan(
    {
      template,
      target,
      parameters,
      taken,
      steps: steps.map(({ keepSeconds: _kept, ...step }) => step),
      finally: [],
      ...(plan.scopes === undefined ? {} : { scopes: plan.scopes }),
      ...(inUse.actions === undefined ? {} : { actions: inUse.actions }),
      fallback: null,
      fallbackImpossible: null,
      assessment,
      timeoutSeconds,
      maxParallel: 1,
      cooldownSeconds: 0,
      approvalRequired,
    },
    "low",
    inUse.touches.objects.filter((ref) => touched.has(objectKey(ref))),
    actions,
  );
}
