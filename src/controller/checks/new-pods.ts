// Which pods an effect brings: how many at once, and what goes meanwhile. Everything that a workload's controller will create
// because of it, before it has.
import { maxUnavailable } from "../../actions/disruption-room.ts";
import { segmentsOf } from "../../actions/json-pointer.ts";
import { rolloutOf } from "../../actions/rollout.ts";
import { type KubernetesObject, type ObjectRef, objectText } from "../../domain/facts/objects.ts";
import { canonicalJson, isObject, type Json, type JsonObject } from "../../domain/json.ts";
import type { FieldChange } from "../../domain/planning/effect.ts";
import type { CheckedEffect } from "./step-check.ts";

/** What has to have a place at one time: these pods come, and those of the old template are gone. */
export interface Moment {
  readonly adds: number;
  readonly frees: number;
}

export interface NewPods {
  /** `Deployment shop/api`. */
  readonly of: string;
  readonly ref: ObjectRef;
  readonly namespace: string;
  readonly spec: JsonObject;
  /** Takes the pods that are there; null: there are none. */
  readonly selector: JsonObject | null;
  /** All of them have to be possible. */
  readonly moments: readonly Moment[];
}

/** null: no new pod comes of it. */
export function newPodsOf({ effect, found }: CheckedEffect): NewPods | null {
  if (effect.kind === "create") return podsOfNew(effect.object, effect.manifest);
  const before = found[0]?.object ?? null;
  if (effect.kind !== "patch" || before === null || effect.object.namespace === null) return null;
  const after = changed(before, effect.changes);
  const moments = momentsOf(before, after);
  if (moments.length === 0) return null;
  return {
    of: objectText(effect.object),
    ref: effect.object,
    namespace: effect.object.namespace,
    spec: podSpecOf(after),
    selector: isObject(after.spec?.["selector"]) ? after.spec["selector"] : null,
    moments,
  };
}

function podsOfNew(ref: ObjectRef, manifest: JsonObject): NewPods | null {
  const spec = isObject(manifest.spec) ? manifest.spec : {};
  const adds = ref.kind === "Pod" ? 1 : ref.kind === "Job" ? jobPods(spec) : 0;
  if (adds === 0 || ref.namespace === null) return null;
  const podSpec = ref.kind === "Pod" ? spec : podSpecOf({ spec });
  const { namespace } = ref;
  return {
    of: objectText(ref),
    ref,
    namespace,
    spec: podSpec,
    selector: null,
    moments: [{ adds, frees: 0 }],
  };
}

function jobPods({ parallelism, completions, suspend }: JsonObject): number {
  if (suspend === true) return 0;
  const side = number(parallelism, 1);
  return Math.min(side, number(completions, side));
}

function momentsOf(before: KubernetesObject, after: KubernetesObject): readonly Moment[] {
  const { kind, spec = {} } = after;
  const isNewTemplate = podTemplate(before) !== podTemplate(after);
  const present = number(before.status?.["replicas"], number(before.spec?.["replicas"], 1));
  const wanted = number(spec["replicas"], 1);
  switch (kind) {
    case "Deployment":
      return isNewTemplate && spec["paused"] !== true
        ? rollout(before, after, wanted, present)
        : growth(before, wanted, present);
    case "StatefulSet":
      return isNewTemplate && !isOnDelete(spec)
        ? replacement(wanted, present)
        : growth(before, wanted, present);
    case "ReplicaSet":
      return growth(before, wanted, present);
    case "DaemonSet": {
      const nodes = number(before.status?.["desiredNumberScheduled"], 0);
      return isNewTemplate && !isOnDelete(spec) ? replacement(nodes, nodes) : [];
    }
    default:
      return [];
  }
}

/** Only what the effect asks for more: pods that are missing already are not its doing. */
function growth(before: KubernetesObject, wanted: number, present: number): readonly Moment[] {
  if (wanted <= number(before.spec?.["replicas"], 1)) return [];
  return wanted > present ? [{ adds: wanted - present, frees: 0 }] : [];
}

/**
 * It goes as slowly as there is room: one new pod has to come first, and all of them in the end. Where no pod may be missing
 * meanwhile, the first one comes on top. In the middle of another rollout pods of both are there: then only the end is known.
 */
function rollout(
  before: KubernetesObject,
  after: KubernetesObject,
  wanted: number,
  present: number,
): readonly Moment[] {
  const strategy = isObject(after.spec?.["strategy"]) ? after.spec["strategy"] : {};
  const end = replacement(wanted, present);
  if (end.length === 0 || strategy.type === "Recreate" || !rolloutOf(before).rolledOut) return end;
  const rolling = isObject(strategy.rollingUpdate) ? strategy.rollingUpdate : {};
  const surges = rolling.maxSurge !== 0 && rolling.maxSurge !== "0%";
  const missing = surges ? maxUnavailable(after) : Math.max(1, maxUnavailable(after));
  return [{ adds: 1, frees: Math.min(missing, present) }, ...end];
}

function replacement(wanted: number, present: number): readonly Moment[] {
  return wanted === 0 ? [] : [{ adds: wanted, frees: present }];
}

function isOnDelete({ updateStrategy }: Readonly<Record<string, unknown>>): boolean {
  return isObject(updateStrategy) && updateStrategy.type === "OnDelete";
}

function podTemplate({ spec }: Pick<KubernetesObject, "spec">): string {
  return canonicalJson((spec?.["template"] ?? null) as Json);
}

function podSpecOf({ spec }: Pick<KubernetesObject, "spec">): JsonObject {
  const template = isObject(spec?.["template"]) ? spec["template"] : {};
  return isObject(template.spec) ? template.spec : {};
}

/** The object as the effect leaves it. */
function changed(object: KubernetesObject, changes: readonly FieldChange[]): KubernetesObject {
  return changes.reduce<Json>(
    (document, { pointer, after }) => written(document, segmentsOf(pointer), after) ?? null,
    object as unknown as Json,
  ) as unknown as KubernetesObject;
}

function written(
  value: Json | undefined,
  path: readonly string[],
  after: Json | undefined,
): Json | undefined {
  const [first, ...rest] = path;
  if (first === undefined) return after;
  if (Array.isArray(value)) {
    const list = value as readonly Json[];
    const next = written(list[Number(first)], rest, after);
    return list.toSpliced(Number(first), 1, ...(next === undefined ? [] : [next]));
  }
  return {
    ...(isObject(value) ? value : {}),
    [first]: written(isObject(value) ? value[first] : undefined, rest, after),
  };
}

function number(value: unknown, otherwise: number): number {
  return typeof value === "number" ? value : otherwise;
}
