import { describe, expect, it } from "vitest";
import { type Now, renderNow } from "../../src/cli/render-now.ts";
import type { CurrentExecution, CurrentFiring, Health } from "../../src/controller/views.ts";
import { sampleExecution } from "./sample-execution.ts";

const { summary } = sampleExecution("rolled-back");
const health: Health = {
  active: {},
  firing: 0,
  unowned: 0,
  unpublished: 0,
  auditLagSeconds: 0,
  openBreakers: {},
  deadLetters: 0,
  watchdogAt: null,
  deliveredAt: "2026-11-17T10:01:05.000Z",
  now: "2026-11-17T10:01:35.000Z",
};
const quiet: Now = {
  mode: "live",
  databaseSeconds: 0.004,
  health,
  catalog: { revision: `main@sha1:${"4f2c1d0a".repeat(5)}`, findings: [], problem: null },
  executions: [],
  firings: [],
  pauses: [],
  breakers: [],
};

function execution(id: string, changes: Partial<CurrentExecution>): CurrentExecution {
  return {
    ...summary,
    id: `${summary.id.slice(0, -12)}${id}`,
    severity: "critical",
    gate: null,
    expiresAt: null,
    step: null,
    reason: null,
    paused: null,
    ...changes,
  };
}

function firing(id: number, changes: Partial<CurrentFiring>): CurrentFiring {
  return {
    id: String(id),
    cluster: "prod-eu",
    fingerprint: `f${id}`,
    name: "KubePodCrashLooping",
    severity: "warning",
    subject: { kind: "Pod", namespace: "shop", name: `api-7d9f8b6c5-${id}`, container: null },
    openedAt: "2026-11-17T09:49:35.000Z",
    state: "no-match",
    reasons: ["named KubePodCrashLooping", "workloads/restart: target.kind is Job"],
    decideAt: null,
    execution: null,
    ...changes,
  };
}

const night: Now = {
  ...quiet,
  health: { ...health, active: { running: 1, awaiting_approval: 1, waiting: 1 }, firing: 44 },
  executions: [
    execution("aaaaaaaaaaaa", {
      phase: "ended",
      outcome: "rollback_incomplete",
      escalated: true,
      reason:
        "spec.replicas holds 7, not the 5 that gitmend wrote: somebody else (hpa-controller) has changed it since",
      escalation: {
        toldAt: null,
        channel: null,
        attempts: 3,
        problem: "channel sre answered 429",
        seen: null,
      },
    }),
    execution("bbbbbbbbbbbb", {
      phase: "awaiting_approval",
      outcome: null,
      template: "rollback-workload",
      gate: {
        kind: "approval",
        demands: [{ from: ["team:sre"], approvals: 2 }],
        expiresSeconds: 1800,
        reasons: [],
      },
      expiresAt: "2026-11-17T10:31:35.000Z",
    }),
    execution("cccccccccccc", {
      phase: "running",
      outcome: null,
      step: { name: "validate-recovery", startedAt: "2026-11-17T10:00:50.000Z" },
    }),
    execution("dddddddddddd", { phase: "waiting", outcome: null, target: null }),
    execution("eeeeeeeeeeee", { phase: "undoing", outcome: null, mode: "observe" }),
  ],
  firings: [
    ...Array.from({ length: 40 }, (_, index) => firing(index, {})),
    firing(50, {
      name: "NodeNotReady",
      state: "undecided",
      subject: null,
      reasons: ["the target cannot be read: the API server of prod-eu does not answer"],
      decideAt: "2026-11-17T10:02:05.000Z",
    }),
    firing(51, {
      state: "ended",
      execution: {
        id: "0199f3c2-5b1e-7c4d-9a2f-ffffffffffff",
        template: "scale-out",
        outcome: "refused",
        reason: "denied by production/freeze: change freeze until Monday",
        escalated: false,
      },
      decideAt: "2026-11-17T10:11:35.000Z",
    }),
    firing(52, {
      state: "ended",
      execution: {
        id: night0(),
        template: "scale-out",
        outcome: "rollback_incomplete",
        reason: "",
        escalated: true,
      },
    }),
    firing(53, { name: "JustNow", state: "due", reasons: [] }),
  ],
};

/** The escalated execution above: its firing is told with it, not again. */
function night0(): string {
  return `${summary.id.slice(0, -12)}aaaaaaaaaaaa`;
}

const view = { columns: 100, colours: false };
const troubled: Now = {
  ...night,
  mode: "observe",
  databaseSeconds: 1.8,
  health: { ...night.health, auditLagSeconds: 400, unpublished: 12, deadLetters: 3 },
  catalog: {
    ...quiet.catalog,
    findings: [{ file: "policies/a.yaml", line: 1, column: 1, severity: "error", code: "X", message: "x" }],
    problem: "https://git.example.org/platform: connection refused",
  },
};

describe("gitmend now", () => {
  it("is a calm sentence when there is nothing", async () => {
    await expect(renderNow(quiet, view)).toMatchFileSnapshot("golden/now-quiet.txt");
  });

  it("looks like this at 3 a.m.", async () => {
    await expect(renderNow(night, view)).toMatchFileSnapshot("golden/now-night.txt");
  });

  it("says first what is wrong with gitmend itself, and that it only observes", async () => {
    await expect(renderNow(troubled, view)).toMatchFileSnapshot("golden/now-troubled.txt");
  });

  it("says what is missing when nothing was ever delivered, or no catalog is in use", () => {
    expect(renderNow({ ...quiet, health: { ...health, deliveredAt: null } }, view)).toContain(
      "gitmend doctor",
    );
    const none = { ...quiet, catalog: { ...quiet.catalog, revision: null } };
    expect(renderNow(none, view)).toContain("no catalog is in use");
  });

  it("puts what needs a person before everything else", () => {
    const text = renderNow(night, view);
    const order = ["NEEDS A PERSON", "WAITS FOR AN APPROVAL", "RUNS", "FIRES, AND NOTHING RUNS"];
    const places = order.map((title) => text.indexOf(title));
    expect(places).toEqual(places.toSorted((left, right) => left - right));
    expect(places).not.toContain(-1);
  });

  it("fits terminals of any width, and says the same without colours", () => {
    for (const columns of [60, 80, 100, 200]) {
      const lines = renderNow(troubled, { columns, colours: false }).split("\n");
      expect(lines.filter((line) => [...line].length > columns)).toEqual([]);
    }
    const coloured = renderNow(night, { ...view, colours: true });
    expect(coloured).toContain("\u001b[");
    expect(coloured.replaceAll(/\u001b\[\d+m/g, "")).toBe(renderNow(night, view));
  });

  it("says how many there are that are not shown", () => {
    const many = { ...night, health: { ...night.health, active: { running: 900 } } };
    expect(renderNow(many, view)).toContain("896 more executions: gitmend executions list --live");
  });

  it("lets nothing that others wrote steer the terminal", () => {
    const evil = "x\u001b[2J\u009b2J\u202e\u0007\nNEEDS A PERSON (9)";
    const hostile: Now = {
      ...quiet,
      executions: [
        execution("aaaaaaaaaaaa", {
          template: evil,
          alertName: evil,
          severity: evil,
          reason: evil,
          escalated: true,
          phase: "ended",
        }),
      ],
      firings: [
        firing(1, {
          name: evil,
          reasons: [evil],
          subject: { kind: evil, namespace: evil, name: evil, container: null },
        }),
      ],
    };
    const text = renderNow(hostile, view);
    expect(text).not.toMatch(/[\u001b\u009b\u202e\u0007]/);
    expect(text.match(/^NEEDS A PERSON/gm)).toHaveLength(1);
  });
});
