// Decides one open firing: join what runs for its target, or select, plan and weigh; then one transaction with all that
// follows. Nothing is changed in a cluster here. A decision that cannot be made is recorded with its reason and tried again.
import type { ActionTools } from "../actions/action.ts";
import type { Alert } from "../domain/facts/alert.ts";
import type { Facts } from "../domain/facts/facts.ts";
import { type ObjectRef, objectKey, type Target } from "../domain/facts/objects.ts";
import type { Pause } from "../domain/facts/pause.ts";
import { pauseText } from "../domain/gate/why-paused.ts";
import { plusSeconds, secondsBetween } from "../domain/instant.ts";
import { manualAlert } from "../domain/intake/manual-alert.ts";
import type { Plan } from "../domain/planning/plan.ts";
import type { Catalog } from "../domain/policies/catalog.ts";
import { factsNeeded } from "../domain/policies/facts-needed.ts";
import { planScopes } from "../domain/policies/plan-sources.ts";
import { selectTemplate } from "../domain/policies/select-template.ts";
import type { Selection } from "../domain/policies/selection.ts";
import { Problem, toProblem } from "../domain/problem.ts";
import { escalationTemplate } from "../domain/templates/escalation.ts";
import type { Template } from "../domain/templates/template.ts";
import { whyUnconfirmed } from "./confirm-alert.ts";
import { countDecision } from "./count-events.ts";
import type { Chosen, DecisionPorts } from "./decision-ports.ts";
import { gatherFacts } from "./gather-facts.ts";
import { heldBack } from "./hold-back.ts";
import { makePlan, type PlanRequest } from "./make-plan.ts";
import { newExecution, refusedExecution } from "./new-execution.ts";
import { orPassOver } from "./pass-over.ts";
import { repairWhereWanted } from "./plan-in-git.ts";
import type { DueFiring, FiringDecision } from "./ports.ts";
import { readTouched } from "./protection.ts";
import type { Resting } from "./refused.ts";
import { restCheck } from "./rest-check.ts";
import { sharingNamespaces } from "./shared.ts";
import { stepTools } from "./step-tools.ts";
import { alreadyTold, breakerOn, stop, tellOf } from "./stopped-by-breaker.ts";
import { supersede } from "./supersede.ts";
import { timed } from "./timed.ts";
import { weighPlan } from "./weigh-plan.ts";

/** Below the time for which a firing is claimed: nobody else decides it meanwhile. */
const decisionTimeoutMilliseconds = 8_000;
const retryLimitSeconds = 60;

/** @returns the execution that was created and is ours to drive, or null */
export async function decideFiring(
  firing: DueFiring,
  catalog: Catalog,
  ports: DecisionPorts,
): Promise<string | null> {
  const tools = ports.clusters.tools(AbortSignal.timeout(decisionTimeoutMilliseconds), "");
  const decision = await timed(ports.metrics, "planning_duration_seconds", () =>
    choose(firing, catalog, tools, ports),
  );
  return commit(firing, decision, ports);
}

async function commit(
  firing: DueFiring,
  decision: FiringDecision,
  ports: DecisionPorts,
): Promise<string | null> {
  await ports.faults.at("decision-before-commit");
  const committed = await ports.alerts.decide(firing, decision);
  await ports.faults.at("decision-after-commit");
  if (committed.result === "limited" && decision.kind === "execution")
    return commit(firing, refusedExecution(decision, committed), ports);
  if (committed.result === "stopped" && decision.kind === "execution")
    return commit(firing, stop(committed.breaker, decision.revision), ports);
  if (committed.result === "told" && decision.kind === "execution")
    return commit(firing, alreadyTold(decision.revision), ports);
  if (committed.result === "resting" && decision.kind === "execution") {
    const { reason, seconds } = committed;
    return commit(
      firing,
      { kind: "undecided", revision: decision.revision, reasons: [reason], retrySeconds: seconds },
      ports,
    );
  }
  if (committed.result === "busy") {
    const reasons = ["another firing of the same target was decided at the same time"];
    const { revision } = decision;
    const { executionId } = committed;
    await ports.alerts.decide(firing, { kind: "joined", revision, executionId, reasons });
    return null;
  }
  if (committed.result === "committed") countDecision(decision, ports.metrics);
  const { alert } = firing;
  const { reasons } = decision;
  const fields = { alert: alert.name, fingerprint: alert.fingerprint, decision: decision.kind };
  ports.log.info({ ...fields, result: committed.result, reasons }, "firing decided");
  return committed.result === "committed" && decision.kind === "execution" ? decision.executionId : null;
}

async function choose(
  firing: DueFiring,
  catalog: Catalog,
  tools: ActionTools,
  ports: DecisionPorts,
): Promise<FiringDecision> {
  try {
    return await decideOnFacts(firing, catalog, tools, ports);
  } catch (error) {
    const problem = toProblem(error);
    if (problem.code === "DATABASE_UNAVAILABLE") throw problem;
    if (problem.code === "INTERNAL")
      ports.log.error({ alert: firing.alert.name, err: error }, "a decision failed");
    return later(catalog, [`no plan can be made: ${problem.message}`], backoff(firing));
  }
}

async function decideOnFacts(
  firing: DueFiring,
  catalog: Catalog,
  tools: ActionTools,
  ports: DecisionPorts,
): Promise<FiringDecision> {
  const { alert } = firing;
  const { revision } = catalog;
  const factTools = sharingNamespaces(
    ports.clusters.tools(
      AbortSignal.any([tools.signal, AbortSignal.timeout(ports.factTimeoutSeconds * 1000)]),
      "",
    ),
    ports.shared,
  );
  const facts = await gatherFacts(alert, factsNeeded(alert.name, catalog), factTools, ports);
  const target = facts.target.available ? facts.target.value : null;
  const running = await ports.alerts.liveExecution(claimKeyOf(alert, target));
  if (running !== null) {
    const decide = (selection: Chosen) => plan(firing, selection, facts, catalog, tools, ports);
    const superseding = await supersede(firing, running, facts, catalog, decide, ports);
    if (superseding !== null) return superseding;
    const reasons = ["an execution of the same target is under way"];
    return { kind: "joined", revision, executionId: running, reasons };
  }
  const held = facts.target.available
    ? await heldBack(firing, claimKeyOf(alert, target), facts, catalog, factTools, ports)
    : null;
  if (held?.kind === "waiting") return held;
  const selection = held ?? (await selectTemplate(facts, catalog));
  const decide = (chosen: Selection) => comeTo(chosen, firing, facts, catalog, tools, ports);
  return selection.kind === "match" ? orPassOver(selection, facts, catalog, decide) : decide(selection);
}

async function comeTo(
  selection: Selection,
  firing: DueFiring,
  facts: Facts,
  catalog: Catalog,
  tools: ActionTools,
  ports: DecisionPorts,
): Promise<FiringDecision> {
  const { revision } = catalog;
  switch (selection.kind) {
    case "none":
      return { kind: "no-match", revision, reasons: selection.reasons };
    case "exhausted":
      return later(catalog, selection.reasons.slice(-1), secondsBetween(facts.now, selection.until));
    case "undecided":
      tellIfLong(firing, selection.why, ports);
      return later(
        catalog,
        [`${selection.rule} needs the ${selection.fact}: ${selection.why}`],
        backoff(firing),
      );
    case "match":
    case "escalate":
      return plan(firing, selection, facts, catalog, tools, ports);
  }
}

export async function plan(
  firing: DueFiring,
  selection: Chosen,
  facts: Facts,
  catalog: Catalog,
  tools: ActionTools,
  ports: DecisionPorts,
): Promise<FiringDecision> {
  const template = templateOf(selection, catalog);
  if (!facts.target.available && selection.kind === "match") {
    tellIfLong(firing, facts.target.why, ports);
    return later(catalog, [`the target cannot be read: ${facts.target.why}`], backoff(firing));
  }
  const target = facts.target.available ? facts.target.value : null;
  const pause = selection.kind === "match" ? await pausedNow(firing.alert, target, tools, ports) : null;
  if (pause !== null)
    return { kind: "paused", revision: catalog.revision, reasons: [pauseText(pause)], pause };
  const stopped = await breakerOn(firing.alert, target, selection, template, ports);
  if (stopped !== null)
    return stopped.told || firing.alert.source === manualAlert
      ? stop(stopped, catalog.revision)
      : plan(firing, tellOf(stopped), facts, catalog, tools, ports);
  const resting = await whyNotNow(firing.alert, target, template, selection.again, ports);
  if (resting !== null) return later(catalog, [resting.reason], resting.seconds);
  const executionId = ports.ids.next();
  const parameters = selection.kind === "match" ? selection.parameters : {};
  const scopes = selection.kind === "match" ? planScopes(selection.rule, template, catalog) : [];
  const request: PlanRequest = {
    executionId,
    template,
    templates: catalog.templates,
    actions: catalog.actions,
    revoked: catalog.revoked,
    scopes,
    own: tools,
    parameters,
    facts,
    target,
    ...(selection.taken === undefined ? {} : { taken: selection.taken }),
  };
  const acting = stepTools({ scopes }, ports.clusters, tools.signal, "");
  const made = await makePlan(request, acting, ports);
  const unconfirmed = await whyUnconfirmed(firing.alert, made.plan, tools, ports);
  if (unconfirmed !== null) {
    tellIfLong(firing, unconfirmed, ports);
    return later(catalog, [unconfirmed], backoff(firing));
  }
  const weigh = (plan: Plan) => weighPlan(plan, facts, catalog, tools, ports);
  const decided = await repairWhereWanted(made, weigh, request, acting, ports);
  const incidentKey = claimKeyOf(firing.alert, target);
  const names = { executionId, incidentId: ports.ids.next(), incidentKey, revision: catalog.revision };
  return newExecution({ ...names, selection, template, facts, ...decided, storms: ports.storms });
}

/** People are told whatever is paused. */
async function pausedNow(
  alert: Alert,
  target: Target | null,
  tools: ActionTools,
  { pauses }: DecisionPorts,
): Promise<Pause | null> {
  const { cluster } = alert;
  if (target === null) return pauses.ask([{ cluster, namespace: alert.labels["namespace"] ?? null }], null);
  return pauses.ask([target], null, await readTouched([target], tools));
}

function templateOf(selection: Chosen, catalog: Catalog): Template {
  if (selection.kind === "escalate") return escalationTemplate(selection);
  const template = catalog.templates.get(selection.template);
  if (template === undefined)
    throw new Problem("INTERNAL", `the catalog has no template ${selection.template}`);
  return template;
}

/** What fires for one target is one incident; an alert without an object is its own. */
export function claimKeyOf(alert: Alert, target: ObjectRef | null): string {
  return target === null ? `${alert.cluster}/alertname/${alert.name}` : objectKey(target);
}

/** A no of people holds until the incident ends; until then the firing is only looked at now and then. */
async function whyNotNow(
  alert: Alert,
  target: Target | null,
  template: Template,
  again: string | undefined,
  { alerts }: DecisionPorts,
): Promise<Pick<Resting, "reason" | "seconds"> | null> {
  const check = restCheck(template, alert, target, again);
  const resting = check === null ? null : await alerts.resting(check);
  if (resting !== null || target === null || !(await alerts.rejectedBefore(template.name, target)))
    return resting;
  return {
    reason: `people have rejected ${template.name}: it is not asked about again until the incident ends`,
    seconds: Math.max(retryLimitSeconds, template.cooldownSeconds),
  };
}

function later(catalog: Catalog, reasons: readonly string[], retrySeconds: number): FiringDecision {
  return { kind: "undecided", revision: catalog.revision, reasons, retrySeconds };
}

function backoff({ undecidedCount }: DueFiring): number {
  return Math.min(5 * 2 ** Math.min(undecidedCount, 10), retryLimitSeconds);
}

/** After five minutes without a decision somebody should look. */
function tellIfLong({ alert, openedAt }: DueFiring, why: string, { clock, log }: DecisionPorts): void {
  if (plusSeconds(openedAt, 300) > clock.now()) return;
  log.warn(
    { alert: alert.name, cluster: alert.cluster, labels: alert.labels, reason: why },
    "an alert is undecided for over five minutes",
  );
}
