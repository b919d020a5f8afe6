// Nobody decides in time: others are asked, with a fake clock, a forge that is asked seldom, and a store that keeps what is appended.
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { createDrives } from "../../src/controller/drives.ts";
import type { EnginePorts } from "../../src/controller/engine-ports.ts";
import type { ApprovalState } from "../../src/controller/forge-ports.ts";
import type { Append } from "../../src/controller/ports.ts";
import type { ExecutionEvent } from "../../src/domain/execution/events.ts";
import { fold } from "../../src/domain/execution/evolve.ts";
import type { ApprovalDemand } from "../../src/domain/gate/gate.ts";
import type { RequestNote } from "../../src/domain/gate/request-note.ts";
import { Problem } from "../../src/domain/problem.ts";
import { approvalView } from "../../src/server/approval-view.ts";
import { approvalGate, approvalRequested, plan, previews, requested } from "../fixtures/executions.ts";
import { recorded, start } from "../support/given.ts";
import { noMetrics } from "../support/no-metrics.ts";
import { emptyPauseStore, noPauses } from "../support/no-pauses.ts";

const id = "0192f1c0-2222-7ccc-8ddd-0000000000e3";
const quiet = { info: () => undefined, warn: () => undefined, error: () => undefined };
const teams = new Map([
  ["sre", ["ana", "bo"]],
  ["platform", ["cy", "dee"]],
  ["dba", ["eve"]],
]);
const approval = (by: string) => ({ by, verified: true, at: "2026-11-17T10:04:00.000Z", commit: "c" });
const platformLater: ApprovalDemand = {
  from: ["team:sre"],
  approvals: 1,
  next: [{ afterSeconds: 600, from: ["team:platform"] }],
};

beforeEach(() => void vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "Date", "performance"] }));
afterEach(() => void vi.useRealTimers());

/** An execution that waits for these since `start`; the forge is asked each half hour, and answers what `say` was given last. */
function waiting(...demands: readonly ApprovalDemand[]) {
  const since = Date.now();
  const now = () => new Date(Date.parse(start) + Date.now() - since).toISOString();
  const history = recorded([
    requested(),
    { type: "Planned", plan, previews },
    { type: "GateDecided", gate: { ...approvalGate, demands, expiresSeconds: 3_600 } },
  ]);
  const notes: RequestNote[] = [];
  const looks: string[] = [];
  const open = { state: "open", approvals: [], remarks: [], edit: null, commands: [] } as const;
  let answer: ApprovalState | Problem = open;
  let append = async ({ events }: Append) => void history.push(...events);
  const ports = {
    executions: { state: async () => fold(history), append: (one: Append) => append(one) },
    clusters: { labels: () => ({}), tools: () => ({ cluster: () => ({ event: async () => undefined }) }) },
    actions: new Map(),
    forge: {
      pollSeconds: 1_800,
      open: async () => ({ repository: "r", base: "m", head: "h" }),
      read: async () => {
        looks.push(now().slice(11, 16));
        if (answer instanceof Problem) throw answer;
        return answer;
      },
      tell: async (_: unknown, note: RequestNote) => void notes.push(note),
      close: async () => undefined,
    },
    faults: { at: async () => undefined },
    clock: { now },
    lease: { onLost: () => undefined },
    log: quiet,
    metrics: noMetrics,
    pauses: noPauses,
    pauseStore: emptyPauseStore,
    revoked: () => null,
    teams,
  } as unknown as EnginePorts;
  const begin = () => {
    const drives = createDrives(ports, () => undefined);
    drives.start({ id, epoch: 1 });
    return drives;
  };
  return {
    begin,
    notes,
    looks,
    state: () => fold(history),
    added: () => history.filter(({ event }) => event.type === "ApproversAdded").map(({ event }) => event),
    events: (): readonly ExecutionEvent[] => history.map(({ event }) => event),
    say: (next: ApprovalState | Problem) => {
      answer = next;
    },
    approvedBy: (...people: readonly string[]): ApprovalState => ({
      ...open,
      approvals: people.map(approval),
    }),
    /** What is appended from now on arrives, and whoever has appended it never hears of it. */
    dieAfterAppend: () => {
      const before = append;
      append = async (one) => {
        await before(one);
        append = before;
        await new Promise(() => undefined);
      };
    },
  };
}
const minutes = (count: number) => vi.advanceTimersByTimeAsync(count * 60_000);

describe("a plan about which nobody decides", () => {
  it("is brought before the next team when its time comes, once, however seldom the forge is asked", async () => {
    const { begin, added, notes, looks, state } = waiting(platformLater);
    begin();
    await minutes(9);
    expect(added()).toEqual([]);
    expect(notes.at(-1)).toMatchObject({
      status: expect.stringContaining("1 more of team:sre until"),
      comment: null,
    });
    expect(approvalView(id, state(), teams).teams).toEqual({ sre: ["ana", "bo"] });
    await minutes(2);
    const [first] = looks;
    expect(looks).toHaveLength(2);
    expect([first, looks[1]]).toEqual(["10:00", "10:10"]);
    expect(added()).toEqual([
      {
        type: "ApproversAdded",
        added: [{ demand: 0, afterSeconds: 600, from: ["team:platform"] }],
      },
    ]);
    expect(notes.at(-1)).toMatchObject({
      status: expect.stringContaining("waits for 1 more of team:sre or team:platform"),
      comment: expect.stringMatching(/\*\*Nobody has decided within 10m\*\*: .*platform.* may approve too\./),
    });
    expect(approvalView(id, state(), teams)).toMatchObject({
      demands: [{ from: ["team:sre", "team:platform"], approvals: 1 }],
      teams: { sre: ["ana", "bo"], platform: ["cy", "dee"] },
    });
    await minutes(40);
    expect(added()).toHaveLength(1);
    await minutes(20);
    expect(state()).toMatchObject({ outcome: "expired", escalated: true });
  });

  it("is asked about once where the controller died directly after writing it down", async () => {
    const { begin, added, dieAfterAppend, notes } = waiting(platformLater);
    begin();
    await minutes(9);
    dieAfterAppend();
    await minutes(2);
    const [before] = notes.slice(-1);
    expect(before?.status).not.toContain("platform");
    begin();
    await minutes(2);
    expect(added()).toHaveLength(1);
    expect(notes.at(-1)?.status).toContain("team:platform");
  });

  it("counts the next team from then on, and not before", async () => {
    const early = waiting(platformLater);
    early.begin();
    await minutes(5);
    const merged = { state: "merged", approvals: [approval("cy")], commit: "c", problem: null } as const;
    early.say(merged);
    await minutes(60);
    expect(early.state()).toMatchObject({
      outcome: "refused",
      endReason: "merged too early: 1 more of team:sre",
    });
    const late = waiting(platformLater);
    late.begin();
    await minutes(11);
    late.say(merged);
    await minutes(31);
    expect(late.state().approved).toBe(true);
  });

  it("needs as many people as before: those of both teams count together", async () => {
    const { begin, say, approvedBy, notes } = waiting({ ...platformLater, approvals: 2 });
    begin();
    await minutes(1);
    say(approvedBy("ana"));
    await minutes(10);
    expect(notes.at(-1)?.status).toContain("waits for 1 more of team:sre or team:platform");
    say(approvedBy("ana", "cy"));
    await minutes(31);
    expect(notes.at(-1)?.status).toContain("waits to be merged");
  });

  it("asks nobody else when enough have approved, until one of them takes it back", async () => {
    const { begin, say, approvedBy, added } = waiting(platformLater);
    begin();
    await minutes(1);
    say(approvedBy("ana"));
    await minutes(20);
    expect(added()).toEqual([]);
    say(approvedBy());
    await minutes(35);
    expect(added()).toHaveLength(1);
  });

  it("asks for each demand those that its own guard names", async () => {
    const { begin, say, approvedBy, added, state } = waiting(
      platformLater,
      { from: ["team:dba"], approvals: 1, next: [{ afterSeconds: 900, from: ["bo"] }] },
      { from: ["ana"], approvals: 1 },
    );
    begin();
    await minutes(1);
    say(approvedBy("ana"));
    await minutes(18);
    expect(added()).toEqual([
      { type: "ApproversAdded", added: [{ demand: 1, afterSeconds: 900, from: ["bo"] }] },
    ]);
    expect(approvalView(id, state(), teams).demands).toEqual([
      platformLater,
      { from: ["team:dba", "bo"], approvals: 1 },
      { from: ["ana"], approvals: 1 },
    ]);
  });

  it("keeps who was added when the plan is edited, and adds for what the edited plan needs as well", () => {
    const more: ApprovalDemand = {
      from: ["team:dba"],
      approvals: 1,
      next: [{ afterSeconds: 60, from: ["bo"] }],
    };
    const gate = (...demands: readonly ApprovalDemand[]): ExecutionEvent => ({
      type: "GateDecided",
      gate: { ...approvalGate, demands },
    });
    const state = fold(
      recorded([
        requested(),
        { type: "Planned", plan, previews },
        gate(platformLater),
        approvalRequested,
        { type: "ApproversAdded", added: [{ demand: 0, afterSeconds: 600, from: ["team:platform"] }] },
        { type: "PlanEdited", by: ["eve"], changes: [] },
        { type: "Planned", plan, previews },
        gate(platformLater, more),
        approvalRequested,
      ]),
    );
    expect(approvalView(id, state, teams).demands).toEqual([
      { from: ["team:sre", "team:platform"], approvals: 1 },
      more,
    ]);
  });

  it("asks nobody blindly: while the forge is away nobody else may approve", async () => {
    const { begin, say, added, approvedBy } = waiting(platformLater);
    say(new Problem("FORGE_UNAVAILABLE", "no answer", { retryable: true }));
    begin();
    await minutes(25);
    expect(added()).toEqual([]);
    say(approvedBy());
    await minutes(20);
    expect(added()).toHaveLength(1);
  });
});
