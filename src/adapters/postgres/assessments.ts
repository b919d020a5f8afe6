// The controller's Assessments on PostgreSQL. All times are the database's.
import type pg from "pg";
import type { Assessments } from "../../controller/ports.ts";
import { alikeFirings } from "./queries/alike-firings.ts";
import { commitAssessment } from "./queries/commit-assessment.ts";
import { putOffAssessment, takeDueAssessments } from "./queries/take-due-assessments.ts";
import { guarded, sqlOf } from "./sql.ts";

/** Every method throws Problem DATABASE_UNAVAILABLE and may be repeated then. */
export function assessments(pool: pg.Pool): Assessments {
  const sql = sqlOf(pool);
  return {
    takeDue: (limit, claimSeconds) => guarded(() => takeDueAssessments(sql, limit, claimSeconds)),
    putOff: (due, seconds) => guarded(() => putOffAssessment(sql, due, seconds)),
    firings: (executionId, limit) => guarded(() => alikeFirings(sql, executionId, limit)),
    commit: (...made) => guarded(() => commitAssessment(sql, ...made)),
  };
}
