// Fetches exactly those facts that the rules of an alert's bucket name, with a time limit each.
// What cannot be had is a fact too: unavailable, with the reason. Nothing here decides.
import type { ActionTools } from "../actions/action.ts";
import type { Alert } from "../domain/facts/alert.ts";
import type { Fact, Facts, FetchedFact, History, Named, Owner } from "../domain/facts/facts.ts";
import type { KubernetesObject, ObjectRef, Subject, Target } from "../domain/facts/objects.ts";
import { neverRan } from "../domain/gate/limits.ts";
import { subjectOf } from "../domain/intake/subject-of.ts";
import { toProblem } from "../domain/problem.ts";
import { findSubjects } from "./find-subjects.ts";
import type { AlertStore, Clock, Clusters } from "./ports.ts";
import { resolveTarget } from "./resolve-target.ts";

export interface FactPorts {
  readonly alerts: Pick<AlertStore, "history" | "openAlike">;
  readonly clusters: Clusters;
  readonly clock: Clock;
  readonly ownerLabel: string;
}

/**
 * `target` is always fetched: joining, claims and cool-downs are by target.
 * @param planned the target of a plan that was made for the alert: it stays what it is about when the alert's pod is gone
 */
export async function gatherFacts(
  alert: Alert,
  needed: ReadonlySet<FetchedFact>,
  tools: ActionTools,
  { alerts, clusters, clock, ownerLabel }: FactPorts,
  planned: ObjectRef | null = null,
): Promise<Facts> {
  const subject = subjectOf(alert);
  const target = await fact(() => targetOf(alert, planned ?? subject, tools));
  const asked = <T>(name: FetchedFact, fetch: () => Promise<T>): Promise<Fact<T>> =>
    needed.has(name) ? fact(fetch) : Promise.resolve(notAsked);
  return {
    alert,
    cluster: { name: alert.cluster, labels: clusters.labels(alert.cluster) },
    now: clock.now(),
    subject: { available: true, value: subject },
    subjects: needed.has("subjects")
      ? await ofTarget(target, (known) => findSubjects(alert, known, tools, alerts))
      : notAsked,
    target,
    namespace: await asked("namespace", () => namespaceOf(alert, subject, tools)),
    owner: needed.has("owner")
      ? await ofTarget(target, (known) => ownerOf(alert, subject, known, tools, ownerLabel))
      : notAsked,
    history: await asked("history", () => historyOf(alert, target, alerts)),
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

/** What follows from the target is as unknown as the target itself. */
async function ofTarget<T>(
  target: Fact<Target | null>,
  fetch: (target: Target | null) => Promise<T>,
): Promise<Fact<T>> {
  return target.available ? fact(() => fetch(target.value)) : target;
}

/** What only observed, or ended before its first step, was no attempt. */
async function historyOf(
  alert: Alert,
  target: Fact<Target | null>,
  alerts: FactPorts["alerts"],
): Promise<History> {
  if (!target.available || target.value === null) return { attempts: [] };
  const { attempts } = await alerts.history(alert.name, target.value);
  return {
    attempts: attempts.filter(
      ({ outcome, neverStarted }) =>
        neverStarted !== true && (outcome === null || !neverRan.includes(outcome)),
    ),
  };
}

async function targetOf(
  { cluster }: Alert,
  object: Pick<Subject, "kind" | "namespace" | "name"> | null,
  tools: ActionTools,
): Promise<Target | null> {
  return object === null ? null : resolveTarget(cluster, object, tools);
}

async function readNamespace(
  alert: Alert,
  subject: Subject | null,
  tools: ActionTools,
): Promise<KubernetesObject | null> {
  const name = subject?.namespace ?? alert.labels["namespace"];
  if (name === undefined) return null;
  return tools
    .cluster(alert.cluster)
    .get({ cluster: alert.cluster, apiVersion: "v1", kind: "Namespace", namespace: null, name });
}

export async function namespaceOf(
  alert: Alert,
  subject: Subject | null,
  tools: ActionTools,
): Promise<Named | null> {
  const object = await readNamespace(alert, subject, tools);
  return object === null ? null : { name: object.metadata.name, labels: object.metadata.labels ?? {} };
}

/** What the target says of itself, a label before an annotation; else what its namespace says. */
export async function ownerOf(
  alert: Alert,
  subject: Subject | null,
  target: Target | null,
  tools: ActionTools,
  label: string,
): Promise<Owner> {
  const own = target?.labels[label] ?? target?.annotations[label];
  if (own !== undefined) return { team: own };
  const metadata = (await readNamespace(alert, subject, tools))?.metadata;
  return { team: metadata?.labels?.[label] ?? metadata?.annotations?.[label] ?? null };
}
