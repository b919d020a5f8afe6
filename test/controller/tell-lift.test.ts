// What a forge is told of a break-glass: one thing after the other, whoever says it, and its request is closed, written down or not.
import { describe, expect, it } from "vitest";
import { endExecution } from "../../src/controller/end-execution.ts";
import type { EnginePorts } from "../../src/controller/engine-ports.ts";
import { openSession } from "../../src/controller/session.ts";
import { tellLift } from "../../src/controller/tell-lift.ts";
import type { Ended, ExecutionEvent } from "../../src/domain/execution/events.ts";
import { fold } from "../../src/domain/execution/evolve.ts";
import { Problem } from "../../src/domain/problem.ts";
import { approvalGate, approvalRequested, plan, previews, requested } from "../fixtures/executions.ts";
import { recorded } from "../support/given.ts";
import { noMetrics } from "../support/no-metrics.ts";

const id = "0192f1c0-2222-7ccc-8ddd-0000000000e3";
const branch = `gitmend/${id.slice(-12)}`;
const lifted: ExecutionEvent = {
  type: "ApprovalLifted",
  by: "ana",
  reason: "the shop is down",
  digest: plan.digest,
  at: "2026-11-17T10:05:00.000Z",
  until: "2026-11-17T10:20:00.000Z",
  signature: "-----BEGIN SSH SIGNATURE-----",
};
const asked: readonly ExecutionEvent[] = [
  requested(),
  { type: "Planned", plan, previews },
  { type: "GateDecided", gate: approvalGate },
];
const end: Ended = { type: "Ended", outcome: "succeeded", reason: "", escalated: false };

function ending(events: readonly ExecutionEvent[]) {
  const said: string[] = [];
  let telling = 0;
  const forge = {
    tell: async () => {
      telling += 1;
      said.push(`tell ${telling}`);
      await new Promise((resolve) => setImmediate(resolve));
      telling -= 1;
      if (said.length === 1) throw new Problem("FORGE_UNAVAILABLE", "no answer", { retryable: true });
    },
    close: async (name: string, reason: string) => void said.push(`close ${name} ${reason}`),
  };
  const quiet = { info: () => undefined, warn: () => undefined, error: () => undefined };
  const ports = {
    forge,
    executions: { append: async () => undefined },
    clusters: { tools: () => ({ cluster: () => ({ event: async () => undefined }) }) },
    faults: { at: async () => undefined },
    clock: { now: () => "2026-11-17T10:06:00.000Z" },
    log: quiet,
    metrics: noMetrics,
  } as unknown as EnginePorts;
  const session = openSession({ id, epoch: 1 }, fold(recorded(events)), new AbortController().signal, ports);
  return { said, session, ports };
}

describe("a request whose approvals were lifted", () => {
  it("is told one thing after the other when it ends at once, and the last although the first failed", async () => {
    const { said, session, ports } = ending([...asked, approvalRequested, lifted]);
    tellLift(session, ports);
    await endExecution([end], session, ports);
    expect(said).toEqual(["tell 1", "tell 1", expect.stringMatching(/^close gitmend\/\S+ resolved$/)]);
  });

  it("is closed when a crash has lost that it was opened", async () => {
    const { said, session, ports } = ending([...asked, lifted]);
    await endExecution([end], session, ports);
    expect(said).toEqual([`close ${branch} resolved`]);
  });

  it("is not looked for where nobody was asked", async () => {
    const { said, session, ports } = ending([
      ...asked.slice(0, 2),
      { type: "GateDecided", gate: { kind: "open", reasons: [] } },
    ]);
    await endExecution([end], session, ports);
    const observed = ending([requested({ mode: "observe" }), ...asked.slice(1)]);
    await endExecution([{ ...end, outcome: "observed" }], observed.session, observed.ports);
    expect([said, observed.said]).toEqual([[], []]);
  });
});
