// Takes due firings and decides them side by side. Each has its own time limit, so that a cluster that says nothing keeps
// only its own alerts waiting: a place that gets free is filled at once.
import { toProblem } from "../domain/problem.ts";
import { decideFiring } from "./decide-firing.ts";
import type { DecisionPorts } from "./decision-ports.ts";
import type { Drives } from "./drives.ts";
import type { DueFiring, Lease } from "./ports.ts";
import type { CatalogSync } from "./sync-catalog.ts";

const places = 16;
/** Longer than a decision takes (decide-firing.ts): nobody else decides it meanwhile. */
const claimSeconds = 10;

export interface Decider {
  /** Begins as many decisions as there are free places. @throws Problem DATABASE_UNAVAILABLE */
  readonly round: () => Promise<void>;
  /** Resolves when nothing is being decided. */
  readonly idle: () => Promise<void>;
}

/** @param onFree called when a place gets free */
export function createDecider(
  ports: DecisionPorts & { readonly lease: Lease },
  catalog: CatalogSync,
  drives: Drives,
  onFree: () => void,
): Decider {
  const underWay = new Set<Promise<void>>();

  const decide = async (firing: DueFiring): Promise<void> => {
    const inUse = catalog.current();
    if (inUse === null) return;
    try {
      const id = await decideFiring(firing, inUse, ports);
      if (id !== null) drives.start({ id, epoch: 1 });
    } catch (error) {
      const { code, message } = toProblem(error);
      ports.log.warn(
        { alert: firing.alert.name, code, reason: message },
        "a firing could not be decided: it is due again soon",
      );
    }
  };

  return {
    async round() {
      if (catalog.current() === null || !ports.lease.valid() || underWay.size >= places) return;
      const due = await ports.alerts.takeDue(places - underWay.size, claimSeconds);
      for (const firing of due) {
        const decision: Promise<void> = decide(firing).finally(() => {
          underWay.delete(decision);
          onFree();
        });
        underWay.add(decision);
      }
    },
    async idle() {
      await Promise.all(underWay);
    },
  };
}
