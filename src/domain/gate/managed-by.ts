// Who writes a target's manifest, in words for people: what gitmend changed there, they would change back.
import type { ManagedBy, Manager, ManagerKind, Target } from "../facts/objects.ts";
import type { Plan, PlannedStep } from "../planning/plan.ts";

const someone: Readonly<Record<Exclude<ManagedBy, "none" | "disputed">, string>> = {
  flux: "Flux",
  argocd: "Argo CD",
  helm: "Helm",
  operator: "an operator",
};

/** Actions on whoever applies the manifests, or in Git where it reads them: what these do is not undone by it. */
const throughManager: ReadonlySet<string> = new Set([
  "suspend_gitops",
  "resume_gitops",
  "reconcile_flux",
  "sync_argo_application",
  "rollback_helm_release",
  "git_patch_manifest",
  "git_revert_commit",
  "notify_team",
]);

/**
 * Why a plan may not change what somebody else writes, one sentence without its full stop. null: it may, because nobody does, because
 * it goes through who does, or because that rests, confirmed, before anything is changed.
 */
export function managerDenial(plan: Plan, target: Target): string | null {
  const denial = managerText(target);
  return denial === null || isThrough(plan, target) ? null : denial;
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

function goesThrough({ call, alternatives, undo }: PlannedStep): boolean {
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
