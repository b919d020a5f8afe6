// Whether the account that acts, gitmend's own or that of `run_as`, may make this very change. Asked before, so that a missing right is named with all that has to be
// granted; where the API server does not say, its own answer to the change remains.
import type { Effect } from "../../domain/planning/effect.ts";
import { Problem } from "../../domain/problem.ts";
import { type RunAs, runAsText } from "../../domain/templates/scope.ts";
import type { AccessQuestion } from "../rbac-in-use.ts";
import type { CheckedEffect, WritingVerb } from "./step-check.ts";

export interface AccessPorts {
  /** What the account lacks to do this with the object; null: nothing, or nobody could say. */
  readonly missingAccess: (
    verb: WritingVerb,
    object: Extract<Effect, { readonly kind: WritingVerb }>["object"],
    signal: AbortSignal,
    runAs?: RunAs | null,
  ) => Promise<AccessQuestion | null>;
}

/** @throws Problem ACCESS_MISSING, final: somebody has to grant it. What could not be taken back is not begun. */
export async function refuseWithoutAccess(
  { effect, tools, undoNeeds = [], runAs = null }: CheckedEffect,
  { missingAccess }: AccessPorts,
): Promise<void> {
  if (effect.kind !== "send" && effect.kind !== "request" && effect.kind !== "branch") {
    const missing = await missingAccess(effect.kind, effect.object, tools.signal, runAs);
    if (missing !== null) throw notAllowed(missing, effect.object.cluster, runAs, "");
  }
  for (const { verb, object } of undoNeeds) {
    const missing = await missingAccess(verb, object, tools.signal, runAs);
    if (missing !== null)
      throw notAllowed(
        missing,
        object.cluster,
        runAs,
        ", and without that this step could not be taken back",
      );
  }
}

function notAllowed(missing: AccessQuestion, cluster: string, runAs: RunAs | null, why: string): Problem {
  const { verb, apiGroup, resource, namespace } = missing;
  const what = apiGroup === "" ? resource : `${resource}.${apiGroup}`;
  const where = namespace === null ? "" : ` in namespace ${namespace}`;
  const who = runAs === null ? "gitmend's account" : runAsText(runAs);
  return new Problem(
    "ACCESS_MISSING",
    `${who} may not ${verb} ${what}${where} of cluster ${cluster}${why}: grant it with a Role, or take the ` +
      "namespace out of `live` in gitmend.yaml",
    { details: { ...missing } },
  );
}
