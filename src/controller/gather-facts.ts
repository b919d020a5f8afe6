// Fetches exactly those facts that the rules of an alert's bucket name, with a time limit each.
// What cannot be had is a fact too: unavailable, with the reason. Nothing here decides.
import type { ActionTools } from "../actions/action.ts";
import type { Alert } from "../domain/facts/alert.ts";
import type { Fact, Facts, FetchedFact, History, Named } from "../domain/facts/facts.ts";
import type { Subject, Target } from "../domain/facts/objects.ts";
import { subjectOf } from "../domain/intake/subject-of.ts";
import { toProblem } from "../domain/problem.ts";
import type { AlertStore, Clock, Clusters } from "./ports.ts";
import { resolveTarget } from "./resolve-target.ts";

export interface FactPorts {
  readonly alerts: Pick<AlertStore, "history">;
  readonly clusters: Clusters;
  readonly clock: Clock;
}

/** `target` is always fetched: joining, claims and cool-downs are by target. */
export async function gatherFacts(
  alert: Alert,
  needed: ReadonlySet<FetchedFact>,
  tools: ActionTools,
  { alerts, clusters, clock }: FactPorts,
): Promise<Facts> {
  const subject = subjectOf(alert);
  const target = await fact(() => targetOf(alert, subject, tools));
  const namespace = needed.has("namespace") ? await fact(() => namespaceOf(alert, subject, tools)) : notAsked;
  const history = needed.has("history") ? await fact(() => historyOf(alert, target, alerts)) : notAsked;
  return {
    alert,
    cluster: { name: alert.cluster, labels: clusters.labels(alert.cluster) },
    now: clock.now(),
    subject: { available: true, value: subject },
    subjects: { available: true, value: subject === null ? [] : [subject] },
    target,
    namespace,
    owner: notAsked,
    history,
  };
}

const notAsked = { available: false, why: "no rule asked for it" } as const;

async function fact<T>(fetch: () => Promise<T>): Promise<Fact<T>> {
  try {
    return { available: true, value: await fetch() };
  } catch (error) {
    const problem = toProblem(error);
    if (problem.code === "DATABASE_UNAVAILABLE") throw problem;
    return { available: false, why: problem.message };
  }
}

/** What only observed counts in no cool-down and no limit. */
async function historyOf(
  alert: Alert,
  target: Fact<Target | null>,
  alerts: FactPorts["alerts"],
): Promise<History> {
  if (!target.available || target.value === null) return { attempts: [] };
  const { attempts } = await alerts.history(alert.name, target.value);
  return { attempts: attempts.filter(({ outcome }) => outcome === null || !neverRan.has(outcome)) };
}

const neverRan: ReadonlySet<string> = new Set(["observed", "refused", "rejected", "expired", "outdated"]);

async function targetOf(alert: Alert, subject: Subject | null, tools: ActionTools): Promise<Target | null> {
  return subject === null ? null : resolveTarget(alert.cluster, subject, tools);
}

export async function namespaceOf(
  alert: Alert,
  subject: Subject | null,
  tools: ActionTools,
): Promise<Named | null> {
  const name = subject?.namespace ?? alert.labels["namespace"];
  if (name === undefined) return null;
  const object = await tools
    .cluster(alert.cluster)
    .get({ cluster: alert.cluster, apiVersion: "v1", kind: "Namespace", namespace: null, name });
  return object === null ? null : { name, labels: object.metadata.labels ?? {} };
}
