import { describe, expect, it } from "vitest";
import type { EnginePorts } from "../../src/controller/engine-ports.ts";
import type { ApprovalRequest, ApprovalState } from "../../src/controller/forge-ports.ts";
import type { Append } from "../../src/controller/ports.ts";
import { askApproval, checkApproval } from "../../src/controller/run-approval.ts";
import { openSession } from "../../src/controller/session.ts";
import { fold } from "../../src/domain/execution/evolve.ts";
import { approvalGate, plan, previews, requested } from "../fixtures/executions.ts";
import { recorded } from "../support/given.ts";
import { noMetrics } from "../support/no-metrics.ts";

const id = "0192f1c0-2222-7ccc-8ddd-0000000000e3";
const noCluster = {
  labels: () => ({}),
  tools: () => {
    throw new Error("there is no cluster");
  },
} as unknown as EnginePorts["clusters"];
const quiet = { info: () => undefined, warn: () => undefined, error: () => undefined };

/** Ports of an engine that only asks for approvals; what it does is kept. */
function onlyAsking() {
  const requests: ApprovalRequest[] = [];
  const appends: Append[] = [];
  const ports: Pick<EnginePorts, "forge" | "faults" | "executions" | "clock" | "log" | "metrics"> = {
    forge: {
      pollSeconds: 1,
      reach: async () => "nowhere",
      open: async (request) => {
        requests.push(request);
        return { repository: "/approvals.git", base: "gitmend-approvals", head: "1".repeat(40) };
      },
      read: () => Promise.reject(new Error("nobody reads yet")),
      tell: async () => undefined,
      close: () => Promise.reject(new Error("nobody closes yet")),
    },
    executions: { append: async (append: Append) => void appends.push(append) } as EnginePorts["executions"],
    faults: { at: async () => undefined },
    clock: { now: () => "2026-11-17T10:05:00.000Z" },
    log: quiet,
    metrics: noMetrics,
  };
  return { requests, appends, ports: ports as EnginePorts };
}

describe("a plan that needs approval", () => {
  it("asks people, with the diff, until the expiry counted from the decision of the gate", async () => {
    const { requests, appends, ports } = onlyAsking();
    const past = recorded([
      requested(),
      { type: "Planned", plan, previews },
      { type: "GateDecided", gate: approvalGate },
    ]);
    const session = openSession({ id, epoch: 1 }, fold(past), new AbortController().signal, ports);
    await askApproval(session, ports);
    expect(requests).toHaveLength(1);
    expect(requests[0]!.content).toContain("until 2026-11-17 10:30 UTC");
    expect(requests[0]!.content).toContain("Changes, as the API server answered a dry-run:");
    expect(appends.flatMap(({ events }) => events)).toMatchObject([
      { seq: 4, event: { type: "ApprovalRequested", expiresAt: "2026-11-17T10:30:02.000Z" } },
    ]);
  });
});

describe("a plan that a person started", () => {
  it("is not approved by that person, however the name is spelt", async () => {
    const { appends, ports } = onlyAsking();
    const asked = requested();
    if (asked.type !== "ExecutionRequested") throw new Error("no request");
    const past = recorded([
      { ...asked, byHand: { by: "Ana", reason: "it hangs" } },
      { type: "Planned", plan, previews },
      { type: "GateDecided", gate: { ...approvalGate, demands: [{ from: ["team:sre"], approvals: 1 }] } },
      { type: "ApprovalRequested", repository: "r", branch: "b", base: "m", head: "h", expiresAt: "2099" },
    ]);
    const approvals = [{ by: "ana", verified: true, at: "2026-11-17T10:04:00.000Z", commit: "c" }];
    const merged = { state: "merged", approvals, commit: "c", problem: null } as unknown as ApprovalState;
    const forge = { ...ports.forge, read: async () => merged };
    const session = openSession({ id, epoch: 1 }, fold(past), new AbortController().signal, ports);
    await checkApproval(session, {
      ...ports,
      forge,
      teams: new Map([["sre", ["ana"]]]),
      clusters: noCluster,
    });
    expect(appends.flatMap(({ events }) => events)).toMatchObject([
      { event: { type: "ApprovalDenied" } },
      { event: { type: "Ended", outcome: "refused" } },
    ]);
  });
});
