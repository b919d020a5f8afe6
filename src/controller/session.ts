// One owned execution in memory: its state, the attempts under way, and the only way to append to its stream.
// Appends are made one after the other; when one is refused because the execution moved on, the session is over.
import { assessmentOf } from "../domain/effectiveness/assessable.ts";
import { versionOf } from "../domain/execution/event-versions.ts";
import type { ExecutionEvent, RecordedEvent } from "../domain/execution/events.ts";
import { evolve } from "../domain/execution/evolve.ts";
import type { Execution } from "../domain/execution/execution.ts";
import { keepSecondsOf } from "../domain/execution/follow-up.ts";
import { assertLegal } from "../domain/execution/transitions.ts";
import { toProblem } from "../domain/problem.ts";
import { storable } from "../domain/storable.ts";
import { escalationName } from "../domain/templates/escalation.ts";
import { type Alarm, createAlarm } from "./alarm.ts";
import { countEvents } from "./count-events.ts";
import type { Faults } from "./fault-ports.ts";
import { snapshotKeeper } from "./keep-snapshots.ts";
import type { Metrics } from "./metrics.ts";
import type { Append, Clock, ExecutionStore, Log, OwnedExecution } from "./ports.ts";
import { timed } from "./timed.ts";

export interface Session extends OwnedExecution {
  state(): Execution;
  /** Attempts and undos under way, by step: aborting one makes it record how it ended. */
  readonly busy: Map<string, AbortController>;
  /** Aborts when the lease is lost, the execution moved on or the process stops: then nothing more is recorded. */
  readonly signal: AbortSignal;
  /** Durable when it resolves; repeated while the database is away. @throws Problem EXECUTION_MOVED_ON */
  record(events: readonly ExecutionEvent[], commands?: readonly string[]): Promise<void>;
  /** Runs work for a step in the background; the driver is woken when it ends. */
  launch(step: string, run: (signal: AbortSignal) => Promise<void>): void;
  /** One after the other: two that look whether something is shown already would both show it. */
  inTurn(show: () => Promise<void>): Promise<void>;
  /** Ends the session without recording anything. */
  close(reason: unknown): void;
}

export interface SessionPorts {
  readonly executions: Pick<ExecutionStore, "append" | "saveSnapshot">;
  readonly clock: Clock;
  readonly faults: Faults;
  readonly log: Log;
  readonly metrics: Metrics;
}

export function openSession(
  owned: OwnedExecution,
  start: Execution,
  parent: AbortSignal,
  ports: SessionPorts,
  alarm: Alarm = createAlarm(),
): Session {
  const own = new AbortController();
  const signal = AbortSignal.any([parent, own.signal]);
  const busy = new Map<string, AbortController>();
  let state = start;
  let tail: Promise<void> = Promise.resolve();
  let shown: Promise<void> = Promise.resolve();
  const keepSnapshot = snapshotKeeper(owned.id, ports);
  const { wake } = alarm;
  signal.addEventListener("abort", wake);

  const append = async (events: readonly ExecutionEvent[], commands: readonly string[]) => {
    signal.throwIfAborted();
    const recorded = number(events, state.version, ports.clock.now());
    const next = recorded.reduce(evolveLegally, state);
    await ports.faults.at("append-before");
    await appendUntilDurable(toAppend(owned, recorded, next, commands), signal, ports);
    await ports.faults.at("append-after");
    countEvents(state, recorded, ports.metrics);
    state = next;
    keepSnapshot(state);
    wake();
  };

  return {
    ...owned,
    state: () => state,
    busy,
    signal,
    record(events, commands = []) {
      if (events.length === 0 && commands.length === 0) return tail;
      tail = tail.then(() => append(events, commands));
      tail.catch((error: unknown) => own.abort(error));
      return tail;
    },
    launch(step, run) {
      const controller = new AbortController();
      busy.set(step, controller);
      run(controller.signal)
        .catch((error: unknown) => own.abort(error))
        .finally(() => {
          busy.delete(step);
          wake();
        });
    },
    inTurn(show) {
      const turn = shown.then(show);
      shown = turn.catch(() => undefined);
      return turn;
    },
    close(reason) {
      signal.removeEventListener("abort", wake);
      own.abort(reason);
    },
  };
}

function evolveLegally(state: Execution, recorded: RecordedEvent): Execution {
  assertLegal(state.phase, recorded.event);
  return evolve(state, recorded);
}

/** Consecutive seqs after `version`, all at the same instant; texts as the database can hold them. */
export function number(
  events: readonly ExecutionEvent[],
  version: number,
  at: string,
): readonly RecordedEvent[] {
  return events.map((event, index) => ({
    seq: version + 1 + index,
    at,
    version: versionOf(event.type),
    event: storable(event),
  }));
}

function toAppend(
  owned: OwnedExecution,
  events: readonly RecordedEvent[],
  next: Execution,
  commands: readonly string[],
): Append {
  return {
    id: owned.id,
    epoch: owned.epoch,
    events,
    projection: { phase: next.phase, outcome: next.outcome, escalated: next.escalated },
    commands,
    milestone: milestoneOf(events, next),
    assessAfterSeconds: assessmentOf(next)?.delaySeconds ?? null,
    keepSeconds: keepSecondsOf(next),
    escalation: escalationOf(next),
  };
}

/** That approvals were lifted is brought to the record at once. */
function milestoneOf(events: readonly RecordedEvent[], { phase }: Execution): Append["milestone"] {
  if (phase === "ended") return "ended";
  return events.some(({ event }) => event.type === "ApprovalLifted") ? "planned" : null;
}

/** A plan that told people has done what the escalation of another would do. */
function escalationOf({ escalated, outcome, plan }: Execution): Append["escalation"] {
  if (!escalated || outcome === null) return null;
  return outcome === "succeeded" && plan?.template.name === escalationName ? "told" : "tell";
}

/** The same append again while the database is away: the store recognises one that had arrived. */
async function appendUntilDurable(
  append: Append,
  signal: AbortSignal,
  { executions, log, metrics }: SessionPorts,
): Promise<void> {
  for (let tries = 0; ; tries += 1) {
    signal.throwIfAborted();
    try {
      return await timed(metrics, "append_duration_seconds", () => executions.append(append));
    } catch (error) {
      const problem = toProblem(error);
      if (problem.code !== "DATABASE_UNAVAILABLE") throw problem;
      if (tries === 0) log.warn({ executionId: append.id }, "the database is away: the execution waits");
      await pause(Math.min(100 * 2 ** tries, 2000), signal);
    }
  }
}

/** Resolves after `milliseconds`; rejects as soon as the signal aborts. */
export async function pause(milliseconds: number, signal: AbortSignal): Promise<void> {
  signal.throwIfAborted();
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const timer = setTimeout(resolve, milliseconds);
  const onAbort = () => reject(signal.reason as Error);
  signal.addEventListener("abort", onAbort, { once: true });
  try {
    await promise;
  } finally {
    clearTimeout(timer);
    signal.removeEventListener("abort", onAbort);
  }
}
