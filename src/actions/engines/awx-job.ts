// A job of AWX (Ansible Automation Platform), as its REST API shows it. AWX knows no idempotency key: gitmend puts the effect key
// into the job's extra variables, and looks there for it before anything is launched again.
import { milliseconds, plusSeconds } from "../../domain/instant.ts";
import { isObject, type Json, type JsonObject } from "../../domain/json.ts";
import type { HttpCall, RequestEffect } from "../../domain/planning/effect.ts";
import { Problem } from "../../domain/problem.ts";
import type { ActionTools } from "../action.ts";

export const effectVariable = "gitmend_effect";

const pageSize = 50;
/** More jobs of one template than this within minutes: then nothing is said. */
const mostPages = 10;
/** How far AWX's clock may be off. */
const clockSeconds = 600;

export interface AwxJob {
  readonly id: number;
  readonly status: string;
  readonly fields: JsonObject;
}

/** `new`, `pending`, `waiting`, `running`; all other words are ends. */
const live: ReadonlySet<string> = new Set(["new", "pending", "waiting", "running"]);

export function isRunning({ status }: AwxJob): boolean {
  return live.has(status);
}

export function awxCall(
  endpoint: string,
  method: HttpCall["method"],
  path: readonly (string | number)[],
  more: Partial<Pick<HttpCall, "query" | "body">> = {},
): HttpCall {
  // AWX's addresses end with a slash; without it a POST is redirected.
  const segments = ["api", "v2", ...path.map(String), ""];
  return { endpoint, method, path: segments, query: more.query ?? {}, headers: {}, body: more.body ?? null };
}

/** The job that carries this effect's key; null: there is none. @throws Problem API_*: nobody knows */
export async function findAwxJob(effect: RequestEffect, tools: ActionTools): Promise<AwxJob | null> {
  const { endpoint, path, body } = effect.call;
  const [template = ""] = path.slice(3);
  const key = isObject(body) && isObject(body.extra_vars) ? body.extra_vars[effectVariable] : undefined;
  const since = plusSeconds(effect.at, -clockSeconds);
  for (let page = 1; page <= mostPages; page += 1) {
    const query = { order_by: "-id", page_size: String(pageSize), page: String(page) };
    const call = awxCall(endpoint, "GET", ["job_templates", template, "jobs"], { query });
    const jobs = await readJobs(call, tools);
    const found = jobs.find((job) => keyOf(job) === key);
    if (found !== undefined) return found;
    const oldest = jobs.at(-1);
    if (jobs.length < pageSize || oldest === undefined || isOlder(oldest, since)) return null;
  }
  throw new Problem(
    "API_OUTCOME_UNKNOWN",
    `${endpoint} has too many jobs of template ${template} to look through`,
  );
}

async function readJobs(call: HttpCall, tools: ActionTools): Promise<readonly AwxJob[]> {
  const { status, body } = await tools.http(call, null);
  const results = isObject(body) && status === 200 ? body.results : null;
  if (!Array.isArray(results))
    throw new Problem("API_OUTCOME_UNKNOWN", `${call.endpoint} gave no list of jobs`, { retryable: true });
  return (results as readonly Json[]).flatMap((one) => {
    const job = awxJob(one);
    return job === null ? [] : [job];
  });
}

export function awxJob(fields: Json): AwxJob | null {
  if (!isObject(fields)) return null;
  const { id, status } = fields;
  return typeof id === "number" && typeof status === "string" ? { id, status, fields } : null;
}

/** `extra_vars` is a text that holds JSON. */
function keyOf({ fields }: AwxJob): unknown {
  if (typeof fields.extra_vars !== "string") return undefined;
  try {
    const variables: unknown = JSON.parse(fields.extra_vars);
    return isObject(variables) ? variables[effectVariable] : undefined;
  } catch {
    return undefined;
  }
}

function isOlder({ fields }: AwxJob, since: string): boolean {
  return typeof fields.created === "string" && milliseconds(fields.created) < milliseconds(since);
}

/** To be cancelled twice does no harm: a job that has ended refuses it. */
export function stopAwxJob({ call }: RequestEffect, { id }: AwxJob, tools: ActionTools): RequestEffect {
  const cancel = awxCall(call.endpoint, "POST", ["jobs", id, "cancel"]);
  const job = awxCall(call.endpoint, "GET", ["jobs", id]);
  return {
    kind: "request",
    call: cancel,
    probe: {
      call: job,
      scope: {},
      expect: "body.cancel_flag == true || !(body.status in ['new', 'pending', 'waiting', 'running'])",
    },
    at: tools.now(),
  };
}
