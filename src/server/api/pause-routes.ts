// Pausing and resuming: everything, a namespace, one execution.
import type { PauseRequest } from "../../controller/pause-by-hand.ts";
import type { JsonObject } from "../../domain/json.ts";
import type { ApiPorts } from "./api-ports.ts";
import { nameText, person, reason } from "./inputs.ts";
import { type PlainRoute, type Route, read } from "./route.ts";
import { listOf, named, orNull, shape } from "./shapes.ts";

const scope: Readonly<Record<string, JsonObject>> = {
  cluster: { ...nameText, description: "a cluster's name; left out: all of them" },
  namespace: { ...nameText, description: "a namespace; left out: everything" },
  execution: { ...nameText, description: "the id of an execution, alone" },
  by: { ...person, default: "api" },
  reason,
};
const longestSeconds = 366 * 86_400;

export function pauseRoutes(ports: ApiPorts): readonly Route[] {
  return [
    read("/pauses", "listPauses", "What is paused now by commands and by `pause.yaml`.", {
      answer: shape({ items: listOf(named("Pause")) }),
      handle: async () => ({ items: await ports.pauses.all() }),
    }),
    route(
      "/pause",
      "pause",
      "Nothing new starts; what runs starts no further step. An undo goes on.",
      {
        ...scope,
        seconds: {
          type: "number",
          exclusiveMinimum: 0,
          maximum: longestSeconds,
          description: "a number of seconds, at most a year",
        },
      },
      (request) => ports.pauses.pause(request),
    ),
    route("/resume", "resume", "Ends the pause of exactly this scope.", scope, (request) =>
      ports.pauses.resume(request),
    ),
  ];
}

function route(
  path: string,
  operation: string,
  summary: string,
  properties: Readonly<Record<string, JsonObject>>,
  act: (request: PauseRequest) => ReturnType<ApiPorts["pauses"]["pause"]>,
): PlainRoute {
  return {
    kind: "plain",
    method: "post",
    path,
    operation,
    summary,
    query: {},
    body: { type: "object", properties, required: ["reason"], additionalProperties: false },
    answer: shape({
      pause: orNull(named("Pause")),
      still: listOf(named("Pause")),
      execution: orNull(named("Execution")),
      live: { type: "integer" },
      paused: { type: "integer" },
      acted: { type: "boolean" },
    }),
    statuses: [200, 202],
    async handle({ body }) {
      const answer = await act(body as unknown as PauseRequest);
      return { status: answer.acted ? 200 : 202, body: answer };
    },
  };
}
