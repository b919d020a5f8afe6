// What is checked when a step has made its effect and has waited: that the fields hold what was written, and that what serves is
// not worse off than it was. One read where all is well. Whatever is wrong here, the change is made and can be taken back.
import type { ActionTools } from "../../actions/action.ts";
import { differences, sameJson } from "../../actions/differences.ts";
import { fieldManager, gitmendManager } from "../../actions/field-manager.ts";
import { segmentsOf, valueAt } from "../../actions/json-pointer.ts";
import type { FoundObject } from "../../actions/protected.ts";
import { redactField } from "../../actions/redact-change.ts";
import { rolloutOf } from "../../actions/rollout.ts";
import { type Look, waitFor } from "../../actions/wait.ts";
import { type KubernetesObject, objectText } from "../../domain/facts/objects.ts";
import type { Json } from "../../domain/json.ts";
import type { Effect, FieldChange, PatchEffect } from "../../domain/planning/effect.ts";
import { Problem } from "../../domain/problem.ts";

const longestValue = 60;

/**
 * @param before the effect's object and its namespace as they were right before; null when nobody knows: after a takeover
 * @param limitSeconds how long pods that were ready may be missing, and the API server may not answer
 * @throws Problem FIELD_NOT_KEPT, NOT_HEALTHY, TARGET_GONE, API_*
 */
export async function assertStands(
  effect: Effect,
  before: readonly FoundObject[] | null,
  limitSeconds: number,
  tools: ActionTools,
): Promise<void> {
  if (effect.kind !== "patch") return;
  await waitFor(tools, limitSeconds, () => look(effect, before?.[0]?.object ?? null, tools));
}

async function look(
  effect: PatchEffect,
  before: KubernetesObject | null,
  tools: ActionTools,
): Promise<Look<true>> {
  const now = await tools.cluster(effect.object.cluster).get(effect.object);
  const text = objectText(effect.object);
  if (now === null || now.metadata.uid !== effect.uid)
    throw new Problem("TARGET_GONE", `${text} was deleted after the step had changed it`);
  if (now.metadata.deletionTimestamp !== undefined)
    throw new Problem("TARGET_GONE", `somebody deletes ${text}, which the step has changed`);
  const lost = lostFields(effect, now);
  if (lost.length > 0) throw notKept(text, lost);
  const worse = before === null ? null : whatGotWorse(before, now);
  return worse === null ? { done: true, value: true } : { done: false, waitingFor: `${text}: ${worse}` };
}

interface LostField {
  readonly field: string;
  readonly found: Json;
  readonly written: Json;
  /** null: not gitmend, and nobody knows who. */
  readonly by: string | null;
  /** It has its old value again. */
  readonly takenBack: boolean;
}

/**
 * Fields that have their old value again, or were changed on their way into the store. Where somebody has written other values
 * since, the object is in their hands: they saw what gitmend did.
 */
function lostFields({ changes }: PatchEffect, now: KubernetesObject): readonly LostField[] {
  const lost = changes.flatMap((change) => changedFields(change, now));
  return lost.some(({ takenBack, by }) => !takenBack && by !== null) ? [] : lost;
}

/** What the server adds beside what was written is no change of it. */
function changedFields({ pointer, before, after }: FieldChange, now: KubernetesObject): readonly LostField[] {
  return differences(after, valueAt(now, pointer), segmentsOf(pointer))
    .filter((one) => one.before !== undefined || after === undefined)
    .map((one) => {
      const shown = (value: Json | undefined) => redactField(one.pointer, value) ?? null;
      const manager = fieldManager(now, one.pointer);
      return {
        field: one.pointer,
        found: shown(one.after),
        written: shown(one.before),
        by: manager === gitmendManager ? null : manager,
        takenBack: sameJson(valueAt(before, one.pointer.slice(pointer.length)), one.after),
      };
    });
}

function notKept(text: string, fields: readonly LostField[]): Problem {
  const [first] = fields;
  const more = fields.length > 1 ? ` (and ${fields.length - 1} more)` : "";
  return new Problem("FIELD_NOT_KEPT", `${text} does not keep what was written: ${sentence(first)}${more}`, {
    details: { ...first, fields },
  });
}

function sentence(field: LostField | undefined): string {
  if (field === undefined) return "";
  const { field: pointer, found, written, by, takenBack } = field;
  const values = `${pointer} is ${valueText(found)}, and ${valueText(written)} was written`;
  if (takenBack) return `${values}; ${by ?? "somebody"} took it back`;
  return `${values}; an admission webhook or the API server changed it on the way`;
}

function valueText(value: Json): string {
  const text = value === null ? "absent" : JSON.stringify(value);
  return text.length > longestValue ? `${text.slice(0, longestValue)}…` : text;
}

/** While it rolls out its own settings say how many pods may be missing. null: nothing, or nobody can tell. */
function whatGotWorse(before: KubernetesObject, now: KubernetesObject): string | null {
  const { rolledOut, desired } = rolloutOf(now);
  const [was, is] = [readyPods(before), readyPods(now)];
  if (was === null || is === null || !rolledOut || is >= Math.min(was, desired)) return null;
  return `${is} ${is === 1 ? "pod is" : "pods are"} ready, before the step there were ${was}`;
}

function readyPods({ kind, status }: KubernetesObject): number | null {
  switch (kind) {
    case "Deployment":
    case "StatefulSet":
    case "ReplicaSet":
      return Number(status?.["readyReplicas"] ?? 0);
    case "DaemonSet":
      return Number(status?.["numberReady"] ?? 0);
    default:
      return null;
  }
}
