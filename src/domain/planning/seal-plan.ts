// Draft with absolute input -> plan: risk over every branch, what it touches, and the digest that people approve.
import { type ObjectRef, objectKey } from "../facts/objects.ts";
import { canonicalJson, sha256 } from "../json.ts";
import { type ActionDescription, type Risk, risks } from "../templates/action-description.ts";
import type { DraftPlan } from "./draft-plan.ts";
import { type ActionCall, everyApproved, type Plan, type PlannedStep } from "./plan.ts";

/** @param objects what the actions said they touch, undo actions and alternatives included; may repeat */
export function sealPlan(
  draft: DraftPlan,
  templateRisk: Risk,
  objects: readonly ObjectRef[],
  actions: ReadonlyMap<string, ActionDescription>,
): Plan {
  const names = [...new Set(callsOf(draft).map((call) => call.action))];
  const unique = [...new Map(objects.map((ref) => [objectKey(ref), bare(ref)])).values()];
  const { fallback } = draft;
  const content = {
    ...draft,
    approvalRequired: draft.approvalRequired || (fallback?.approvalRequired ?? false),
    risk: highest([
      templateRisk,
      fallback?.risk ?? "low",
      ...names.map((name) => actions.get(name)?.risk ?? "critical"),
    ]),
    touches: {
      clusters: [...new Set(unique.map((ref) => ref.cluster))],
      namespaces: [...new Set(unique.flatMap((ref) => ref.namespace ?? []))],
      objects: unique,
      actions: names,
    },
  };
  return { ...content, digest: `sha256:${sha256(canonicalJson(content))}` };
}

/** Every call that some path of the plan can make. */
export function callsOf(
  plan: Pick<Plan, "steps" | "finally" | "whenResolved" | "fallback">,
): readonly ActionCall[] {
  return everyApproved(plan).flatMap(callsOfStep);
}

/** Of the step, its alternatives, and what takes them back. */
export function callsOfStep(step: PlannedStep): readonly ActionCall[] {
  const undos = [step.undo, ...step.alternatives.map((alternative) => alternative.undo)];
  return [
    step.call,
    ...step.alternatives.map((alternative) => alternative.call),
    ...undos.flatMap((undo) => (undo.how === "action" ? [undo.call] : [])),
  ];
}

function bare({ cluster, apiVersion, kind, namespace, name }: ObjectRef): ObjectRef {
  return { cluster, apiVersion, kind, namespace, name };
}

function highest(all: readonly Risk[]): Risk {
  return risks[Math.max(...all.map((risk) => risks.indexOf(risk)))] ?? "critical";
}
