// A person tries an ended execution again: its template for its target, whole or from one step on. It goes the way of a start by
// hand (pauses, cool-down, plan, dry-run, guards, claim); the execution that it follows stands in its record.
import { fold } from "../domain/execution/evolve.ts";
import type { Execution } from "../domain/execution/execution.ts";
import type { Alert } from "../domain/facts/alert.ts";
import { shortId } from "../domain/gate/approval-file.ts";
import { manualAlert } from "../domain/intake/manual-alert.ts";
import type { Json } from "../domain/json.ts";
import { shortened } from "../domain/plain-text.ts";
import { fork } from "../domain/planning/fork.ts";
import { changesSomething, type Plan } from "../domain/planning/plan.ts";
import type { Catalog } from "../domain/policies/catalog.ts";
import { Problem } from "../domain/problem.ts";
import type { Template } from "../domain/templates/template.ts";
import type { DecisionPorts } from "./decision-ports.ts";
import type { ExecutionStore } from "./ports.ts";
import { type StartAnswer, startable, startFor } from "./start-by-hand.ts";

export interface AgainRequest {
  /** An id, or its beginning or end. */
  readonly id: string;
  /** The step of its template to begin with; null: all of it. */
  readonly from: string | null;
  /** In place of those that it had. */
  readonly parameters: Readonly<Record<string, Json>>;
  readonly by: string;
  readonly reason: string;
  readonly dryRun: boolean;
}

export type AgainPorts = DecisionPorts & { readonly executions: Pick<ExecutionStore, "find" | "events"> };

/** @throws Problem NOT_FOUND, NOT_NOW, USAGE, FORBIDDEN (revoked), and as startByHand does */
export async function startAgain(
  request: AgainRequest,
  catalog: Catalog | null,
  ports: AgainPorts,
): Promise<StartAnswer> {
  const { id, state, plan } = await endedOf(request.id, ports);
  const { catalog: inUse, template } = startable(plan.template.name, catalog);
  const { from } = request;
  const forked = from === null ? null : fork(from, template, { id, state, plan });
  const parameters = { ...stillKnown(plan.parameters, template), ...request.parameters };
  return startFor(
    { ...request, template: template.name, parameters, again: { execution: id, from } },
    alertOf(state, ports),
    plan.target,
    forked === null ? inUse : withTemplate(forked.template, inUse),
    ports,
    forked?.taken ?? null,
  );
}

interface Past {
  readonly id: string;
  readonly state: Execution;
  readonly plan: Plan & { readonly target: NonNullable<Plan["target"]> };
}

async function endedOf(named: string, { executions, clusters }: AgainPorts): Promise<Past> {
  const summary = await executions.find(named);
  if (summary === null)
    throw new Problem(
      "NOT_FOUND",
      `no execution ${shortened(named, 40)}, or more than one begins or ends so`,
    );
  const { id } = summary;
  const state = fold(await executions.events(id));
  const { phase, plan, follows } = state;
  const name = `execution ${shortId(id)}`;
  if (phase !== "ended")
    throw new Problem("NOT_NOW", `${name} has not ended (${phase}): wait for it, or cancel it`, {
      retryable: true,
    });
  if (follows !== null)
    throw new Problem(
      "USAGE",
      `${name} took back what ${shortId(follows)} left in place: it is not a remedy to try again; do by hand what is left`,
    );
  if (plan === null || !changesSomething(plan) || plan.target === null)
    throw new Problem("USAGE", `${name} only looks, or tells people: there is nothing to try again`);
  const { cluster } = plan.target;
  if (!clusters.names.includes(cluster))
    throw new Problem("USAGE", `${name} was for cluster ${cluster}, which is not configured any more`);
  return { id, state, plan: { ...plan, target: plan.target } };
}

/** The template may have lost some since. */
function stillKnown(parameters: Plan["parameters"], template: Template): Plan["parameters"] {
  return Object.fromEntries(
    Object.entries(parameters).filter(([name]) => Object.hasOwn(template.parameters, name)),
  );
}

function withTemplate(template: Template, catalog: Catalog): Catalog {
  return { ...catalog, templates: new Map(catalog.templates).set(template.name, template) };
}

/** What fired then, so that guards which name it hold; a firing of its own, which no resolve of the other one ends. */
function alertOf({ alert }: Execution, { clock, ids }: DecisionPorts): Alert {
  if (alert === null) throw new Problem("INTERNAL", "an execution without an alert");
  return {
    ...alert,
    fingerprint: ids.next(),
    status: "firing",
    startsAt: clock.now(),
    endsAt: null,
    source: manualAlert,
  };
}
