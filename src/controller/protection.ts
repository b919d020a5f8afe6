// Reads what a change touches and asks whether it is protected: when the plan is made and again before every change.
import type { ActionTools } from "../actions/action.ts";
import {
  type FoundObject,
  type ProtectionRules,
  protectionProblem,
  protectionReads,
} from "../actions/protected.ts";
import type { ObjectRef } from "../domain/facts/objects.ts";
import type { Effect } from "../domain/planning/effect.ts";

interface ProtectionPorts {
  readonly protection: ProtectionRules;
}

/** The objects as they are now, and their namespaces. @throws Problem API_*: what cannot be read is not changed. */
export async function readTouched(
  touched: readonly ObjectRef[],
  tools: ActionTools,
): Promise<readonly FoundObject[]> {
  const reads = protectionReads(touched).map(async (ref) => ({
    ref,
    object: await tools.cluster(ref.cluster).get(ref),
  }));
  return Promise.all(reads);
}

/** @returns what was read for it: the objects and their namespaces. @throws Problem PROTECTED_OBJECT, API_* */
export async function assertNotProtected(
  effect: Effect,
  target: ObjectRef | null,
  tools: ActionTools,
  ports: ProtectionPorts,
): Promise<readonly FoundObject[]> {
  if (effect.kind === "send" || effect.kind === "request") return [];
  const touched = target === null ? [effect.object] : [effect.object, target];
  const found = await readTouched(touched, tools);
  const problem = protectionProblem(found, ports.protection);
  if (problem !== null) throw problem;
  return found;
}
