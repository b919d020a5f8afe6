// Whether gitmend's own account may make this very change. Asked before, so that a missing right is named with all that has to be
// granted; where the API server does not say, its own answer to the change remains.
import type { Effect } from "../../domain/planning/effect.ts";
import { Problem } from "../../domain/problem.ts";
import type { AccessQuestion } from "../rbac-in-use.ts";
import type { CheckedEffect } from "./step-check.ts";

export type WritingVerb = Extract<Effect["kind"], "patch" | "delete" | "create">;

export interface AccessPorts {
  /** What the account lacks to do this with the object; null: nothing, or nobody could say. */
  readonly missingAccess: (
    verb: WritingVerb,
    object: Extract<Effect, { readonly kind: WritingVerb }>["object"],
    signal: AbortSignal,
  ) => Promise<AccessQuestion | null>;
}

/** @throws Problem ACCESS_MISSING, final: somebody has to grant it */
export async function refuseWithoutAccess(
  { effect, tools }: CheckedEffect,
  { missingAccess }: AccessPorts,
): Promise<void> {
  if (effect.kind === "send" || effect.kind === "request") return;
  const missing = await missingAccess(effect.kind, effect.object, tools.signal);
  if (missing === null) return;
  const { verb, apiGroup, resource, namespace } = missing;
  const what = apiGroup === "" ? resource : `${resource}.${apiGroup}`;
  const where = namespace === null ? "" : ` in namespace ${namespace}`;
  throw new Problem(
    "ACCESS_MISSING",
    `gitmend's account may not ${verb} ${what}${where} of cluster ${effect.object.cluster}: grant it with a Role, or take the ` +
      "namespace out of `live` in gitmend.yaml",
    { details: { ...missing } },
  );
}
