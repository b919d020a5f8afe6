// /api/v1: what the command line and the UI read and ask. Everything here needs the controller's token, reads included.
import express, { type Request, type RequestHandler, Router } from "express";
import type { AlertStore, ExecutionStore } from "../controller/ports.ts";
import { isObject, type Json } from "../domain/json.ts";
import { Problem } from "../domain/problem.ts";
import { redactJson } from "../domain/redact.ts";
import { storableText } from "../domain/storable.ts";
import { approvalView, type Teams } from "./approval-view.ts";
import { cancelExecution } from "./cancel-execution.ts";
import { carries } from "./credentials.ts";
import type { ServerState } from "./server-state.ts";

export interface RestPorts {
  readonly executions: Pick<ExecutionStore, "list" | "find" | "events" | "send">;
  readonly alerts: Pick<AlertStore, "deadLetters">;
  readonly state: ServerState;
}

const defaultLimit = 50;
const maxLimit = 500;

export function rest(token: string, teams: Teams, ports: RestPorts): Router {
  const router = Router();
  router.use(requireToken(token));
  router.get("/executions", async (request, response) => {
    const limit = readLimit(request);
    const before = readBefore(request);
    const items = await ports.executions.list({
      limit,
      ...(before !== null && { before }),
      ...(request.query["live"] === "true" && { live: true }),
    });
    response.json({ items, next: items.length === limit ? items.at(-1)?.id : null });
  });
  router.get("/executions/:id", async (request, response) => {
    const summary = await found(request.params.id, ports);
    response.json({ summary, events: await shownEvents(summary.id, ports) });
  });
  router.get("/executions/:id/events", async (request, response) => {
    const summary = await found(request.params.id, ports);
    response.json({ items: await shownEvents(summary.id, ports) });
  });
  router.get("/executions/:id/approval", async (request, response) => {
    const { id } = await found(request.params.id, ports);
    response.json(approvalView(id, await ports.executions.events(id), teams));
  });
  router.post("/executions/:id/cancel", express.json({ limit: "64kb" }), async (request, response) => {
    const answer = await cancelExecution(request.params.id, readCancel(request.body), ports.executions);
    response.status(answer.accepted && !answer.acted ? 202 : 200).json(answer);
  });
  router.get("/dead-letters", async (request, response) => {
    response.json({ items: await ports.alerts.deadLetters(readLimit(request)) });
  });
  router.get("/catalog", (_request, response) => {
    response.json(ports.state.catalog());
  });
  return router;
}

function requireToken(token: string): RequestHandler {
  return (request, response, next) => {
    response.set("Cache-Control", "no-store");
    if (!carries(request.headers.authorization, { type: "bearer", token })) {
      response.set("WWW-Authenticate", "Bearer");
      throw new Problem(
        "UNAUTHENTICATED",
        "the token is missing or wrong: it stands in <data folder>/controller.json",
      );
    }
    next();
  };
}

async function found(id: string, ports: RestPorts) {
  const execution = await ports.executions.find(id);
  if (execution === null)
    throw new Problem("NOT_FOUND", `no execution ${id}, or more than one begins or ends so`);
  return execution;
}

/** The last id of the page before. */
function readBefore(request: Request): string | null {
  const { before } = request.query;
  if (before === undefined) return null;
  if (typeof before === "string" && /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(before))
    return before;
  throw new Problem("USAGE", "before is the whole id of an execution: take `next` of the page before");
}

/** Snapshots hold what stood in the cluster, secrets of a container's environment too: those stay in the database. */
async function shownEvents(id: string, { executions }: RestPorts): Promise<Json> {
  return redactJson(JSON.parse(JSON.stringify(await executions.events(id))) as Json);
}

function readLimit(request: Request): number {
  const { limit } = request.query;
  if (limit === undefined) return defaultLimit;
  const count = typeof limit === "string" && /^\d{1,4}$/.test(limit) ? Number(limit) : 0;
  if (count < 1 || count > maxLimit)
    throw new Problem("USAGE", `limit is a whole number from 1 to ${maxLimit}`);
  return count;
}

/** `{reason, keep, by}`: why is required, because it stands in the record. */
function readCancel(body: unknown): { by: string; reason: string; keep: boolean } {
  const { reason, keep = false, by = "api" } = isObject(body) ? body : {};
  if (typeof reason !== "string" || reason.trim() === "" || reason.length > 1000) {
    throw new Problem("USAGE", 'a cancel needs a reason: {"reason": "…", "keep": false}');
  }
  if (typeof keep !== "boolean") throw new Problem("USAGE", "keep is true or false");
  if (typeof by !== "string" || by === "" || by.length > 100) throw new Problem("USAGE", "by is a name");
  return { by: storableText(by), reason: storableText(reason), keep };
}
