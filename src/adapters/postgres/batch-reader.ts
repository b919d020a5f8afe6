// Reads the states of many executions in few queries: a replica that takes over thousands asks for all of them at once. No timer:
// two queries are under way at most, so that one is answered while the other is read, and what is asked meanwhile makes the next.
import type { Execution } from "../../domain/execution/execution.ts";
import { readStates } from "./queries/read-state.ts";
import { guarded, type Sql } from "./sql.ts";

interface Waiting {
  readonly id: string;
  readonly resolve: (state: Execution) => void;
  readonly reject: (error: unknown) => void;
}

const mostAtOnce = 50;
const mostQueries = 2;

/** @throws Problem DATABASE_UNAVAILABLE, EVENT_UNKNOWN */
export function batchReader(sql: Sql): (id: string) => Promise<Execution> {
  const waiting: Waiting[] = [];
  let queries = 0;

  const readAll = async () => {
    queries += 1;
    await Promise.resolve(); // callers of this turn share the first query
    while (waiting.length > 0) await read(sql, waiting.splice(0, mostAtOnce));
    queries -= 1;
  };

  return (id) => {
    const { promise, resolve, reject } = Promise.withResolvers<Execution>();
    waiting.push({ id, resolve, reject });
    if (queries < mostQueries) void readAll();
    return promise;
  };
}

/** Never rejects: each of those who wait is told. */
async function read(sql: Sql, batch: readonly Waiting[]): Promise<void> {
  try {
    const states = await guarded(() =>
      readStates(
        sql,
        batch.map(({ id }) => id),
      ),
    );
    for (const [index, { resolve, reject }] of batch.entries()) {
      const state = states[index];
      if (state === undefined || state instanceof Error) reject(state);
      else resolve(state);
    }
  } catch (error) {
    for (const { reject } of batch) reject(error);
  }
}
