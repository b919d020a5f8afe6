// Approved means unchanged: before the first change the target must be the object that people saw, with the values that
// the diff showed. What differs ends the execution as outdated; the firing is then decided anew.
import { canonicalJson } from "../domain/json.ts";
import type { Effect, Preview } from "../domain/planning/effect.ts";
import type { PlannedStep } from "../domain/planning/plan.ts";
import { Problem, type ProblemCode, toProblem } from "../domain/problem.ts";
import { escalationName } from "../domain/templates/escalation.ts";
import type { EnginePorts } from "./engine-ports.ts";
import { contextOf, findAction, isRunTime } from "./make-plan.ts";
import type { Session } from "./session.ts";
import { stepTools } from "./step-tools.ts";

const readTimeoutMilliseconds = 10_000;
/** With these a step says that it cannot be done on what is there now; waiting does not change that. */
const impossible: ReadonlySet<ProblemCode> = new Set([
  "TARGET_GONE",
  "NOTHING_TO_ROLL_BACK",
  "PRECONDITION_FAILED",
  "OWNERLESS_POD",
  "PARAMETER_INVALID",
  "API_INVALID",
  "API_FORBIDDEN",
  "API_NOT_FOUND",
]);

/** What differs from the plan, or null. @throws Problem API_*: not known now, ask again */
export async function stillAsPlanned(session: Session, ports: EnginePorts): Promise<string | null> {
  const { plan, previews, approved } = session.state();
  // What only tells people needs no cluster, least of all one that does not answer.
  if (plan === null || plan.target === null || plan.template.name === escalationName) return null;
  const signal = AbortSignal.any([session.signal, AbortSignal.timeout(readTimeoutMilliseconds)]);
  const own = ports.clusters.tools(signal, session.id);
  const tools = stepTools(plan, ports.clusters, signal, session.id);
  const { kind, name, uid, cluster } = plan.target;
  if (!ports.clusters.names.includes(cluster))
    return `there is no cluster ${cluster} in the configuration any more`;
  const object = await own.cluster(cluster).get(plan.target);
  if (object?.metadata.uid !== uid) return `${kind} ${name} was deleted or replaced since the plan was made`;
  if (!approved) return null;
  for (const step of plan.steps) {
    const preview = previews.find((candidate) => candidate.step === step.name);
    const difference =
      preview === undefined ? null : await differsOrCannot(step, preview, session, ports, tools);
    if (difference !== null) return difference;
  }
  return null;
}

/** A step that can no longer be prepared (somebody has rolled back by hand, the pod is gone) is not as it was approved either. */
async function differsOrCannot(...of: Parameters<typeof differs>): Promise<string | null> {
  try {
    return await differs(...of);
  } catch (error) {
    const { code, message, retryable } = toProblem(error);
    if (retryable || !impossible.has(code)) throw error;
    return `step ${of[0].name} can no longer be made as it was approved: ${message}`;
  }
}

async function differs(
  step: PlannedStep,
  preview: Preview,
  session: Session,
  { actions, effects }: EnginePorts,
  tools: ReturnType<EnginePorts["clusters"]["tools"]>,
): Promise<string | null> {
  const { plan, alert, repair } = session.state();
  // People have merged it: nothing of it is left to be done, and what stands there now is what they approved.
  if (repair?.forStep === step.name) return null;
  const action = findAction(actions, step.call.action, plan);
  if (!action.changes || isRunTime(step.call) || preview.source === "estimated") return null;
  const context = contextOf(session.id, step.name, alert?.cluster ?? "", plan?.target ?? null);
  const effect = await action.prepare(step.call.input, context, tools);
  const now = await effects.dryRun(effect, context, tools);
  // A time stamp is another one each time it is prepared; what stood there before must not be.
  const before = (changes: Preview["changes"]) =>
    canonicalJson(changes.map(({ pointer, before: old }) => [pointer, old ?? null]));
  return before(now) === before(preview.changes)
    ? null
    : `the fields that step ${step.name} changes are not as the approved diff showed them`;
}

/** Why an effect that is tried again may not be: it would start from other values than at first, which somebody wrote in between. */
export function overwrites(first: Effect, again: Effect): Problem | null {
  if (first.kind !== "patch" || again.kind !== "patch") return null;
  const values = ({ changes }: typeof first) =>
    new Map(changes.map(({ pointer, before }) => [pointer, canonicalJson(before ?? null)]));
  const [expected, found] = [values(first), values(again)];
  const field = [...expected.keys(), ...found.keys()].find(
    (pointer) => expected.get(pointer) !== found.get(pointer),
  );
  if (field === undefined) return null;
  const { kind, name } = again.object;
  return new Problem(
    "FIELD_CHANGED_SINCE",
    `${field} of ${kind} ${name} was changed by somebody else since the step first read it`,
    { details: { field } },
  );
}
