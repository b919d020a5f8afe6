// The controller itself: its catalog, its health, and starting a template by hand.
import type { StartRequest } from "../../controller/start-by-hand.ts";
import type { ApiPorts } from "./api-ports.ts";
import { nameText, person, reason } from "./inputs.ts";
import { type Route, read } from "./route.ts";
import { listOf, named, orNull, shape } from "./shapes.ts";

export const startAnswer = shape({
  executionId: orNull({ type: "string" }),
  mode: { enum: ["observe", "live"] },
  plan: { type: "object" },
  previews: listOf({ type: "object" }),
  gate: { type: "object" },
});

export function controllerRoutes(ports: ApiPorts): readonly Route[] {
  return [
    read("/catalog", "showCatalog", "The catalog in use, and what is wrong with the newest commit.", {
      answer: named("Catalog"),
      handle: async () => ports.state.catalog(),
    }),
    read("/doctor", "examine", "Everything that gitmend needs: what is wrong and how to mend it.", {
      answer: shape({ checks: listOf(named("Check")) }),
      handle: async () => ({ checks: await ports.examine() }),
    }),
    startRoute(ports),
  ];
}

function startRoute(ports: ApiPorts): Route {
  return {
    kind: "plain",
    method: "post",
    path: "/start",
    operation: "startByHand",
    summary: "Start a template by hand (`manual: true`), under the same guards as for an alert.",
    query: {},
    body: {
      type: "object",
      properties: {
        template: nameText,
        cluster: { ...nameText, description: "a cluster's name; left out: the only one" },
        target: {
          type: "object",
          properties: {
            kind: nameText,
            namespace: { ...nameText, description: "the target's namespace; left out: for a node" },
            name: nameText,
          },
          required: ["kind", "name"],
          additionalProperties: false,
        },
        parameters: { type: "object", default: {}, description: "an object: parameters of the template" },
        by: person,
        reason,
        dryRun: { type: "boolean", default: false },
      },
      required: ["template", "target", "by", "reason"],
      additionalProperties: false,
    },
    answer: startAnswer,
    statuses: [200, 201],
    async handle({ body }) {
      const answer = await ports.start(body as unknown as StartRequest);
      return { status: answer.executionId === null ? 200 : 201, body: answer };
    },
  };
}
