import { describe, expect, it } from "vitest";
import type { EnginePorts } from "../../src/controller/engine-ports.ts";
import type { ApprovalRequest, ApprovalState } from "../../src/controller/forge-ports.ts";
import type { Append } from "../../src/controller/ports.ts";
import { askApproval, checkApproval } from "../../src/controller/run-approval.ts";
import { openSession } from "../../src/controller/session.ts";
import type { ExecutionEvent } from "../../src/domain/execution/events.ts";
import { fold } from "../../src/domain/execution/evolve.ts";
import type { Gate } from "../../src/domain/gate/gate.ts";
import type { RequestNote } from "../../src/domain/gate/request-note.ts";
import { Problem } from "../../src/domain/problem.ts";
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

describe("a request whose file people have changed", () => {
  const parameters = { grace_seconds: 30 };
  const asking = { ...plan, parameters };
  const open = { repository: "r", branch: "b", base: "m", head: "h", expiresAt: "2099" };
  const past: ExecutionEvent[] = [
    requested(),
    { type: "Planned", plan: asking, previews },
    { type: "GateDecided", gate: approvalGate },
    { type: "ApprovalRequested", ...open },
  ];

  /** ben changes this; the plan that is made of it has this gate. */
  async function edited(from: string, to: string, replan: EnginePorts["replan"], events = past) {
    const { requests, appends, ports } = onlyAsking();
    const told: RequestNote[] = [];
    const session = openSession(
      { id, epoch: 1 },
      fold(recorded(events)),
      new AbortController().signal,
      ports,
    );
    await askApproval(session, ports).catch(() => undefined);
    const text = requests[0]?.content ?? "";
    const at = text.lastIndexOf("\nparameters:");
    const file = text.slice(0, at) + text.slice(at).replace(from, to);
    const edit = { head: "2".repeat(40), by: ["ben"], text: file };
    const read = async () => ({ state: "open", approvals: [], remarks: [], edit, commands: [] }) as const;
    const forge = {
      ...ports.forge,
      read,
      tell: async (_: unknown, note: RequestNote) => void told.push(note),
    };
    const clusters = { ...noCluster, tools: () => ({}) } as unknown as EnginePorts["clusters"];
    appends.length = 0;
    await checkApproval(session, { ...ports, forge, replan, clusters, teams: new Map() });
    return { session, told, events: appends.flatMap((append) => append.events.map(({ event }) => event)) };
  }
  const madeWith =
    (gate: Gate): EnginePorts["replan"] =>
    async (_id, _state, given) => ({ plan: { ...asking, parameters: given }, previews, gate });
  const shorter = ["grace_seconds: 30", "grace_seconds: 10"] as const;

  it("is planned anew and asked about again, in the time that is left", async () => {
    const { events, session } = await edited(...shorter, madeWith(approvalGate));
    expect(events).toMatchObject([
      { type: "PlanEdited", by: ["ben"], changes: [{ pointer: "/grace_seconds", before: 30, after: 10 }] },
      { type: "Planned", plan: { parameters: { grace_seconds: 10 } } },
      { type: "GateDecided", gate: approvalGate },
    ]);
    const before = fold(recorded(past));
    expect(session.state()).toMatchObject({
      phase: "awaiting_approval",
      approval: null,
      gateDecidedAt: before.gateDecidedAt,
      edits: [{ by: ["ben"] }],
    });
  });

  it("asks for what both plans need, however harmless the other one is", async () => {
    const demand = { from: ["team:dba"], approvals: 2 };
    const more: Gate = { ...approvalGate, demands: [demand], expiresSeconds: 60 };
    const stricter = await edited(...shorter, madeWith(more));
    expect(stricter.session.state().gate).toMatchObject({
      demands: [...approvalGate.demands, demand],
      expiresSeconds: 60,
    });
    const laxer = await edited(...shorter, madeWith({ kind: "open", reasons: [] }));
    expect(laxer.session.state().gate).toEqual(approvalGate);
  });

  it("says what is wrong with it, where, and changes nothing", async () => {
    const denied: Gate = {
      kind: "refused",
      reasons: [{ rule: "guards/freeze", effect: "deny", reason: "change freeze" }],
    };
    const invalid = () => Promise.reject(new Problem("PARAMETER_INVALID", "grace_seconds must be <= 300"));
    for (const [replan, why] of [
      [madeWith(denied), /approvals.*\.yaml:\d+:1: with these parameters it would be refused: change freeze/],
      [invalid, /approvals.*\.yaml:\d+:1: grace_seconds must be/],
    ] as const) {
      const { events, told } = await edited(...shorter, replan);
      expect(events).toEqual([]);
      expect(told[0]?.comment).toMatch(why);
    }
  });

  it("waits while the cluster does not answer", async () => {
    const away = () => Promise.reject(new Problem("API_UNREACHABLE", "no answer", { retryable: true }));
    const { events, told } = await edited(...shorter, away);
    expect([events, told[0]?.comment]).toEqual([[], expect.stringContaining("it is tried again: no answer")]);
  });

  it("is not changed without end", async () => {
    const edits = Array.from({ length: 20 }, (): ExecutionEvent[] => [
      { type: "PlanEdited", by: ["ben"], changes: [] },
      { type: "ApprovalRequested", ...open },
    ]).flat();
    const { events, told } = await edited(...shorter, madeWith(approvalGate), [...past, ...edits]);
    expect([events, told[0]?.comment]).toEqual([[], expect.stringContaining("changed 20 times")]);
  });

  it("is not approved by whoever has changed it, whatever the forge says", async () => {
    const { appends, ports } = onlyAsking();
    const events: ExecutionEvent[] = [
      ...past.slice(0, 2),
      { type: "GateDecided", gate: { ...approvalGate, demands: [{ from: [], approvals: 1 }] } },
      { type: "PlanEdited", by: ["ben"], changes: [] },
      { type: "ApprovalRequested", ...open },
    ];
    const approvals = [{ by: "Ben", verified: true, at: "2026-11-17T10:04:00.000Z", commit: "c" }];
    const read = async () => ({ state: "merged", approvals, commit: "c", problem: null }) as const;
    const session = openSession(
      { id, epoch: 1 },
      fold(recorded(events)),
      new AbortController().signal,
      ports,
    );
    const forge = { ...ports.forge, read };
    await checkApproval(session, { ...ports, forge, teams: new Map(), clusters: noCluster });
    expect(appends.flatMap((append) => append.events)).toMatchObject([
      { event: { type: "ApprovalDenied", reason: expect.stringContaining("1 more of any approver") } },
      { event: { type: "Ended", outcome: "refused" } },
    ]);
  });
});
