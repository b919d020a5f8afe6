// What an assessment looks at: the alerts of the same name, the target itself, the template's checks. Reads only; decides
// nothing (domain/effectiveness does). What cannot be had now is unavailable, with the reason.
import type { ActionTools } from "../actions/action.ts";
import type { AlertsSeen, CheckSeen, Seen } from "../domain/effectiveness/assess.ts";
import { assessmentOf } from "../domain/effectiveness/assessable.ts";
import type { Execution } from "../domain/execution/execution.ts";
import { promqlValue } from "../domain/expressions/promql-value.ts";
import type { Alert, AlertReference } from "../domain/facts/alert.ts";
import type { Fact } from "../domain/facts/facts.ts";
import { objectKey, objectText, type Subject } from "../domain/facts/objects.ts";
import { subjectOf } from "../domain/intake/subject-of.ts";
import { toProblem } from "../domain/problem.ts";
import type { OpenFiring } from "./ports.ts";
import { resolveTarget } from "./resolve-target.ts";
import { targetHealth } from "./target-health.ts";

export interface Gathered {
  readonly seen: Seen;
  /** Ids of the firings that are about the target. */
  readonly stillFiring: readonly string[];
}

/** The ended execution, and what fires under the name of its alert. */
export async function gatherAssessment(
  state: Execution & { readonly alert: Alert },
  firings: readonly OpenFiring[],
  tools: ActionTools,
): Promise<Gathered> {
  const target = state.plan?.target ?? null;
  const alerts = await fact(async () =>
    state.byHand === null ? lookAtAlerts(state, firings, tools) : { seen: null, firing: [] },
  );
  const [health, checks] = await Promise.all([
    fact(async () => (target === null ? null : targetHealth(target, tools.cluster(target.cluster)))),
    lookAtChecks(state, tools),
  ]);
  return {
    seen: {
      alerts: alerts.available ? { available: true, value: alerts.value.seen } : alerts,
      target: health,
      checks,
    },
    stillFiring: alerts.available ? alerts.value.firing.map(({ id }) => id) : [],
  };
}

async function fact<T>(fetch: () => Promise<T>): Promise<Fact<T>> {
  try {
    return { available: true, value: await fetch() };
  } catch (error) {
    return { available: false, why: toProblem(error).message };
  }
}

async function lookAtAlerts(
  state: Execution & { readonly alert: Alert },
  firings: readonly OpenFiring[],
  tools: ActionTools,
): Promise<{ readonly seen: AlertsSeen; readonly firing: readonly OpenFiring[] }> {
  const firing: OpenFiring[] = [];
  for (const other of firings) if (await isAbout(other.alert, other.own, state, tools)) firing.push(other);
  const [first] = firing;
  const seen = {
    alertName: state.alert.name,
    firing: first === undefined ? "" : firingText(first.alert, firing.length),
    // What fires is answer enough.
    pending: first === undefined ? await pendingText(state, tools) : null,
    gone: first === undefined ? await goneObject(state, tools) : null,
  };
  return { seen, firing };
}

/** A firing counts while the object that it names exists: the series of a pod that was removed ends a while after it. */
async function isAbout(
  alert: Pick<Alert, "name" | "labels">,
  own: boolean,
  { plan, alert: { cluster } }: Execution & { readonly alert: Alert },
  tools: ActionTools,
): Promise<boolean> {
  const subject = subjectOf(alert);
  const target = plan?.target ?? null;
  if (subject === null) return own;
  if (!own && (target === null || subject.namespace !== target.namespace)) return false;
  const found = await resolveTarget(cluster, subject, tools);
  return found !== null && (own || (target !== null && objectKey(found) === objectKey(target)));
}

function firingText({ cluster, name, labels, startsAt }: AlertReference, count: number): string {
  const subject = subjectOf({ name, labels });
  const what = subject === null ? name : objectText({ ...subject, cluster });
  return `${what}, since ${startsAt}${count > 1 ? `, and ${count - 1} more` : ""}`;
}

/** "" : nothing is about to fire; null: there is no Prometheus. @throws Problem METRICS_UNAVAILABLE: it does not answer */
async function pendingText(
  state: Execution & { readonly alert: Alert },
  tools: ActionTools,
): Promise<string | null> {
  const { cluster, name } = state.alert;
  try {
    const series = await tools.query(cluster, `ALERTS{alertname=${promqlValue(name)}}`);
    for (const { labels } of series) {
      const subject = subjectOf({ name, labels });
      if (await isAbout({ name, labels }, subject === null && state.subject === null, state, tools))
        return subject === null ? name : objectText({ ...subject, cluster });
    }
    return "";
  } catch (error) {
    const problem = toProblem(error);
    if (problem.code === "METRICS_UNAVAILABLE" && !problem.retryable) return null;
    throw problem;
  }
}

/** Of the objects that alerts of this name have named; null: all of them are still there. */
async function goneObject(
  { alert, alerts, subject }: Execution & { readonly alert: Alert },
  tools: ActionTools,
): Promise<string | null> {
  const named = [...alerts.values()].filter(({ name }) => name === alert.name).map(subjectOf);
  const subjects = new Map(
    [subject, ...named].flatMap((one) => (one === null ? [] : [[keyOf(one), one] as const])),
  );
  for (const one of subjects.values())
    if ((await resolveTarget(alert.cluster, one, tools)) === null)
      return objectText({ ...one, cluster: alert.cluster });
  return null;
}

function keyOf({ kind, namespace, name }: Subject): string {
  return `${kind}/${namespace ?? ""}/${name}`;
}

async function lookAtChecks(
  state: Execution & { readonly alert: Alert },
  tools: ActionTools,
): Promise<readonly CheckSeen[]> {
  const cluster = state.plan?.target?.cluster ?? state.alert.cluster;
  const checks = assessmentOf(state)?.checks ?? [];
  return Promise.all(
    checks.map(async (check) => ({
      check,
      values: await fact(async () => (await tools.query(cluster, check.promql)).map(({ value }) => value)),
    })),
  );
}
