// What driving executions needs, as one object.
import type { Action, EffectRunner } from "../actions/action.ts";
import type { ProtectionRules } from "../actions/protected.ts";
import type { AlertStore, Clock, Clusters, ExecutionStore, Faults, Forge, Lease, Log } from "./ports.ts";

export interface EnginePorts {
  readonly executions: ExecutionStore;
  readonly alerts: Pick<AlertStore, "history">;
  readonly lease: Lease;
  readonly clock: Clock;
  readonly clusters: Clusters;
  readonly forge: Forge;
  readonly actions: ReadonlyMap<string, Action>;
  readonly effects: EffectRunner;
  readonly faults: Faults;
  readonly log: Log;
  /** Uniform in [0, 1). */
  readonly random: () => number;
  /** Team name -> people, of `gitmend.yaml`. */
  readonly teams: ReadonlyMap<string, readonly string[]>;
  readonly protection: ProtectionRules;
}
