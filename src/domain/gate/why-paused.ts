// The one check whether people have paused something: decisions, starts by hand, claims, steps and fallbacks all ask here.
import type { KubernetesObject, ObjectRef } from "../facts/objects.ts";
import { objectText } from "../facts/objects.ts";
import type { Pause, PauseScope } from "../facts/pause.ts";
import { utcInstant } from "../instant.ts";
import type { Plan } from "../planning/plan.ts";
import { shortId } from "./approval-file.ts";

export const pausedUntil = "gitmend.dev/paused-until";

/** Where something would be changed. */
export interface Place {
  readonly cluster: string;
  /** null: the object has none. */
  readonly namespace: string | null;
}

/** The one that holds longest of those that hold now; null: none does. */
export function whyPaused(
  places: readonly Place[],
  executionId: string | null,
  pauses: readonly Pause[],
  now: string,
): Pause | null {
  const holding = pauses.filter((pause) => holds(pause, now) && covers(pause.scope, places, executionId));
  return holding.reduce<Pause | null>(
    (longest, pause) => (longest === null || later(pause, longest) ? pause : longest),
    null,
  );
}

export function holds({ until }: Pick<Pause, "until">, now: string): boolean {
  return until === null || until > now;
}

function covers(scope: PauseScope, places: readonly Place[], executionId: string | null): boolean {
  switch (scope.kind) {
    case "everything":
      return scope.cluster === null || places.some(({ cluster }) => cluster === scope.cluster);
    case "namespace":
      return places.some(
        ({ cluster, namespace }) =>
          namespace === scope.namespace && (scope.cluster === null || cluster === scope.cluster),
      );
    case "execution":
      return scope.execution === executionId;
    case "object":
      return true;
  }
}

function later(left: Pause, right: Pause): boolean {
  return right.until !== null && (left.until === null || left.until > right.until);
}

/** Where a plan may change something. */
export function placesOf({ target, touches }: Pick<Plan, "target" | "touches">): readonly Place[] {
  return target === null ? touches.objects : [target, ...touches.objects];
}

/** What the annotations of the target and of its namespace say. One that cannot be read pauses: somebody meant it to. */
export function annotatedPauses(
  found: readonly { readonly ref: ObjectRef; readonly object: KubernetesObject | null }[],
): readonly Pause[] {
  return found.flatMap(({ ref, object }): readonly Pause[] => {
    const text = object?.metadata.annotations?.[pausedUntil];
    if (text === undefined) return [];
    const isNamespace = ref.kind === "Namespace";
    const where = isNamespace ? `namespace ${ref.name}` : objectText(ref);
    const until = utcInstant(text);
    const scope: PauseScope = isNamespace
      ? { kind: "namespace", cluster: ref.cluster, namespace: ref.name }
      : { kind: "object", object: objectText(ref) };
    const reason =
      until === null
        ? `${pausedUntil} is "${text}", which is no time: write 2026-11-23T14:00:00Z`
        : `${pausedUntil} is set`;
    return [{ scope, by: `an annotation of ${where}`, reason, until, source: "annotation" }];
  });
}

/** `everything`, `namespace shop of cluster prod-eu`, `execution 7c1e2a4b9d0f`. */
export function scopeText(scope: PauseScope): string {
  switch (scope.kind) {
    case "everything":
      return scope.cluster === null ? "everything" : `cluster ${scope.cluster}`;
    case "namespace":
      return `namespace ${scope.namespace}${scope.cluster === null ? "" : ` of cluster ${scope.cluster}`}`;
    case "execution":
      return `execution ${shortId(scope.execution)}`;
    case "object":
      return scope.object;
  }
}

/** `namespace shop is paused by ana until 2026-11-23 14:00 UTC: a migration`. */
export function pauseText(pause: Pick<Pause, "scope" | "by" | "reason" | "until">): string {
  return `${scopeText(pause.scope)} is paused by ${pause.by}${untilText(pause.until)}: ${pause.reason}`;
}

export function untilText(until: string | null): string {
  return until === null ? "" : ` until ${until.slice(0, 10)} ${until.slice(11, 16)} UTC`;
}
