// Trying an ended execution again: as a whole, or from one of its steps.
import type { AgainRequest } from "../../controller/start-again.ts";
import type { JsonObject } from "../../domain/json.ts";
import type { ApiPorts } from "./api-ports.ts";
import { startAnswer } from "./controller-routes.ts";
import { nameText, person, reason } from "./inputs.ts";
import type { PlainRoute } from "./route.ts";

const common: Readonly<Record<string, JsonObject>> = {
  parameters: {
    type: "object",
    default: {},
    description: "an object: parameters in place of those that it had",
  },
  by: person,
  reason,
  dryRun: { type: "boolean", default: false },
};

export function againRoutes(ports: ApiPorts): readonly PlainRoute[] {
  return [
    route(
      ports,
      "retry",
      "retryExecution",
      "Start the template of an ended execution again for its target.",
      {},
    ),
    route(
      ports,
      "fork",
      "forkExecution",
      "The same from one of its steps on; what came before counts as done.",
      {
        from: { ...nameText, description: "the name of a step of its template" },
      },
    ),
  ];
}

function route(
  ports: ApiPorts,
  verb: string,
  operation: string,
  summary: string,
  own: Readonly<Record<string, JsonObject>>,
): PlainRoute {
  return {
    kind: "plain",
    method: "post",
    path: `/executions/{id}/${verb}`,
    operation,
    summary: `${summary} Under the same guards as for an alert.`,
    query: {},
    body: {
      type: "object",
      properties: { ...own, ...common },
      required: [...Object.keys(own), "by", "reason"],
      additionalProperties: false,
    },
    answer: startAnswer,
    statuses: [200, 201],
    async handle({ id, body }) {
      const request = body as unknown as Omit<AgainRequest, "id" | "from"> & { readonly from?: string };
      const answer = await ports.startAgain({ ...request, id, from: request.from ?? null });
      return { status: answer.executionId === null ? 200 : 201, body: answer };
    },
  };
}
