// What an action leaves on purpose and must not last (a suspension) is taken back in `finally`, which runs however the execution
// ends. A template that forgets that is refused.

import { canonicalJson } from "../json.ts";
import type { DataPath } from "../yaml-findings.ts";
import type { TemplateWork } from "./compile-step.ts";
import type { TemplateCall, TemplateStep } from "./template.ts";

interface Parts {
  readonly steps: readonly TemplateStep[];
  readonly last: readonly TemplateStep[];
  readonly waiting: readonly TemplateStep[];
}

export function checkTakenBack({ steps, last, waiting }: Parts, work: TemplateWork): void {
  const check = (
    part: string,
    list: readonly TemplateStep[],
    later: (position: number) => readonly TemplateStep[],
  ) => {
    for (const [position, step] of list.entries()) {
      for (const call of callsOf(step)) checkCall(call, [part, position], later(position), work);
    }
  };
  check("steps", steps, () => last);
  check("finally", last, (position) => last.slice(position + 1));
  // When the incident is over nothing comes after them any more.
  check("when_resolved", waiting, () => []);
}

export function callsOf(step: TemplateStep): readonly TemplateCall[] {
  return [step.call, ...step.alternatives, ...(step.rollback === null ? [] : [step.rollback])];
}

function checkCall(
  call: TemplateCall,
  path: DataPath,
  later: readonly TemplateStep[],
  { index, list }: TemplateWork,
): void {
  const description = index.find(call.action)?.description;
  const needed = description?.takenBackBy;
  if (description === undefined || needed === undefined) return;
  const object = ({ parameters }: TemplateCall) =>
    canonicalJson(description.identity.map((name) => parameters[name] ?? null));
  const takesBack = (step: TemplateStep) =>
    step.call.action === needed && object(step.call) === object(call) && step.conditions.length === 0;
  if (later.some(takesBack)) return;
  list.error(
    [...path, "action"],
    "NOT_TAKEN_BACK",
    `what ${call.action} does must not last: add a step to finally, without conditions, that does ${needed} with the same ${description.identity.join(", ")}`,
  );
}
