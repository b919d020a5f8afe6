// One entry of the table of routes. The server mounts it, checks calls against it and describes it in OpenAPI: there is no
// second list that could say something else.
import type { IncomingMessage, ServerResponse } from "node:http";
import type { JsonObject } from "../../domain/json.ts";

/** A call that fits the route's description: parameters have their types, defaults are filled in. */
export interface Call {
  readonly id: string;
  readonly query: Readonly<Record<string, unknown>>;
  readonly body: Readonly<Record<string, unknown>>;
}

export interface Answer {
  readonly status: number;
  readonly body: object;
}

interface RouteBase {
  /** Below `/api/v1`; the only parameter is `{id}`. */
  readonly path: string;
  /** `listExecutions`: unique. */
  readonly operation: string;
  readonly summary: string;
  /** JSON schema by parameter. */
  readonly query: Readonly<Record<string, JsonObject>>;
}

export interface PlainRoute extends RouteBase {
  readonly kind: "plain";
  readonly method: "get" | "post" | "delete";
  /** JSON schema of an object; null: there is no body. */
  readonly body: JsonObject | null;
  /** JSON schema of what it answers. */
  readonly answer: JsonObject;
  /** Statuses of success; 200 alone when left out. */
  readonly statuses?: readonly number[];
  readonly handle: (call: Call) => Promise<Answer>;
}

export interface StreamRoute extends RouteBase {
  readonly kind: "stream";
  readonly method: "get";
  readonly open: (call: Call, request: IncomingMessage, response: ServerResponse) => Promise<void>;
}

export type Route = PlainRoute | StreamRoute;

/** A route that answers 200. */
export function read(
  path: string,
  operation: string,
  summary: string,
  parts: {
    readonly query?: RouteBase["query"];
    readonly answer: JsonObject;
    readonly handle: (call: Call) => Promise<object>;
  },
): PlainRoute {
  const { query = {}, answer, handle } = parts;
  return {
    kind: "plain",
    method: "get",
    path,
    operation,
    summary,
    query,
    body: null,
    answer,
    handle: async (call) => ({ status: 200, body: await handle(call) }),
  };
}
