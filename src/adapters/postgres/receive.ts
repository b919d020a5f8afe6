// Deliveries become firings. What arrives while two transactions are in flight shares the next one; a body is never split between
// two, unless PostgreSQL refuses something in it: that alert is found by halving and kept as a dead letter, the others go through.
import type pg from "pg";
import type { Delivery, Received } from "../../controller/ports.ts";
import type { Alert } from "../../domain/facts/alert.ts";
import { isQuiet, watchdogName } from "../../domain/intake/quiet-alerts.ts";
import type { Problem } from "../../domain/problem.ts";
import { firingKey, receiveAlerts } from "./queries/receive-alerts.ts";
import { recordDeliveries } from "./queries/record-delivery.ts";
import { rememberWatchdogs } from "./queries/watchdogs.ts";
import { databaseProblem, inTransaction, isRefused } from "./sql.ts";

interface Waiting {
  readonly delivery: Delivery;
  readonly done: (received: Received) => void;
  readonly failed: (problem: Problem) => void;
}

export type Receive = (delivery: Delivery) => Promise<Received>;

/** A larger body has a transaction of its own. */
const maximumAlerts = 2_000;
/** PostgreSQL is the slower half: two keep it busy. With three, single alerts share too few transactions. */
const maximumInFlight = 2;

/** Durable when it resolves; repeating it changes nothing. @throws Problem DATABASE_UNAVAILABLE */
export function receiver(pool: pg.Pool): Receive {
  let waiting: Waiting[] = [];
  let inFlight = 0;

  const receiveAll = async () => {
    inFlight += 1;
    await Promise.resolve(); // callers of this turn share the first transaction
    while (waiting.length > 0) {
      const count = groupSize(waiting);
      const group = waiting.slice(0, count);
      waiting = waiting.slice(count);
      await settle(pool, group);
    }
    inFlight -= 1;
  };

  return (delivery) => {
    const { promise, resolve, reject } = Promise.withResolvers<Received>();
    waiting.push({ delivery, done: resolve, failed: reject });
    if (inFlight < maximumInFlight) void receiveAll();
    return promise;
  };
}

function groupSize(waiting: readonly Waiting[]): number {
  let alerts = 0;
  const full = waiting.findIndex(({ delivery }, index) => {
    alerts += delivery.alerts.length;
    return index > 0 && alerts > maximumAlerts;
  });
  return full === -1 ? waiting.length : full;
}

/** Never throws. */
async function settle(pool: pg.Pool, group: readonly Waiting[]): Promise<void> {
  try {
    const received = await store(
      pool,
      group.map(({ delivery }) => delivery),
    );
    for (const [index, { done }] of group.entries()) done(received[index] ?? nothing);
  } catch (error) {
    if (isRefused(error)) return settleApart(pool, group);
    for (const { failed } of group) failed(databaseProblem(error));
  }
}

async function settleApart(pool: pg.Pool, group: readonly Waiting[]): Promise<void> {
  for (const { delivery, done, failed } of group) {
    try {
      done(await receiveAlone(pool, delivery));
    } catch (error) {
      failed(databaseProblem(error));
    }
  }
}

async function receiveAlone(pool: pg.Pool, delivery: Delivery): Promise<Received> {
  try {
    return (await store(pool, [delivery]))[0] ?? nothing;
  } catch (error) {
    if (isRefused(error) && delivery.alerts.length > 0) return divide(pool, delivery, error);
    throw error;
  }
}

/** Several transactions: harmless, because each half may be delivered again. */
async function divide(pool: pg.Pool, delivery: Delivery, error: unknown): Promise<Received> {
  const [alert] = delivery.alerts;
  if (alert !== undefined && delivery.alerts.length === 1) {
    const reason = `not storable: ${error instanceof Error ? error.message : String(error)}`;
    const deadLetters = [...delivery.deadLetters, { reason, body: JSON.stringify(alert) }];
    return receiveAlone(pool, { ...delivery, alerts: [], deadLetters });
  }
  const middle = Math.ceil(delivery.alerts.length / 2);
  const first = await receiveAlone(pool, { ...delivery, alerts: delivery.alerts.slice(0, middle) });
  const rest = { ...delivery, alerts: delivery.alerts.slice(middle), deadLetters: [] };
  return sum(first, await receiveAlone(pool, rest));
}

const nothing: Received = { opened: 0, resolved: 0, repeated: 0, deadLetters: 0 };

function sum(one: Received, two: Received): Received {
  return {
    opened: one.opened + two.opened,
    resolved: one.resolved + two.resolved,
    repeated: one.repeated + two.repeated,
    deadLetters: one.deadLetters + two.deadLetters,
  };
}

/** @returns what came of each delivery, in order. */
function store(pool: pg.Pool, deliveries: readonly Delivery[]): Promise<readonly Received[]> {
  return inTransaction(pool, async (sql) => {
    const counts = deliveries.map(() => ({ opened: 0, resolved: 0 }));
    for (const round of rounds(deliveries)) {
      for (const keys of pieces([...round.keys()])) {
        const alerts = keys.flatMap((key) => round.get(key)?.alert ?? []);
        for (const applied of await receiveAlerts(sql, alerts)) {
          const count = counts[round.get(firingKey(applied))?.origin ?? -1];
          if (count !== undefined) count[applied.what] += 1;
        }
      }
    }
    const received = deliveries.map(({ alerts, deadLetters }, index) => {
      const { opened = 0, resolved = 0 } = counts[index] ?? {};
      return {
        opened,
        resolved,
        repeated: alerts.filter(({ name }) => !isQuiet(name)).length - opened - resolved,
        deadLetters: deadLetters.length,
      };
    });
    await recordDeliveries(
      sql,
      deliveries.map((delivery, index) => ({ delivery, received: received[index] ?? nothing })),
    );
    await rememberWatchdogs(
      sql,
      deliveries.filter(hasWatchdog).map(({ source }) => source),
    );
    return received;
  });
}

/** A statement for a whole large body would hold up the main loop while it is written. In order, as everybody locks. */
function* pieces(keys: readonly string[]): Generator<readonly string[]> {
  if (keys.length <= maximumAlerts) return yield keys;
  const sorted = keys.toSorted();
  for (let at = 0; at < sorted.length; at += maximumAlerts) yield sorted.slice(at, at + maximumAlerts);
}

function hasWatchdog({ alerts }: Delivery): boolean {
  return alerts.some(({ name, status }) => name === watchdogName && status === "firing");
}

/** An alert and the index of the delivery that it counts for. */
interface Said {
  readonly alert: Alert;
  readonly origin: number;
}

/**
 * Splits what was said so that each part names a firing once, in order. What is said of a firing twice in a row is one alert:
 * the latest start or end. Nearly always this is one round.
 */
function rounds(deliveries: readonly Delivery[]): readonly ReadonlyMap<string, Said>[] {
  const stories = new Map<string, Said[]>();
  for (const [origin, { alerts }] of deliveries.entries()) {
    for (const alert of alerts) {
      if (isQuiet(alert.name)) continue;
      const key = firingKey(alert);
      const story = stories.get(key) ?? [];
      stories.set(key, story);
      const last = story.at(-1);
      if (last?.alert.status !== alert.status) story.push({ alert, origin });
      else if (moment(alert) > moment(last.alert)) story[story.length - 1] = { alert, origin: last.origin };
    }
  }
  const parts: Map<string, Said>[] = [];
  for (const [key, story] of stories) {
    for (const [index, said] of story.entries()) (parts[index] ??= new Map()).set(key, said);
  }
  return parts;
}

function moment(alert: Alert): number {
  return Date.parse(alert.status === "firing" ? alert.startsAt : (alert.endsAt ?? alert.startsAt));
}
