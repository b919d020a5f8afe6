// How much of webhook bodies may be in memory at once. Beyond it the answer is 503, which Alertmanager repeats with backoff;
// it would drop the alerts of a 429.
import type { RequestHandler } from "express";
import { Problem } from "../domain/problem.ts";

export interface BodyLimits {
  /** Of one body. */
  readonly bodyBytes: number;
  /** Of all bodies that are being worked on. */
  readonly totalBytes: number;
  /** Requests being worked on. */
  readonly requests: number;
}

/** Reserves a body's size before it is read and frees it when the answer is out, or the caller gone. */
export function bodyBudget(limits: BodyLimits): RequestHandler {
  let bytes = 0;
  let requests = 0;
  return (request, response, next) => {
    const size = Math.min(
      declaredSize(request.headers["content-length"]) ?? limits.bodyBytes,
      limits.bodyBytes,
    );
    if (requests >= limits.requests || bytes + size > limits.totalBytes) {
      throw new Problem("OVERLOADED", "too many webhook bodies are being worked on: try again", {
        retryable: true,
      });
    }
    bytes += size;
    requests += 1;
    response.once("close", () => {
      bytes -= size;
      requests -= 1;
    });
    next();
  };
}

function declaredSize(header: string | undefined): number | null {
  return header === undefined || !/^\d+$/.test(header) ? null : Number(header);
}
