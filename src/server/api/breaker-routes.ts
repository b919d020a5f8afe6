// Breakers: what is stopped because it did not help, and the reset by a person.
import { shortened } from "../../domain/plain-text.ts";
import { Problem } from "../../domain/problem.ts";
import type { ApiPorts } from "./api-ports.ts";
import { limit, person, reason, yesNo } from "./inputs.ts";
import { type Route, read } from "./route.ts";
import { listOf, named, shape } from "./shapes.ts";

export function breakerRoutes({ breakers }: ApiPorts): readonly Route[] {
  return [
    read("/breakers", "listBreakers", "Breakers that stop remedies; with `all` those that were reset too.", {
      query: { limit, all: { ...yesNo, default: false, description: "true: those that were reset too" } },
      answer: shape({ items: listOf(named("Breaker")) }),
      handle: async ({ query }) => ({
        items: await breakers.list(query as { limit: number; all: boolean }),
      }),
    }),
    {
      kind: "plain",
      method: "post",
      path: "/breakers/{id}/reset",
      operation: "resetBreaker",
      summary: "What it stops may start again; setbacks count from now on.",
      query: {},
      body: {
        type: "object",
        properties: { by: { ...person, default: "api" }, reason },
        required: ["reason"],
        additionalProperties: false,
      },
      answer: named("Breaker"),
      async handle({ id, body }) {
        if (!/^[0-9]{1,18}$/.test(id)) throw new Problem("NOT_FOUND", `no breaker ${shortened(id, 40)}`);
        const said = body as unknown as { by: string; reason: string };
        return { status: 200, body: await breakers.reset(id, said) };
      },
    },
  ];
}
