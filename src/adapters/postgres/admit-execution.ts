// A new execution within a transaction: the claim of its target, its limits, its incident and its first events. Decisions on
// firings and starts by hand go through here alike. Locks are taken in the order claim, rest, limits, incident, execution.
import type { FiringDecision } from "../../controller/ports.ts";
import type { Limited, Refused, Resting, Stopped, Told } from "../../controller/refused.ts";
import { limitReached } from "../../domain/gate/limits.ts";
import { Problem } from "../../domain/problem.ts";
import { holdingBreaker, takeNotice, tripBreakers } from "./queries/breakers.ts";
import { countUsage, lockKeys, takenOut } from "./queries/count-usage.ts";
import { openIncident, releaseClaim, takeClaim } from "./queries/decide-firing.ts";
import { insertExecution } from "./queries/insert-execution.ts";
import { lockRest, restingUntil } from "./queries/resting.ts";
import type { Sql } from "./sql.ts";

type NewExecution = Extract<FiringDecision, { kind: "execution" }>;

/** Refused: nothing was written. */
export type Admission = { readonly result: "admitted"; readonly incident: string } | Refused;

/** @throws Problem LEASE_LOST: this replica may start nothing any more; the transaction has to be given up */
export async function admitExecution(
  sql: Sql,
  replica: string,
  alertName: string,
  decision: NewExecution,
): Promise<Admission> {
  const { executionId } = decision;
  const claimKey = decision.projection.outcome === null ? decision.claimKey : null;
  if (claimKey !== null) {
    const holder = await takeClaim(sql, claimKey, executionId);
    if (holder !== null) return { result: "busy", executionId: holder };
  }
  const refused =
    (await whyResting(sql, decision)) ??
    (await whyStopped(sql, decision)) ??
    (await whyLimited(sql, decision));
  if (refused !== null) {
    if (claimKey !== null) await releaseClaim(sql, claimKey, executionId);
    return refused;
  }
  const incident = await openIncident(sql, decision.incidentKey, decision.incidentId);
  if (await insertExecution(sql, replica, alertName, decision, incident))
    return { result: "admitted", incident };
  throw new Problem("LEASE_LOST", "the lease ended before the execution was committed", { retryable: true });
}

async function whyResting(sql: Sql, { rest }: NewExecution): Promise<Resting | null> {
  if (rest === null || rest.cooldownSeconds === 0) return null;
  await lockRest(sql, rest);
  return restingUntil(sql, rest);
}

/** What is due trips here and now, so that no replica starts one too many. */
async function whyStopped(
  sql: Sql,
  { breakers, notice, executionId }: NewExecution,
): Promise<Stopped | Told | null> {
  if (notice !== undefined && !(await takeNotice(sql, notice, executionId))) return { result: "told" };
  if (breakers === null) return null;
  await tripBreakers(sql, breakers.rules);
  const breaker = await holdingBreaker(sql, breakers.question);
  return breaker === null ? null : { result: "stopped", breaker };
}

/** Whoever comes second waits for the lock and counts the first. */
async function whyLimited(sql: Sql, { limits }: NewExecution): Promise<Limited | null> {
  await lockKeys(
    sql,
    limits.flatMap(({ keys, parts = [] }) => [...keys, ...parts.map(({ key }) => key)]),
  );
  for (const limit of limits) {
    const { keys, perSeconds, parts = [] } = limit;
    const counts = await countUsage(sql, keys, { perSeconds });
    const taken = await takenOut(
      sql,
      parts.map(({ key }) => key),
      { perSeconds },
    );
    const reason = limitReached(limit, counts, taken);
    if (reason !== null) return { result: "limited", limit, reason };
  }
  return null;
}
