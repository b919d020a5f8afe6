// Who writes a target's manifest, in words for people: what gitmend changed there, they would change back.
import type { ManagedBy, Manager, ManagerKind, Target } from "../facts/objects.ts";
import { everyApproved, type Plan, type PlannedStep } from "../planning/plan.ts";
import type { Repair } from "../policies/rule.ts";
import type { GuardVerdict } from "../policies/selection.ts";

const someone: Readonly<Record<Exclude<ManagedBy, "none" | "disputed">, string>> = {
  flux: "Flux",
  argocd: "Argo CD",
  helm: "Helm",
  operator: "an operator",
};

const gitActions: ReadonlySet<string> = new Set(["git_patch_manifest", "git_revert_commit"]);

/** Actions on whoever applies the manifests, or in Git where it reads them: what these do is not undone by it. */
const throughManager: ReadonlySet<string> = new Set([
  "suspend_gitops",
  "resume_gitops",
  "reconcile_flux",
  "sync_argo_application",
  "rollback_helm_release",
  "notify_team",
  ...gitActions,
]);

/** Where a target is to be repaired, by the strictest of the rules that fired; by none: in Git if somebody else applies it. */
export interface WantedRepair {
  readonly repair: Repair;
  /** null: by none. */
  readonly rule: string | null;
  /** How long people have to merge what is proposed. */
  readonly waitSeconds: number;
}

const strictestFirst: readonly Repair[] = ["git", "both", "live"];
const usualWaitSeconds = 3_600;

export function wantedRepair(verdicts: readonly GuardVerdict[], target: Target | null): WantedRepair {
  const asked = verdicts.filter((verdict) => verdict.effect === "repair");
  const [first] = strictestFirst.flatMap((repair) => asked.filter((verdict) => verdict.repair === repair));
  const usual = target === null || target.managedBy === "none" ? "live" : "git";
  if (first === undefined) return { repair: usual, rule: null, waitSeconds: usualWaitSeconds };
  const { repair, rule } = first;
  const waits = asked.filter((verdict) => verdict.repair === repair).map(({ waitSeconds }) => waitSeconds);
  return { repair, rule, waitSeconds: Math.min(...waits) };
}

/** Where a plan repairs. */
export function repairOf(plan: Plan): Repair {
  const changing = everyApproved(plan).filter(({ changes }) => changes);
  if (!changing.some(isInGit)) return "live";
  return changing.every(goesThrough) ? "git" : "both";
}

function isInGit({ call, alternatives }: PlannedStep): boolean {
  return [call, ...alternatives.map((one) => one.call)].some(({ action }) => gitActions.has(action));
}

/**
 * Why a plan may not change what somebody else writes, one sentence without its full stop. null: it may, because nobody does, because
 * it goes through who does, because that rests, confirmed, before anything is changed, or because a rule wants it live.
 */
export function managerDenial(
  plan: Plan,
  target: Target,
  wanted: WantedRepair = wantedRepair([], target),
): string | null {
  const denial = managerText(target);
  if (wanted.repair === "git" && wanted.rule !== null)
    return changesLive(plan, target)
      ? `${wanted.rule} has it repaired in Git alone: ${denial ?? noSource}`
      : null;
  if (denial === null || isThrough(plan, target)) return null;
  // Whoever may be its owner has not been asked.
  if (target.managedBy === "disputed") return denial;
  return wanted.repair === "live" || (wanted.repair === "both" && isFollowed(plan)) ? null : denial;
}

/** Also while its owner rests. */
function changesLive(plan: Plan, target: Target): boolean {
  return everyApproved(plan).some((step) => step.changes && !goesThrough(step) && !isOfNode(step, target));
}

const noSource = "nobody is known to apply it from there";

/** Each change that its owner would take back has its own step in Git, which nothing but the change itself can stop. */
function isFollowed({ steps, finally: last, whenResolved = [], fallback }: Plan): boolean {
  const follows = ({ name }: PlannedStep) =>
    steps.some(
      (step) =>
        isInGit(step) &&
        step.conditions.length === 0 &&
        step.dependsOn.length === 1 &&
        step.dependsOn[0] === name,
    );
  const through = (step: PlannedStep) => !step.changes || goesThrough(step);
  return (
    steps.every((step) => through(step) || follows(step)) &&
    [...last, ...whenResolved, ...(fallback === null ? [] : everyApproved(fallback))].every(through)
  );
}

function isThrough(plan: Plan, target: Target): boolean {
  const { steps, finally: last, whenResolved = [], fallback } = plan;
  const suspending = target.managedBy === "disputed" ? null : suspendingStep(plan, target.manager);
  const rests = (step: PlannedStep) => suspending !== null && comesAfter(step, suspending, steps);
  return (
    steps.every((step) => !step.changes || goesThrough(step) || rests(step) || isOfNode(step, target)) &&
    [...last, ...whenResolved].every((step) => !step.changes || goesThrough(step)) &&
    (fallback === null || isThrough(fallback, target))
  );
}

/** Whoever applies the target does what the step asks, and takes nothing of it back. */
export function goesThrough({ call, alternatives, undo }: PlannedStep): boolean {
  const calls = [call, ...alternatives.map((one) => one.call)];
  const undos = [undo, ...alternatives.map((one) => one.undo)];
  const back = undos.flatMap((one) => (one.how === "action" ? [one.call] : []));
  return [...calls, ...back].every(({ action }) => throughManager.has(action));
}

/** The target waits for a node, which whoever writes the target does not write. */
function isOfNode({ call, alternatives }: PlannedStep, { kind }: Target): boolean {
  return call.action === "untaint_node" && kind !== "Node" && alternatives.length === 0;
}

/** The step without which nothing below it runs. */
function suspendingStep({ steps }: Plan, manager: Manager | null): PlannedStep | null {
  if (manager === null || !manager.confirmed) return null;
  const { kind, namespace, name } = manager.object;
  const suspends = ({ call, alternatives, conditions, onFailure }: PlannedStep) =>
    call.action === "suspend_gitops" &&
    call.input["kind"] === kind &&
    call.input["namespace"] === namespace &&
    call.input["name"] === name &&
    alternatives.length === 0 &&
    conditions.length === 0 &&
    onFailure !== "continue";
  return steps.find(suspends) ?? null;
}

function comesAfter(step: PlannedStep, earlier: PlannedStep, steps: readonly PlannedStep[]): boolean {
  return step.dependsOn.some(
    (name) =>
      name === earlier.name || steps.some((one) => one.name === name && comesAfter(one, earlier, steps)),
  );
}

/** One sentence without its full stop; null: nobody but the cluster itself. */
export function managerText({ managedBy, managedByWhy, manager }: Target): string | null {
  if (managedBy === "none") return null;
  if (managedBy === "disputed")
    return `somebody else may own it and revert changes: ${managedByWhy ?? "its marks name an owner that does not list it"}`;
  const name = manager === null ? someone[managedBy] : managerName(manager);
  return `${name} owns it and will revert changes${manager?.suspended === true ? " when it is resumed" : ""}: change it there`;
}

const titles: Readonly<Record<ManagerKind, string>> = {
  "flux-kustomization": "Flux Kustomization",
  "flux-helmrelease": "Flux HelmRelease",
  "argo-application": "Argo CD application",
  helm: "Helm release",
  operator: "",
};

/** `Flux Kustomization flux-system/apps`. */
function managerName({ kind, object }: Pick<Manager, "kind" | "object">): string {
  const name = object.namespace === null ? object.name : `${object.namespace}/${object.name}`;
  return `${titles[kind] === "" ? `the operator of ${object.kind}` : titles[kind]} ${name}`;
}
