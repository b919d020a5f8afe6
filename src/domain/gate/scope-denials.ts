// Whether a plan stays within the scopes that it was made under, and within what gitmend.yaml says of them now. What was taken away
// in between refuses; what was added since raises nothing.
import { objectText } from "../facts/objects.ts";
import { everyApproved, type Plan } from "../planning/plan.ts";
import { risks } from "../templates/action-description.ts";
import {
  accountKey,
  allowsAction,
  allowsPlace,
  allowsSecret,
  runAsText,
  type Scope,
  scopeText,
} from "../templates/scope.ts";
import { secretNames } from "../templates/secret-names.ts";

type Scoped = Pick<
  Plan,
  "scopes" | "steps" | "finally" | "whenResolved" | "fallback" | "actions" | "touches" | "target" | "risk"
>;

/**
 * Why the plan is refused; empty: it is within, or was made without scopes.
 * @param current of gitmend.yaml now. @param wayBack the action that takes an action back by itself, if there is one
 */
export function scopeDenials(
  plan: Scoped,
  current: readonly Scope[],
  wayBack: (action: string) => string | null,
): readonly string[] {
  const { scopes = [] } = plan;
  const denials = scopes.flatMap((scope) => {
    const now = current.find(({ path }) => path === scope.path);
    if (now === undefined) return [`gitmend.yaml has no scope for ${scope.path}`];
    if (accountKey(now.runAs) !== accountKey(scope.runAs))
      return [`run_as of ${scopeText(scope)} was changed since the plan was made`];
    return [scope, now].flatMap((one) => beyond(plan, one, wayBack));
  });
  const accounts = new Map(
    scopes.flatMap((scope) =>
      scope.runAs === null ? [] : [[accountKey(scope.runAs), runAsText(scope.runAs)]],
    ),
  );
  const different = accounts.size > 1 ? [`it would act as ${[...accounts.values()].join(" and as ")}`] : [];
  return [...new Set([...denials, ...different])];
}

function beyond(plan: Scoped, scope: Scope, wayBack: (action: string) => string | null): readonly string[] {
  const name = scopeText(scope);
  const objects = plan.target === null ? plan.touches.objects : [...plan.touches.objects, plan.target];
  const places = objects.filter((object) => !allowsPlace(scope, object));
  const isRisky = risks.indexOf(plan.risk) > risks.indexOf(scope.maxRisk);
  return [
    ...places.map((object) => `${objectText(object)} is outside of ${name}`),
    ...actionsIn(plan, scope, wayBack).map((action) => `${name} does not allow ${action}`),
    ...secretsIn(plan)
      .filter((secret) => !allowsSecret(scope, secret))
      .map((secret) => `${name} does not list "${secret}" under secrets`),
    ...(isRisky ? [`its risk is ${plan.risk}; ${name} allows ${scope.maxRisk} at most`] : []),
  ];
}

/** Those that are not allowed. What takes back what is allowed is. */
function actionsIn(
  plan: Scoped,
  scope: Scope,
  wayBack: (action: string) => string | null,
): readonly string[] {
  const denied = everyApproved(plan).flatMap(({ call, undo, alternatives }) =>
    [{ call, undo }, ...alternatives].flatMap((way) => {
      const { action } = way.call;
      const back = way.undo.how === "action" ? way.undo.call.action : null;
      const isOwn = back === null || back === wayBack(action);
      return [action, ...(isOwn ? [] : [back])].filter((name) => !allowsAction(scope, name));
    }),
  );
  return [...new Set(denied)];
}

function secretsIn(plan: Scoped): readonly string[] {
  const own = new Map((plan.actions ?? []).map((action) => [action.name, action]));
  const fallback = new Map((plan.fallback?.actions ?? []).map((action) => [action.name, action]));
  const names = everyApproved(plan).flatMap(({ call, undo, alternatives }) =>
    [{ call, undo }, ...alternatives].flatMap((way) => {
      const calls = way.undo.how === "action" ? [way.call, way.undo.call] : [way.call];
      return calls.flatMap(({ action, input }) =>
        secretNames(action, input, own.get(action) ?? fallback.get(action) ?? null),
      );
    }),
  );
  return [...new Set(names)];
}
