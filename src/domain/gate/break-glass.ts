// Break-glass: one of the emergency people lifts the approvals that a plan waits for. What they sign, and who they are.
import { canonicalJson } from "../json.ts";

/** What a person signs. Every member is bound: another execution, plan, reason or time is another signature. */
export interface LiftStatement {
  readonly execution: string;
  /** Of the plan that waits: of all that it may do, its fallback too. */
  readonly digest: string;
  /** Id of the person in `approvals.people`. */
  readonly by: string;
  readonly reason: string;
  /** ISO 8601, UTC, as the controller said: the person's own clock counts for nothing. */
  readonly at: string;
  /** At most `longestLiftSeconds` after `at`: nothing is changed for the first time later. */
  readonly until: string;
}

/** As `ssh-keygen -Y` binds it: a signature that was made for anything else, a commit or a tag, is none of these. */
export const liftNamespace = "gitmend-break-glass";
export const longestLiftSeconds = 900;

/** The bytes that are signed: RFC 8785, so that both sides make the same of the same statement. */
export function statementText({ execution, digest, by, reason, at, until }: LiftStatement): string {
  return canonicalJson({ execution, digest, by, reason, at, until });
}

/** `break-glass by ana: the shop is down and nobody answers`. */
export function liftText({ by, reason }: Pick<LiftStatement, "by" | "reason">): string {
  return `break-glass by ${by}: ${reason}`;
}

/** Ids of the people, teams resolved. */
export function emergencyPeople(
  entries: readonly string[],
  teams: Readonly<Record<string, readonly string[]>>,
): readonly string[] {
  return [
    ...new Set(
      entries.flatMap((entry) => (entry.startsWith("team:") ? (teams[entry.slice(5)] ?? []) : [entry])),
    ),
  ];
}
