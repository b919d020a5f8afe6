import { describe, expect, it } from "vitest";
import { renderEvents } from "../../src/cli/render-events.ts";
import { renderExecution } from "../../src/cli/render-execution.ts";
import type { RecordedEvent } from "../../src/domain/execution/events.ts";
import { type Sample, sampleExecution } from "./sample-execution.ts";

const view = { columns: 100, colours: false, now: "2026-11-17T10:01:35.000Z" };
const samples: readonly Sample[] = [
  "succeeded",
  "fell-back",
  "rolled-back",
  "half-undone",
  "running",
  "awaiting-approval",
  "observed",
  "unknown",
  "refused",
];
const screen = (sample: Sample, changes: Partial<typeof view> = {}) => {
  const { summary, events } = sampleExecution(sample);
  return renderExecution(summary, events, { ...view, ...changes });
};
// oxlint-disable-next-line no-control-regex -- takes the colours out
const withoutColours = (text: string) => text.replaceAll(/\u001b\[\d+m/g, "");

describe("the screen of one execution", () => {
  it.each(samples)("that is %s looks like this", async (sample) => {
    await expect(screen(sample)).toMatchFileSnapshot(`golden/show-${sample}.txt`);
  });

  it("fits a narrow terminal, except for commands to copy", () => {
    for (const sample of samples) {
      const lines = screen(sample, { columns: 44 }).split("\n");
      const long = lines.filter((line) => [...line].length > 44 && !line.startsWith("    kubectl"));
      expect(long).toEqual([]);
    }
  });

  it("says the same without colours", () => {
    for (const sample of samples) {
      expect(screen(sample, { colours: true })).toContain("\u001b[");
      expect(withoutColours(screen(sample, { colours: true }))).toBe(screen(sample));
    }
  });

  it("tells at a glance what fired, why, what changed from what to what, and how to undo it", () => {
    const text = screen("half-undone");
    for (const part of [
      "KubeDeploymentReplicasMismatch",
      "capacity/scale-out-when-short",
      "history.attempts('24h') < 3: 0 attempts",
      "medium risk",
      "spec.replicas: 2 -> 5",
      "rollback_incomplete",
      "kubectl -n shop scale deployment/api --current-replicas=5 --replicas=2",
    ]) {
      expect(text).toContain(part);
    }
  });

  it("says by whose power it was planned, and whom it acts as", () => {
    const { summary, events } = sampleExecution("succeeded");
    const runAs = { user: "system:serviceaccount:shop:remediator", groups: [] };
    const power = { clusters: ["*"], actions: ["*"], uses: [], maxRisk: "medium", runAs } as const;
    const scopes = [{ ...power, path: "teams/shop", namespaces: ["shop", "shop-*"] }];
    const scoped = events.map((one) =>
      one.event.type === "Planned"
        ? { ...one, event: { ...one.event, plan: { ...one.event.plan, scopes } } }
        : one,
    );
    expect(renderExecution(summary, scoped, view)).toContain(
      "scope teams/shop: namespaces shop, shop-*; as service account shop/remediator",
    );
  });

  it("offers no undo while gitmend itself is at work", () => {
    expect(screen("running")).not.toContain("kubectl");
  });

  it("shows what others wrote as text: nothing of it steers the terminal", () => {
    const { summary, events } = sampleExecution("succeeded");
    const evil = "x\u001b[2J\u001b]0;owned\u0007\u202eabc\nOUTCOME  succeeded";
    const tampered = events.map((recorded): RecordedEvent => {
      const { event } = recorded;
      if (event.type === "ExecutionRequested") {
        return {
          ...recorded,
          event: { ...event, alert: { ...event.alert, labels: { ...event.alert.labels, [evil]: evil } } },
        };
      }
      return event.type === "Ended" ? { ...recorded, event: { ...event, reason: evil } } : recorded;
    });
    for (const text of [renderExecution(summary, tampered, view), renderEvents(tampered, view)]) {
      expect(text).not.toMatch(/[\u001b\u0007\u202e]/);
      expect(text.match(/^OUTCOME/gm)?.length ?? 0).toBeLessThanOrEqual(1);
    }
  });

  it("is made of whatever is known so far, event by event", () => {
    for (const sample of samples) {
      const { summary, events } = sampleExecution(sample);
      for (let count = 0; count <= events.length; count += 1) {
        expect(renderExecution(summary, events.slice(0, count), view)).toContain(summary.id);
      }
    }
  });
});

describe("the timeline of one execution", () => {
  it.each(["rolled-back", "awaiting-approval"] as const)("that is %s looks like this", async (sample) => {
    await expect(renderEvents(sampleExecution(sample).events, view)).toMatchFileSnapshot(
      `golden/events-${sample}.txt`,
    );
  });

  it("has a line for each event", () => {
    for (const sample of samples) {
      const { events } = sampleExecution(sample);
      expect(
        renderEvents(events, { ...view, columns: 1_000 })
          .trimEnd()
          .split("\n"),
      ).toHaveLength(events.length + 1);
    }
  });

  it("is empty for nothing", () => {
    expect(renderEvents([], view)).toBe("");
  });
});
