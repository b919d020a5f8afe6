// The EventLog of the controller on PostgreSQL: reads only.
import type pg from "pg";
import type { EventLog } from "../../controller/event-log.ts";
import { examinePosition, logEnd, readLog } from "./queries/event-log.ts";
import { guarded, sqlOf } from "./sql.ts";

export function eventLog(pool: pg.Pool): EventLog {
  const sql = sqlOf(pool);
  return {
    end: () => guarded(() => logEnd(sql)),
    examine: (position) => guarded(() => examinePosition(sql, position)),
    after: (position, limit) => guarded(() => readLog(sql, position, limit)),
  };
}
