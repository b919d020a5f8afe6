// What gitmend's account has to be allowed so that an effect can be taken back: asked for before the effect, because afterwards it
// is too late to grant it in peace.
import type { Action, ActionContext } from "../../actions/action.ts";
import type { ObjectRef } from "../../domain/facts/objects.ts";
import type { Effect } from "../../domain/planning/effect.ts";
import type { ActionCall, Undo } from "../../domain/planning/plan.ts";
import type { RbacRule } from "../../domain/templates/action-description.ts";
import type { AccessNeed, WritingVerb } from "./step-check.ts";

const writing: readonly WritingVerb[] = ["patch", "delete", "create"];

/** Objects that an undo can name only later are left to the undo itself. */
export function undoAccess(
  undo: Undo,
  effect: Effect,
  context: ActionContext,
  find: (call: ActionCall) => Action,
): readonly AccessNeed[] {
  const stops: readonly AccessNeed[] =
    effect.kind === "create" ? [{ verb: "delete", object: effect.object }] : [];
  switch (undo.how) {
    case "restore":
      return effect.kind === "patch" ? [{ verb: "patch", object: effect.object }] : stops;
    case "stop":
      return stops;
    case "action":
      return [...stops, ...byAction(find(undo.call), undo.call, context)];
    case "nothing":
      return [];
  }
}

function byAction(action: Action, { input }: ActionCall, context: ActionContext): readonly AccessNeed[] {
  const objects = objectsOf(action, input, context);
  return action.rbac.flatMap((rule) =>
    objects
      .filter((object) => isFor(rule, object))
      .flatMap((object) =>
        writing.filter((verb) => rule.verbs.some((one) => one === verb)).map((verb) => ({ verb, object })),
      ),
  );
}

function objectsOf(action: Action, input: ActionCall["input"], context: ActionContext): readonly ObjectRef[] {
  try {
    return action.objects(input, context);
  } catch {
    return [];
  }
}

function isFor({ apiGroup, resource }: RbacRule, { apiVersion, kind }: ObjectRef): boolean {
  const group = apiVersion.includes("/") ? apiVersion.slice(0, apiVersion.indexOf("/")) : "";
  return group === apiGroup && `${kind.toLowerCase()}s` === resource;
}
