// The plan of an execution that waits for people, made again with other parameters: the same template, the same object, and the gate
// that it has under the guards of now. Nothing is recorded here.
import type { ActionTools } from "../actions/action.ts";
import type { Execution } from "../domain/execution/execution.ts";
import type { Gate } from "../domain/gate/gate.ts";
import type { Json } from "../domain/json.ts";
import type { Plan } from "../domain/planning/plan.ts";
import type { Catalog } from "../domain/policies/catalog.ts";
import { isRevoked, revokedText } from "../domain/policies/catalog.ts";
import { factsNeeded } from "../domain/policies/facts-needed.ts";
import { planScopes } from "../domain/policies/plan-sources.ts";
import { Problem } from "../domain/problem.ts";
import type { Scope } from "../domain/templates/scope.ts";
import type { Template } from "../domain/templates/template.ts";
import type { DecisionPorts } from "./decision-ports.ts";
import { gatherFacts } from "./gather-facts.ts";
import { type MadePlan, makePlan, type PlanRequest } from "./make-plan.ts";
import { repairWhereWanted } from "./plan-in-git.ts";
import { stepTools } from "./step-tools.ts";
import { weighNow, weighPlan } from "./weigh-plan.ts";

export interface Replanned extends MadePlan {
  readonly gate: Gate;
}

/**
 * @throws Problem retryable: it cannot be known now. Any other says why there is no such plan: PARAMETER_INVALID,
 * TARGET_GONE, …
 */
export async function replan(
  executionId: string,
  { alert, plan, match, follows }: Execution,
  parameters: Readonly<Record<string, Json>>,
  catalog: Catalog | null,
  tools: ActionTools,
  ports: DecisionPorts,
): Promise<Replanned> {
  if (alert === null || plan === null || follows !== null)
    throw new Problem("PARAMETER_INVALID", "this plan has no parameters that could be changed");
  if (catalog === null)
    throw new Problem("CATALOG_INVALID", "there is no catalog to plan with", { retryable: true });
  const template = sameTemplate(plan, catalog);
  const facts = await gatherFacts(alert, factsNeeded(alert.name, catalog), tools, ports, plan.target);
  if (!facts.target.available)
    throw new Problem("API_UNREACHABLE", `the target cannot be read: ${facts.target.why}`, {
      retryable: true,
    });
  const target = facts.target.value;
  if (target?.uid !== plan.target?.uid)
    throw new Problem("TARGET_GONE", "the object of this plan is not there any more");
  const { templates, actions, revoked } = catalog;
  const { taken } = plan;
  const scopes = boundBy(plan, planScopes(match?.rule ?? "", template, catalog));
  const request: PlanRequest = {
    executionId,
    template,
    templates,
    actions,
    revoked,
    scopes,
    own: tools,
    parameters,
    facts,
    target,
    ...(taken && { taken }),
  };
  const acting = stepTools({ scopes }, ports.clusters, tools.signal, executionId);
  const weigh = (one: Plan) => weighPlan(one, facts, catalog, tools, ports, executionId);
  const { made } = await repairWhereWanted(
    await makePlan(request, acting, ports),
    weigh,
    request,
    acting,
    ports,
  );
  return { ...made, gate: await weighNow(executionId, alert, made.plan, catalog, tools, ports) };
}

/** By what it was bound by, and by the scopes of whatever the catalog has put into it since. */
function boundBy({ scopes = [] }: Plan, now: readonly Scope[]): readonly Scope[] {
  const paths = new Set(scopes.map(({ path }) => path));
  return [...scopes, ...now.filter(({ path }) => !paths.has(path))];
}

/** Who changes a parameter means the steps that they have read. */
function sameTemplate({ template: { name, hash } }: Plan, catalog: Catalog): Template {
  const template = catalog.templates.get(name);
  if (template === undefined || template.hash !== hash)
    throw new Problem(
      "PARAMETER_INVALID",
      `${name} is another in the catalog by now: reject this request, and the alert is decided anew`,
    );
  if (isRevoked(template, catalog)) throw new Problem("PARAMETER_INVALID", revokedText(template));
  return template;
}
