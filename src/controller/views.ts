// What people look at, read from the database and nothing else: `gitmend now`, incidents, and how the controller itself is.
// Each list is one query, whatever its length.
import type { Outcome, Phase } from "../domain/execution/events.ts";
import type { Subject } from "../domain/facts/objects.ts";
import type { BreakerScope } from "../domain/gate/breaker.ts";
import type { Gate } from "../domain/gate/gate.ts";
import type { ExecutionSummary } from "./ports.ts";

/** An execution that has not ended, or that ended in the last day and needs a person. */
export interface CurrentExecution extends ExecutionSummary {
  readonly severity: string;
  /** Set while it waits for an approval. */
  readonly gate: Gate | null;
  /** ISO 8601, UTC; null: it was not asked for yet. */
  readonly expiresAt: string | null;
  /** Started last. */
  readonly step: { readonly name: string; readonly startedAt: string } | null;
  /** Why it ended; null while it has not. */
  readonly reason: string | null;
  /** While it starts no further step. */
  readonly paused: { readonly by: string; readonly reason: string; readonly until: string | null } | null;
}

/** A firing that no live execution is about, and what was decided about it last. */
export interface CurrentFiring {
  readonly id: string;
  readonly cluster: string;
  readonly fingerprint: string;
  readonly name: string;
  readonly severity: string;
  readonly subject: Subject | null;
  readonly openedAt: string;
  /** `due`: nothing was decided yet. `held`: silenced or inhibited. `paused`: decided again when that ends. `stopped`: a breaker is open. `waiting`: that ends by itself. `ended`: its execution is over, and it still fires. */
  readonly state: "due" | "held" | "paused" | "stopped" | "waiting" | "no-match" | "undecided" | "ended";
  readonly reasons: readonly string[];
  /** When it is decided again; null: when something changes. */
  readonly decideAt: string | null;
  /** The execution that has ended. */
  readonly execution: {
    readonly id: string;
    readonly template: string;
    readonly outcome: Outcome | null;
    /** Why it ended. */
    readonly reason: string;
    /** People have to look at it. */
    readonly escalated: boolean;
  } | null;
}

export interface Health {
  /** By phase, of all replicas; phases without an execution are left out. */
  readonly active: Readonly<Partial<Record<Phase, number>>>;
  readonly firing: number;
  /** Live executions whose owner is gone: for longer than some seconds only where no running version can read their events. */
  readonly unowned: number;
  /** Milestones that are not in the audit repository yet, and the age of the oldest. */
  readonly unpublished: number;
  readonly auditLagSeconds: number;
  /** Breakers that stop remedies now, by scope; scopes without one are left out. */
  readonly openBreakers: Readonly<Partial<Record<BreakerScope, number>>>;
  /** Alerts of the last day that could not be read. */
  readonly deadLetters: number;
  /** When the Watchdog came last, of the source that is silent for longest; null: it never came. */
  readonly watchdogAt: string | null;
  /** When anything was delivered last. */
  readonly deliveredAt: string | null;
  /** ISO 8601, UTC, by the database. */
  readonly now: string;
}

export interface IncidentSummary {
  readonly id: string;
  /** `cluster/group/kind/namespace/name` of the target, or `cluster/alertname/<name>`. */
  readonly key: string;
  readonly openedAt: string;
  readonly closedAt: string | null;
  readonly alerts: number;
  readonly firing: number;
  /** Names of its alerts, each once. */
  readonly alertNames: readonly string[];
  readonly executions: number;
  /** One of its executions needs a person. */
  readonly escalated: boolean;
  readonly lastExecution: {
    readonly id: string;
    readonly template: string;
    readonly phase: Phase;
    readonly outcome: Outcome | null;
  } | null;
}

export interface IncidentAlert {
  readonly id: string;
  readonly fingerprint: string;
  readonly cluster: string;
  readonly name: string;
  readonly severity: string;
  readonly status: "open" | "resolved" | "stale";
  readonly labels: Readonly<Record<string, string>>;
  readonly openedAt: string;
  readonly resolvedAt: string | null;
}

export interface IncidentDecision {
  readonly at: string;
  readonly alert: string;
  readonly kind: string;
  readonly revision: string;
  readonly reasons: readonly string[];
  readonly executionId: string | null;
}

/** The newest 100 of each. */
export interface Incident extends IncidentSummary {
  readonly alertList: readonly IncidentAlert[];
  readonly executionList: readonly ExecutionSummary[];
  readonly decisions: readonly IncidentDecision[];
}

/** Every method throws Problem DATABASE_UNAVAILABLE. */
export interface Views {
  /** Those that need a person first, then newest first. */
  currentExecutions(limit: number): Promise<readonly CurrentExecution[]>;
  /** Oldest first. */
  currentFirings(limit: number): Promise<readonly CurrentFiring[]>;
  health(): Promise<Health>;
  /** Newest first; `before` is the last id of the page before. */
  incidents(query: {
    readonly limit: number;
    readonly before?: string;
    /** Only those that are open (or only those that are closed). */
    readonly open?: boolean;
  }): Promise<readonly IncidentSummary[]>;
  /** By id or unambiguous prefix or suffix of at least 6 characters. */
  incident(id: string): Promise<Incident | null>;
}
