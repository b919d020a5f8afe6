// All objects that an incident is about: of every open firing of the same alert whose object belongs to the same target.
import type { ActionTools } from "../actions/action.ts";
import type { Alert } from "../domain/facts/alert.ts";
import { objectKey, type Subject, type Target } from "../domain/facts/objects.ts";
import { subjectOf } from "../domain/intake/subject-of.ts";
import type { AlertStore } from "./ports.ts";
import { resolveTarget } from "./resolve-target.ts";

const mostFirings = 100;
const readsAtOnce = 10;

/** The alert's own first; each object once. @throws Problem API_*: then nobody knows which there are */
export async function findSubjects(
  alert: Alert,
  target: Target | null,
  tools: ActionTools,
  alerts: Pick<AlertStore, "openAlike">,
): Promise<readonly Subject[]> {
  const own = subjectOf(alert);
  if (own === null || target === null) return own === null ? [] : [own];
  const others = (await alerts.openAlike(alert, mostFirings)).map((other) => subjectOf(other));
  const unique = byObject([own, ...others.filter((subject) => subject !== null)]).slice(1);
  const found: Subject[] = [own];
  for (let at = 0; at < unique.length; at += readsAtOnce) {
    const some = unique.slice(at, at + readsAtOnce);
    const targets = await Promise.all(some.map((subject) => resolveTarget(alert.cluster, subject, tools)));
    found.push(...some.filter((_, index) => isSame(targets[index] ?? null, target)));
  }
  return found;
}

/** Two containers of one pod may fire: it is one pod all the same. */
function byObject(subjects: readonly Subject[]): readonly Subject[] {
  const first = new Map<string, Subject>();
  for (const subject of subjects) {
    const key = [subject.kind, subject.namespace ?? "", subject.name].join("/");
    if (!first.has(key)) first.set(key, subject);
  }
  return [...first.values()];
}

function isSame(found: Target | null, target: Target): boolean {
  return found !== null && objectKey(found) === objectKey(target);
}
