// Which broken calls are known to have changed nothing.
import { describe, expect, it } from "vitest";
import { answerProblem, neverSent, transportProblem } from "../../../src/adapters/kubernetes/api-problem.ts";

const fetchFailed = (cause: object) =>
  new TypeError("fetch failed", { cause: Object.assign(new Error("x"), cause) });

describe("a call without an answer", () => {
  it.each([
    { code: "ECONNREFUSED" },
    { code: "ENOTFOUND", syscall: "getaddrinfo" },
    { code: "EAI_AGAIN", syscall: "getaddrinfo" },
    { code: "EHOSTUNREACH", syscall: "connect" },
    { code: "ETIMEDOUT", syscall: "connect" },
    { code: "UND_ERR_CONNECT_TIMEOUT" },
    { code: "DEPTH_ZERO_SELF_SIGNED_CERT" },
    { code: "CERT_HAS_EXPIRED" },
    { code: "ERR_TLS_CERT_ALTNAME_INVALID" },
  ])("was never sent: $code", (cause) => {
    expect(neverSent(fetchFailed(cause))).toBe(true);
    expect(transportProblem("patch", fetchFailed(cause)).code).toBe("API_UNREACHABLE");
  });

  it.each([
    { code: "ECONNRESET", syscall: "read" },
    { code: "EPIPE", syscall: "write" },
    { code: "ETIMEDOUT", syscall: "read" },
    { code: "EHOSTUNREACH", syscall: "read" },
    { code: "UND_ERR_SOCKET" },
    { code: "UND_ERR_HEADERS_TIMEOUT" },
    {},
  ])("may have been applied: $code $syscall", (cause) => {
    expect(neverSent(fetchFailed(cause))).toBe(false);
    expect(transportProblem("patch", fetchFailed(cause)).code).toBe("API_OUTCOME_UNKNOWN");
  });

  it("was never sent when every address of the host refused", () => {
    const refused = Object.assign(new Error("x"), { code: "ECONNREFUSED", syscall: "connect" });
    expect(neverSent(new TypeError("fetch failed", { cause: new AggregateError([refused, refused]) }))).toBe(
      true,
    );
  });
});

describe("an answer that asks to come back later", () => {
  const answer = (retryAfter?: string) => ({
    status: 429,
    headers: retryAfter === undefined ? {} : { "retry-after": retryAfter },
    body: "",
  });

  it("gives the seconds, also of a date, and one second when it says nothing", () => {
    expect(answerProblem("patch", answer("12")).details.retryAfterSeconds).toBe(12);
    expect(answerProblem("patch", answer()).details.retryAfterSeconds).toBe(1);
    expect(answerProblem("patch", answer("soon")).details.retryAfterSeconds).toBe(1);
    const inAMinute = answerProblem("patch", answer(new Date(Date.now() + 60_000).toUTCString()));
    expect(inAMinute.details.retryAfterSeconds).toBeGreaterThan(50);
    expect(inAMinute.details.retryAfterSeconds).toBeLessThanOrEqual(60);
  });
});

describe("an answer in odd words", () => {
  it("contributes no text that could carry a secret", () => {
    const body = JSON.stringify({
      kind: "Status",
      reason: "Bearer abc.def",
      message: "password hunter2",
      details: { causes: [{ field: "spec.x = hunter2", message: "hunter2" }] },
    });
    const problem = answerProblem("patch", { status: 422, headers: {}, body });
    expect(problem.message).toBe("patch: the API server answered 422");
    expect(problem.details).toEqual({ status: 422 });
  });
});
