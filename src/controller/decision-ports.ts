// What deciding firings needs, as one object.
import type { Action, EffectRunner } from "../actions/action.ts";
import type { ProtectionRules } from "../actions/protected.ts";
import type { BreakerRule } from "../domain/gate/breaker.ts";
import type { LiveScope } from "../domain/gate/weigh-gate.ts";
import type { Taken } from "../domain/planning/plan.ts";
import type { Selection } from "../domain/policies/selection.ts";
import type { BreakerStore } from "./breaker-ports.ts";
import type { CheckPorts } from "./checks/check-step.ts";
import type { ConfirmPorts } from "./confirm-alert.ts";
import type { Faults } from "./fault-ports.ts";
import type { HoldStore } from "./hold-ports.ts";
import type { Metrics } from "./metrics.ts";
import type { Pauses } from "./pauses.ts";
import type { AlertStore, Clock, Clusters, ExecutionStore, Ids, Log, Notice } from "./ports.ts";
import type { Shared } from "./shared.ts";

/** What is to be planned for a firing, or for a person. */
export type Chosen = Extract<Selection, { kind: "match" | "escalate" }> & {
  /** The execution that a person tries again. */
  readonly again?: string;
  readonly taken?: Taken;
  /** What people are told once. */
  readonly notice?: Notice;
};

/** `limits` of gitmend.yaml, as far as deciding goes. */
export interface StormLimits {
  /** Before the first decision of an incident. */
  readonly gatherSeconds: number;
  /** Firings that wait for a decision, from which on deliveries are sent back. */
  readonly backlog: number;
  readonly flapping: { readonly openings: number; readonly windowSeconds: number };
  readonly breakers: readonly BreakerRule[];
}

export interface DecisionPorts extends ConfirmPorts, CheckPorts {
  readonly alerts: AlertStore;
  readonly clusters: Clusters;
  readonly clock: Clock;
  readonly ids: Ids;
  readonly faults: Faults;
  readonly log: Log;
  readonly metrics: Metrics;
  readonly actions: ReadonlyMap<string, Action>;
  readonly effects: EffectRunner;
  /** How long one decision waits for facts from a cluster. */
  readonly factTimeoutSeconds: number;
  /** Label or annotation that names the team of a target or of its namespace. */
  readonly ownerLabel: string;
  readonly live: readonly LiveScope[];
  readonly protection: ProtectionRules;
  readonly executions: Pick<ExecutionStore, "events">;
  readonly pauses: Pick<Pauses, "ask">;
  readonly breakers: Pick<BreakerStore, "holding">;
  readonly holds: HoldStore;
  readonly storms: StormLimits;
  readonly shared: Shared;
}
