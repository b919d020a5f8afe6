import { describe, expect, it } from "vitest";
import type { ActionContext, ActionTools } from "../../src/actions/action.ts";
import { makeEffect } from "../../src/controller/make-effect.ts";
import { Problem } from "../../src/domain/problem.ts";
import { scaleEffect } from "../fixtures/executions.ts";

const context = {} as ActionContext;
type Answer = "yes" | "no" | "unknown";

/** One effect: what sending it throws, what the cluster says of it later, and whether this replica may send. */
async function made({
  refusal = null,
  answers = [],
  valid = true,
  over = false,
  idempotent = true,
}: {
  refusal?: Problem | null;
  answers?: Answer[];
  valid?: boolean;
  over?: boolean;
  idempotent?: boolean;
}) {
  let sent = 0;
  const session = new AbortController();
  if (over) session.abort(new Error("the lease was lost"));
  const tools = { signal: session.signal } as ActionTools;
  const ports = {
    effects: {
      apply: async () => {
        sent += 1;
        if (refusal !== null) throw refusal;
        return null;
      },
      didItHappen: async () => answers.shift() ?? "unknown",
      dryRun: () => Promise.reject(new Error("not asked")),
      prepareRestore: () => Promise.reject(new Error("not asked")),
    },
    lease: { valid: () => valid, replicaId: () => "r1", onLost: () => undefined },
  };
  const request = { effect: scaleEffect, context, tools, probeTools: tools, timeoutSeconds: 30, idempotent };
  const end = await makeEffect(request, ports).catch((error: Error) => error);
  return { end, sent };
}

const broken = new Problem("API_OUTCOME_UNKNOWN", "the connection broke", { retryable: true });

describe("an effect", () => {
  it("is not sent without a valid lease", async () => {
    expect(await made({ valid: false })).toMatchObject({ sent: 0, end: { code: "LEASE_LOST" } });
  });
  it("is not sent under a new lease by work of the old one", async () => {
    expect(await made({ over: true })).toMatchObject({ sent: 0, end: { message: "the lease was lost" } });
  });
  it("is not applied when the API server says so, and nobody is asked", async () => {
    const refusal = new Problem("API_INVALID", "422");
    expect(await made({ refusal, answers: ["yes"] })).toEqual({
      sent: 1,
      end: { end: "not-applied", problem: refusal },
    });
  });
  it("counts as made when the cluster shows it, although its answer was lost", async () => {
    expect(await made({ refusal: broken, answers: ["unknown", "yes"] })).toEqual({
      sent: 1,
      end: { end: "made", answer: null },
    });
  });
  it("counts as made when the request arrives only after the cluster was first asked", async () => {
    expect(await made({ refusal: broken, answers: ["no", "yes"] })).toEqual({
      sent: 1,
      end: { end: "made", answer: null },
    });
  });
  it("may be tried again, by another attempt, only when the cluster shows that it did not happen", async () => {
    const { sent, end } = await made({ refusal: new Problem("API_CONFLICT", "409"), answers: ["no"] });
    expect(sent).toBe(1);
    expect(end).toMatchObject({ end: "not-applied", problem: { code: "API_CONFLICT", retryable: true } });
  });
  it("is for people at once when nobody can find out about it", async () => {
    expect(await made({ refusal: broken, answers: ["no"], idempotent: false })).toEqual({
      sent: 1,
      end: { end: "unknown", problem: broken },
    });
  });
});
