import { describe, expect, it } from "vitest";
import type { ActionTools } from "../../src/actions/action.ts";
import type { EnginePorts } from "../../src/controller/engine-ports.ts";
import { stillAsPlanned } from "../../src/controller/outdated.ts";
import type { Append } from "../../src/controller/ports.ts";
import { openSession, type Session } from "../../src/controller/session.ts";
import { fallBack, gateHolds } from "../../src/controller/weigh-again.ts";
import type { ExecutionEvent } from "../../src/domain/execution/events.ts";
import { fold } from "../../src/domain/execution/evolve.ts";
import { nextWork } from "../../src/domain/execution/next-work.ts";
import { plusSeconds } from "../../src/domain/instant.ts";
import { Problem } from "../../src/domain/problem.ts";
import { escalationName } from "../../src/domain/templates/escalation.ts";
import { failed, plan, recorded, running, start, started, step } from "../support/given.ts";
import { noMetrics } from "../support/no-metrics.ts";
import { emptyPauseStore, noPauses } from "../support/no-pauses.ts";

const quiet = { info: () => undefined, warn: () => undefined, error: () => undefined };
const tried: ExecutionEvent[] = [
  ...running([step("restart")], { fallback: plan([step("fallback/roll-back")]) }),
  started("restart"),
  failed("restart", true),
  { type: "UndoStarted", step: "restart", attempt: 1, call: null, effect: null },
  { type: "StepUndone", step: "restart", attempt: 1, note: "" },
];

/** A fallback whose guards cannot be weighed, so many seconds after the start. */
async function unweighable(problem: Problem, seconds: number) {
  const appends: Append[] = [];
  const now = plusSeconds(start, seconds);
  const ports = {
    executions: { append: async (append: Append) => void appends.push(append) },
    clusters: { tools: (signal: AbortSignal) => ({ signal }) },
    weigh: () => Promise.reject(problem),
    faults: { at: async () => undefined },
    clock: { now: () => now },
    log: quiet,
    metrics: noMetrics,
    pauses: noPauses,
    revoked: () => null,
    pauseStore: emptyPauseStore,
  } as unknown as EnginePorts;
  const session = openSession(
    { id: "e1", epoch: 1 },
    fold(recorded(tried)),
    new AbortController().signal,
    ports,
  );
  const [work] = nextWork(session.state(), new Set(), now);
  if (work?.type !== "fallback") throw new Error("there is no fallback to weigh");
  await fallBack(work, session, ports);
  return { appends, next: nextWork(session.state(), new Set(), now) };
}

describe("a fallback whose guards cannot be weighed", () => {
  const gone = new Problem("CLUSTER_UNKNOWN", "no cluster is called prod-eu");

  it("waits for the cluster", async () => {
    await expect(unweighable(gone, 1_700)).rejects.toMatchObject({ code: "CLUSTER_UNKNOWN" });
  });
  it("is left to people after half an hour, so that the execution ends", async () => {
    const { next } = await unweighable(gone, 2_000);
    expect(next).toMatchObject([{ events: [{ type: "Ended", outcome: "rolled_back", escalated: true }] }]);
    expect(JSON.stringify(next)).toContain("no cluster is called prod-eu");
  });
  it("is never given up because the database is away", async () => {
    const away = new Problem("DATABASE_UNAVAILABLE", "away", { retryable: true });
    await expect(unweighable(away, 9_000)).rejects.toMatchObject({ code: "DATABASE_UNAVAILABLE" });
  });
});

describe("people who are only told", () => {
  it("hear of it although the cluster of the alert does not answer", async () => {
    const away = () => Promise.reject(new Problem("API_UNREACHABLE", "it is away", { retryable: true }));
    const told = plan([step("tell-people")], {
      template: { name: escalationName, version: null, hash: "built-in" },
    });
    const events = running([], {}).map((event) =>
      event.type === "Planned" ? { ...event, plan: told } : event,
    );
    const tools = { cluster: () => ({ get: away }) } as unknown as ActionTools;
    const clock = { now: () => "2026-11-17T10:00:00.000Z" };
    const ports = { clock, clusters: { tools: () => tools }, weigh: away } as unknown as EnginePorts;
    const state = fold(recorded(events));
    const session = { id: "e1", signal: new AbortController().signal, state: () => state } as Session;
    expect(await stillAsPlanned(session, ports)).toBeNull();
    expect(await gateHolds(session, tools, ports)).toBe(true);
  });
});
