// The Views of the controller on PostgreSQL: reads only.
import type pg from "pg";
import type { Views } from "../../controller/views.ts";
import { currentExecutions } from "./queries/current-executions.ts";
import { currentFirings } from "./queries/current-firings.ts";
import { findIncident, listIncidents } from "./queries/list-incidents.ts";
import { readHealth } from "./queries/read-health.ts";
import { guarded, sqlOf } from "./sql.ts";

export function views(pool: pg.Pool): Views {
  const sql = sqlOf(pool);
  return {
    currentExecutions: (limit) => guarded(() => currentExecutions(sql, limit)),
    currentFirings: (limit) => guarded(() => currentFirings(sql, limit)),
    health: () => guarded(() => readHealth(sql)),
    incidents: (query) => guarded(() => listIncidents(sql, query)),
    incident: (id) => guarded(() => findIncident(sql, id)),
  };
}
