// Commits a decision with everything that follows from it, or nothing. Repeating the same decision of kind `execution` after a
// lost answer is recognised by the execution's id.
import type pg from "pg";
import type { AlertStore, DueFiring, FiringDecision } from "../../controller/ports.ts";
import { Problem, unreachable } from "../../domain/problem.ts";
import {
  giveToExecution,
  joinExecution,
  lockFiring,
  noMatch,
  openIncident,
  recordDecision,
  takeClaim,
  undecided,
} from "./queries/decide-firing.ts";
import { insertExecution } from "./queries/insert-execution.ts";
import { guarded, inTransaction, type Sql } from "./sql.ts";

type Decided = Awaited<ReturnType<AlertStore["decide"]>>;
type NewExecution = Extract<FiringDecision, { kind: "execution" }>;
type Firing = Pick<DueFiring, "id" | "token">;

/** @throws Problem LEASE_LOST (nothing was written), DATABASE_UNAVAILABLE (repeat the same decision) */
export async function commitDecision(
  pool: pg.Pool,
  replica: string,
  firing: Firing,
  decision: FiringDecision,
): Promise<Decided> {
  return guarded(() => inTransaction(pool, (sql) => decide(sql, replica, firing, decision)));
}

async function decide(sql: Sql, replica: string, firing: Firing, decision: FiringDecision): Promise<Decided> {
  if (!(await lockFiring(sql, firing.id, firing.token))) return alreadyCommitted(sql, replica, decision);
  switch (decision.kind) {
    case "no-match":
      await noMatch(sql, firing.id, decision);
      break;
    case "undecided":
      await undecided(sql, firing.id, decision);
      break;
    case "joined":
      if (!(await joinExecution(sql, firing.id, decision))) return { result: "stale" };
      break;
    case "execution": {
      const holder = await startExecution(sql, replica, firing, decision);
      if (holder !== null) return { result: "busy", executionId: holder };
      break;
    }
    default:
      return unreachable(decision);
  }
  await recordDecision(sql, firing.id, decision);
  return { result: "committed" };
}

/** @returns the execution that holds the claim; then nothing was written. */
async function startExecution(
  sql: Sql,
  replica: string,
  firing: Firing,
  decision: NewExecution,
): Promise<string | null> {
  if (decision.claimKey !== null && decision.projection.outcome === null) {
    const holder = await takeClaim(sql, decision.claimKey, decision.executionId);
    if (holder !== null) return holder;
  }
  const incident = await openIncident(sql, decision.incidentKey, decision.incidentId);
  const [alert] = await sql.query<{ name: string }>("select name from alerts where id = $1::bigint", [
    firing.id,
  ]);
  if (!(await insertExecution(sql, replica, alert?.name ?? "", decision, incident))) {
    throw new Problem("LEASE_LOST", "the lease ended before the decision was committed", { retryable: true });
  }
  await giveToExecution(sql, firing.id, decision, incident);
  return null;
}

async function alreadyCommitted(sql: Sql, replica: string, decision: FiringDecision): Promise<Decided> {
  if (decision.kind !== "execution") return { result: "stale" };
  const own = await sql.query(
    "select 1 from executions where id = $1::uuid and owner = $2::text and epoch = 1",
    [decision.executionId, replica],
  );
  return { result: own.length > 0 ? "committed" : "stale" };
}
