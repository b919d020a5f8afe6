// Whether a step for each subject still has something to do for its own: pods come back by themselves.
import type { ActionTools } from "../actions/action.ts";
import { podState } from "../actions/pods.ts";
import type { Subject } from "../domain/facts/objects.ts";
import { subjectApis } from "../domain/intake/subject-of.ts";

/** Why nothing needs to be done for it any more; null: it is as bad as the alert said, or nobody can tell. */
export async function whyNotNeeded(
  subject: Subject,
  cluster: string,
  tools: ActionTools,
): Promise<string | null> {
  const { kind, namespace, name } = subject;
  const apiVersion = subjectApis[kind];
  if (apiVersion === undefined) return null;
  const object = await tools.cluster(cluster).get({ cluster, apiVersion, kind, namespace, name });
  if (object === null) return `${kind} ${name} is gone`;
  if (kind !== "Pod") return null;
  const { ready, waitingReason, terminating } = podState(object);
  if (terminating) return `${kind} ${name} is being deleted`;
  return ready && waitingReason === null ? `${kind} ${name} is ready again` : null;
}
