// Effects on other systems: sends a request, finds out by its probe whether it has happened, and ends what runs.
import { evaluateCondition } from "../domain/expressions/evaluate.ts";
import type { Json } from "../domain/json.ts";
import type { Effect, Probe, RequestEffect } from "../domain/planning/effect.ts";
import type { ActionTools } from "./action.ts";
import { findAwxJob, isRunning, stopAwxJob } from "./engines/awx-job.ts";

/** @throws Problem as ActionTools.http does */
export async function sendRequest(effect: RequestEffect, key: string, tools: ActionTools): Promise<Json> {
  const { body } = await tools.http(effect.call, key);
  return body;
}

/** Reads only. @throws Problem: nothing was learnt */
export async function lookForRequest(
  effect: RequestEffect,
  tools: ActionTools,
): Promise<"yes" | "no" | "unknown"> {
  const { probe } = effect;
  // PUT and DELETE may be sent again: that is what HTTP means by them.
  if (probe === null)
    return effect.call.method === "PUT" || effect.call.method === "DELETE" ? "no" : "unknown";
  if (probe === "awx-job") return (await findAwxJob(effect, tools)) === null ? "no" : "yes";
  return evaluateCondition(probe.expect, await probed(probe, tools)) ? "yes" : "no";
}

/** What a probe's expression reads. */
async function probed(probe: Probe, tools: ActionTools): Promise<Readonly<Record<string, unknown>>> {
  if ("object" in probe)
    return { ...probe.scope, object: await tools.cluster(probe.object.cluster).get(probe.object) };
  const { status, body } = await tools.http(probe.call, null);
  return { ...probe.scope, status, body };
}

/** null: it does not run, or cannot be ended. */
export async function stopRequest(effect: RequestEffect, tools: ActionTools): Promise<Effect | null> {
  if (effect.probe !== "awx-job") return null;
  const job = await findAwxJob(effect, tools);
  return job === null || !isRunning(job) ? null : stopAwxJob(effect, job, tools);
}
