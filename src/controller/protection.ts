// Reads what a change touches and asks whether it is protected: when the plan is made and again before every change.
import type { ActionTools } from "../actions/action.ts";
import { type ProtectionRules, protectionProblem, protectionReads } from "../actions/protected.ts";
import type { ObjectRef } from "../domain/facts/objects.ts";
import type { Effect } from "../domain/planning/effect.ts";
import type { Problem } from "../domain/problem.ts";

interface ProtectionPorts {
  readonly protection: ProtectionRules;
}

/** @throws Problem API_*: what cannot be read is not changed. */
export async function findProtection(
  touched: readonly ObjectRef[],
  tools: ActionTools,
  { protection }: ProtectionPorts,
): Promise<Problem | null> {
  const reads = protectionReads(touched).map(async (ref) => ({
    ref,
    object: await tools.cluster(ref.cluster).get(ref),
  }));
  return protectionProblem(await Promise.all(reads), protection);
}

/** @throws Problem PROTECTED_OBJECT, API_* */
export async function assertNotProtected(
  effect: Effect,
  target: ObjectRef | null,
  tools: ActionTools,
  ports: ProtectionPorts,
): Promise<void> {
  if (effect.kind === "send") return;
  const touched = target === null ? [effect.object] : [effect.object, target];
  const problem = await findProtection(touched, tools, ports);
  if (problem !== null) throw problem;
}
