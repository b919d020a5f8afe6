// Commits an execution that a person has started: claim, incident, execution and first events, or nothing.
import type pg from "pg";
import type { AlertStore, FiringDecision } from "../../controller/ports.ts";
import { Problem } from "../../domain/problem.ts";
import { admitExecution } from "./admit-execution.ts";
import type { DoubtfulDecisions } from "./doubtful-decisions.ts";
import { guarded, inTransaction, type Sql } from "./sql.ts";

type Started = Awaited<ReturnType<AlertStore["start"]>>;
type NewExecution = Extract<FiringDecision, { kind: "execution" }>;

/** A commit whose answer was lost is remembered: if the execution is there, it is driven. */
export async function commitStart(
  pool: pg.Pool,
  replica: string,
  alertName: string,
  decision: NewExecution,
  doubtful: DoubtfulDecisions,
): Promise<Started> {
  let answer: Started = { result: "committed" };
  await doubtful.watch(decision, async () => {
    answer = await guarded(() => inTransaction(pool, (sql) => start(sql, replica, alertName, decision)));
    return { result: "committed" };
  });
  return answer;
}

async function start(sql: Sql, replica: string, alertName: string, decision: NewExecution): Promise<Started> {
  const admission = await admitExecution(sql, replica, alertName, decision);
  if (admission.result === "told") throw new Problem("INTERNAL", "what a person starts tells nobody");
  return admission.result === "admitted" ? { result: "committed" } : admission;
}
