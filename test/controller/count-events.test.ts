import { describe, expect, it } from "vitest";
import { countDecision, countEvents } from "../../src/controller/count-events.ts";
import type { Metrics } from "../../src/controller/metrics.ts";
import { fold } from "../../src/domain/execution/evolve.ts";
import { newExecution } from "../../src/domain/execution/execution.ts";
import { rolledBack } from "../fixtures/executions.ts";

/** `name{labels}` -> how much. */
function counting() {
  const seen: Record<string, number> = {};
  const add = (name: string, labels: object, by: number) => {
    const key = `${name}${JSON.stringify(labels)}`;
    seen[key] = (seen[key] ?? 0) + by;
  };
  const metrics: Metrics = {
    count: (name, labels, by = 1) => add(name, labels, by),
    observe: (name, value, labels) => add(name, labels, value),
  };
  return { seen, metrics };
}

describe("the numbers of an execution", () => {
  it("come from its events: matches, attempts, how long steps took, how it ended, what was taken back", () => {
    const { seen, metrics } = counting();
    countEvents(newExecution, rolledBack.events, metrics);
    expect(seen).toMatchObject({
      "events_appended_total{}": rolledBack.events.length,
      'matches_total{"policy":"crash-loops","template":"rollback-workload"}': 1,
      'step_attempts_total{"action":"scale_deployment","result":"failed"}': 1,
      'step_attempts_total{"action":"rollback_deployment","result":"succeeded"}': 1,
      'executions_total{"template":"rollback-workload","outcome":"rolled_back"}': 1,
      'rollbacks_total{"result":"complete"}': 1,
    });
    expect(seen['step_duration_seconds{"action":"rollback_deployment"}']).toBeGreaterThan(7);
  });

  it("are the same whether the events come at once or one by one", () => {
    const [whole, single] = [counting(), counting()];
    countEvents(newExecution, rolledBack.events, whole.metrics);
    for (const [index, event] of rolledBack.events.entries())
      countEvents(fold(rolledBack.events.slice(0, index)), [event], single.metrics);
    expect(single.seen).toEqual(whole.seen);
  });

  it("count what a verdict says once it says something", () => {
    const { seen, metrics } = counting();
    const state = fold(rolledBack.events);
    const seq = rolledBack.events.length;
    for (const [index, verdict] of (["inconclusive", "effective"] as const).entries()) {
      const event = { type: "AssessmentMade", verdict, round: index + 1, evidence: [], again: null } as const;
      const at = "2026-11-17T10:20:00.000Z";
      countEvents(
        { ...state, version: seq + index },
        [{ seq: seq + index + 1, at, version: 1, event }],
        metrics,
      );
    }
    expect(seen).toMatchObject({
      'assessments_total{"template":"rollback-workload","verdict":"inconclusive"}': 1,
      'assessments_total{"template":"rollback-workload","verdict":"effective"}': 1,
      'assessment_score{"template":"rollback-workload"}': 1,
    });
  });

  it("name no pod, whatever the events hold", () => {
    const { seen, metrics } = counting();
    countEvents(newExecution, rolledBack.events, metrics);
    expect(Object.keys(seen).filter((key) => key.includes("api-7d9f8b6c5"))).toEqual([]);
  });

  it("of an alert that started nothing say why", () => {
    const { seen, metrics } = counting();
    countDecision({ kind: "no-match", revision: "main@sha1:1", reasons: [] }, metrics);
    expect(seen).toEqual({ 'alerts_suppressed_total{"reason":"no-match"}': 1 });
  });
});
