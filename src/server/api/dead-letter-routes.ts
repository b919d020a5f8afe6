// Alerts that could not be read: what they were, once more through the intake, or away with them.
import type { AlertSource } from "../../domain/intake/read-alerts.ts";
import { shortened } from "../../domain/plain-text.ts";
import { Problem } from "../../domain/problem.ts";
import type { ApiPorts } from "./api-ports.ts";
import { limit } from "./inputs.ts";
import { replayDeadLetter } from "./replay-dead-letter.ts";
import { type Route, read } from "./route.ts";
import { named, pageOf, shape } from "./shapes.ts";

const count = { type: "integer" };
const before = {
  type: "string",
  pattern: "^[0-9]{1,18}$",
  description: "the id of a dead letter: take `next` of the page before",
};

export function deadLetterRoutes({ alerts }: ApiPorts, sources: readonly AlertSource[]): readonly Route[] {
  return [
    read("/dead-letters", "listDeadLetters", "Alerts that could not be read, newest first.", {
      query: { limit, before },
      answer: pageOf(named("DeadLetter")),
      handle: async ({ query }) => {
        const page = query as { limit: number; before?: string };
        const items = await alerts.deadLetters(page);
        return { items, next: items.length === page.limit ? (items.at(-1)?.id ?? null) : null };
      },
    }),
    read("/dead-letters/{id}", "showDeadLetter", "One of them with its body.", {
      answer: named("DeadLetter"),
      handle: async ({ id }) => (await alerts.deadLetter(known(id))) ?? absent(id),
    }),
    {
      kind: "plain",
      method: "post",
      path: "/dead-letters/{id}/replay",
      operation: "replayDeadLetter",
      summary: "Read it once more, as if it had just been delivered; gone when that works.",
      query: {},
      body: null,
      answer: shape({
        replayed: shape({ opened: count, resolved: count, repeated: count, deadLetters: count }),
      }),
      handle: async ({ id }) => ({
        status: 200,
        body: { replayed: (await replayDeadLetter(known(id), sources, alerts)) ?? absent(id) },
      }),
    },
    {
      kind: "plain",
      method: "delete",
      path: "/dead-letters/{id}",
      operation: "dropDeadLetter",
      summary: "Throw it away.",
      query: {},
      body: null,
      answer: shape({ dropped: { type: "boolean" } }),
      handle: async ({ id }) => {
        if (!(await alerts.dropDeadLetter(known(id)))) absent(id);
        return { status: 200, body: { dropped: true } };
      },
    },
  ];
}

/** Ids are the database's numbers: anything else names nothing. */
function known(id: string): string {
  return /^[0-9]{1,18}$/.test(id) ? id : absent(id);
}

function absent(id: string): never {
  throw new Problem("NOT_FOUND", `no dead letter ${shortened(id, 40)}`);
}
