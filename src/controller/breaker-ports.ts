// What the breaker needs from outside.
import type { Breaker, BreakerRule } from "../domain/gate/breaker.ts";
import type { Said } from "./pause-ports.ts";

/** What is about to start. */
export interface BreakerQuestion {
  readonly template: string;
  /** null: a person starts it. */
  readonly alertName: string | null;
  /** `objectKey` of the target; null: there is none. */
  readonly target: string | null;
  readonly cluster: string;
}

/** Times are the database's. Every method throws Problem DATABASE_UNAVAILABLE. */
export interface BreakerStore {
  /** Trips what is due, of all replicas' executions. @returns what was not open before */
  trip(rules: readonly BreakerRule[]): Promise<readonly Breaker[]>;
  /** The open one that stops this; a start by hand is stopped by those of any alert. */
  holding(question: BreakerQuestion): Promise<(Breaker & { readonly told: boolean }) | null>;
  /** Open ones first, then newest first; `all`: those that were reset too. */
  list(query: { readonly all: boolean; readonly limit: number }): Promise<readonly Breaker[]>;
  /** Setbacks count from now on. Firings that it stopped are due. null: there is none of this id that is open. */
  reset(id: string, said: Said): Promise<Breaker | null>;
}
