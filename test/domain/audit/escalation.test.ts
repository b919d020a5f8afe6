// What whoever is called at night is told, from the events alone.
import { describe, expect, it } from "vitest";
import { escalationOf } from "../../../src/domain/audit/escalation.ts";
import { escalationMessage } from "../../../src/domain/audit/escalation-message.ts";
import type { ExecutionEvent, FoundObject } from "../../../src/domain/execution/events.ts";
import { fold } from "../../../src/domain/execution/evolve.ts";
import type { Effect } from "../../../src/domain/planning/effect.ts";
import { alert, failed, recorded, running, started, step, succeeded, target } from "../../support/given.ts";

const id = "0192f7a1-0000-7000-8000-7c1e2a4b9d0f";
const steps = [step("scale"), step("restart", { dependsOn: ["scale"] })];
const there: FoundObject = {
  object: target,
  state: "there",
  problem: null,
  changes: [{ pointer: "/spec/replicas", before: 3, after: 7 }],
};
const undoFailed: ExecutionEvent = {
  type: "UndoFailed",
  step: "scale",
  attempt: 2,
  code: "FIELD_CHANGED_SINCE",
  message: "/spec/replicas is 7, gitmend wrote 3",
  retryable: false,
  details: {},
};

function ended(events: readonly ExecutionEvent[], found: readonly FoundObject[] = [there], escalated = true) {
  const end: ExecutionEvent = {
    type: "Ended",
    outcome: "rollback_incomplete",
    reason: "step restart failed; not undone: scale",
    escalated,
    found,
  };
  const past = recorded([...events, end]);
  return [id, fold(past), past] as const;
}

const restart: Effect = {
  kind: "patch",
  object: target,
  uid: "u1",
  resourceVersion: "8",
  changes: [
    {
      pointer: "/spec/template/metadata/annotations/kubectl.kubernetes.io~1restartedAt",
      after: "2026-11-17T10:00:06Z",
    },
  ],
  missingParents: [],
};
const badNight = [
  ...running(steps),
  started("scale"),
  succeeded("scale"),
  started("restart", restart),
  failed("restart"),
  undoFailed,
];

describe("an escalation", () => {
  it("says what fired, what was tried, how things are, and what to type", () => {
    expect(escalationOf(...ended(badNight))).toEqual({
      fired: [
        "KubePodCrashLooping (warning) in prod-eu since 2026-11-17T10:00:00Z; 1 of 1 fired still at the end",
      ],
      tried: [
        "10:00:05 scale (scale_deployment): succeeded",
        "10:00:07 restart (scale_deployment): failed: API_INVALID, refused",
        "10:00:08 undo of scale, attempt 2: failed: FIELD_CHANGED_SINCE, /spec/replicas is 7, gitmend wrote 3",
      ],
      found: ["prod-eu/shop/deploy/api: spec.replicas is 7; gitmend had written 3"],
      undo: [
        expect.objectContaining({
          step: "scale",
          commands: ["kubectl -n shop scale deployment/api --current-replicas=3 --replicas=2"],
        }),
      ],
      finish: [expect.objectContaining({ commands: ["kubectl -n shop rollout restart deployment/api"] })],
      goOn: [
        "gitmend executions show 7c1e2a4b9d0f",
        'gitmend executions retry 7c1e2a4b9d0f --reason "…"',
        "gitmend executions acknowledge 7c1e2a4b9d0f",
      ],
      runbook: null,
    });
  });

  it("is none where nobody has to look", () => {
    expect(escalationOf(...ended(badNight, [], false))).toBeNull();
    expect(escalationMessage(...ended(badNight, [], false))).toBeNull();
  });

  it.each([
    [{ state: "gone" }, "is gone"],
    [{ state: "replaced" }, "is another one of the same name"],
    [
      { state: "unread", problem: "API_UNREACHABLE: connect ECONNREFUSED" },
      "could not be read: API_UNREACHABLE: connect ECONNREFUSED",
    ],
    [
      { changes: [{ pointer: "/spec/replicas", before: 3, after: 3 }] },
      "spec.replicas is 3, as gitmend left it last",
    ],
    [
      { changes: [{ pointer: "/spec/replicas", before: 3 }] },
      "spec.replicas is not set; gitmend had written 3",
    ],
    [
      {
        object: { ...target, kind: "Secret" },
        changes: [{ pointer: "/data/key", before: "YWJj", after: "eHl6" }],
      },
      "/data/key (not shown)",
    ],
  ] as const)("tells the state of an object: %j", (changes, said) => {
    const [line = ""] =
      escalationOf(...ended(badNight, [{ ...there, changes: [], ...changes }]))?.found ?? [];
    expect(line.split(": ").slice(1).join(": ")).toBe(said);
  });

  it("shows the newest attempts of many", () => {
    const many = Array.from({ length: 40 }, (_, n): ExecutionEvent => ({ ...undoFailed, attempt: n + 1 }));
    const tried = escalationOf(...ended([...running(steps), started("scale"), ...many]))?.tried ?? [];
    expect(tried).toHaveLength(31);
    expect(tried[0]).toBe("10 earlier: gitmend executions events 7c1e2a4b9d0f");
    expect(tried.at(-1)).toContain("attempt 40");
  });
});

describe("the message", () => {
  it("has what to do next before what is long, the runbook as a text, and no secret", () => {
    const [request, ...rest] = badNight;
    const annotations = {
      summary: "api crashes; token=hunter2hunter2",
      runbook_url: "https://ana:geheim@runbooks.example.org/crash",
    };
    const events = [{ ...request, alert: { ...alert, annotations } } as ExecutionEvent, ...rest];
    const message = escalationMessage(...ended(events));
    expect(message).toMatchObject({
      title: "rollback_incomplete: KubePodCrashLooping on prod-eu/shop/deploy/api needs a person",
      severity: "warning",
    });
    const text = message?.text ?? "";
    expect(text).toMatch(
      /^step restart failed; not undone: scale\n\nGo on:\n {2}gitmend executions show 7c1e2a4b9d0f/,
    );
    expect(text).toContain("Runbook:\n  https://[redacted]@runbooks.example.org/crash");
    expect(text).not.toMatch(/hunter2|geheim/);
  });

  it("stays one that receivers take, whatever the events hold", () => {
    const long: ExecutionEvent = { ...undoFailed, message: `\u202e${"x\n".repeat(5_000)}` };
    const message = escalationMessage(...ended([...badNight, ...Array.from({ length: 60 }, () => long)]));
    expect([...(message?.text ?? "")].length).toBeLessThanOrEqual(8_000);
    expect(message?.text).not.toContain("\u202e");
    expect(message?.title.length).toBeLessThanOrEqual(200);
  });
});
