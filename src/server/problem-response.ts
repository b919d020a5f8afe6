// The one place that turns a thrown value into RFC 9457 problem+json with a stable `code`.
// What is nobody's fault outside (INTERNAL) says nothing about the inside: the log has it.
import type { ErrorRequestHandler, Response } from "express";
import type { Log } from "../controller/ports.ts";
import { Problem, type ProblemCode, toProblem } from "../domain/problem.ts";

const statuses: Partial<Record<ProblemCode, number>> = {
  USAGE: 400,
  PAYLOAD_INVALID: 400,
  PARAMETER_INVALID: 400,
  EXPRESSION_FAILED: 400,
  UNAUTHENTICATED: 401,
  FORBIDDEN: 403,
  NOT_FOUND: 404,
  TARGET_GONE: 404,
  EVENT_UNKNOWN: 409,
  EXECUTION_MOVED_ON: 409,
  NOT_NOW: 409,
  APPROVAL_INVALID: 409,
  NOTHING_TO_ROLL_BACK: 409,
  POSITION_GONE: 410,
  PAYLOAD_TOO_LARGE: 413,
  DATABASE_UNAVAILABLE: 503,
  OVERLOADED: 503,
  LEASE_LOST: 503,
};

/** A database that restarts, a lease that is taken up, a second's backlog: about as long as each of them takes. */
const retryAfterSeconds = 5;

export function statusOf(code: ProblemCode): number {
  return statuses[code] ?? 500;
}

/** Express's last handler. */
export function problemHandler(log: Log): ErrorRequestHandler {
  return (error, request, response, next) => {
    if (response.headersSent) {
      next(error);
      return;
    }
    const problem = problemOf(error);
    const status = statusOf(problem.code);
    const fields = { method: request.method, path: request.path, status, code: problem.code };
    if (status >= 500) log.error({ ...fields, err: error }, "request failed");
    else log.info({ ...fields, detail: problem.message }, "request refused");
    sendProblem(response, problem, status);
  };
}

function sendProblem(response: Response, problem: Problem, status: number): void {
  const inside = problem.code === "INTERNAL";
  const body = {
    type: `urn:gitmend:problem:${problem.code.toLowerCase().replaceAll("_", "-")}`,
    title: titleOf(problem.code),
    status,
    detail: inside ? "something failed inside gitmend; its log says what" : problem.message,
    code: problem.code,
    retryable: problem.retryable || status === 503,
    ...(inside ? {} : { details: problem.details }),
  };
  if (status === 503) response.setHeader("Retry-After", retryAfterSeconds);
  response.status(status).type("application/problem+json").send(JSON.stringify(body));
}

/** `DATABASE_UNAVAILABLE` -> `Database unavailable`. */
function titleOf(code: ProblemCode): string {
  const words = code.toLowerCase().replaceAll("_", " ");
  return words.charAt(0).toUpperCase() + words.slice(1);
}

/** Errors of express and its body readers carry an HTTP status: theirs become ours. */
function problemOf(error: unknown): Problem {
  const status = httpStatus(error);
  const message = error instanceof Error ? error.message : String(error);
  if (error instanceof Problem || status === null || status >= 500) return toProblem(error);
  if (status === 413) {
    return new Problem("PAYLOAD_TOO_LARGE", "the body is larger than this server accepts", { cause: error });
  }
  return new Problem("PAYLOAD_INVALID", `the request cannot be read: ${message}`, { cause: error });
}

function httpStatus(error: unknown): number | null {
  if (typeof error !== "object" || error === null || !("status" in error)) return null;
  return typeof error.status === "number" ? error.status : null;
}
