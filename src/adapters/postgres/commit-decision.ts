// Commits a decision with everything that follows from it, or nothing. Repeating the same decision of kind `execution` after a
// lost answer is recognised by the execution's id.
import type pg from "pg";
import type { AlertStore, DueFiring, FiringDecision } from "../../controller/ports.ts";
import { unreachable } from "../../domain/problem.ts";
import { type Admission, admitExecution } from "./admit-execution.ts";
import {
  askToGiveWay,
  giveToExecution,
  joinExecution,
  lockFiring,
  noMatch,
  recordDecision,
  undecided,
  wait,
} from "./queries/decide-firing.ts";
import { waitForPause } from "./queries/pauses.ts";
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
    case "stopped":
      await undecided(sql, firing.id, decision);
      break;
    case "paused":
      await waitForPause(sql, firing.id, decision);
      break;
    case "superseding":
      await askToGiveWay(sql, decision);
      await undecided(sql, firing.id, decision);
      break;
    case "waiting":
      await wait(sql, firing.id, decision);
      break;
    case "joined":
      if (!(await joinExecution(sql, firing.id, decision))) return { result: "stale" };
      break;
    case "execution": {
      const refused = await startExecution(sql, replica, firing, decision);
      if (refused !== null) return refused;
      break;
    }
    default:
      return unreachable(decision);
  }
  await recordDecision(sql, firing.id, decision);
  return { result: "committed" };
}

/** @returns why it may not start; then nothing was written. */
async function startExecution(
  sql: Sql,
  replica: string,
  firing: Firing,
  decision: NewExecution,
): Promise<Exclude<Admission, { result: "admitted" }> | null> {
  const [alert] = await sql.query<{ name: string }>("select name from alerts where id = $1::bigint", [
    firing.id,
  ]);
  const admission = await admitExecution(sql, replica, alert?.name ?? "", decision);
  if (admission.result !== "admitted") return admission;
  await giveToExecution(sql, firing.id, decision, admission.incident);
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
