// The same repair where its owner reads it: a plan that changes a field of what Flux, Argo CD or Helm applies becomes one that asks
// for that change in the repository of the manifest (`git`), or that asks for it beside changing it (`both`).
import type { ActionTools, ChangeAction } from "../actions/action.ts";
import { redactChange } from "../actions/redact-change.ts";
import { durationText } from "../domain/duration.ts";
import { type KubernetesObject, type ManifestSource, objectKey } from "../domain/facts/objects.ts";
import { goesThrough, managerDenial, repairOf, type WantedRepair } from "../domain/gate/managed-by.ts";
import { canonicalJson, type Json } from "../domain/json.ts";
import type { PatchEffect } from "../domain/planning/effect.ts";
import { namedPath } from "../domain/planning/field-path.ts";
import type { Plan, PlannedStep } from "../domain/planning/plan.ts";
import { Problem, toProblem } from "../domain/problem.ts";
import {
  contextOf,
  findAction,
  isRunTime,
  type MadePlan,
  type PlanPorts,
  type PlanRequest,
  prepareWithin,
  sealAgain,
} from "./make-plan.ts";
import type { WeighedPlan } from "./weigh-plan.ts";

const appliedWait = "15m";
const appliedSeconds = 930;
const stepSeconds = 30;

type Fields = Readonly<Record<string, Json>>;

/**
 * @returns the plan in Git; the plan as it is, when it is not about that; a text: why it cannot be there, without its full stop
 * @throws Problem retryable: it cannot be known now
 */
async function planInGit(
  made: MadePlan,
  wanted: WantedRepair,
  request: PlanRequest,
  tools: ActionTools,
  ports: PlanPorts,
): Promise<MadePlan | string> {
  const { target } = request;
  // What may be as it is (its owner rests meanwhile, a rule wants it live) stays as it is.
  if (target === null || managerDenial(made.plan, target, wanted) === null) return made;
  const { manager } = target;
  if (repairOf(made.plan) !== "live" || manager === null || !manager.confirmed) return made;
  if (manager.source === null) return "its owner names no folder of a Git repository";
  try {
    const step = theOneChange(made.plan);
    const fields = await fieldsOf(step, request, tools, ports);
    const asking = askingStep(step, fields, manager.source, wanted);
    // What comes after a change is tried in vain while the plan is made: here it has to be possible now.
    const context = contextOf(request.executionId, asking.name, request.facts.alert.cluster, target);
    await (findAction(ports.actions, asking.call.action) as ChangeAction).prepare(
      asking.call.input,
      context,
      tools,
    );
    const { plan } = made;
    const waits = wanted.waitSeconds + (wanted.repair === "git" ? appliedSeconds : 0);
    return await sealAgain(
      {
        ...plan,
        steps:
          wanted.repair === "both" ? [...plan.steps, asking] : insteadOf(step, asking, fields, plan.steps),
        timeoutSeconds: plan.timeoutSeconds + waits,
        fallback: null,
        fallbackImpossible:
          plan.fallback === null ? plan.fallbackImpossible : "what is repaired in Git has none",
      },
      request,
      tools,
      ports,
    );
  } catch (error) {
    const { retryable, code, message } = toProblem(error);
    if (retryable || code === "INTERNAL") throw error;
    return message;
  }
}

/** Weighed; where rules, or its owner, want it in Git, made anew as that. @throws Problem as makePlan and `weigh` */
export async function repairWhereWanted(
  made: MadePlan,
  weigh: (plan: Plan) => Promise<WeighedPlan>,
  request: PlanRequest,
  tools: ActionTools,
  ports: PlanPorts,
): Promise<{ readonly made: MadePlan; readonly weighed: WeighedPlan }> {
  const weighed = await weigh(made.plan);
  const inGit = await planInGit(made, weighed.repair, request, tools, ports);
  if (typeof inGit === "string") return { made, weighed: notInGitEither(weighed, inGit) };
  return inGit === made ? { made, weighed } : { made: inGit, weighed: await weigh(inGit.plan) };
}

/** What people read when it can be neither changed where it is nor in Git. */
function notInGitEither(weighed: WeighedPlan, why: string): WeighedPlan {
  const reasons = weighed.gate.reasons.map((one) =>
    one.rule === "built-in/managed" ? { ...one, reason: `${one.reason}; gitmend cannot: ${why}` } : one,
  );
  return { ...weighed, gate: { ...weighed.gate, reasons } };
}

function isLive(step: PlannedStep): boolean {
  return step.changes && !goesThrough(step);
}

/** Later ones would start from a state that nobody has read. @throws Problem MANIFEST_NOT_EDITABLE */
function theOneChange({ steps, finally: last, whenResolved = [] }: Plan): PlannedStep {
  const [first, second] = [...steps, ...last, ...whenResolved].filter(isLive);
  if (first === undefined || second !== undefined || !steps.includes(first))
    throw notInGit("the plan changes more than once, or at its end");
  // Nobody would apply what was merged.
  if (steps.some(({ call }) => call.action === "suspend_gitops"))
    throw notInGit("the plan suspends its owner");
  const reads = ({ call, conditions, preconditions, postconditions }: PlannedStep) =>
    isRunTime(call) ||
    [...conditions, ...preconditions, ...postconditions].some((text) => text.includes("steps"));
  if (isRunTime(first.call) || steps.some((step) => step !== first && reads(step)))
    throw notInGit("its steps read what others put out");
  return first;
}

/** What the step would write, by paths that mean the same in a manifest. @throws Problem MANIFEST_NOT_EDITABLE */
async function fieldsOf(
  step: PlannedStep,
  { executionId, facts, target }: PlanRequest,
  tools: ActionTools,
  { actions }: PlanPorts,
): Promise<Fields> {
  const action = findAction(actions, step.call.action) as ChangeAction;
  const context = contextOf(executionId, step.name, facts.alert.cluster, target);
  const effect = await prepareWithin(step, action, context, tools);
  if (effect.kind !== "patch" || target === null || objectKey(effect.object) !== objectKey(target))
    throw notInGit(`${step.call.action} changes no field of the target`);
  const object = await tools.cluster(facts.alert.cluster).get(effect.object);
  if (object === null) throw new Problem("TARGET_GONE", "the target is gone");
  return Object.fromEntries(effect.changes.map((change) => fieldOf(change, object)));
}

function fieldOf(change: PatchEffect["changes"][number], object: KubernetesObject): readonly [string, Json] {
  const { pointer, before, after } = change;
  const path = namedPath(pointer, object);
  const isValue = typeof after === "string" || typeof after === "number" || typeof after === "boolean";
  if (path === null || !isValue || before === undefined)
    throw notInGit(`${pointer} is not one value for another`);
  if (canonicalJson(redactChange(change) as never) !== canonicalJson(change as never))
    throw notInGit(`${pointer} may be a secret`);
  return [path, after];
}

function askingStep(
  step: PlannedStep,
  fields: Fields,
  source: ManifestSource,
  { repair, waitSeconds }: WantedRepair,
): PlannedStep {
  const inGit = {
    call: {
      action: "git_patch_manifest",
      input: {
        repository: source.url,
        branch: source.follows,
        path: source.path,
        fields,
        wait_timeout: durationText(waitSeconds),
      },
    },
    postconditions: [],
    timeoutSeconds: waitSeconds + stepSeconds,
    retry: step.retry,
    alternatives: [],
    undo: { how: "nothing", why: "what is merged is reverted in Git, by people" },
    changes: true,
    subject: step.subject,
  } as const;
  if (repair === "git") {
    const { name, dependsOn, conditions, preconditions, touches } = step;
    const same = { name, dependsOn, conditions, preconditions, onFailure: "stop" } as const;
    return { ...same, ...inGit, ...(touches === undefined ? {} : { touches }) };
  }
  // What works in the cluster is not taken back because nobody has merged it yet.
  const follows = { name: `${step.name}/git`, dependsOn: [step.name], onFailure: "continue" } as const;
  return { ...follows, ...inGit, conditions: [], preconditions: [] };
}

function insteadOf(
  step: PlannedStep,
  asking: PlannedStep,
  fields: Fields,
  steps: readonly PlannedStep[],
): readonly PlannedStep[] {
  const applied = appliedStep(`${step.name}/applied`, asking, fields);
  const after = ({ dependsOn }: PlannedStep) =>
    dependsOn.map((name) => (name === step.name ? applied.name : name));
  return steps.flatMap((one) => (one === step ? [asking, applied] : [{ ...one, dependsOn: after(one) }]));
}

/** Whoever applies the manifest does so in their own time. */
function appliedStep(name: string, asking: PlannedStep, fields: Fields): PlannedStep {
  return {
    name,
    dependsOn: [asking.name],
    call: { action: "validate_fields", input: { fields, wait_timeout: appliedWait } },
    conditions: [],
    preconditions: [],
    postconditions: [],
    timeoutSeconds: appliedSeconds,
    retry: asking.retry,
    onFailure: "stop",
    alternatives: [],
    undo: { how: "nothing", why: "it only reads" },
    changes: false,
    subject: asking.subject,
  };
}

function notInGit(why: string): Problem {
  return new Problem("MANIFEST_NOT_EDITABLE", why);
}
