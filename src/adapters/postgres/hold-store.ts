// The controller's HoldStore on PostgreSQL.
import type pg from "pg";
import type { HoldStore } from "../../controller/hold-ports.ts";
import { aimFiring, gatheredFirings, hastenFiring, openTrouble } from "./queries/firings-of-target.ts";
import { flapping } from "./queries/flapping.ts";
import { guarded, sqlOf } from "./sql.ts";

export function holdStore(pool: pg.Pool): HoldStore {
  const sql = sqlOf(pool);
  return {
    aim: (firing, key, gatherSeconds) => guarded(() => aimFiring(sql, firing, key, gatherSeconds)),
    gathered: (key, limit) => guarded(() => gatheredFirings(sql, key, limit)),
    hasten: (firingId) => guarded(() => hastenFiring(sql, firingId)),
    trouble: (key) => guarded(() => openTrouble(sql, key)),
    flapping: (alert, asked) => guarded(() => flapping(sql, alert, asked)),
  };
}
