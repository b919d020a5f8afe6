// What holding a firing back asks the database. Times are the database's; every method throws Problem DATABASE_UNAVAILABLE.
import type { Alert } from "../domain/facts/alert.ts";
import type { DueFiring } from "./ports.ts";

export interface Gathering {
  /** Nothing was decided about the firing yet, and no incident of its target is open. */
  readonly first: boolean;
  /** Until everything of the target is gathered; not above 0: it is. */
  readonly seconds: number;
}

export type GatheredFiring = Pick<DueFiring, "id" | "alert">;

export interface Flapping {
  readonly count: number;
  /** Until it counts as calm, if it opens no more. */
  readonly seconds: number;
  /** People were told of this episode. */
  readonly told: boolean;
  readonly asked: { readonly openings: number; readonly windowSeconds: number; readonly notice: string };
}

export interface HoldStore {
  /** Writes down what the firing is about (`key`), and says whether others are to be waited for. */
  aim(firing: Pick<DueFiring, "id" | "token">, key: string, gatherSeconds: number): Promise<Gathering>;
  /** Of the target, what nothing was decided about yet: one of each name and severity. */
  gathered(key: string, limit: number): Promise<readonly GatheredFiring[]>;
  hasten(firingId: string): Promise<void>;
  trouble(key: string): Promise<"fires" | "incident" | null>;
  /** null: it does not. */
  flapping(alert: Alert, asked: Flapping["asked"]): Promise<Flapping | null>;
}
