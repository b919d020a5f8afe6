// Trips what is due, before anything else is started, so that `now`, the metrics and the log say it at once; and the one way to
// close a breaker: a person resets it.
import { type Breaker, breakerText } from "../domain/gate/breaker.ts";
import { Problem } from "../domain/problem.ts";
import type { BreakerStore } from "./breaker-ports.ts";
import type { StormLimits } from "./decision-ports.ts";
import type { Said } from "./pause-ports.ts";
import type { Log } from "./ports.ts";

export interface BreakerPorts {
  readonly breakers: BreakerStore;
  readonly storms: Pick<StormLimits, "breakers">;
  readonly log: Log;
}

export interface Breakers {
  readonly list: BreakerStore["list"];
  /** @throws Problem NOT_FOUND: there is none of this id that is open */
  reset(id: string, said: Said): Promise<Breaker>;
  /** A round of the loop. */
  trip(): Promise<void>;
}

/** @param onReset firings that were stopped are due */
export function createBreakers({ breakers, storms, log }: BreakerPorts, onReset: () => void): Breakers {
  return {
    list: (query) => breakers.list(query),
    async reset(id, said) {
      const breaker = await breakers.reset(id, said);
      if (breaker === null)
        throw new Problem(
          "NOT_FOUND",
          `breaker ${id} is not open: \`gitmend breaker list\` has those that are`,
        );
      log.warn({ breaker: id, ...said }, "breaker reset");
      onReset();
      return breaker;
    },
    async trip() {
      for (const breaker of await breakers.trip(storms.breakers))
        log.error({ breaker: breaker.id, executionId: breaker.lastExecution }, breakerText(breaker));
    },
  };
}
