// The scope of expressions while steps run: what is recorded of the alert and of earlier steps, and, only where an
// expression reads them, target and namespace as they are now.
import type { ActionTools } from "../actions/action.ts";
import type { Execution } from "../domain/execution/execution.ts";
import { rootsOf, rootsOfExpression } from "../domain/expressions/roots.ts";
import { alertScope, type Scope } from "../domain/expressions/scope.ts";
import type { History } from "../domain/facts/facts.ts";
import type { Subject } from "../domain/facts/objects.ts";
import { subjectOf } from "../domain/intake/subject-of.ts";
import { canonicalJson } from "../domain/json.ts";
import type { ActionCall, Plan, PlannedStep } from "../domain/planning/plan.ts";
import { isOfFallback } from "../domain/planning/step-names.ts";
import { stepOutputs } from "../domain/planning/step-outputs.ts";
import { Problem } from "../domain/problem.ts";
import type { EnginePorts } from "./engine-ports.ts";
import { namespaceOf, ownerOf } from "./gather-facts.ts";
import { resolveTarget } from "./resolve-target.ts";

/** @throws Problem TARGET_GONE, API_* when an expression needs the target and it cannot be read */
export async function scopeOf(
  state: Execution,
  [step, call]: readonly [PlannedStep, ActionCall],
  tools: ActionTools,
  executionId: string,
  { alerts, clock, clusters, ownerLabel }: Pick<EnginePorts, "alerts" | "clock" | "clusters" | "ownerLabel">,
): Promise<Scope> {
  const { alert, subject, plan } = state;
  if (alert === null || plan === null)
    throw new Problem("INTERNAL", "a step ran before its plan was recorded");
  const roots = rootsIn(step, call);
  const target = roots.has("target") || roots.has("owner") ? await freshTarget(state, tools) : null;
  return {
    alert: alertScope(alert, subject),
    subject: step.subject ?? subject,
    subjects: subjectsOf(state),
    cluster: { name: alert.cluster, labels: clusters.labels(alert.cluster) },
    params: planOf(plan, step).parameters,
    steps: stepOutputs(plan, state.steps, step.name),
    now: clock.now(),
    ...(roots.has("target") ? { target } : {}),
    ...(roots.has("owner") ? { owner: await ownerOf(alert, subject, target, tools, ownerLabel) } : {}),
    ...(roots.has("namespace") ? { namespace: await namespaceOf(alert, subject, tools) } : {}),
    ...(roots.has("history") && plan.target !== null
      ? { history: before(executionId, await alerts.history(alert.name, plan.target)) }
      : {}),
  };
}

/** Of all alerts that ever belonged to the execution, its own first. */
function subjectsOf({ alerts }: Execution): readonly Subject[] {
  const found = [...alerts.values()].map((alert) => subjectOf(alert)).filter((subject) => subject !== null);
  return [...new Map(found.map((subject) => [canonicalJson(subject), subject])).values()];
}

function rootsIn(step: PlannedStep, call: ActionCall): ReadonlySet<string> {
  const conditions = [...step.conditions, ...step.preconditions, ...step.postconditions];
  return new Set([...rootsOf(call.input), ...conditions.flatMap((source) => [...rootsOfExpression(source)])]);
}

function planOf(plan: Plan, { name }: PlannedStep): Plan {
  return isOfFallback(name) ? (plan.fallback ?? plan) : plan;
}

/** The execution itself is no earlier attempt. */
function before(executionId: string, { attempts }: History): History {
  return { attempts: attempts.filter((attempt) => attempt.executionId !== executionId) };
}

async function freshTarget({ plan }: Execution, tools: ActionTools) {
  const identity = plan?.target ?? null;
  if (identity === null) return null;
  const { cluster, kind, namespace, name, uid } = identity;
  const target = await resolveTarget(cluster, { kind, namespace, name }, tools);
  if (target?.uid !== uid)
    throw new Problem("TARGET_GONE", `${kind} ${name} is not the object that the plan was made for`);
  return target;
}
