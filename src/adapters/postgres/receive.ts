// A delivery as one transaction. An alert that PostgreSQL refuses is found by halving and kept as a dead letter; the
// others go through.
import type pg from "pg";
import type { Delivery, Received } from "../../controller/ports.ts";
import type { Alert } from "../../domain/facts/alert.ts";
import { receiveAlerts } from "./queries/receive-alerts.ts";
import { recordDelivery } from "./queries/record-delivery.ts";
import { databaseProblem, inTransaction, isRefused } from "./sql.ts";

/** Durable when it resolves; repeating it changes nothing. @throws Problem DATABASE_UNAVAILABLE */
export async function receive(pool: pg.Pool, delivery: Delivery): Promise<Received> {
  try {
    return await store(pool, delivery);
  } catch (error) {
    if (isRefused(error) && delivery.alerts.length > 0) return divide(pool, delivery, error);
    throw databaseProblem(error);
  }
}

function store(pool: pg.Pool, delivery: Delivery): Promise<Received> {
  return inTransaction(pool, async (sql) => {
    let opened = 0;
    let resolved = 0;
    for (const round of rounds(delivery.alerts)) {
      const applied = await receiveAlerts(sql, round);
      opened += applied.opened;
      resolved += applied.resolved;
    }
    const repeated = delivery.alerts.length - opened - resolved;
    const received = { opened, resolved, repeated, deadLetters: delivery.deadLetters.length };
    await recordDelivery(sql, delivery, received);
    return received;
  });
}

/** Several transactions: harmless, because each half may be delivered again. */
async function divide(pool: pg.Pool, delivery: Delivery, error: unknown): Promise<Received> {
  const [alert] = delivery.alerts;
  if (alert !== undefined && delivery.alerts.length === 1) {
    const reason = `not storable: ${error instanceof Error ? error.message : String(error)}`;
    const deadLetters = [...delivery.deadLetters, { reason, body: JSON.stringify(alert) }];
    return receive(pool, { ...delivery, alerts: [], deadLetters });
  }
  const middle = Math.ceil(delivery.alerts.length / 2);
  const first = await receive(pool, { ...delivery, alerts: delivery.alerts.slice(0, middle) });
  const second = await receive(pool, { ...delivery, alerts: delivery.alerts.slice(middle), deadLetters: [] });
  return {
    opened: first.opened + second.opened,
    resolved: first.resolved + second.resolved,
    repeated: first.repeated + second.repeated,
    deadLetters: first.deadLetters + second.deadLetters,
  };
}

/**
 * Splits a body so that each part names a firing once, in the order of the body. What one after the other says the same of a
 * firing is one alert: the latest start or end. Nearly always this is one round.
 */
function rounds(alerts: readonly Alert[]): readonly (readonly Alert[])[] {
  const stories = new Map<string, Alert[]>();
  for (const alert of alerts) {
    const key = JSON.stringify([alert.cluster, alert.fingerprint]);
    const story = stories.get(key) ?? [];
    stories.set(key, story);
    const last = story.at(-1);
    if (last?.status !== alert.status) story.push(alert);
    else if (moment(alert) > moment(last)) story[story.length - 1] = alert;
  }
  const count = Math.max(0, ...stories.values().map(({ length }) => length));
  return Array.from({ length: count }, (_, round) =>
    [...stories.values()].flatMap((story) => story[round] ?? []),
  );
}

function moment(alert: Alert): number {
  return Date.parse(alert.status === "firing" ? alert.startsAt : (alert.endsAt ?? alert.startsAt));
}
