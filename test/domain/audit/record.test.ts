import { describe, expect, it } from "vitest";
import { parse } from "yaml";
import {
  firstPrevious,
  linesOf,
  noHead,
  recordLines,
  verifyChain,
} from "../../../src/domain/audit/record-lines.ts";
import { renderRecord } from "../../../src/domain/audit/render-record.ts";
import type { RecordedEvent } from "../../../src/domain/execution/events.ts";
import { canonicalJson, sha256 } from "../../../src/domain/json.ts";
import {
  alert,
  approvedByTwo,
  assessedTwice,
  cancelledOnResolve,
  deleteEffect,
  fallbackTaken,
  frozenMeanwhile,
  type History,
  histories,
  hostile,
  observedOnly,
  refusedByFreeze,
  requested,
  rollbackEffect,
  rolledBack,
  scaleEffect,
  succeededRollback,
  unknownOutcome,
} from "../../fixtures/executions.ts";

const ended = ({ executionId, events }: History, previousHead: string | null = null) =>
  renderRecord({ executionId, milestone: "ended", events, previousHead });
const planned = ({ executionId, events, plannedSeq }: History, previousHead: string | null = null) =>
  renderRecord({ executionId, milestone: "planned", events: events.slice(0, plannedSeq), previousHead });
const fileOf = (record: ReturnType<typeof renderRecord>, name: string) =>
  Object.entries(record.files).find(([path]) => path.endsWith(`/${name}`))![1];
const subjectOf = ({ message }: { message: string }) => message.split("\n")[0]!;
const trailersOf = ({ message }: { message: string }) => message.trimEnd().split("\n\n").at(-1)!.split("\n");
const longTarget = (name: string, options: Partial<History> = {}): History => ({
  ...succeededRollback,
  ...options,
  events: succeededRollback.events.map(
    (recorded): RecordedEvent =>
      recorded.event.type === "Planned"
        ? {
            ...recorded,
            event: {
              ...recorded.event,
              plan: { ...recorded.event.plan, target: { ...recorded.event.plan.target!, name } },
            },
          }
        : recorded,
  ),
});

describe("the subject of a commit", () => {
  const subjects: [string, string, string][] = [
    [
      "a start at once",
      subjectOf(planned(succeededRollback)),
      "plan(prod-eu/shop/deploy/api): rollback-workload, starts at once",
    ],
    [
      "a wait",
      subjectOf(planned(approvedByTwo)),
      "plan(prod-eu/shop/api): rollback-workload, waits for 2 of team:sre",
    ],
    [
      "a refusal",
      subjectOf(planned(refusedByFreeze)),
      "plan(prod-eu/shop/deploy/api): rollback-workload, refused: change freez…",
    ],
    [
      "an observation",
      subjectOf(planned(observedOnly)),
      "plan(prod-eu/shop/deploy/api): rollback-workload, observed: would wait …",
    ],
    [
      "a success",
      subjectOf(ended(succeededRollback)),
      "remediate(prod-eu/shop/deploy/api): rollback-workload succeeded in 48s",
    ],
    [
      "a rollback",
      subjectOf(ended(rolledBack)),
      "remediate(prod-eu/shop/api): rollback-workload rolled back after 15s",
    ],
    [
      "a cancellation",
      subjectOf(ended(cancelledOnResolve)),
      "remediate(prod-eu/shop/api): rollback-workload cancelled before start",
    ],
    [
      "the unknown",
      subjectOf(ended(unknownOutcome)),
      "remediate(prod-eu/shop/deploy/api): rollback-workload unknown after 1m9s",
    ],
  ];
  for (const [what, subject, expected] of subjects) {
    it(`tells ${what}`, () => expect(subject).toBe(expected));
  }

  it("has at most 72 characters, whatever the names are", () => {
    const names = ["a".repeat(253), "checkout-service-with-a-rather-long-name", "ü".repeat(80)];
    for (const history of [...Object.values(histories), ...names.map((name) => longTarget(name))]) {
      for (const record of [planned(history), ended(history)]) {
        expect([...subjectOf(record)].length).toBeLessThanOrEqual(72);
        expect(subjectOf(record)).toMatch(/^(plan|remediate)\(prod-eu/);
        expect(record.message.split("\n")[1]).toBe("");
      }
    }
  });
});

describe("the trailers", () => {
  it("name everything that an auditor searches by", () => {
    const record = ended(approvedByTwo);
    expect(trailersOf(record)).toEqual([
      `Execution-Id: ${approvedByTwo.executionId}`,
      "Incident: 0192f1c0-1111-7aaa-8bbb-0000000000aa",
      "Alert: KubePodCrashLooping",
      "Alert-Fingerprint: 9c1f0a7be3d24c55",
      "Alert: KubeDeploymentReplicasMismatch",
      "Alert-Fingerprint: 77aa0a7be3d24c55",
      "Cluster: prod-eu",
      "Template: rollback-workload@1.2.0",
      "Config-Revision: main@sha1:4f2c1d0b9a8e7f6d5c4b3a29181706f5e4d3c2b1",
      `Plan-Digest: sha256:${"7b".repeat(32)}`,
      "Gate: approval",
      "Approved-By: ana",
      "Approved-By: ben",
      "Mode: live",
      "Outcome: succeeded",
      "Seq: 16",
      `Events-Hash: ${record.head}`,
    ]);
  });

  it("have an outcome only when it has ended, and one approval only when it was given", () => {
    expect(planned(approvedByTwo).message).not.toMatch(/^(Outcome|Approved-By)/m);
    expect(ended(cancelledOnResolve).message).not.toMatch(/^Approved-By/m);
  });

  it("are made by gitmend alone: no free text becomes one, anywhere in the message", () => {
    expect(planned(hostile).message).not.toMatch(/Outcome:/i);
    expect(ended(hostile).message.match(/.*Outcome:.*/gi)).toEqual(["Outcome: failed"]);
    for (const record of [planned(hostile), ended(hostile)]) {
      expect(record.message).not.toMatch(/Approved-By:/i);
      expect(record.message.split("\n\n")).toHaveLength(3);
      expect(trailersOf(record).filter((line) => !/^[A-Z][A-Za-z-]+: \S/.test(line))).toEqual([]);
    }
  });
});

describe("the hash chain", () => {
  const { lines, head } = recordLines(succeededRollback.events, null);

  it("is canonical JSON in which each line carries the hash of the line before", () => {
    expect(lines).toHaveLength(14);
    const parsed = lines.map((line) => JSON.parse(line) as Record<string, unknown>);
    expect(Object.keys(parsed[0]!)).toEqual(["at", "data", "prev", "seq", "type", "v"]);
    expect(parsed[0]!["prev"]).toBe(noHead);
    expect(parsed[1]!["prev"]).toBe(sha256(lines[0]!));
    expect(head).toBe(sha256(lines.at(-1)!));
    expect(lines.every((line) => canonicalJson(JSON.parse(line)) === line)).toBe(true);
    expect(verifyChain(lines)).toEqual({ sound: true, lines: 14, previousHead: noHead, head });
  });

  it("goes on from record to record, and a record that is written again keeps its beginning", () => {
    const first = ended(succeededRollback);
    const second = planned(approvedByTwo, first.head);
    const text = fileOf(second, "events.jsonl");
    expect(verifyChain(linesOf(text))).toMatchObject({
      sound: true,
      previousHead: first.head,
      head: second.head,
    });
    const again = ended(approvedByTwo, firstPrevious(text));
    expect(fileOf(again, "events.jsonl").startsWith(text)).toBe(true);
    expect(again.lines).toBe(approvedByTwo.events.length);
  });

  const changed: Record<string, readonly string[]> = {
    "a line is changed": lines.with(5, lines[5]!.replace("succeeded", "Succeeded").replace("look", "LOOK")),
    "a line is left out": lines.toSpliced(5, 1),
    "two lines change places": lines.with(5, lines[6]!).with(6, lines[5]!),
    "a line is added": lines.toSpliced(5, 0, lines[5]!),
    "the beginning is cut off": lines.slice(1),
    "a line is written otherwise": lines.with(13, ` ${lines[13]!}`),
    "the last line is cut off in the middle": lines.with(13, lines[13]!.slice(0, 40)),
    "there is no line": [],
  };
  for (const [what, damaged] of Object.entries(changed)) {
    it(`breaks when ${what}`, () => expect(verifyChain(damaged).sound).toBe(false));
  }

  it("does not see a last line that is missing: the Events-Hash of the commit does", () => {
    const cut = verifyChain(lines.slice(0, -1));
    expect(cut).toMatchObject({ sound: true });
    expect(cut).not.toMatchObject({ head });
  });
});

describe("the files of a record", () => {
  it("stand in a folder by date and id that never moves", () => {
    const folder = `executions/2026/11/17/${succeededRollback.executionId}`;
    const names = ["REPORT.md", "events.jsonl", "execution.yaml"].map((name) => `${folder}/${name}`);
    expect(Object.keys(ended(succeededRollback).files)).toEqual(names);
    expect(Object.keys(planned(succeededRollback).files)).toEqual(names);
  });

  it("are the same bytes for the same history", () => {
    for (const history of Object.values(histories))
      expect(ended(history)).toEqual(ended(structuredClone(history)));
  });

  it("hold no secret: not in env, arguments, annotations or free text", () => {
    for (const history of Object.values(histories)) {
      for (const record of [planned(history), ended(history)]) {
        expect(Object.values(record.files).join("\n") + record.message).not.toContain("hunter2");
      }
    }
    expect(fileOf(ended(succeededRollback), "events.jsonl")).toContain("[redacted]");
  });

  it("have an execution.yaml that programs can read", () => {
    const data = parse(fileOf(ended(approvedByTwo), "execution.yaml"));
    expect(data).toMatchObject({
      outcome: "succeeded",
      approval: { approvals: [{ by: "ana" }, { by: "ben" }] },
    });
    expect(data.steps).toHaveLength(4);
    expect(data.steps[1]).toMatchObject({
      name: "roll-back",
      action: "rollback_deployment",
      status: "succeeded",
      attempts: 1,
    });
    expect(parse(fileOf(ended(hostile), "execution.yaml")).alert.labels.pod).toContain("\n# Approved\n");
  });

  it("are refused for a history that is none", () => {
    const { executionId, events } = succeededRollback;
    const record = (milestone: "planned" | "ended", some: readonly RecordedEvent[]) => () =>
      renderRecord({ executionId, milestone, events: some, previousHead: null });
    expect(record("planned", events.slice(1))).toThrow("does not begin with ExecutionRequested");
    expect(record("ended", events.slice(0, 5))).toThrow("has not ended");
  });
});

describe("the report for a tired engineer", () => {
  it("says in its first lines how it ended and whether anybody has to act", () => {
    expect(fileOf(ended(succeededRollback), "REPORT.md").split("\n").slice(0, 3)).toEqual([
      "# rollback-workload on prod-eu/shop/deploy/api: succeeded in 48s",
      "",
      "Nobody has to do anything. Every step succeeded.",
    ]);
    const bad = fileOf(ended(rolledBack), "REPORT.md");
    expect(bad).toContain("**People have to look at this.** Make-room failed: pods are not ready.");
    expect(bad).toContain(
      "What went wrong: `make-room` failed after a change: NOT_HEALTHY, 2 of 4 pods are not ready after 2m",
    );
    expect(fileOf(planned(approvedByTwo), "REPORT.md")).toContain(
      "**Waits for 2 of team:sre until 2026-11-17 10:30:08 UTC.** Nothing has been changed.",
    );
  });

  it("shows what changed as a diff and how to undo it by hand, newest first", () => {
    const report = fileOf(ended(succeededRollback), "REPORT.md");
    expect(report).toContain(
      '- spec.template.spec.containers[api].image: "registry.example.com/shop/api:1.5.0"\n+ spec',
    );
    const commands = report.match(/^kubectl .*/gm);
    expect(commands).toEqual([
      "kubectl -n shop scale deployment/api --current-replicas=4 --replicas=2",
      "kubectl -n shop rollout undo deployment/api",
    ]);
    expect(fileOf(ended(rolledBack), "REPORT.md")).toContain(
      "Nothing is left to undo: gitmend took everything back.",
    );
    expect(fileOf(ended(unknownOutcome), "REPORT.md")).toContain("**first look whether it happened**");
  });

  it("gives undo commands that a shell reads as they are meant", () => {
    const undo = (effect: typeof scaleEffect | typeof deleteEffect) => {
      const events = unknownOutcome.events.map(
        ({ event, ...rest }): RecordedEvent => ({
          ...rest,
          event: event.type === "StepStarted" && event.effect !== null ? { ...event, effect } : event,
        }),
      );
      const report = fileOf(ended({ ...unknownOutcome, events }), "REPORT.md");
      return report.slice(report.indexOf("## How to undo"), report.indexOf("## Timeline"));
    };
    const node = { ...scaleEffect.object, apiVersion: "v1", kind: "Node", namespace: null, name: "node-1" };
    const cordon = {
      ...scaleEffect,
      object: node,
      changes: [{ pointer: "/spec/unschedulable", after: true }],
    };
    expect(undo(cordon)).toContain("kubectl uncordon node-1\n");
    const label = { pointer: "/spec/template/metadata/labels/a", before: "it's", after: "x" };
    expect(undo({ ...rollbackEffect, changes: [label] })).toContain(
      `kubectl -n shop patch deployment/api --type=json -p '[{"op":"test","path":"/spec/template/metadata/labels/a","value":"x"},{"op":"replace","path":"/spec/template/metadata/labels/a","value":"it'\\''s"}]'`,
    );
    const env = { pointer: "/data/password", before: "hunter2", after: "hunter3" };
    const secret = undo({
      ...scaleEffect,
      object: { ...scaleEffect.object, kind: "ConfigMap" },
      changes: [env],
    });
    expect(secret).toContain("restore the fields from their source");
    expect(secret).not.toMatch(/hunter|^kubectl/m);
    const restart = {
      pointer: "/spec/template/metadata/annotations/kubectl.kubernetes.io~1restartedAt",
      after: "t",
    };
    expect(undo({ ...scaleEffect, changes: [restart] })).toContain("there is nothing to take back");
    const secretObject = {
      ...scaleEffect,
      object: { ...scaleEffect.object, kind: "Secret" },
      changes: [{ pointer: "/data/x", before: "hunter2", after: "hunter3" }],
    };
    expect(undo(secretObject)).toContain("restore the fields from their source");
    expect(undo(deleteEffect)).toContain("the old one cannot come back");
  });

  it("names who approved, when, on which commit", () => {
    const report = fileOf(ended(approvedByTwo), "REPORT.md");
    expect(report).toContain(
      `- \`ana\` at 2026-11-17 10:05:00 UTC, commit \`${"a".repeat(40)}\`, signature verified`,
    );
    expect(report).toContain("| Approved by | `ana`, `ben` |");
  });

  it("tells the story in order, with times", () => {
    const timeline = fileOf(ended(cancelledOnResolve), "REPORT.md").split("## Timeline")[1]!;
    expect(timeline.match(/^\| \d\d:\d\d:\d\d .*$/gm)).toEqual([
      "| 10:00:07 | +0s | Alert `KubePodCrashLooping` taken up; rule `crash-loops/roll-back-after-rollout` chose `rollback-workload` |",
      "| 10:00:07 | +0s | Planned: 4 steps, risk high |",
      "| 10:00:07 | +0s | Gate: needs 2 of team:sre |",
      "| 10:00:08 | +1s | Approval requested on branch `gitmend/0000000000e3`, until 2026-11-17 10:30:08 UTC |",
      "| 10:03:27 | +3m20s | Alert `9c1f0a7be3d24c55` resolved |",
      "| 10:03:27 | +3m20s | **Ended: cancelled**, the alert resolved |",
    ]);
  });

  it("is not written by an alert: no heading, link, image, mention or table cell of its making", () => {
    const report = fileOf(ended(hostile), "REPORT.md");
    const prose = report
      .replaceAll(/^(`{3,})[^\n]*\n[\s\S]*?^\1$/gm, "")
      .replaceAll(/(`+)(?!`).*?[^`]\1(?!`)/g, "");
    expect(prose).not.toMatch(/^# Approved/m);
    expect(prose).not.toMatch(/[^\\]\[click|[^\\]<img|@everyone|https?:\/\/|\u202E/);
    expect(report.match(/^# /gm)).toHaveLength(1);
    const cells = report.split("\n").filter((line) => /^\| \d\d:/.test(line));
    expect(cells.every((line) => line.replaceAll("\\|", "").split("|").length === 5)).toBe(true);
  });

  it("survives a fence in an annotation", () => {
    const event = requested({ alert: { ...alert, annotations: { summary: "````\n# out\n````" } } });
    const events = succeededRollback.events.with(0, { ...succeededRollback.events[0]!, event });
    const report = fileOf(ended({ ...succeededRollback, events }), "REPORT.md");
    expect(report).not.toMatch(/^# out/m);
    expect(report).toContain("`````text");
  });
});

describe("the record of an assessment", () => {
  const assessed = (seq: number) =>
    renderRecord({
      executionId: assessedTwice.executionId,
      milestone: "assessed",
      events: assessedTwice.events.slice(0, seq),
      previousHead: null,
    });
  const ends = succeededRollback.events.length;

  it("has a subject, a verdict to search for and the outcome that it is about", () => {
    const record = assessed(ends + 2);
    expect(subjectOf(record)).toBe("assess(prod-eu/shop/deploy/api): rollback-workload effective");
    expect(trailersOf(record)).toEqual(
      expect.arrayContaining(["Outcome: succeeded", "Assessment: effective", `Seq: ${ends + 2}`]),
    );
    expect(record.message).toContain("\nFound: KubePodCrashLooping neither fires nor is about to.\n");
    expect(ended(succeededRollback).message).not.toMatch(/^Assessment:/m);
  });

  it("says of an inconclusive round why, and when somebody looks again", () => {
    const { message } = assessed(ends + 1);
    expect(message).toContain("does not fire, but prod-eu/shop/pod/api-7d9f8b6c5-x2x4q no longer exists");
    expect(message).toContain("Looked at again at 2026-11-17 10:20:55 UTC.");
  });

  it("keeps how long the execution took, and tells every round", () => {
    const record = assessed(ends + 2);
    const report = fileOf(record, "REPORT.md");
    expect(report.split("\n", 1)[0]).toBe(
      "# rollback-workload on prod-eu/shop/deploy/api: succeeded in 48s, effective",
    );
    expect(report).toContain("| Took | 48s |");
    expect(report).toMatch(/\*\*inconclusive\*\* at .*\n\n- alert, says nothing: /);
    expect(report).toMatch(/\*\*effective\*\* at /);
    expect(parse(fileOf(record, "execution.yaml"))).toMatchObject({
      outcome: "succeeded",
      endedAt: succeededRollback.events.at(-1)!.at,
      assessment: { verdict: "effective", round: 2, again: null },
    });
  });

  it("calls people when a remedy did not help", () => {
    const last = assessedTwice.events.at(-1)!;
    const evidence = [
      { what: "alert", finding: "KubePodCrashLooping fires", supports: "ineffective" } as const,
    ];
    const event = {
      type: "AssessmentMade",
      verdict: "ineffective",
      round: 2,
      evidence,
      again: null,
    } as const;
    const record = renderRecord({
      executionId: assessedTwice.executionId,
      milestone: "assessed",
      events: [...assessedTwice.events.slice(0, -1), { ...last, event }],
      previousHead: null,
    });
    expect(subjectOf(record)).toBe("assess(prod-eu/shop/deploy/api): rollback-workload ineffective");
    expect(fileOf(record, "REPORT.md")).toContain(
      "**People have to look at this.** Every step succeeded. It did not help: KubePodCrashLooping fires.",
    );
  });

  it("is none when the history does not end with one", () => {
    const { executionId, events } = succeededRollback;
    expect(() => renderRecord({ executionId, milestone: "assessed", events, previousHead: null })).toThrow(
      "does not end with an assessment",
    );
  });
});

describe("the record of an execution that took its fallback", () => {
  const record = ended(fallbackTaken);
  const report = fileOf(record, "REPORT.md");

  it("says so in the subject, and names everything that was changed", () => {
    expect(subjectOf(record)).toBe("remediate(prod-eu/shop/api): restart-pods succeeded by fallback in 45s");
    expect(record.message).toContain(
      [
        "Its steps failed and were taken back; the fallback rollback-workload was tried.",
        "restart[0] deleted prod-eu/shop/pod/api-7d9f8b6c5-x2x4q.",
        "fallback/roll-back changed prod-eu/shop/deploy/api.",
        "finally/uncordon changed prod-eu/node/node-7.",
      ].join("\n"),
    );
  });

  it("offers the way back from the fallback, not from what was restored at the end", () => {
    const undo = report.slice(report.indexOf("## How to undo it by hand"), report.indexOf("## Timeline"));
    expect(undo).toContain("kubectl -n shop rollout undo deployment/api");
    expect(undo).not.toContain("cordon");
  });

  it("lists each step with its action and its subject, without those that nobody began", () => {
    const { steps, fallback } = parse(fileOf(record, "execution.yaml"));
    expect(steps.map(({ name, action, status }: Record<string, string>) => [name, action, status])).toEqual([
      ["workflow/preconditions", "check_conditions", "succeeded"],
      ["restart[0]", "restart_pod", "failed"],
      ["restart[1]", "restart_pod", "skipped"],
      ["fallback/roll-back", "rollback_deployment", "succeeded"],
      ["finally/uncordon", "uncordon_node", "succeeded"],
    ]);
    expect(steps[1].subject).toMatchObject({ kind: "Pod", name: "api-7d9f8b6c5-x2x4q" });
    expect(fallback).toMatchObject({ template: "rollback-workload" });
    const before = { ...fallbackTaken, events: fallbackTaken.events.slice(0, 3) };
    const { steps: waiting } = parse(fileOf(planned(before), "execution.yaml"));
    expect(waiting.map(({ name }: { name: string }) => name)).toEqual([
      "workflow/preconditions",
      "restart[0]",
      "restart[1]",
    ]);
  });
});

describe("the record of an execution whose gate closed again", () => {
  it("tells what the guards said the second time", () => {
    const record = ended(frozenMeanwhile);
    const report = fileOf(record, "REPORT.md");
    expect(report).toContain("| Gate | open; weighed again: **refused** |");
    expect(report).toContain("| Weighed again. Gate: refused: change freeze until 2027-01-04 |");
    expect(parse(fileOf(record, "execution.yaml"))).toMatchObject({
      gate: { kind: "open" },
      gateAgain: { kind: "refused" },
    });
  });
});
