// What driving executions needs, as one object.
import type { Action, ActionTools, EffectRunner } from "../actions/action.ts";
import type { ProtectionRules } from "../actions/protected.ts";
import type { Execution } from "../domain/execution/execution.ts";
import type { Alert } from "../domain/facts/alert.ts";
import type { Gate } from "../domain/gate/gate.ts";
import type { Plan } from "../domain/planning/plan.ts";
import type { CheckPorts } from "./checks/check-step.ts";
import type { Faults } from "./fault-ports.ts";
import type { Forge, RepairRequests } from "./forge-ports.ts";
import type { Metrics } from "./metrics.ts";
import type { PauseStore } from "./pause-ports.ts";
import type { Pauses } from "./pauses.ts";
import type { AlertHolds, AlertStore, Clock, Clusters, ExecutionStore, Lease, Log } from "./ports.ts";
import type { Replanned } from "./replan.ts";

export interface EnginePorts extends CheckPorts {
  readonly executions: ExecutionStore;
  readonly alerts: Pick<AlertStore, "history">;
  readonly lease: Lease;
  readonly clock: Clock;
  readonly clusters: Clusters;
  readonly forge: Forge;
  readonly repairs: RepairRequests;
  readonly actions: ReadonlyMap<string, Action>;
  readonly effects: EffectRunner;
  readonly faults: Faults;
  readonly log: Log;
  readonly metrics: Metrics;
  /** Uniform in [0, 1). */
  readonly random: () => number;
  /** Team name -> people, of `gitmend.yaml`. */
  readonly teams: ReadonlyMap<string, readonly string[]>;
  readonly protection: ProtectionRules;
  /** Why this version of a template is not to be used any more; null: it may be. */
  readonly revoked: (template: Plan["template"]) => string | null;
  readonly pauses: Pauses;
  readonly pauseStore: Pick<PauseStore, "endOf" | "pause">;
  readonly alertmanagers: Pick<AlertHolds, "look">;
  /** Label or annotation that names the owning team. */
  readonly ownerLabel: string;
  /**
   * The gate of this plan under the rules and the facts of now.
   * @throws Problem when that cannot be known now: nothing may start, ask again
   */
  readonly weigh: (executionId: string, alert: Alert, plan: Plan, tools: ActionTools) => Promise<Gate>;
  /** @throws Problem as replan */
  readonly replan: (
    executionId: string,
    state: Execution,
    parameters: Plan["parameters"],
    tools: ActionTools,
  ) => Promise<Replanned>;
}
