// Work that another engine does, as the object that stands for it shows: a Job, a Workflow of Argo, a PipelineRun of Tekton.
// How far it is, and the effect that ends it.
import type { KubernetesObject, ObjectRef } from "../domain/facts/objects.ts";
import { isObject, type JsonObject } from "../domain/json.ts";
import type { Effect } from "../domain/planning/effect.ts";
import { patchEffect } from "./patch-effect.ts";

export interface RunState {
  readonly state: "running" | "succeeded" | "failed";
  /** As the engine words it: `BackoffLimitExceeded`, `Failed`; empty: it says nothing. */
  readonly reason: string;
  readonly message: string;
}

export function stateOfRun(object: KubernetesObject): RunState {
  if (object.kind === "Workflow") return stateOfWorkflow(object.status ?? {});
  return object.kind === "Job" ? stateOfJob(object) : stateOfPipelineRun(object);
}

/** A person who deletes it has ended it. */
function stateOfJob(job: KubernetesObject): RunState {
  const failed = condition(job, "Failed", "True");
  if (failed !== null) return { state: "failed", ...wordsOf(failed) };
  const complete = condition(job, "Complete", "True");
  return complete === null ? running : { state: "succeeded", ...wordsOf(complete) };
}

const running: RunState = { state: "running", reason: "", message: "" };

function stateOfWorkflow({ phase, message }: Readonly<Record<string, unknown>>): RunState {
  const words = { reason: textOr(phase), message: textOr(message) };
  if (phase === "Succeeded") return { state: "succeeded", ...words };
  return { state: phase === "Failed" || phase === "Error" ? "failed" : "running", ...words };
}

/** Tekton's one condition: Unknown while it runs. */
function stateOfPipelineRun(run: KubernetesObject): RunState {
  const failed = condition(run, "Succeeded", "False");
  if (failed !== null) return { state: "failed", ...wordsOf(failed) };
  const succeeded = condition(run, "Succeeded", "True");
  if (succeeded !== null) return { state: "succeeded", ...wordsOf(succeeded) };
  const present = condition(run, "Succeeded", "Unknown");
  return present === null ? running : { state: "running", ...wordsOf(present) };
}

function condition({ status }: KubernetesObject, type: string, value: string): JsonObject | null {
  const conditions = status?.["conditions"];
  const all: readonly unknown[] = Array.isArray(conditions) ? conditions : [];
  return all.filter(isObject).find((one) => one["type"] === type && one["status"] === value) ?? null;
}

function wordsOf({ reason, message }: JsonObject): Pick<RunState, "reason" | "message"> {
  return { reason: textOr(reason), message: textOr(message) };
}

function textOr(value: unknown): string {
  return typeof value === "string" ? value : "";
}

/** null: it has ended already. A Job has no way to be stopped but its deletion, which takes its pods along. */
export function stopOf(ref: ObjectRef, object: KubernetesObject): Effect | null {
  if (object.metadata.deletionTimestamp !== undefined || stateOfRun(object).state !== "running") return null;
  const { uid, resourceVersion } = object.metadata;
  if (object.kind === "Workflow")
    return patchEffect(ref, object, [{ pointer: "/spec/shutdown", value: "Terminate" }]);
  if (object.kind === "PipelineRun")
    return patchEffect(ref, object, [{ pointer: "/spec/status", value: "Cancelled" }]);
  return { kind: "delete", object: ref, uid, resourceVersion, gracePeriodSeconds: null };
}
