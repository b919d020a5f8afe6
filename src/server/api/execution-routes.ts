// Executions: lists, one of them, its events once or as they come, its approval, and cancelling it.
import type { IncomingMessage, ServerResponse } from "node:http";
import type { ExecutionQuery, ExecutionSummary } from "../../controller/ports.ts";
import { outcomes } from "../../domain/execution/events.ts";
import { shortened } from "../../domain/plain-text.ts";
import { Problem } from "../../domain/problem.ts";
import { approvalView } from "../approval-view.ts";
import { type CancelRequest, cancelExecution } from "../cancel-execution.ts";
import { againRoutes } from "./again-routes.ts";
import type { ApiPorts, Teams } from "./api-ports.ts";
import { asItWas, pointInTime } from "./as-it-was.ts";
import { beforeId, limit, nameText, person, reason, yesNo } from "./inputs.ts";
import { type Call, type Route, read } from "./route.ts";
import { instant, integer, listOf, named, orNull, pageOf, shape } from "./shapes.ts";
import { shownEvents } from "./shown-events.ts";
import { streamEvents } from "./stream-events.ts";

const seq = { type: "integer", minimum: 0, maximum: 1_000_000_000 };
const listQuery = {
  limit,
  before: beforeId,
  live: { ...yesNo, description: "true: only those that have not ended" },
  attention: { ...yesNo, description: "true: only those that somebody has to look at or to approve" },
  untold: {
    ...yesNo,
    description:
      "true: only those that somebody has to look at, of which nobody was told and which nobody has seen",
  },
  template: nameText,
  outcome: { enum: [...outcomes] },
  namespace: nameText,
};
const mostStreams = 50;

export function executionRoutes(ports: ApiPorts, teams: Teams): readonly Route[] {
  return [
    read("/executions", "listExecutions", "Executions, newest first.", {
      query: listQuery,
      answer: pageOf(named("Execution")),
      handle: async ({ query }) => pageFrom(query as unknown as ExecutionQuery, ports),
    }),
    read("/executions/{id}", "showExecution", "One execution with its events, now or as it was.", {
      query: { at: pointInTime },
      answer: shape({
        summary: named("Execution"),
        events: listOf(named("Event")),
        past: orNull(shape({ at: instant, seq: integer, lastSeq: integer })),
      }),
      handle: async ({ id, query }) => {
        const summary = await findExecution(id, ports);
        const events = shownEvents(await ports.executions.events(summary.id));
        return asItWas(summary, events, query["at"] as string | undefined);
      },
    }),
    read("/executions/{id}/events", "listEvents", "What happened, in order.", {
      query: { after: { ...seq, default: 0 } },
      answer: shape({ items: listOf(named("Event")) }),
      handle: async ({ id, query }) => {
        const summary = await findExecution(id, ports);
        const events = await ports.executions.events(summary.id, query["after"] as number);
        return { items: shownEvents(events) };
      },
    }),
    read("/executions/{id}/approval", "showApproval", "What has to be known to approve it.", {
      answer: named("Approval"),
      handle: async ({ id }) => {
        const execution = await findExecution(id, ports);
        return approvalView(execution.id, await ports.executions.state(execution.id), teams);
      },
    }),
    streamRoute(ports),
    cancelRoute(ports),
    acknowledgeRoute(ports),
    ...againRoutes(ports),
  ];
}

async function pageFrom(query: ExecutionQuery, { executions }: ApiPorts) {
  const items = await executions.list(query);
  return { items, next: items.length === query.limit ? (items.at(-1)?.id ?? null) : null };
}

export async function findExecution(
  id: string,
  { executions }: Pick<ApiPorts, "executions">,
): Promise<ExecutionSummary> {
  const execution = await executions.find(id);
  if (execution !== null) return execution;
  throw new Problem("NOT_FOUND", `no execution ${shortened(id, 40)}, or more than one begins or ends so`);
}

function streamRoute(ports: ApiPorts): Route {
  let open = 0;
  return {
    kind: "stream",
    method: "get",
    path: "/executions/{id}/stream",
    operation: "streamEvents",
    summary: "Its events as they become durable (resumable with Last-Event-ID); ends with the execution.",
    query: { after: { ...seq, default: 0 } },
    async open(call: Call, request: IncomingMessage, response: ServerResponse) {
      const after = resumeAfter(request) ?? (call.query["after"] as number);
      const { id, phase } = await findExecution(call.id, ports);
      await refuseAhead(id, after, ports);
      if (open >= mostStreams)
        throw new Problem("OVERLOADED", `${mostStreams} streams are open: try again`, { retryable: true });
      open += 1;
      try {
        const from = { after, ended: phase === "ended" };
        await streamEvents(id, from, response, {
          executions: ports.executions,
          news: ports.news,
          draining: () => ports.state.draining(),
        });
      } finally {
        open -= 1;
      }
    },
  };
}

/** null: it is the reader's first request. */
function resumeAfter({ headers }: IncomingMessage): number | null {
  const last = headers["last-event-id"];
  if (last === undefined || last === "") return null;
  if (typeof last === "string" && /^\d{1,9}$/.test(last)) return Number(last);
  throw new Problem("USAGE", "Last-Event-ID is the number of the last event that was received");
}

/** Else events would be left out that are still to come: the number is of another execution, or from before a restore. */
async function refuseAhead(id: string, after: number, { executions }: ApiPorts): Promise<void> {
  if (after === 0 || (await executions.events(id, after - 1)).length > 0) return;
  throw new Problem("USAGE", `this execution has no event ${after} yet: begin without Last-Event-ID`);
}

function cancelRoute(ports: ApiPorts): Route {
  return {
    kind: "plain",
    method: "post",
    path: "/executions/{id}/cancel",
    operation: "cancelExecution",
    summary: "Stop it and undo what it changed.",
    query: {},
    body: {
      type: "object",
      properties: {
        reason,
        keep: { type: "boolean", default: false },
        by: { ...person, default: "api" },
      },
      required: ["reason"],
      additionalProperties: false,
    },
    answer: shape({
      accepted: { type: "boolean" },
      acted: { type: "boolean" },
      execution: named("Execution"),
    }),
    statuses: [200, 202],
    async handle({ id, body }) {
      const answer = await cancelExecution(id, body as unknown as CancelRequest, ports.executions);
      return { status: answer.accepted && !answer.acted ? 202 : 200, body: answer };
    },
  };
}

function acknowledgeRoute(ports: ApiPorts): Route {
  return {
    kind: "plain",
    method: "post",
    path: "/executions/{id}/acknowledge",
    operation: "acknowledgeExecution",
    summary: "A person has seen that it needs one: nobody is told of it any more. The first word counts.",
    query: {},
    body: {
      type: "object",
      properties: {
        by: { ...person, default: "api" },
        reason: { type: "string", maxLength: 1000, default: "", description: "a text; it is kept" },
      },
      additionalProperties: false,
    },
    answer: shape({ accepted: { type: "boolean" }, execution: named("Execution") }),
    async handle({ id, body }) {
      const execution = await findExecution(id, ports);
      const said = body as unknown as { readonly by: string; readonly reason: string };
      const accepted = await ports.escalations.acknowledge(execution.id, said);
      return { status: 200, body: { accepted, execution: await findExecution(execution.id, ports) } };
    },
  };
}
