import { describe, expect, it } from "vitest";
import { assess, lastRound, type Seen, unanswered } from "../../../src/domain/effectiveness/assess.ts";
import { assessmentOf } from "../../../src/domain/effectiveness/assessable.ts";
import { fold } from "../../../src/domain/execution/evolve.ts";
import type { Fact } from "../../../src/domain/facts/facts.ts";
import {
  deleteEffect,
  type History,
  observedOnly,
  rolledBack,
  succeededRollback,
  unknownOutcome,
} from "../../fixtures/executions.ts";

const known = <T>(value: T): Fact<T> => ({ available: true, value });
const away = (why: string) => ({ available: false, why }) as const;
const silent = { alertName: "KubePodCrashLooping", firing: "", pending: null, gone: null };
const healthy = { health: "healthy", finding: "prod-eu/shop/deploy/api: 2 of 2 pods are ready" } as const;
const well: Seen = { alerts: known(silent), target: known(healthy), checks: [] };
const now = "2026-11-17T10:10:00.000Z";
const judge = (seen: Partial<Seen>, round = 1) =>
  assess({ ...well, ...seen }, { round, now, delaySeconds: 600 });
const check = (expect: string, ...values: readonly number[]) => ({
  check: { promql: "errors", expect },
  values: known(values),
});

describe("a remedy after its delay", () => {
  it("is effective when the alert is silent and the target is well", () => {
    expect(judge({})).toMatchObject({ verdict: "effective", round: 1, again: null });
  });

  it("is ineffective when the alert fires, whatever else looks well", () => {
    const made = judge({ alerts: known({ ...silent, firing: "prod-eu/shop/pod/api-1" }) });
    expect(made).toMatchObject({ verdict: "ineffective", again: null });
    expect(made.evidence[0]).toEqual({
      what: "alert",
      finding: "KubePodCrashLooping fires: prod-eu/shop/pod/api-1",
      supports: "ineffective",
    });
  });

  it("is ineffective when the alert is only about to fire", () => {
    expect(judge({ alerts: known({ ...silent, pending: "prod-eu/shop/pod/api-2" }) }).verdict).toBe(
      "ineffective",
    );
  });

  it("is ineffective when the target is broken although nothing fires", () => {
    const target = known({ health: "unhealthy", finding: "api-0: CrashLoopBackOff" } as const);
    expect(judge({ target }).verdict).toBe("ineffective");
  });

  it("has no verdict from a target that is gone: asked three times, then left open", () => {
    const target = known({ health: "gone", finding: "prod-eu/shop/deploy/api no longer exists" } as const);
    expect(judge({ target })).toMatchObject({ verdict: "inconclusive", again: "2026-11-17T10:20:00.000Z" });
    expect(judge({ target }, lastRound)).toMatchObject({ verdict: "inconclusive", again: null });
  });

  it("gives a target that is not ready yet its time, but not for ever", () => {
    const target = known({ health: "settling", finding: "1 of 2 pods are available" } as const);
    expect(judge({ target })).toMatchObject({ verdict: "inconclusive" });
    expect(judge({ target }, 2)).toMatchObject({ verdict: "inconclusive" });
    expect(judge({ target }, lastRound)).toMatchObject({ verdict: "ineffective", again: null });
  });

  it("is judged by the alert alone where the target is neither ill nor well", () => {
    expect(judge({ target: known(null) })).toMatchObject({ verdict: "effective" });
    expect(judge({ target: known(null) }).evidence).toHaveLength(1);
  });
});

describe("a remedy that a person started", () => {
  it("is judged by the target alone, and not at all where that cannot be", () => {
    expect(judge({ alerts: known(null) }).verdict).toBe("effective");
    expect(judge({ alerts: known(null), target: known(null) })).toMatchObject({
      verdict: "inconclusive",
      evidence: [],
    });
  });
});

describe("the silence of an alert whose object is gone", () => {
  const gone = { ...silent, gone: "prod-eu/shop/pod/api-1" };

  it("is no evidence before the look-back has passed", () => {
    expect(judge({ alerts: known(gone) })).toMatchObject({
      verdict: "inconclusive",
      again: "2026-11-17T10:20:00.000Z",
    });
    expect(judge({ alerts: known(gone) }, 2).verdict).toBe("inconclusive");
  });

  it("counts in the last round", () => {
    const made = judge({ alerts: known(gone) }, lastRound);
    expect(made).toMatchObject({ verdict: "effective", again: null });
    expect(made.evidence[0]?.finding).toContain("nothing has fired in its place for 30m");
  });

  it("counts at once where Prometheus says that nothing is about to fire", () => {
    expect(judge({ alerts: known({ ...gone, pending: "" }) }).verdict).toBe("effective");
  });
});

describe("the checks of a template", () => {
  it("all have to be as expected, for every series", () => {
    expect(judge({ checks: [check("value < 0.05", 0, 0.01)] }).verdict).toBe("effective");
    const made = judge({ checks: [check("value < 0.05", 0, 0.01), check("value < 0.05", 0.01, 0.2)] });
    expect(made.verdict).toBe("ineffective");
    expect(made.evidence.at(-1)?.finding).toBe("errors: 0.2, expected: value < 0.05");
  });

  it("leave it open when there is no value, or none that a number can be compared with", () => {
    for (const values of [[], [Number.NaN], [Number.POSITIVE_INFINITY]])
      expect(judge({ checks: [check("value < 0.05", ...values)] }).verdict).toBe("inconclusive");
  });

  it("leave it open when the expectation cannot be evaluated", () => {
    const made = judge({ checks: [check("value.size() > 0", 1)] });
    expect(made.verdict).toBe("inconclusive");
    expect(made.evidence.at(-1)).toMatchObject({ what: "check", supports: "nothing" });
  });
});

describe("what cannot be asked", () => {
  it("is named, and is no verdict", () => {
    const seen = {
      ...well,
      target: away("the API server does not answer"),
      checks: [{ ...check("true"), values: away("no metrics") }],
    };
    expect(unanswered(seen)).toEqual(["the API server does not answer", "no metrics"]);
    expect(judge(seen).verdict).toBe("inconclusive");
    expect(unanswered(well)).toEqual([]);
  });

  it("does not hide what speaks against the remedy", () => {
    const alerts = known({ ...silent, firing: "prod-eu/shop/pod/api-1" });
    expect(judge({ alerts, target: away("the API server does not answer") }).verdict).toBe("ineffective");
  });
});

describe("which executions are assessed", () => {
  const of = ({ events }: History) => assessmentOf(fold(events));

  it("are those that left a change", () => {
    expect(of(succeededRollback)).toEqual({ delaySeconds: 600, checks: [] });
    for (const history of [rolledBack, observedOnly, unknownOutcome]) expect(of(history)).toBeNull();
  });

  it("are none that have not ended", () => {
    expect(assessmentOf(fold(succeededRollback.events.slice(0, -1)))).toBeNull();
  });

  it("are none that only told people, or that only `finally` changed something in", () => {
    const state = fold(succeededRollback.events);
    const [change] = state.changes;
    const sent = {
      kind: "send",
      channel: "ops",
      message: { title: "", text: "", severity: "info" },
    } as const;
    expect(assessmentOf({ ...state, changes: [{ ...change!, effect: sent }] })).toBeNull();
    const restore = { ...state.plan!.steps[0]!, name: "finally/restore" };
    const plan = { ...state.plan!, finally: [restore] };
    const last = { ...change!, step: restore.name, effect: deleteEffect };
    expect(assessmentOf({ ...state, plan, changes: [last] })).toBeNull();
    expect(assessmentOf({ ...state, plan, changes: [change!, last] })).not.toBeNull();
  });

  it("follow the fallback where that is what ran", () => {
    const state = fold(succeededRollback.events);
    const fallback = { ...state.plan!, assessment: { delaySeconds: 60, checks: [] } };
    const plan = { ...state.plan!, fallback };
    expect(assessmentOf({ ...state, plan, fallbackAt: now })?.delaySeconds).toBe(60);
  });
});
