// What the length of the history costs: a firing that is taken, what is asked about it, its decision, an execution that is claimed after its owner is gone,
// and one that ends, with 1,000 to 1,000,000 past executions in the same database. The first row is the baseline of the others, in the
// same run on the same throw-away PostgreSQL (fsync on). Rows that a sequential scan has read say where history is walked.
// Usage: node bench/history.ts [--most 1000000]
import { parseArgs } from "node:util";
import pg from "pg";
import { type Database, openDatabase } from "../src/adapters/postgres/open-database.ts";
import {
  append,
  delivery,
  ending,
  newAlert,
  newExecution,
  newTarget,
} from "../test/contracts/store-samples.ts";
import { growPast, rowsWalked } from "../test/support/past-executions.ts";
import { startPostgres } from "../test/support/postgres.ts";
import { endOfLease } from "../test/support/replica.ts";

const { values } = parseArgs({ options: { most: { type: "string", default: "1000000" } } });
const sizes = [1_000, 10_000, 100_000, 1_000_000].filter((size) => size <= Number(values.most));
const live = 200;
const rounds = 3;

/** Milliseconds for each execution. */
interface Cost {
  readonly take: number;
  readonly ask: number;
  readonly decide: number;
  readonly claim: number;
  readonly end: number;
}

const postgres = await startPostgres({ fsync: true });
const url = await postgres.createDatabase();
const database = await openDatabase({ url });
/** Without the time limits of the store. */
const filler = new pg.Client({ connectionString: url });
await filler.connect();
try {
  await round(database);
  console.log(`${live} live executions, milliseconds for each; the best of ${rounds} rounds`);
  console.log(
    "      past     take      ask   decide    claim      end   of 1,000 past   rows of history walked",
  );
  let baseline: Cost | null = null;
  for (const size of sizes) {
    await grow(filler, size);
    const before = await rowsWalked(database.pool);
    const costs: Cost[] = [];
    for (let number = 0; number < rounds; number += 1) costs.push(await round(database));
    const cost = bestOf(costs);
    baseline ??= cost;
    print(size, cost, total(cost) / total(baseline), (await rowsWalked(database.pool)) - before);
  }
} finally {
  await filler.end();
  await database.close();
  await postgres.remove();
}

async function grow(client: pg.Client, size: number): Promise<void> {
  const past = async () => {
    const { rows } = await client.query<{ past: number }>(
      "select count(*)::integer as past from executions where outcome is not null",
    );
    return rows[0]?.past ?? 0;
  };
  await growPast(client, size - (await past()), `h${size}`);
  if ((await past()) < size) throw new Error(`the history did not grow to ${size}`);
}

async function round({ alerts, executions, holds, pool, ...database }: Database): Promise<Cost> {
  const all = Array.from({ length: live }, () => newAlert());
  await alerts.receive(delivery(...all));
  const [take, due] = await timed(() => alerts.takeDue(live, 600));
  const [ask] = await timed(async () => {
    for (const firing of due) {
      await alerts.liveExecution(firing.alert.fingerprint);
      await holds.aim(firing, firing.alert.fingerprint, 30);
      await holds.flapping(firing.alert, {
        openings: 5,
        windowSeconds: 1800,
        notice: firing.alert.fingerprint,
      });
      await alerts.history(firing.alert.name, newTarget());
      await alerts.usage(["namespace/prod-eu/shop"], { perSeconds: 3600 });
    }
  });
  const [decide] = await timed(async () => {
    for (const firing of due) {
      const { result } = await alerts.decide(firing, newExecution(firing.alert));
      if (result !== "committed") throw new Error(`the decision was ${result}`);
    }
  });
  await endOfLease({ alerts, executions, holds, pool, ...database });
  const [claim, owned] = await timed(() => executions.claimAbandoned(live));
  if (owned.length !== live) throw new Error(`${owned.length} were claimed, not ${live}`);
  const [end] = await timed(async () => {
    for (const { id, epoch } of owned) {
      await executions.append(append(id, 2, { epoch }));
      await executions.append(ending(id, 3, { epoch }));
    }
  });
  await alerts.receive(
    delivery(
      ...all.map((alert) => ({
        ...alert,
        status: "resolved" as const,
        endsAt: new Date().toISOString(),
      })),
    ),
  );
  return { take, ask, decide, claim, end };
}

async function timed<T>(work: () => Promise<T>): Promise<readonly [number, T]> {
  const began = performance.now();
  const result = await work();
  return [(performance.now() - began) / live, result];
}

function bestOf(costs: readonly Cost[]): Cost {
  const best = (part: keyof Cost) => Math.min(...costs.map((cost) => cost[part]));
  return {
    take: best("take"),
    ask: best("ask"),
    decide: best("decide"),
    claim: best("claim"),
    end: best("end"),
  };
}

function total({ take, ask, decide, claim, end }: Cost): number {
  return take + ask + decide + claim + end;
}

function print(size: number, { take, ask, decide, claim, end }: Cost, ratio: number, read: number): void {
  const figures = [take, ask, decide, claim, end].map((one) => one.toFixed(3).padStart(8)).join(" ");
  const columns = [size.toLocaleString("en").padStart(10), figures, `${ratio.toFixed(2)} times`.padStart(15)];
  console.log(`${columns.join(" ")} ${read.toLocaleString("en").padStart(24)}`);
}
