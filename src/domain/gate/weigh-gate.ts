// Combines what the guard rules said of a plan with the built-in rules into one gate, and decides observe or live.
// deny > approvals (all that fired must be met; the shortest expiry counts) > open. Everything is recorded with its reason.
import type { ObjectRef } from "../facts/objects.ts";
import { globMatcher } from "../glob.ts";
import { changesSomething, type Plan } from "../planning/plan.ts";
import type { GuardVerdict } from "../policies/selection.ts";
import { type Risk, risks } from "../templates/action-description.ts";
import type { ApprovalDemand, Gate, GateReason, Mode } from "./gate.ts";

export interface LiveScope {
  /** Names or globs (`*`, `?`); left out: all. */
  readonly clusters?: readonly string[] | undefined;
  readonly namespaces?: readonly string[] | undefined;
  readonly max_risk?: Risk | undefined;
}

export interface GateRules {
  readonly live: readonly LiveScope[];
  /** The target's top owner is no built-in workload. */
  readonly ownedByOperator: boolean;
  /** Why what the plan touches is protected; empty: nothing of it is. */
  readonly protection: readonly string[];
}

const builtInExpirySeconds = 1800;

export function weighGate(
  plan: Plan,
  verdicts: readonly GuardVerdict[],
  rules: GateRules,
): { readonly gate: Gate; readonly mode: Mode } {
  return { gate: combine(plan, verdicts, rules), mode: isLive(plan, rules.live) ? "live" : "observe" };
}

function combine(plan: Plan, verdicts: readonly GuardVerdict[], rules: GateRules): Gate {
  const denied = [
    ...builtInDenials(plan, rules),
    ...verdicts.filter((verdict) => verdict.effect === "deny").map(reasonOf),
  ];
  if (denied.length > 0) return { kind: "refused", reasons: denied };
  const asked = verdicts.filter((verdict) => verdict.effect === "require-approval");
  const demands: ApprovalDemand[] = asked.map(({ from, approvals }) => ({ from, approvals }));
  const reasons = asked.map(reasonOf);
  for (const builtIn of builtInApprovals(plan, demands.length > 0)) {
    demands.push({ from: [], approvals: 1 });
    reasons.push(builtIn);
  }
  if (demands.length === 0) return { kind: "open", reasons: [] };
  const expiries = asked.map((verdict) => verdict.expiresSeconds);
  return {
    kind: "approval",
    demands,
    expiresSeconds: Math.min(...expiries, builtInExpiry(expiries)),
    reasons,
  };
}

function builtInExpiry(expiries: readonly number[]): number {
  return expiries.length === 0 ? builtInExpirySeconds : Number.POSITIVE_INFINITY;
}

function reasonOf({ rule, reason, effect }: GuardVerdict): GateReason {
  return { rule, effect, reason };
}

function builtInDenials(plan: Plan, rules: GateRules): readonly GateReason[] {
  if (!changesSomething(plan)) return [];
  const deny = (rule: string, reason: string): GateReason => ({
    rule: `built-in/${rule}`,
    effect: "deny",
    reason,
  });
  const blind = plan.target === null && plan.touches.objects.length > 0;
  return [
    ...rules.protection.map((reason) => deny("protected", reason)),
    ...(blind ? [deny("no-target", "nobody can tell for sure which object the alert is about")] : []),
    ...(rules.ownedByOperator
      ? [deny("operator", "its top owner is not a built-in workload: only its operator may change it")]
      : []),
  ];
}

function builtInApprovals(plan: Plan, asked: boolean): readonly GateReason[] {
  if (asked) return [];
  const ask = (rule: string, reason: string): GateReason => ({
    rule: `built-in/${rule}`,
    effect: "require-approval",
    reason,
  });
  if (plan.approvalRequired) return [ask("template", `template ${plan.template.name} asks for an approval`)];
  return plan.risk === "high" || plan.risk === "critical"
    ? [ask("high-risk", `its risk is ${plan.risk}`)]
    : [];
}

/** Live where every object that it touches is covered by an entry that allows its risk. */
function isLive(plan: Plan, live: readonly LiveScope[]): boolean {
  const objects: readonly Pick<ObjectRef, "cluster" | "namespace">[] =
    plan.touches.objects.length > 0 ? plan.touches.objects : plan.target === null ? [] : [plan.target];
  if (objects.length === 0) return live.length > 0;
  return objects.every((ref) => live.some((scope) => covers(scope, ref, plan.risk)));
}

function covers(scope: LiveScope, ref: Pick<ObjectRef, "cluster" | "namespace">, risk: Risk): boolean {
  return (
    (scope.clusters === undefined || globMatcher(scope.clusters)(ref.cluster)) &&
    coversNamespace(scope, ref.namespace) &&
    risks.indexOf(risk) <= risks.indexOf(scope.max_risk ?? "critical")
  );
}

/** An object without a namespace is covered only by an entry that names none or all. */
function coversNamespace({ namespaces }: LiveScope, namespace: string | null): boolean {
  if (namespaces === undefined) return true;
  return namespace === null ? namespaces.includes("*") : globMatcher(namespaces)(namespace);
}
