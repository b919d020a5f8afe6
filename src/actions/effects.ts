// Makes, previews, finds and takes back effects: the one place of the actions that changes the world.
// An effect is conditional on the object as it was read, so a late or repeated write gets 409 and never overwrites.
import type { KubernetesObject } from "../domain/facts/objects.ts";
import { isObject, type Json, type JsonObject } from "../domain/json.ts";
import type {
  CreateEffect,
  DeleteEffect,
  Effect,
  FieldChange,
  PatchEffect,
} from "../domain/planning/effect.ts";
import { Problem, unreachable } from "../domain/problem.ts";
import type { ActionContext, ActionTools, EffectRunner } from "./action.ts";
import { differences, sameJson } from "./differences.ts";
import { fieldManager } from "./field-manager.ts";
import { segmentsOf, valueAt } from "./json-pointer.ts";
import { patchEffect, patchOperations } from "./patch-effect.ts";
import { redactChange, redactField } from "./redact-change.ts";
import { lookForRequest, sendRequest, stopRequest } from "./request-effect.ts";
import { restoreWrites } from "./restore-writes.ts";
import { stopOf } from "./runs.ts";

const annotationPrefix = "gitmend.dev/";
/** Beside every effect; what an action itself writes under the prefix is shown. */
const bookkeeping = new Set(
  ["execution", "effect", "effect-base"].map((name) => `${annotationPrefix}${name}`),
);

export const effects: EffectRunner = { apply, dryRun, didItHappen, prepareRestore };

async function apply(effect: Effect, context: ActionContext, tools: ActionTools): Promise<Json> {
  switch (effect.kind) {
    case "patch":
      await sendPatch(effect, context, tools, false);
      return null;
    case "delete":
      await sendDelete(effect, tools, false);
      return null;
    case "create":
      await sendCreate(effect, context, tools, false);
      return null;
    case "branch":
      await tools.sources.propose(effect, context.effectKey);
      return null;
    case "request":
      return sendRequest(effect, context.effectKey, tools);
    case "send":
      // "default" is what notify_team writes when nobody named a channel.
      await tools.notify(
        effect.channel === "default" ? null : effect.channel,
        effect.message,
        context.effectKey,
      );
      return null;
    default:
      return unreachable(effect);
  }
}

async function dryRun(
  effect: Effect,
  context: ActionContext,
  tools: ActionTools,
): Promise<readonly FieldChange[]> {
  switch (effect.kind) {
    case "patch": {
      const before = await tools.cluster(effect.object.cluster).get(effect.object);
      if (before === null) throw gone(effect);
      const after = await sendPatch(effect, context, tools, true);
      return differences(presentable(before), presentable(after)).map(redactChange);
    }
    case "delete": {
      await sendDelete(effect, tools, true);
      const { apiVersion, kind, namespace, name } = effect.object;
      return [{ pointer: "", before: { apiVersion, kind, namespace, name, uid: effect.uid } }];
    }
    case "create": {
      await sendCreate(effect, context, tools, true);
      return [redactChange({ pointer: "", after: asCreated(effect) })];
    }
    case "request":
      return [redactChange({ pointer: "", after: effect.call as unknown as Json })];
    case "branch":
      // One run of lines a file, as the pull request will show it.
      return effect.edits.map(({ path, line, before, after }) => ({
        ...redactChange({ pointer: `/${path}:${line}`, before: before.join(""), after: after.join("") }),
        lines: true,
      }));
    case "send":
      return [];
    default:
      return unreachable(effect);
  }
}

async function didItHappen(
  effect: Effect,
  context: ActionContext,
  tools: ActionTools,
): Promise<"yes" | "no" | "unknown"> {
  try {
    return await look(effect, context, tools);
  } catch {
    // Whatever the reason: nothing was learnt, and only an answer may lead to another write.
    return "unknown";
  }
}

async function look(
  effect: Effect,
  context: ActionContext,
  tools: ActionTools,
): Promise<"yes" | "no" | "unknown"> {
  if (effect.kind === "send") return "unknown";
  if (effect.kind === "request") return lookForRequest(effect, tools);
  if (effect.kind === "branch")
    return (await tools.sources.look(effect, context.effectKey)) === "absent" ? "no" : "yes";
  const object = await tools.cluster(effect.object.cluster).get(effect.object);
  switch (effect.kind) {
    case "patch":
      return isPatched(effect, context, object) ? "yes" : "no";
    case "delete":
      return isDeleted(effect, object) ? "yes" : "no";
    case "create":
      if (object !== null) return isMadeBy(context, object) ? "yes" : "no";
      // Later it may have been made, have ended and have been cleared away.
      return tools.now() <= effect.provenUntil ? "no" : "unknown";
    default:
      return unreachable(effect);
  }
}

/** A field that somebody has changed since stays as it is; the others are written back all the same. */
async function prepareRestore(
  effect: Effect,
  context: ActionContext,
  tools: ActionTools,
): Promise<Effect | null> {
  if (effect.kind === "request") return stopRequest(effect, tools);
  if (effect.kind !== "patch" && effect.kind !== "create") return null;
  const object = await tools.cluster(effect.object.cluster).get(effect.object);
  if (effect.kind === "create") return prepareRemoval(effect, object, context);
  if (object === null || object.metadata.uid !== effect.uid) throw gone(effect);
  const pending = effect.changes.filter(({ pointer, before }) => !sameJson(valueAt(object, pointer), before));
  const ours = pending.filter(({ pointer, after }) => sameJson(valueAt(object, pointer), after));
  if (pending.length === 0) return null;
  if (ours.length === 0) throw changedSince(pending, object);
  return patchEffect(effect.object, object, restoreWrites(effect, object, ours));
}

/** Work that another engine does is ended; rights that were given back are taken away, unless somebody has changed to whom. */
function prepareRemoval(
  effect: CreateEffect,
  object: KubernetesObject | null,
  context: ActionContext,
): Effect | null {
  if (object === null || !isMadeBy(context, object)) return null;
  const { subjects } = effect.manifest;
  if (subjects !== undefined && !sameJson(valueAt(object, "/subjects"), subjects))
    throw changedSince([{ pointer: "/subjects", after: subjects }], object);
  return stopOf(effect.object, object);
}

// ---- patch --------------------------------------------------------------------------------------------------------

async function sendPatch(
  effect: PatchEffect,
  context: ActionContext,
  tools: ActionTools,
  dry: boolean,
): Promise<KubernetesObject> {
  const api = tools.cluster(effect.object.cluster);
  try {
    return await api.patch(effect.object, patchOperations(effect, annotationsOf(effect, context)), {
      dryRun: dry,
    });
  } catch (error) {
    if (!(error instanceof Problem) || error.code !== "API_INVALID") throw error;
    // A path that has vanished since is refused as invalid before the server compares resourceVersions.
    const present = await api.get(effect.object);
    if (present === null) throw gone(effect);
    if (present.metadata.resourceVersion === effect.resourceVersion) throw error;
    throw new Problem("API_CONFLICT", `${effect.object.name} was changed since it was read`, {
      retryable: true,
      cause: error,
    });
  }
}

/**
 * `effect-base` tells the effects of one step apart (an alternative, the undo): it is the state that this one was decided on,
 * and no two of them can be written on the same one.
 */
function annotationsOf(effect: PatchEffect, context: ActionContext): Readonly<Record<string, string>> {
  return {
    [`${annotationPrefix}execution`]: context.executionId,
    [`${annotationPrefix}effect`]: context.effectKey,
    [`${annotationPrefix}effect-base`]: effect.resourceVersion,
  };
}

function isPatched(effect: PatchEffect, context: ActionContext, object: KubernetesObject | null): boolean {
  if (object === null || object.metadata.uid !== effect.uid) return false;
  if (effect.changes.every(({ pointer, after }) => sameJson(valueAt(object, pointer), after))) return true;
  const annotations = object.metadata.annotations ?? {};
  return Object.entries(annotationsOf(effect, context)).every(([name, value]) => annotations[name] === value);
}

interface ChangedField {
  /** The innermost field that differs from what was written. */
  readonly field: string;
  readonly found: Json;
  readonly expected: Json;
  readonly manager: string | null;
}

/** `details`: the first field as `field`, `found`, `expected`, `manager`; all of them as `fields`. */
function changedSince(changes: readonly FieldChange[], object: KubernetesObject): Problem {
  const fields = changes.flatMap((change) => changedField(change, object));
  const by = fields.map(({ field, manager }) => `${field} by ${manager ?? "somebody else"}`).join(", ");
  return new Problem(
    "FIELD_CHANGED_SINCE",
    `${object.kind} ${object.metadata.name} was changed since: ${by}`,
    { details: { ...fields[0], fields } },
  );
}

function changedField(change: FieldChange, object: KubernetesObject): readonly ChangedField[] {
  const [first] = differences(change.after, valueAt(object, change.pointer), segmentsOf(change.pointer));
  if (first === undefined) return [];
  const { pointer: field } = first;
  const shown = (value: Json | undefined) => redactField(field, value) ?? null;
  const manager = fieldManager(object, field);
  return [{ field, found: shown(first.after), expected: shown(first.before), manager }];
}

/** Without what says nothing about the change: bookkeeping of the server, and gitmend's own annotations. */
function presentable(object: KubernetesObject): Json {
  const { status: _status, metadata, ...rest } = object;
  const {
    managedFields: _managedFields,
    resourceVersion: _resourceVersion,
    generation: _generation,
    annotations = {},
    ...others
  } = metadata;
  const kept = Object.entries(annotations).filter(([name]) => !bookkeeping.has(name));
  const named = kept.length === 0 ? {} : { annotations: Object.fromEntries(kept) };
  const shown: unknown = { ...rest, metadata: { ...others, ...named } };
  return isObject(shown) ? shown : {};
}

// ---- delete -------------------------------------------------------------------------------------------------------

async function sendDelete(effect: DeleteEffect, tools: ActionTools, dry: boolean): Promise<void> {
  const { object, uid, resourceVersion, gracePeriodSeconds } = effect;
  await tools
    .cluster(object.cluster)
    .remove(object, { uid, resourceVersion, gracePeriodSeconds, dryRun: dry });
}

function isDeleted(effect: DeleteEffect, object: KubernetesObject | null): boolean {
  if (object === null || object.metadata.uid !== effect.uid) return true;
  return object.metadata.deletionTimestamp !== undefined;
}

// ---- create -------------------------------------------------------------------------------------------------------

function sendCreate(
  effect: CreateEffect,
  context: ActionContext,
  tools: ActionTools,
  dryRun: boolean,
): Promise<KubernetesObject> {
  const metadata = isObject(effect.manifest.metadata) ? effect.manifest.metadata : {};
  const annotations = isObject(metadata.annotations) ? metadata.annotations : {};
  const marks = {
    [`${annotationPrefix}execution`]: context.executionId,
    [`${annotationPrefix}effect`]: context.effectKey,
  };
  const manifest = {
    ...effect.manifest,
    metadata: { ...metadata, annotations: { ...annotations, ...marks } },
  };
  return tools.cluster(effect.object.cluster).create(effect.object, manifest, { dryRun });
}

/** What is sent, without what the server adds by itself: people read it. */
function asCreated({ object, manifest }: CreateEffect): JsonObject {
  const { apiVersion, kind, namespace, name } = object;
  const { metadata: _metadata, ...rest } = manifest;
  return { apiVersion, kind, namespace, name, ...rest };
}

/** Its name says which effect it is; a later patch (the undo) writes its own key beside it, and leaves the execution. */
function isMadeBy({ executionId }: ActionContext, { metadata }: KubernetesObject): boolean {
  return metadata.annotations?.[`${annotationPrefix}execution`] === executionId;
}

function gone(effect: PatchEffect): Problem {
  const { kind, namespace, name } = effect.object;
  const where = namespace === null ? name : `${namespace}/${name}`;
  return new Problem("TARGET_GONE", `${kind} ${where} is gone or is another one by now`);
}
