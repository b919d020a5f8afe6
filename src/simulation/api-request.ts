// A request to the simulated API server as its parts read it, and what they work on.
import type { Accounts } from "./accounts.ts";
import type { EffectLog, PersistedEffect } from "./effects.ts";
import { type ApiObject, isMap, type Json, type JsonMap } from "./objects.ts";
import type { WrittenLogs } from "./pod-log.ts";
import { badRequest } from "./status-error.ts";
import type { World } from "./world.ts";

export interface ApiRequest {
  readonly method: string;
  readonly path: string;
  readonly query: URLSearchParams;
  readonly contentType: string;
  readonly userAgent: string;
  /** Whom the cluster's one user acts as; null: as itself. */
  readonly user: string | null;
  readonly body: string;
}

export interface ApiResponse {
  readonly code: number;
  readonly body: JsonMap | string;
}

export interface ApiWorld extends World {
  readonly effects: EffectLog;
  readonly writtenLogs: WrittenLogs;
  readonly accounts: Accounts;
}

export function parseBody(request: ApiRequest): JsonMap {
  const body = parseJson(request.body);
  if (!isMap(body)) throw badRequest("the body is no object");
  return body;
}

export function parseJson(text: string): Json {
  try {
    return JSON.parse(text) as Json;
  } catch {
    throw badRequest("the body is no JSON");
  }
}

export const managerOf = ({ query, userAgent }: ApiRequest) =>
  query.get("fieldManager") ?? userAgent.split("/")[0] ?? "unknown";

export function isDryRun({ query }: ApiRequest): boolean {
  const value = query.get("dryRun");
  if (value === null || value === "") return false;
  if (value !== "All") throw badRequest(`dryRun: Unsupported value: ${JSON.stringify(value)}`);
  return true;
}

/** What the client persisted, for the log of effects. */
export function noteEffect(
  world: ApiWorld,
  request: ApiRequest,
  verb: PersistedEffect["verb"],
  object: ApiObject,
  fields: string[],
): void {
  const at = new Date(world.now()).toISOString();
  world.effects.record(object, {
    at,
    verb,
    manager: managerOf(request),
    userAgent: request.userAgent,
    ...(request.user === null ? {} : { as: request.user }),
    fields,
  });
}

export const asMap = (object: ApiObject) => object as unknown as JsonMap;
