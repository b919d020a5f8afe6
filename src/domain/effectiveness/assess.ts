// Evidence -> verdict: did the remedy help? Pure. One sign against it is enough; for it, all that was looked at has to speak.
// docs/how-to/read-an-assessment.md has the rules for people.
import { durationText } from "../duration.ts";
import type { AssessmentEvidence, AssessmentMade, Verdict } from "../execution/events.ts";
import { evaluateCondition } from "../expressions/evaluate.ts";
import type { Fact } from "../facts/facts.ts";
import { plusSeconds } from "../instant.ts";
import { toProblem } from "../problem.ts";
import type { EffectivenessCheck } from "../templates/template.ts";

/** What is known of the alerts of this name for the target. */
export interface AlertsSeen {
  readonly alertName: string;
  /** What fires for the target; "" when nothing does. An object that is gone does not count: its series ends by itself. */
  readonly firing: string;
  /** What is about to fire, by Prometheus; "" when nothing is, null when there is no Prometheus to ask. */
  readonly pending: string | null;
  /** The object that the alert named, where it no longer exists: that it fell silent may only mean that. */
  readonly gone: string | null;
}

export interface TargetSeen {
  /** `settling`: not well yet, and nothing of it is broken. */
  readonly health: "healthy" | "unhealthy" | "settling" | "gone";
  readonly finding: string;
  /** ISO 8601, by the cluster's clock: how long it has been healthy without a break. Left out: nobody can tell. */
  readonly since?: string;
}

export interface CheckSeen {
  readonly check: EffectivenessCheck;
  /** The value of each series; none: the query found nothing. */
  readonly values: Fact<readonly number[]>;
}

export interface Seen {
  /** null: there was no alert; a person started it. */
  readonly alerts: Fact<AlertsSeen | null>;
  /** null: there is none, or it is of a kind that is neither ill nor well. */
  readonly target: Fact<TargetSeen | null>;
  readonly checks: readonly CheckSeen[];
}

export interface Round {
  /** 1-based. */
  readonly round: number;
  /** ISO 8601, UTC. */
  readonly now: string;
  readonly delaySeconds: number;
}

/** One delay after the end, and once more after each of the next two. */
export const lastRound = 3;

export function assess(seen: Seen, { round, now, delaySeconds }: Round): AssessmentMade {
  const final = round >= lastRound;
  const evidence = [
    ...alertEvidence(seen.alerts, final, delaySeconds),
    ...targetEvidence(seen.target, final),
    ...seen.checks.map(checkEvidence),
  ];
  const verdict = verdictOf(evidence);
  const again = verdict === "inconclusive" && !final ? plusSeconds(now, delaySeconds) : null;
  return { type: "AssessmentMade", verdict, round, evidence, again };
}

/** What could not be asked, for whoever has to decide whether to ask again. Empty: everything was answered. */
export function unanswered({ alerts, target, checks }: Seen): readonly string[] {
  const facts = [alerts, target, ...checks.map(({ values }) => values)];
  return facts.flatMap((fact) => (fact.available ? [] : [fact.why]));
}

function verdictOf(evidence: readonly AssessmentEvidence[]): Verdict {
  if (evidence.some(({ supports }) => supports === "ineffective")) return "ineffective";
  const all = evidence.length > 0 && evidence.every(({ supports }) => supports === "effective");
  return all ? "effective" : "inconclusive";
}

function alertEvidence(
  fact: Seen["alerts"],
  final: boolean,
  delaySeconds: number,
): readonly AssessmentEvidence[] {
  if (!fact.available) return [{ what: "alert", finding: fact.why, supports: "nothing" }];
  return fact.value === null ? [] : [judgeAlerts(fact.value, final, delaySeconds)];
}

function judgeAlerts(
  { alertName, firing, pending, gone }: AlertsSeen,
  final: boolean,
  delaySeconds: number,
): AssessmentEvidence {
  const say = (finding: string, supports: AssessmentEvidence["supports"]) =>
    ({ what: "alert", finding, supports }) as const;
  if (firing !== "") return say(`${alertName} fires: ${firing}`, "ineffective");
  if (pending !== null && pending !== "")
    return say(`${alertName} is about to fire: ${pending}`, "ineffective");
  if (pending !== null) return say(`${alertName} neither fires nor is about to`, "effective");
  if (gone === null) return say(`${alertName} does not fire`, "effective");
  const silent = `${alertName} does not fire, but ${gone} no longer exists`;
  return final
    ? say(
        `${silent}; nothing has fired in its place for ${durationText(lastRound * delaySeconds)}`,
        "effective",
      )
    : say(`${silent}: what has taken its place may not have been looked at for long enough`, "nothing");
}

const targetSupports = {
  healthy: "effective",
  unhealthy: "ineffective",
  settling: "nothing",
  gone: "nothing",
} as const;

/** What is still not ready when nobody looks any more has not been repaired. */
function targetEvidence(fact: Seen["target"], final: boolean): readonly AssessmentEvidence[] {
  if (!fact.available) return [{ what: "target", finding: fact.why, supports: "nothing" }];
  if (fact.value === null) return [];
  const { health, finding } = fact.value;
  const supports = health === "settling" && final ? "ineffective" : targetSupports[health];
  return [{ what: "target", finding, supports }];
}

/** Every series has to be as expected. */
function checkEvidence({ check: { promql, expect }, values }: CheckSeen): AssessmentEvidence {
  const say = (finding: string, supports: AssessmentEvidence["supports"]) =>
    ({ what: "check", finding: `${promql}: ${finding}`, supports }) as const;
  if (!values.available) return say(values.why, "nothing");
  const numbers = values.value.filter((value) => Number.isFinite(value));
  if (numbers.length === 0) return say("there is no value", "nothing");
  try {
    const wrong = numbers.find((value) => !evaluateCondition(expect, { value }));
    return wrong === undefined
      ? say(`${numbers.slice(0, 3).join(", ")}, as expected: ${expect}`, "effective")
      : say(`${wrong}, expected: ${expect}`, "ineffective");
  } catch (error) {
    return say(toProblem(error).message, "nothing");
  }
}
