// A person starts a template for a target. It goes the way of a firing (facts, cool-down, plan, dry-run, guards, claim), with
// an alert that stands for the person; there is no way around a guard, and whoever asks is no approver.
import type { ActionTools } from "../actions/action.ts";
import { didYouMean } from "../domain/did-you-mean.ts";
import type { ByHand } from "../domain/execution/events.ts";
import type { Alert } from "../domain/facts/alert.ts";
import type { Facts } from "../domain/facts/facts.ts";
import type { ObjectRef, Subject } from "../domain/facts/objects.ts";
import type { Gate, Mode } from "../domain/gate/gate.ts";
import { manualAlert as manual } from "../domain/intake/manual-alert.ts";
import { subjectOf } from "../domain/intake/subject-of.ts";
import type { Json } from "../domain/json.ts";
import type { Preview } from "../domain/planning/effect.ts";
import type { Plan, Taken } from "../domain/planning/plan.ts";
import { type Catalog, isRevoked, revokedText } from "../domain/policies/catalog.ts";
import { factsNeeded } from "../domain/policies/facts-needed.ts";
import { Problem } from "../domain/problem.ts";
import type { Template } from "../domain/templates/template.ts";
import { countDecision } from "./count-events.ts";
import { claimKeyOf, plan } from "./decide-firing.ts";
import type { Chosen, DecisionPorts } from "./decision-ports.ts";
import { gatherFacts } from "./gather-facts.ts";
import type { FiringDecision } from "./ports.ts";
import { stoppedText } from "./stopped-by-breaker.ts";

export interface StartRequest {
  readonly template: string;
  /** Left out: the only one. */
  readonly cluster?: string;
  readonly target: { readonly kind: string; readonly namespace?: string; readonly name: string };
  readonly parameters: Readonly<Record<string, Json>>;
  readonly by: string;
  readonly reason: string;
  /** Plan, weigh and change nothing. */
  readonly dryRun: boolean;
}

export interface StartAnswer {
  /** null: it was a dry-run. */
  readonly executionId: string | null;
  readonly mode: Mode;
  readonly plan: Plan;
  readonly previews: readonly Preview[];
  readonly gate: Gate;
}

type NewExecution = Extract<FiringDecision, { kind: "execution" }>;

const timeoutMilliseconds = 20_000;

/** Kind -> the label by which an alert names such an object. */
const labels: Readonly<Record<string, string>> = {
  Deployment: "deployment",
  StatefulSet: "statefulset",
  DaemonSet: "daemonset",
  ReplicaSet: "replicaset",
  Job: "job_name",
  CronJob: "cronjob",
  Pod: "pod",
  Node: "node",
};

/**
 * @returns what was (or with `dryRun` would be) started; the execution is ours to drive
 * @throws Problem NOT_FOUND, FORBIDDEN (not `manual`), USAGE, TARGET_GONE, NOT_NOW, PARAMETER_INVALID, API_*
 */
export async function startByHand(
  request: StartRequest,
  catalog: Catalog | null,
  ports: DecisionPorts,
): Promise<StartAnswer> {
  const { catalog: inUse, template } = startable(request.template, catalog);
  if (!template.manual) {
    const mend = "its file needs `manual: true`";
    throw new Problem("FORBIDDEN", `template ${template.name} may not be started by hand: ${mend}`);
  }
  return startFor(request, alertOf(request, ports), request.target, inUse, ports);
}

export type Wanted = Pick<StartRequest, "template" | "parameters" | "by" | "reason" | "dryRun"> &
  Pick<ByHand, "again">;

/**
 * The way that whatever a person starts goes, once it is known what and for which alert.
 * @param taken what an earlier execution has done of the template
 * @throws Problem TARGET_GONE, NOT_NOW, PARAMETER_INVALID, API_*
 */
export async function startFor(
  wanted: Wanted,
  alert: Alert,
  target: StartRequest["target"] | ObjectRef,
  catalog: Catalog,
  ports: DecisionPorts,
  taken: Taken | null = null,
): Promise<StartAnswer> {
  const tools = ports.clusters.tools(AbortSignal.timeout(timeoutMilliseconds), "");
  const facts = await factsOf(wanted.template, target, alert, catalog, tools, ports);
  const decision = await decide(wanted, alert, facts, catalog, tools, ports, taken);
  if (!wanted.dryRun) await commit(alert, decision, ports);
  return answerOf(decision, wanted.dryRun);
}

/** @throws Problem: there is no such template, or it is not to be used any more */
export function startable(
  name: string,
  catalog: Catalog | null,
): { readonly catalog: Catalog; readonly template: Template } {
  if (catalog === null)
    throw new Problem("NOT_NOW", "no catalog is in use yet: `gitmend doctor` says why", { retryable: true });
  const template = catalog.templates.get(name);
  if (template === undefined) {
    const names = [...catalog.templates.keys()];
    throw new Problem("NOT_FOUND", `the catalog has no template ${name}${didYouMean(name, names)}`);
  }
  if (isRevoked(template, catalog)) throw new Problem("FORBIDDEN", revokedText(template));
  return { catalog, template };
}

function alertOf(request: StartRequest, { clusters, clock, ids }: DecisionPorts): Alert {
  const { by, reason } = request;
  const subject = subjectIn(request);
  const now = clock.now();
  return {
    cluster: clusterIn(request, clusters.names),
    fingerprint: ids.next(),
    status: "firing",
    name: manual,
    severity: "",
    labels: { alertname: manual, ...subject },
    annotations: { summary: `started by ${by}: ${reason}` },
    startsAt: now,
    endsAt: null,
    source: manual,
    sanitised: false,
  };
}

function clusterIn({ cluster }: StartRequest, names: readonly string[]): string {
  const [only] = names;
  if (cluster === undefined && only !== undefined && names.length === 1) return only;
  if (cluster === undefined)
    throw new Problem("USAGE", `say which cluster: ${names.join(", ") || "none is configured"}`);
  if (names.includes(cluster)) return cluster;
  throw new Problem("USAGE", `there is no cluster ${cluster}${didYouMean(cluster, names)}`);
}

/** Labels that name the target, and no other object. */
function subjectIn({ target }: StartRequest): Alert["labels"] {
  const { kind, namespace, name } = target;
  const label = labels[kind];
  if (label === undefined) {
    const kinds = Object.keys(labels);
    throw new Problem("USAGE", `a target is one of ${kinds.join(", ")}${didYouMean(kind, kinds)}`);
  }
  const named = { [label]: name, ...(namespace === undefined ? {} : { namespace }) };
  const subject: Subject | null = subjectOf({ name: manual, labels: named });
  if (subject?.kind === kind && subject.name === name) return named;
  throw new Problem("USAGE", `${kind} ${name} needs a namespace`);
}

/** @throws Problem TARGET_GONE, NOT_NOW: the target cannot be read */
async function factsOf(
  template: string,
  named: StartRequest["target"] | ObjectRef,
  alert: Alert,
  catalog: Catalog,
  tools: ActionTools,
  ports: DecisionPorts,
): Promise<Facts> {
  const needed = new Set([...factsNeeded(manual, catalog), ...(catalog.templateFacts.get(template) ?? [])]);
  // What is tried again is about the target that it was about, whatever became of the pod that had fired.
  const facts = await gatherFacts(alert, needed, tools, ports, "cluster" in named ? named : null);
  const { kind, namespace = null, name } = named;
  const { target } = facts;
  if (!target.available) throw notNow(`the target cannot be read: ${target.why}`);
  if (target.value === null)
    throw new Problem(
      "TARGET_GONE",
      `there is no ${kind} ${namespace === null ? "" : `${namespace}/`}${name} in cluster ${alert.cluster}`,
    );
  return facts;
}

/** Whatever would only be tried later for a firing is refused here: the person is there and can ask again. */
async function decide(
  { template, parameters, by, reason, again }: Wanted,
  alert: Alert,
  facts: Facts,
  catalog: Catalog,
  tools: ActionTools,
  ports: DecisionPorts,
  taken: Taken | null,
): Promise<NewExecution> {
  const target = facts.target.available ? facts.target.value : null;
  const running = await ports.alerts.liveExecution(claimKeyOf(alert, target));
  if (running !== null) throw busy(running);
  const selection: Chosen = {
    kind: "match",
    rule: "manual/start",
    template,
    parameters,
    reasons: [`started by ${by}: ${reason}`],
    ...(again === undefined ? {} : { again: again.execution }),
    ...(taken === null ? {} : { taken }),
  };
  const firing = { id: "", token: 0, alert, undecidedCount: 0, openedAt: facts.now };
  // Nobody can confirm this alert: the person is what stands behind it.
  const unasked = { ...ports, confirm: "off" } as const;
  const decision = await plan(firing, selection, facts, catalog, tools, unasked);
  if (decision.kind !== "execution") throw notNow(decision.reasons.join("; "));
  return askedBy({ by, reason, ...(again === undefined ? {} : { again }) }, decision);
}

function askedBy(byHand: ByHand, decision: NewExecution): NewExecution {
  const events = decision.events.map((recorded) =>
    recorded.event.type === "ExecutionRequested"
      ? { ...recorded, event: { ...recorded.event, byHand } }
      : recorded,
  );
  return { ...decision, events };
}

async function commit(alert: Alert, decision: NewExecution, ports: DecisionPorts): Promise<void> {
  await ports.faults.at("decision-before-commit");
  const started = await ports.alerts.start(alert.name, decision);
  await ports.faults.at("decision-after-commit");
  if (started.result === "busy") throw busy(started.executionId);
  if (started.result === "limited") throw notNow(`limit ${started.limit.rule}: ${started.reason}`);
  if (started.result === "resting") throw notNow(started.reason);
  if (started.result === "stopped") throw notNow(stoppedText(started.breaker));
  countDecision(decision, ports.metrics);
  const { executionId, template, reasons } = decision;
  ports.log.info({ executionId, template, reasons }, "started by hand");
}

function answerOf({ events, executionId, mode }: NewExecution, dryRun: boolean): StartAnswer {
  const planned = events.find(({ event }) => event.type === "Planned")?.event;
  const decided = events.find(({ event }) => event.type === "GateDecided")?.event;
  if (planned?.type !== "Planned" || decided?.type !== "GateDecided")
    throw new Problem("INTERNAL", "a start without a plan or a gate");
  const { plan: made, previews } = planned;
  return { executionId: dryRun ? null : executionId, mode, plan: made, previews, gate: decided.gate };
}

function busy(executionId: string): Problem {
  const message = `execution ${executionId} of the same target is under way`;
  return new Problem("NOT_NOW", message, { retryable: true, details: { executionId } });
}

function notNow(reason: string): Problem {
  return new Problem("NOT_NOW", reason, { retryable: true });
}
