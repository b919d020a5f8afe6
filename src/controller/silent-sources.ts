// Silence and a dead Alertmanager look the same, but for the Watchdog: a source that has sent it once and sends it no longer
// is told of, once each time.
import { plusSeconds } from "../domain/instant.ts";
import type { AlertStore, Clock, Log } from "./ports.ts";

export interface SilencePorts {
  readonly alerts: Pick<AlertStore, "watchdogs">;
  readonly clock: Clock;
  readonly log: Log;
}

const leastSeconds = 600;
/** Beyond the time that it takes usually: Alertmanager repeats it as seldom as its route says. */
const lateSeconds = 300;

/** One round: what was told of is remembered until the Watchdog comes again. */
export function silentSources({ alerts, clock, log }: SilencePorts): () => Promise<void> {
  const told = new Set<string>();
  return async () => {
    for (const { source, lastAt, gapSeconds } of await alerts.watchdogs()) {
      const silent = plusSeconds(lastAt, Math.max(leastSeconds, gapSeconds + lateSeconds)) < clock.now();
      if (!silent) told.delete(source);
      else if (!told.has(source)) {
        told.add(source);
        log.warn({ source, lastAt }, "the Watchdog no longer comes: alerts may not arrive either");
      }
    }
  };
}
