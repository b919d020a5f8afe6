// The controller's Outbox and CatalogState on PostgreSQL.
import type pg from "pg";
import type { CatalogState, Lease, Outbox } from "../../controller/ports.ts";
import { Problem } from "../../domain/problem.ts";
import { markControls, unpublishedControls } from "./queries/controls.ts";
import { currentRevision, setRevision } from "./queries/current-revision.ts";
import {
  claimPublishing,
  lastHead,
  markPublished,
  publishes,
  unpublished,
} from "./queries/publish-records.ts";
import { readStreams } from "./queries/read-events.ts";
import { guarded, sqlOf } from "./sql.ts";

/** `markPublished` and `markControls` throw Problem LEASE_LOST when another replica has taken the publishing over. */
export function outbox(pool: pg.Pool, lease: Lease): Outbox {
  const sql = sqlOf(pool);
  const held = async (mark: () => Promise<boolean>) => {
    if (!(await guarded(mark))) throw new Problem("LEASE_LOST", "another replica publishes the record now");
  };
  return {
    take: (limit, except = []) =>
      guarded(async () =>
        (await claimPublishing(sql, lease.replicaId())) ? unpublished(sql, limit, except) : [],
      ),
    lastHead: () => guarded(() => lastHead(sql)),
    events: (ids) => guarded(() => readStreams(sql, ids)),
    async markPublished(published) {
      if (published.length > 0) await held(() => markPublished(sql, lease.replicaId(), published));
    },
    controls: (limit, except) => guarded(() => unpublishedControls(sql, lease.replicaId(), limit, except)),
    isOurs: () => guarded(() => publishes(sql, lease.replicaId())),
    async markControls(published) {
      if (published.length > 0) await held(() => markControls(sql, lease.replicaId(), published));
    },
  };
}

export function catalogState(pool: pg.Pool): CatalogState {
  const sql = sqlOf(pool);
  return {
    current: () => guarded(() => currentRevision(sql)),
    set: (revision) => guarded(() => setRevision(sql, revision)),
  };
}
