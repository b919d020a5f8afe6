// Combines what the guard rules said of a plan with the built-in rules into one gate, and decides observe or live.
// deny > a limit that is reached (counted when it is committed) > approvals (all that fired must be met; the shortest expiry
// counts) > open. Everything is recorded with its reason.
import type { ObjectRef } from "../facts/objects.ts";
import { globMatcher } from "../glob.ts";
import type { Plan } from "../planning/plan.ts";
import type { GuardVerdict } from "../policies/selection.ts";
import { type Risk, risks } from "../templates/action-description.ts";
import { escalationName } from "../templates/escalation.ts";
import { changesObjects } from "./changes-objects.ts";
import type { ApprovalDemand, Gate, GateReason, Mode } from "./gate.ts";
import { type AppliedLimit, everyKey, keysOf } from "./limits.ts";
import { keysOfParts, type Part } from "./shares.ts";

export interface LiveScope {
  /** Names or globs (`*`, `?`); left out: all. */
  readonly clusters?: readonly string[] | undefined;
  readonly namespaces?: readonly string[] | undefined;
  readonly max_risk?: Risk | undefined;
}

export interface GateRules {
  readonly live: readonly LiveScope[];
  /** Why what somebody else writes may not be changed here (managed-by.ts); null: it may. */
  readonly manager: string | null;
  /** Why it is beyond the scopes of gitmend.yaml (scope-denials.ts); left out: it is not. */
  readonly scope?: readonly string[];
  /** Why what the plan touches is protected; empty: nothing of it is. */
  readonly protection: readonly string[];
  /** What it takes out of clusters, zones, namespaces and workloads; left out: nothing was read for it. */
  readonly parts?: readonly Part[];
}

export interface Weighed {
  readonly gate: Gate;
  readonly mode: Mode;
  /** Refused only because something is not known now: it may be allowed as soon as that is. */
  readonly unknown: boolean;
  /** What the database has to count before the plan may start. */
  readonly limits: readonly AppliedLimit[];
  /** What the execution counts in; empty: in nothing, because it changes nothing. */
  readonly countsIn: readonly string[];
}

const builtInExpirySeconds = 1800;

export function weighGate(plan: Plan, found: readonly GuardVerdict[], rules: GateRules): Weighed {
  const verdicts = found.filter((verdict) => concerns(verdict, plan));
  const observed = verdicts.filter(({ effect }) => effect === "observe").map(reasonOf);
  const combined = combine(plan, verdicts, rules);
  const repairs = combined.kind === "refused" ? [] : verdicts.filter(({ effect }) => effect === "repair");
  const gate = { ...combined, reasons: [...combined.reasons, ...repairs.map(reasonOf), ...observed] };
  const mode = observed.length > 0 || !isLive(plan, rules.live) ? "observe" : "live";
  const counted = mode === "live" && gate.kind !== "refused" && changesObjects(plan);
  return {
    gate,
    mode,
    unknown: combined.kind === "refused" && unknownOnly(plan, verdicts, rules),
    limits: counted ? limitsOf(plan, verdicts) : [],
    countsIn: counted ? [...everyKey(plan), ...keysOfParts(rules.parts ?? [])] : [],
  };
}

/** What only tells people is held back by nobody: somebody has to hear of the alert. Limits are about changes. */
function concerns({ effect }: GuardVerdict, plan: Plan): boolean {
  if (plan.template.name === escalationName) return false;
  return effect !== "limit" || changesObjects(plan);
}

function openGate(reasons: readonly GateReason[]): Gate {
  return { kind: "open", reasons };
}

function limitsOf(plan: Plan, verdicts: readonly GuardVerdict[]): readonly AppliedLimit[] {
  return verdicts.flatMap((verdict) =>
    verdict.effect === "limit"
      ? [{ ...verdict.limit, rule: verdict.rule, keys: keysOf(verdict.limit.scope, plan) }]
      : [],
  );
}

/** The gate that a limit has closed. */
export function refusedByLimit({ rule }: AppliedLimit, reason: string): Gate {
  return { kind: "refused", reasons: [{ rule, effect: "limit", reason }] };
}

function combine(plan: Plan, verdicts: readonly GuardVerdict[], rules: GateRules): Gate {
  const denied = [...builtInDenials(plan, rules), ...verdicts.filter(denies).map(reasonOf)];
  if (denied.length > 0) return { kind: "refused", reasons: denied };
  const limits = verdicts.filter(({ effect }) => effect === "limit").map(reasonOf);
  const asked = verdicts.filter((verdict) => verdict.effect === "require-approval");
  const expiries = asked.map((verdict) => verdict.expiresSeconds);
  const expiresSeconds = Math.min(...expiries, builtInExpiry(expiries));
  const demands = asked.map((verdict) => demandOf(verdict, expiresSeconds));
  const reasons = asked.map(reasonOf);
  const builtIn = demands.length > 0 ? null : builtInApproval(plan);
  const waiver = builtIn === null ? null : waiverOf(plan, builtIn, verdicts);
  if (builtIn !== null && waiver === null) {
    demands.push({ from: [], approvals: 1 });
    reasons.push(builtIn);
  }
  if (demands.length === 0) return openGate([...limits, ...(waiver === null ? [] : [waiver])]);
  const reminders = asked.flatMap(({ remindSeconds }) => (remindSeconds === null ? [] : [remindSeconds]));
  return {
    kind: "approval",
    demands,
    expiresSeconds,
    ...(reminders.length === 0 ? {} : { remindSeconds: Math.min(...reminders) }),
    reasons: [...reasons, ...limits],
  };
}

/** Who would be asked after the end is asked never: another guard may have the shorter `expires`. */
function demandOf({ from, approvals, next = [] }: ApprovalDemand, expiresSeconds: number): ApprovalDemand {
  const inTime = next.filter(({ afterSeconds }) => afterSeconds < expiresSeconds);
  return { from, approvals, ...(inTime.length === 0 ? {} : { next: inTime }) };
}

function denies({ effect }: GuardVerdict): boolean {
  return effect === "deny";
}

function unknownOnly(plan: Plan, verdicts: readonly GuardVerdict[], rules: GateRules): boolean {
  const certain = verdicts.some((verdict) => verdict.effect === "deny" && verdict.unknown !== true);
  return !certain && builtInDenials(plan, rules).length === 0;
}

function builtInExpiry(expiries: readonly number[]): number {
  return expiries.length === 0 ? builtInExpirySeconds : Number.POSITIVE_INFINITY;
}

function reasonOf({ rule, reason, effect }: GuardVerdict): GateReason {
  return { rule, effect, reason };
}

function builtInDenials(plan: Plan, rules: GateRules): readonly GateReason[] {
  const deny = (rule: string, reason: string): GateReason => ({
    rule: `built-in/${rule}`,
    effect: "deny",
    reason,
  });
  // What only reads is bounded too.
  const scope = (rules.scope ?? []).map((reason) => deny("scope", reason));
  if (!changesObjects(plan)) return scope;
  const blind = plan.target === null && plan.touches.objects.length > 0;
  const { manager } = rules;
  return [
    ...scope,
    ...rules.protection.map((reason) => deny("protected", reason)),
    ...(blind ? [deny("no-target", "nobody can tell for sure which object the alert is about")] : []),
    ...(manager === null ? [] : [deny("managed", manager)]),
  ];
}

const highRisk = "built-in/high-risk";

/** Where no guard asks for an approval. */
function builtInApproval(plan: Plan): GateReason | null {
  const effect = "require-approval";
  if (plan.approvalRequired)
    return {
      rule: "built-in/template",
      effect,
      reason: `template ${plan.template.name} asks for an approval`,
    };
  return plan.risk === "high" || plan.risk === "critical"
    ? { rule: highRisk, effect, reason: `its risk is ${plan.risk}` }
    : null;
}

/** What a template asks for, no policy lifts. */
function waiverOf(plan: Plan, { rule }: GateReason, verdicts: readonly GuardVerdict[]): GateReason | null {
  if (rule !== highRisk) return null;
  const waiver = verdicts.find(
    (verdict) => verdict.effect === "waive" && risks.indexOf(plan.risk) <= risks.indexOf(verdict.maxRisk),
  );
  return waiver === undefined ? null : reasonOf(waiver);
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
