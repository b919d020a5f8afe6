// A plan and its gate as the decision that creates an execution: its first events, and what the database keeps beside them.
import type { ExecutionEvent, MatchRecord } from "../domain/execution/events.ts";
import { fold } from "../domain/execution/evolve.ts";
import type { Facts } from "../domain/facts/facts.ts";
import { refusedByLimit, type Weighed } from "../domain/gate/weigh-gate.ts";
import { changesSomething } from "../domain/planning/plan.ts";
import type { Selection } from "../domain/policies/selection.ts";
import type { Template } from "../domain/templates/template.ts";
import type { StormLimits } from "./decision-ports.ts";
import type { MadePlan } from "./make-plan.ts";
import type { FiringDecision, Notice } from "./ports.ts";
import type { Limited } from "./refused.ts";
import { restCheck } from "./rest-check.ts";
import { number } from "./session.ts";
import { questionOf } from "./stopped-by-breaker.ts";
import { summariseFacts } from "./summarise-facts.ts";

export type NewExecution = Extract<FiringDecision, { kind: "execution" }>;

export interface ExecutionParts
  extends Pick<NewExecution, "executionId" | "incidentId" | "incidentKey" | "revision"> {
  readonly selection: Extract<Selection, { kind: "match" | "escalate" }> & {
    readonly notice?: Notice;
    readonly again?: string;
  };
  readonly template: Template;
  readonly facts: Facts;
  readonly made: MadePlan;
  readonly weighed: Weighed;
  readonly storms: StormLimits;
}

export function newExecution(parts: ExecutionParts): NewExecution {
  const { executionId, incidentId, incidentKey, revision, selection, template, facts, made, weighed } = parts;
  const { gate, mode, limits, countsIn } = weighed;
  const events = number(firstEvents(parts), 0, parts.facts.now);
  const claims = mode === "live" && gate.kind !== "refused" && changesSomething(made.plan);
  return {
    kind: "execution",
    revision,
    reasons: selection.reasons,
    executionId,
    incidentKey,
    incidentId,
    claimKey: claims ? incidentKey : null,
    template: template.name,
    target: made.plan.target,
    mode,
    cooldownSeconds: template.cooldownSeconds,
    limits,
    countsIn,
    breakers: breakerCheck(parts),
    rest: restCheck(template, facts.alert, made.plan.target, selection.again),
    ...(selection.notice === undefined ? {} : { notice: selection.notice }),
    events,
    projection: projectionOf(events),
  };
}

/** Breakers are about what changes something. */
function breakerCheck({ storms, facts, made, weighed }: ExecutionParts): NewExecution["breakers"] {
  if (weighed.countsIn.length === 0) return null;
  return { rules: storms.breakers, question: questionOf(made.plan, facts.alert) };
}

/** As many as a limit allows are under way: that is the gate of this one, and the record says so. */
export function refusedExecution(decision: NewExecution, { limit, reason }: Limited): NewExecution {
  const gate = refusedByLimit(limit, reason);
  const events = decision.events.map((recorded) =>
    recorded.event.type === "GateDecided" ? { ...recorded, event: { ...recorded.event, gate } } : recorded,
  );
  return {
    ...decision,
    events,
    projection: projectionOf(events),
    claimKey: null,
    limits: [],
    countsIn: [],
    breakers: null,
  };
}

function firstEvents({
  incidentId,
  revision,
  facts,
  made,
  weighed,
  ...parts
}: ExecutionParts): readonly ExecutionEvent[] {
  return [
    {
      type: "ExecutionRequested",
      incident: incidentId,
      alert: facts.alert,
      subject: facts.subject.available ? facts.subject.value : null,
      match: matchRecord({ facts, ...parts }),
      revision,
      mode: weighed.mode,
    },
    { type: "Planned", ...made },
    { type: "GateDecided", gate: weighed.gate },
  ];
}

function matchRecord({
  selection,
  template,
  facts,
}: Pick<ExecutionParts, "selection" | "template" | "facts">): MatchRecord {
  return {
    rule: selection.rule,
    template: template.name,
    reasons: selection.reasons,
    facts: summariseFacts(facts),
  };
}

function projectionOf(events: NewExecution["events"]): NewExecution["projection"] {
  const { phase, outcome, escalated } = fold(events);
  return { phase, outcome, escalated };
}
