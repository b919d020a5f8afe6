// Everything that the controller needs from outside, in one list. Adapters implement these; app.ts wires them.
import type { ActionTools } from "../actions/action.ts";
import type { Control } from "../domain/audit/control.ts";
import type { Milestone } from "../domain/audit/story.ts";
import type { Command } from "../domain/execution/answer-command.ts";
import type { AssessmentMade, Outcome, Phase, RecordedEvent } from "../domain/execution/events.ts";
import type { Execution } from "../domain/execution/execution.ts";
import type { Alert, AlertReference } from "../domain/facts/alert.ts";
import type { History } from "../domain/facts/facts.ts";
import type { ObjectRef } from "../domain/facts/objects.ts";
import type { Pause } from "../domain/facts/pause.ts";
import type { Mode } from "../domain/gate/gate.ts";
import type { AppliedLimit, Counts } from "../domain/gate/limits.ts";
import type { TakenOut } from "../domain/gate/shares.ts";
import type { AlertSource } from "../domain/intake/read-alerts.ts";
import type { JsonObject } from "../domain/json.ts";
import type { CatalogCompilation } from "../domain/policies/compile-catalog.ts";
import type { Scope } from "../domain/templates/scope.ts";
import type { EscalationState } from "./escalation-ports.ts";
import type { BreakerCheck, Refused, RestCheck, Resting, Told } from "./refused.ts";

// ---- alerts -------------------------------------------------------------------------------------------------------

export interface Delivery {
  /** sha256 of the raw body and the source: for the log, not for idempotency (that is per alert). */
  readonly bodyHash: string;
  readonly source: string;
  readonly alerts: readonly Alert[];
  /** As it came, where text of it had to be mended: kept for `retention.bodies`. */
  readonly mendedBody?: string | null;
  /** Alerts of the body that could not be read. */
  readonly deadLetters: readonly { readonly reason: string; readonly body: JsonObject | string }[];
}

export interface Received {
  readonly opened: number;
  readonly resolved: number;
  /** Deliveries of what is known already, late news included. */
  readonly repeated: number;
  readonly deadLetters: number;
}

/** An open firing whose time to be decided has come, claimed for `claimSeconds` by this replica. */
export interface DueFiring {
  readonly id: string;
  /** Fences the decision: a decision with an older token is stale. */
  readonly token: number;
  readonly alert: Alert;
  /** Decisions made so far without a result because a fact was unavailable. */
  readonly undecidedCount: number;
  readonly openedAt: string;
}

/** What came of deciding a firing. Committed in one transaction with everything that follows from it. */
export type FiringDecision =
  | { readonly kind: "no-match"; readonly revision: string; readonly reasons: readonly string[] }
  | {
      readonly kind: "undecided";
      readonly revision: string;
      readonly reasons: readonly string[];
      readonly retrySeconds: number;
    }
  /** It starts nothing yet, and that ends by itself (hold-back.ts). */
  | {
      readonly kind: "waiting";
      readonly revision: string;
      readonly reasons: readonly string[];
      readonly retrySeconds: number;
    }
  /** A breaker stops it: decided again when a person resets that, and now and then. */
  | {
      readonly kind: "stopped";
      readonly revision: string;
      readonly reasons: readonly string[];
      readonly retrySeconds: number;
    }
  /** Decided again when the pause ends: at its time, or as soon as somebody resumes. */
  | {
      readonly kind: "paused";
      readonly revision: string;
      readonly reasons: readonly string[];
      readonly pause: Pause;
    }
  /** The live execution is asked to give way; the firing is decided again when it has. */
  | {
      readonly kind: "superseding";
      readonly revision: string;
      readonly executionId: string;
      readonly reasons: readonly string[];
      readonly retrySeconds: number;
    }
  | {
      readonly kind: "joined";
      readonly revision: string;
      readonly executionId: string;
      readonly reasons: readonly string[];
    }
  | {
      readonly kind: "execution";
      readonly revision: string;
      readonly reasons: readonly string[];
      readonly executionId: string;
      /** Groups what fires for one target; an open incident of the same key is used again. */
      readonly incidentKey: string;
      /** For a new incident; the events get the id of the one that is open, if there is one. */
      readonly incidentId: string;
      /** null: nothing is claimed (observe, evidence only). */
      readonly claimKey: string | null;
      /** Alert name and target: what history and cool-down are counted by. */
      readonly template: string;
      readonly target: ObjectRef | null;
      readonly mode: Mode;
      readonly cooldownSeconds: number;
      /** Counted in the deciding transaction, under a lock of each key: the answer may be `limited`. */
      readonly limits: readonly AppliedLimit[];
      /** What it counts in itself (domain/gate/limits.ts). */
      readonly countsIn: readonly string[];
      /** null: it changes nothing. What is due trips first: the answer may be `stopped`. */
      readonly breakers: BreakerCheck | null;
      /** The ended execution that it takes back: it is no attempt of its own, and rests nobody. Left out: none. */
      readonly follows?: string;
      /** What people are told by it, once: the answer may be `told`. */
      readonly notice?: Notice;
      /** Its cool-down: the answer may be `resting`. null: there is no target. */
      readonly rest: RestCheck | null;
      /** The first events of the stream, seq 1…n. The execution belongs to this replica, epoch 1. */
      readonly events: readonly RecordedEvent[];
      readonly projection: Projection;
    };

/** What people are told once. */
export interface Notice {
  readonly key: string;
  /** Told again when nobody has asked for so long; null: never. */
  readonly quietSeconds: number | null;
}

export interface DeadLetter {
  readonly id: string;
  readonly receivedAt: string;
  readonly source: string;
  readonly reason: string;
  readonly body: string;
}

/** Identity of a firing. */
export interface FiringKey {
  readonly cluster: string;
  readonly fingerprint: string;
}

/** An open firing as far as comparing it with its Alertmanager goes. */
export interface OpenFiringState extends FiringKey {
  readonly source: string;
  /** ISO 8601, UTC. */
  readonly lastReceivedAt: string;
  readonly held: boolean;
}

/** A silence or an inhibition: a person or a bigger incident owns the alert. */
export interface Hold {
  /** Who silenced it; null: nobody. */
  readonly by: string | null;
  /** ISO 8601, UTC; null: until its Alertmanager says otherwise, or has said nothing for 15 minutes. */
  readonly until: string | null;
  /** For people. */
  readonly why: string;
}

/** When a source has sent the alert that always fires. */
export interface Watchdog {
  readonly source: string;
  /** ISO 8601, UTC. */
  readonly lastAt: string;
  /** Between the last two; 0 after the first. */
  readonly gapSeconds: number;
}

/** How long the database keeps what nothing waits for. The audit repository keeps everything. */
export interface Retention {
  readonly deadLettersSeconds: number;
  /** Resolved firings and the decisions about them. */
  readonly alertsSeconds: number;
  readonly evidenceSeconds: number;
  /** Bodies as they came, where text had to be mended. */
  readonly bodiesSeconds: number;
}

export interface AlertStore {
  /**
   * One transaction; durable when it resolves. Opens, repeats and resolves firings as 2-architecture says, and tells the
   * executions of resolved firings. @throws Problem DATABASE_UNAVAILABLE
   */
  receive(delivery: Delivery): Promise<Received>;
  /** Firings that are due, at most `limit` of them counted. */
  backlog(limit: number): Promise<number>;
  /** Claims up to `limit` due firings (skip locked); nobody else gets them for `claimSeconds`. */
  takeDue(limit: number, claimSeconds: number): Promise<readonly DueFiring[]>;
  /**
   * All or nothing. `stale`: the firing was resolved or decided by another replica. `busy`: another live execution holds
   * the claim (its id is given): join it. `limited`: as many as that limit allows are under way or were started; `stopped`: a
   * breaker is open; `told`: people were told already. Nothing was written then.
   */
  decide(
    firing: Pick<DueFiring, "id" | "token">,
    decision: FiringDecision,
  ): Promise<{ readonly result: "committed" } | { readonly result: "stale" } | Refused>;
  /** The same without a firing: started by hand. @throws Problem LEASE_LOST (nothing was written), DATABASE_UNAVAILABLE */
  start(
    alertName: string,
    decision: Extract<FiringDecision, { readonly kind: "execution" }>,
  ): Promise<{ readonly result: "committed" } | Exclude<Refused, Told>>;
  /** How much counts in each key, starts within `perSeconds`; only executions that were created before `before`, if it is given. */
  usage(
    keys: readonly string[],
    options: { readonly perSeconds: number; readonly before?: string },
  ): Promise<Counts>;
  /** The nodes or pods that those under way, or begun within `perSeconds`, take out of each of these parts. */
  takenOut(
    keys: readonly string[],
    options: { readonly perSeconds: number; readonly before?: string },
  ): Promise<TakenOut>;
  /** The live execution that holds this claim. */
  liveExecution(claimKey: string): Promise<string | null>;
  /** Whether an open firing of one of these severities, in small letters, belongs to the execution. */
  hasFiringOf(executionId: string, severities: readonly string[]): Promise<boolean>;
  /** Other open firings of its name, in its cluster and namespace, oldest first. */
  openAlike(alert: Alert, limit: number): Promise<readonly Alert[]>;
  history(alertName: string, target: ObjectRef): Promise<History>;
  /** null: its cool-down is over. */
  resting(check: RestCheck): Promise<Resting | null>;
  /** Whether people have rejected this template for this target in the incident that is still open. */
  rejectedBefore(template: string, target: ObjectRef): Promise<boolean>;
  /** Firings without a match are decided anew: the catalog changed. */
  wakeUnmatched(): Promise<void>;
  /**
   * Firings not delivered for `staleSeconds` become stale; firings of ended executions that missed their wake-up get it; what is
   * older than its retention goes, some thousands of rows at a time.
   */
  keepHouse(staleSeconds: number, retention: Retention): Promise<void>;
  openFirings(): Promise<readonly OpenFiringState[]>;
  /** Those that were not delivered since `heardBefore` are resolved, and their executions told. @returns how many */
  resolveUnheard(firings: readonly FiringKey[], heardBefore: string): Promise<number>;
  /** Nothing is decided about them before the hold ends; each new reason is recorded as a decision. */
  hold(firings: readonly (FiringKey & { readonly hold: Hold })[]): Promise<void>;
  /** Held no longer: due again if they were due. */
  letGo(firings: readonly FiringKey[]): Promise<void>;
  /** Of each source that has ever sent one in the last days. */
  watchdogs(): Promise<readonly Watchdog[]>;
  /** Newest first; `before` is the last id of the page before. */
  deadLetters(query: { readonly limit: number; readonly before?: string }): Promise<readonly DeadLetter[]>;
  /** Ids are whole numbers. */
  deadLetter(id: string): Promise<DeadLetter | null>;
  /** false: it was not there. */
  dropDeadLetter(id: string): Promise<boolean>;
}

// ---- Alertmanager's API -------------------------------------------------------------------------------------------

export interface PresentAlert {
  readonly alert: Alert;
  readonly hold: Hold | null;
}

/** All that an Alertmanager holds. */
export interface AlertmanagerAnswer {
  /** Also of what cannot be read. */
  readonly fingerprints: ReadonlySet<string>;
  readonly alerts: readonly PresentAlert[];
  /** Since its start. */
  readonly upSeconds: number;
}

/** `absent`: its Alertmanager does not have it. `unasked`: no address of it is configured. */
export type AlertState =
  | { readonly state: "active" | "absent" | "unasked" }
  | { readonly state: "held"; readonly why: string };

export interface AlertHolds {
  /** Asks the alert's Alertmanager now, for at most 5 s. @throws Problem ALERTMANAGER_UNAVAILABLE (retryable) */
  look(alert: Alert): Promise<AlertState>;
}

export interface Alertmanagers extends AlertHolds {
  /** Those with a configured address. */
  readonly sources: readonly AlertSource[];
  /** @throws Problem ALERTMANAGER_UNAVAILABLE (retryable): not answered completely */
  everything(source: string): Promise<AlertmanagerAnswer>;
}

// ---- executions ---------------------------------------------------------------------------------------------------

/** What lists show of an execution, kept beside its events in the same statement. */
export interface Projection {
  readonly phase: Phase;
  readonly outcome: Outcome | null;
  readonly escalated: boolean;
}

export interface OwnedExecution {
  readonly id: string;
  readonly epoch: number;
}

/** What other replicas, people and alerts ask of an execution; its owner turns each into events. */
export type ExecutionCommand = Command;

export interface PendingCommand {
  readonly id: string;
  readonly executionId: string;
  readonly command: ExecutionCommand;
}

export interface Append extends OwnedExecution {
  /** Consecutive seqs; the first is the stored version + 1. None: the commands need no answer. */
  readonly events: readonly RecordedEvent[];
  readonly projection: Projection;
  /** Commands that these events answer: deleted in the same transaction. */
  readonly commands: readonly string[];
  /** The record is to be published up to here: gate decided, ended. */
  readonly milestone: Milestone | null;
  /** The end leaves a change in place: whether it helped is asked so long after it. null: there is nothing to ask. */
  readonly assessAfterSeconds: number | null;
  /** The end leaves something to be taken back when the incident is over, at most so long after it. null: nothing. */
  readonly keepSeconds: number | null;
  /** The end needs people: `tell` them, or their own plan has `told` them already. null: nobody is needed. */
  readonly escalation: "tell" | "told" | null;
}

export interface ExecutionSummary extends Projection {
  readonly id: string;
  readonly alertName: string;
  readonly target: ObjectRef | null;
  readonly template: string;
  readonly mode: Mode;
  readonly incidentId: string;
  readonly createdAt: string;
  readonly updatedAt: string;
  /** null: nobody has to look at it. */
  readonly escalation: EscalationState | null;
}

export interface ExecutionQuery {
  readonly limit: number;
  /** The last id of the page before. */
  readonly before?: string;
  /** Not ended. */
  readonly live?: boolean;
  /** Somebody has to look at it, or to approve it. */
  readonly attention?: boolean;
  /** People have to look at it; none was reached, and none has seen it. */
  readonly untold?: boolean;
  readonly template?: string;
  readonly outcome?: Outcome;
  /** Of the target. */
  readonly namespace?: string;
}

/** A month whose executions only the audit repository has any more. */
export interface RetiredMonth {
  /** ISO 8601, UTC: executions that began earlier are gone. */
  readonly before: string;
  readonly executions: number;
  /** sha256 of a line `<execution id> <head of its record>` for each, in order of the ids. */
  readonly rootHash: string;
}

export interface ExecutionStore {
  /**
   * Appends all events or none, durably, fenced by (owner, epoch, version); batches with other executions' appends.
   * With `outcome` set it frees the claims, lets the firings be decided again after the cool-down and makes the assessment due,
   * in the same transaction.
   * @throws Problem EXECUTION_MOVED_ON: another replica owns it or the seq is stale. DATABASE_UNAVAILABLE: retry the same append.
   */
  append(append: Append): Promise<void>;
  /** Takes over up to `limit` executions without a live owner, epoch + 1 (skip locked); none with an event that this version cannot read. */
  claimAbandoned(limit: number): Promise<readonly OwnedExecution[]>;
  /** In order and in their present shape; only those after the seq `after` when it is given. @throws Problem EVENT_UNKNOWN */
  events(id: string, after?: number): Promise<readonly RecordedEvent[]>;
  /** Folded from the newest snapshot that can be used and the events after it. @throws Problem EVENT_UNKNOWN */
  state(id: string): Promise<Execution>;
  /** A cache, for `state`: all of its events are durable. An older one than is there changes nothing. */
  saveSnapshot(id: string, state: Execution): Promise<void>;
  /** Commands for executions that this replica owns. */
  commands(): Promise<readonly PendingCommand[]>;
  /** false: there is no such execution or it has ended. */
  send(executionId: string, command: ExecutionCommand): Promise<boolean>;
  /**
   * All keys or none; keys that the execution holds already count as got, and so does what a younger one holds that has not
   * claimed yet: that one claims it again when its turn comes.
   */
  claim(executionId: string, keys: readonly string[]): Promise<boolean>;
  /** Newest first; keyset pagination by id. */
  list(query: ExecutionQuery): Promise<readonly ExecutionSummary[]>;
  /** By id or unambiguous prefix or suffix of at least 6 characters. */
  find(id: string): Promise<ExecutionSummary | null>;
  /** Gives the executions of this replica back, so that others claim them at once (drain). */
  release(): Promise<void>;
  /**
   * Makes room for the months to come and lets go of the oldest one, when it has been over for so long and everything in it has
   * ended, is published and assessed. @returns what was let go; null: nothing
   */
  keepMonths(retentionSeconds: number): Promise<RetiredMonth | null>;
  /** The text as it was hashed, storable (domain/storable.ts). */
  saveEvidence(evidence: {
    readonly executionId: string;
    readonly name: string;
    readonly sha256: string;
    readonly text: string;
  }): Promise<void>;
}

// ---- assessments --------------------------------------------------------------------------------------------------

/** An ended execution whose time to be assessed has come, claimed for a while by whoever took it. */
export interface DueAssessment {
  readonly executionId: string;
  /** Fences the verdict: one under an older claim is stale. */
  readonly claim: number;
  /** 1-based. */
  readonly round: number;
  /** Since this round was looked at first: how long a cluster that is away has been waited for. */
  readonly waitedSeconds: number;
}

/** An open firing of the alert's name in its cluster. */
export interface OpenFiring {
  readonly id: string;
  readonly alert: AlertReference;
  /** It belongs to the same execution, incident or target. */
  readonly own: boolean;
}

export interface Assessments {
  /** Up to `limit` due ones (skip locked); nobody else gets them for `claimSeconds`. */
  takeDue(limit: number, claimSeconds: number): Promise<readonly DueAssessment[]>;
  /** Nothing can be said now: due again in `seconds`. */
  putOff(due: Pick<DueAssessment, "executionId" | "claim">, seconds: number): Promise<void>;
  /** Its own first, at most `limit`. */
  firings(executionId: string, limit: number): Promise<readonly OpenFiring[]>;
  /**
   * In one transaction: the verdict as the only event after `Ended`, its milestone, the time of the next round, and `stillFiring`
   * (ids) due again once the cool-down is over. false: the claim is stale or the stream has moved on; nothing was written.
   */
  commit(
    due: Pick<DueAssessment, "executionId" | "claim">,
    made: RecordedEvent & { readonly event: AssessmentMade },
    stillFiring: readonly string[],
  ): Promise<boolean>;
}

export interface Lease {
  /** Changes when a lost lease is replaced. */
  replicaId(): string;
  /** Whether effects may be sent now; judged by monotonic time, false 300 ms before the lease ends. */
  valid(): boolean;
  /** Called when the lease was lost: abort everything. The lease takes a new id by itself. */
  onLost(listener: () => void): void;
}

/** Database time, known to the process by the offset measured at the last answer. Never the process's wall clock. */
export interface Clock {
  /** ISO 8601, UTC, milliseconds. */
  now(): string;
}

// ---- catalog ------------------------------------------------------------------------------------------------------

export interface CatalogFile {
  /** Relative to the catalog's root. */
  readonly path: string;
  readonly text: string;
}

export interface CatalogSource {
  /** Asks the remote for the branch head only. 40 hex; null: the branch does not exist. @throws Problem GIT_UNREACHABLE, GIT_REFUSED */
  head(): Promise<string | null>;
  /** Fetches the commit when it is not here yet and reads templates/, policies/ from its tree. */
  read(commit: string): Promise<readonly CatalogFile[]>;
  /** People of gitmend.yaml with a good SSH signature on this commit, or on a tag `loosening/<its first 12>/…` of it. */
  signers(commit: string): Promise<readonly string[]>;
  readonly branch: string;
}

/** Away from the main loop: seconds of work for thousands of rules, and the lease ends when the loop stalls for one. */
export interface CatalogCompiler {
  /**
   * What takes too long or too much memory is a finding too.
   * @param accepted it was taken into use before: what exceeds a scope of gitmend.yaml by now does not unload it
   * @throws Problem INTERNAL
   */
  compile(files: readonly CatalogFile[], revision: string, accepted?: boolean): Promise<CatalogCompilation>;
}

/** Which revision all replicas act on. */
export interface CatalogState {
  current(): Promise<string | null>;
  /** Names the revision for all replicas. */
  set(revision: string): Promise<void>;
}

// ---- record -------------------------------------------------------------------------------------------------------

export interface OutboxEntry {
  readonly id: string;
  readonly executionId: string;
  readonly milestone: Milestone;
  /** Events up to this seq belong to the milestone. */
  readonly seq: number;
  /** What the first line of the record carries, where some of it is published; null: nothing is, or the record has to tell. */
  readonly firstPrevious: string | null;
}

/** A milestone that stands in the audit repository. */
export interface PublishedRecord {
  /** Of the outbox entry. */
  readonly id: string;
  readonly executionId: string;
  readonly commit: string;
  /** sha256 of the last line. */
  readonly head: string;
  readonly lines: number;
  readonly firstPrevious: string;
}

/** An act of control that stands in the audit repository. */
export interface PublishedControl {
  readonly id: string;
  readonly commit: string;
}

export interface Outbox {
  /**
   * Unpublished entries in order, without those named (which are being written), for the one replica that holds the publishing
   * claim; empty for all others.
   */
  take(limit: number, except?: readonly string[]): Promise<readonly OutboxEntry[]>;
  /** Whole streams as they were stored, by execution id; without those that do not exist. */
  events(executionIds: readonly string[]): Promise<ReadonlyMap<string, readonly RecordedEvent[]>>;
  /** sha256 of the last line of the record that was published last (any execution); null at the beginning. */
  lastHead(): Promise<string | null>;
  markPublished(published: readonly PublishedRecord[]): Promise<void>;
  /** Unpublished acts of control in order, without those named: after `take`, for the replica that holds the claim. */
  controls(limit: number, except: readonly string[]): Promise<readonly Control[]>;
  markControls(published: readonly PublishedControl[]): Promise<void>;
  /** Whether this replica is the one that publishes. */
  isOurs(): Promise<boolean>;
}

export interface RecordCommit {
  /** Path -> content; whole files. */
  readonly files: Readonly<Record<string, string>>;
  /** Subject, empty line, body, trailers. */
  readonly message: string;
  /** ISO 8601: author and committer date. */
  readonly at: string;
}

/** A milestone as its commit names it. */
export interface RecordedMilestone {
  readonly commit: string;
  /** sha256 of the last line. */
  readonly head: string;
  readonly lines: number;
}

/** What the newest commits hold. */
export interface Recorded {
  /** By milestoneKey. */
  readonly milestones: ReadonlyMap<string, RecordedMilestone>;
  /** Id of an act of control -> commit. */
  readonly controls: ReadonlyMap<string, string>;
}

export interface AuditRepository {
  /** Takes in what other replicas have pushed: called by whoever becomes the one that publishes. @throws Problem GIT_UNREACHABLE */
  follow(): Promise<void>;
  /** One commit each, in order, in one flush; moves the branch. @returns the commit ids in order (the last one is signed when a key is configured). */
  commit(commits: readonly RecordCommit[]): Promise<readonly string[]>;
  /** Pushes when a remote is configured. @throws Problem GIT_UNREACHABLE (later), GIT_NOT_FAST_FORWARD (publishing stops) */
  push(): Promise<void>;
  /** A writer may have crashed between commit and mark. */
  newest(): Promise<Recorded>;
  /** A file at the branch's head; null: there is none. A record that is written again goes on from its own events.jsonl. */
  read(path: string): Promise<string | null>;
}

// ---- the rest -----------------------------------------------------------------------------------------------------

export interface Clusters {
  readonly names: readonly string[];
  /** Labels of `gitmend.yaml`. */
  labels(cluster: string): Readonly<Record<string, string>>;
  /**
   * Tools for one attempt (or one decision): every call ends when the signal aborts. Urgent calls (undo, finding out what has
   * happened) go before others when the API server is busy.
   * @param scopes of the plan that they are for: clusters are asked as these say. Left out: as gitmend itself
   */
  tools(signal: AbortSignal, executionId: string, urgent?: boolean, scopes?: readonly Scope[]): ActionTools;
}

export interface Log {
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
}

export interface Ids {
  /** UUIDv7. */
  next(): string;
}
