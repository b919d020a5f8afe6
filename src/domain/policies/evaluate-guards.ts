// Which guards fire on a plan. They fail closed: a guard whose answer hangs on what is not known denies.
import { durationSeconds } from "../duration.ts";
import type { Facts } from "../facts/facts.ts";
import type { Usage } from "../facts/usage.ts";
import { unreachable } from "../problem.ts";
import { approversOf } from "./approvers-of.ts";
import { bucketsFor, type Catalog } from "./catalog.ts";
import { explainRule } from "./explain.ts";
import { factValues } from "./fact-values.ts";
import { lifts } from "./lifts.ts";
import { asksOwner, ownerTeam, owningTeam } from "./owner-team.ts";
import type { RequireApproval } from "./policy.generated.ts";
import type { GuardedPlan, GuardRule } from "./rule.ts";
import type { RuleAnswer } from "./rule-set.ts";
import { isConcerned } from "./scoped-rules.ts";
import type { GuardVerdict } from "./selection.ts";

/** What cannot be known denies, except where it would only have loosened something. */
function openVerdict(rule: GuardRule, reason: string): GuardVerdict | null {
  if (lifts(rule.event)) return null;
  const why = `${reason}; a guard that cannot be evaluated denies`;
  return { rule: rule.name, effect: "deny", reason: why, unknown: true };
}

function verdictOf(answer: RuleAnswer<GuardRule>, facts: Facts): GuardVerdict | null {
  const { name: rule, event } = answer.rule;
  if (answer.state === "fails") return null;
  const reason = explainRule(answer, { holds: "fires", fails: "does not fire" });
  if (answer.state === "open") return openVerdict(answer.rule, reason);
  switch (event.type) {
    case "deny":
      return { rule, effect: "deny", reason: `${event.params.reason} (${reason})` };
    case "require-approval":
      return approvalVerdict(rule, event, reason, facts);
    case "limit": {
      const { scope, running = null, starts = null, per = "1h", share } = event.params;
      const limit = { scope, running, starts, perSeconds: durationSeconds(per) };
      return {
        rule,
        effect: "limit",
        reason,
        limit: share === undefined ? limit : { ...limit, share: Number.parseInt(share, 10) },
      };
    }
    case "set-repair": {
      const { repair, wait } = event.params;
      return { rule, effect: "repair", reason, repair, waitSeconds: durationSeconds(wait) };
    }
    case "set-mode":
      return { rule, effect: "observe", reason };
    case "waive-approval":
      return {
        rule,
        effect: "waive",
        reason: `${event.params.reason} (${reason})`,
        maxRisk: event.params.max_risk,
      };
    default:
      return unreachable(event);
  }
}

/** `team:owner` becomes the team's name; where nobody is the owner, nobody could be asked. */
function approvalVerdict(
  rule: string,
  { params }: RequireApproval,
  reason: string,
  facts: Facts,
): GuardVerdict {
  const { owner } = facts;
  const team = owningTeam(facts);
  if (asksOwner(params) && team === null) {
    const why = owner.available ? "nobody is named as its owner" : owner.why;
    const denied = {
      rule,
      effect: "deny",
      reason: `${reason}; ${ownerTeam} cannot be asked: ${why}`,
    } as const;
    return owner.available ? denied : { ...denied, unknown: true };
  }
  const named = (whom: readonly string[]) => whom.map((who) => (who === ownerTeam ? `team:${team}` : who));
  const { from, approvals, next } = approversOf(params);
  const { expires, remind } = params;
  return {
    rule,
    effect: "require-approval",
    reason,
    from: named(from),
    approvals,
    ...(next === undefined ? {} : { next: next.map((one) => ({ ...one, from: named(one.from) })) }),
    expiresSeconds: durationSeconds(expires),
    remindSeconds: remind === undefined ? null : durationSeconds(remind),
  };
}

/** Whether one of the guards that are asked wants to know how much is under way. */
export function asksForUsage(alertName: string, { guards }: Pick<Catalog, "guards">): boolean {
  return bucketsFor(alertName, guards).some(({ rules }) => rules.some(({ readsUsage }) => readsUsage));
}

/** All guards that fire, in the order of their names. @param usage null: `asksForUsage` says that nobody reads it */
export async function evaluateGuards(
  catalog: Catalog,
  facts: Facts,
  plan: GuardedPlan,
  usage: Usage | null = null,
): Promise<GuardVerdict[]> {
  const values = factValues(facts, plan, usage);
  const sets = bucketsFor(facts.alert.name, catalog.guards);
  const asked = (await Promise.all(sets.map((set) => set.answer(values)))).flat();
  const answers = asked.filter(({ rule }) => isConcerned(rule, plan, catalog.scopes));
  const verdicts = answers.map((answer) => verdictOf(answer, facts)).filter((verdict) => verdict !== null);
  return verdicts.toSorted((left, right) => (left.rule < right.rule ? -1 : 1));
}
