// What people have paused, for everybody who asks: commands (in the database), `pause.yaml` (in the catalog) and annotations,
// all put to the one check in domain/gate/why-paused.ts.
import type { FoundObject } from "../actions/protected.ts";
import type { Pause } from "../domain/facts/pause.ts";
import { annotatedPauses, holds, type Place, whyPaused } from "../domain/gate/why-paused.ts";
import type { Catalog } from "../domain/policies/catalog.ts";
import type { PauseStore } from "./pause-ports.ts";
import type { Clock } from "./ports.ts";

export interface Pauses {
  /** As of the last look, a quarter of a second ago. Annotations are not in it. */
  known(places: readonly Place[], executionId: string | null): Pause | null;
  /** Asks the database now. @throws Problem DATABASE_UNAVAILABLE: nobody knows, so nothing may start */
  ask(
    places: readonly Place[],
    executionId: string | null,
    found?: readonly FoundObject[],
  ): Promise<Pause | null>;
  /** Whether `pause.yaml` has been read: not before the first good catalog. */
  filesKnown(): boolean;
  /** Those of commands and of `pause.yaml` that hold now. @throws Problem DATABASE_UNAVAILABLE */
  all(): Promise<readonly Pause[]>;
  /** @returns whether it found something else than the last time, or another catalog. @throws Problem DATABASE_UNAVAILABLE */
  look(): Promise<boolean>;
}

export function createPauses(
  store: Pick<PauseStore, "active">,
  catalog: () => Catalog | null,
  clock: Clock,
): Pauses {
  let commanded: readonly Pause[] = [];
  let last = "";
  const current = () =>
    [...commanded, ...(catalog()?.pauses ?? [])].filter((pause) => holds(pause, clock.now()));
  return {
    async all() {
      commanded = await store.active();
      return current();
    },
    filesKnown: () => catalog() !== null,
    known: (places, executionId) => whyPaused(places, executionId, current(), clock.now()),
    async ask(places, executionId, found = []) {
      commanded = await store.active();
      return whyPaused(places, executionId, [...current(), ...annotatedPauses(found)], clock.now());
    },
    async look() {
      commanded = await store.active();
      const now = JSON.stringify([current(), catalog()?.revision]);
      const isNew = now !== last;
      last = now;
      return isNew;
    },
  };
}
