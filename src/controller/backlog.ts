// How many firings wait for a decision, as far as this replica knows: counted every second, and what it has opened since. Asking
// costs nothing, so that every delivery may ask. In between two replicas may take a second's worth too much, never lose any.

import type { Alert } from "../domain/facts/alert.ts";
import { isQuiet } from "../domain/intake/quiet-alerts.ts";
import { severityRank } from "../domain/intake/severity.ts";
import type { AlertStore } from "./ports.ts";

export interface Backlog {
  /** Firings that are due, or were opened since the last count. */
  length(): number;
  /** Alerts without the worst severity are sent back. */
  sheds(): boolean;
  /** Whether a body is sent back as a whole: its Alertmanager sends it again. What only resolves shortens the backlog. */
  refuses(alerts: readonly Pick<Alert, "name" | "status" | "severity">[]): boolean;
  opened(count: number): void;
  /** A round of the loop. */
  count(): Promise<void>;
}

const critical = severityRank("critical");

/** @param mark from here on only bodies with a critical alert are taken; from twice as many on, none that opens anything */
export function createBacklog(alerts: Pick<AlertStore, "backlog">, mark: number): Backlog {
  let counted = 0;
  let since = 0;
  const length = () => counted + since;
  return {
    length,
    sheds: () => length() >= mark,
    refuses(given) {
      if (length() < mark) return false;
      const firing = given.filter(({ name, status }) => status === "firing" && !isQuiet(name));
      if (firing.length === 0) return false;
      return length() >= 2 * mark || !firing.some(({ severity }) => severityRank(severity) >= critical);
    },
    opened(count) {
      since += count;
    },
    async count() {
      const before = since;
      counted = await alerts.backlog(2 * mark + 1);
      since -= before;
    },
  };
}
