// Drives one owned execution to its end: asks nextWork what is due, does it, records what came of it, sleeps until
// something happens. Everything it knows is in the events, so another replica can take over between any two lines.
import { answerCommand } from "../domain/execution/answer-command.ts";
import { nextWork } from "../domain/execution/next-work.ts";
import type { Work } from "../domain/execution/work.ts";
import { objectKey } from "../domain/facts/objects.ts";
import { plusSeconds, secondsBetween } from "../domain/instant.ts";
import { changesSomething, type Plan } from "../domain/planning/plan.ts";
import { Problem, toProblem, unreachable } from "../domain/problem.ts";
import { createAlarm } from "./alarm.ts";
import { endExecution, isEnd } from "./end-execution.ts";
import type { EnginePorts } from "./engine-ports.ts";
import { followPauses, isPaused, waitPaused } from "./follow-pauses.ts";
import { followRevoked } from "./follow-revoked.ts";
import { isHeld } from "./is-held.ts";
import { stillAsPlanned } from "./outdated.ts";
import type { OwnedExecution, PendingCommand } from "./ports.ts";
import { readTouched } from "./protection.ts";
import { requestForge } from "./request-forge.ts";
import { askApproval, checkApproval } from "./run-approval.ts";
import { resumeStep, startStep } from "./run-step.ts";
import { resumeUndo, startUndo } from "./run-undo.ts";
import { openSession, type Session } from "./session.ts";
import { tellLift } from "./tell-lift.ts";
import { tellStart } from "./tell-target.ts";
import { fallBack } from "./weigh-again.ts";

const retryMilliseconds = 1000;
const claimMilliseconds = { least: 250, most: 5000 };
const heldMilliseconds = 15_000;
/** Who sleeps so long keeps only what wakes it, and reads its events again then: thousands may wait for hours. */
const restMilliseconds = 60_000;
const never = Number.NEGATIVE_INFINITY;

export interface Drive {
  readonly id: string;
  /** Handed over by whoever reads the inbox; answered before the next work. */
  give(command: PendingCommand): void;
  /** Something that concerns it may have changed (a pause): asks again what is due. */
  wake(): void;
  /** Starts nothing new; resolves `done` when what runs has ended. */
  drain(): void;
  /** Never rejects. */
  readonly done: Promise<DriveEnd>;
}

/** `left`: drained, or no longer ours. `failed`: it is still ours and nobody drives it. */
export type DriveEnd = "ended" | "left" | "failed";

/** `signal`: nothing more is recorded once it aborts. Whoever aborts it wakes the drive, which may listen to nothing while it rests. */
export function driveExecution(owned: OwnedExecution, signal: AbortSignal, ports: EnginePorts): Drive {
  const inbox: PendingCommand[] = [];
  const alarm = createAlarm();
  let draining = false;
  let session: Session | null = null;
  /** When its request for approval was looked at last, on a clock that nobody sets. */
  let lookedAt = never;

  const run = async (): Promise<DriveEnd> => {
    for (let first = true; !draining; first = false) {
      signal.throwIfAborted();
      session = openSession(owned, await ports.executions.state(owned.id), signal, ports, alarm);
      // Whoever had it before may have died before it was shown.
      if (first) tellLift(session, ports);
      const pause = await untilRest(session);
      if (session.state().phase === "ended") return "ended";
      session.close(new Error("the execution rests"));
      session = null;
      await alarm.next(pause);
    }
    return "left";
  };

  /** @returns milliseconds until it is due again; 0: it has ended, or is drained */
  const untilRest = async (awake: Session): Promise<number> => {
    while (awake.state().phase !== "ended" && !(draining && awake.busy.size === 0)) {
      awake.signal.throwIfAborted();
      await answerInbox(awake, inbox, ports);
      await followRevoked(awake, ports);
      await followPauses(awake, ports);
      const works = due(awake, draining, lookedAt, ports);
      if (works.some(({ type }) => type === "await-approval")) lookedAt = performance.now();
      // What is asked, also anew, shows at once how it stands.
      if (works.some(({ type }) => type === "ask-approval")) lookedAt = never;
      const pause = await doAll(works, awake, ports);
      if (pause <= 0 || inbox.length > 0) continue;
      if (pause >= restMilliseconds && awake.busy.size === 0 && !alarm.rung()) return pause;
      await alarm.next(pause);
    }
    return 0;
  };

  return {
    id: owned.id,
    give(command) {
      // The inbox is read again before a command is answered: one that is asleep or busy is handed the same many times.
      if (inbox.some(({ id }) => id === command.id)) return;
      if (command.command.type === "look-at-approval") lookedAt = never;
      inbox.push(command);
      alarm.wake();
    },
    wake: alarm.wake,
    drain() {
      draining = true;
      alarm.wake();
    },
    done: run()
      .catch((error: unknown) => report(owned, error, signal, ports))
      // A signal that somebody listens to lives as long as its parent: unclosed, every execution would stay in memory.
      .finally(() => session?.close(new Error("the drive is over"))),
  };
}

function due(session: Session, draining: boolean, lookedAt: number, ports: EnginePorts): readonly Work[] {
  if (draining) return [];
  const works = nextWork(session.state(), new Set(session.busy.keys()), ports.clock.now());
  return works.map((work) =>
    work.type === "await-approval"
      ? lookSeldom(work, lookedAt, requestForge(session, ports).pollSeconds, ports)
      : work,
  );
}

/**
 * An execution is woken for much, by each alert that joins for one: its forge is asked as often as it wants, when there is news, and
 * when others are to be asked who may approve.
 */
function lookSeldom(
  work: Extract<Work, { type: "await-approval" }>,
  lookedAt: number,
  pollSeconds: number,
  { clock }: EnginePorts,
): Work {
  const now = clock.now();
  const sinceLook = performance.now() - lookedAt;
  const left = pollSeconds * 1000 - sinceLook;
  const isNews = (at: string) => at <= now && secondsBetween(at, now) * 1000 < sinceLook;
  if (left <= 0 || work.nextAt.some(isNews)) return work;
  const times = [plusSeconds(now, left / 1000), work.expiresAt, ...work.nextAt.filter((at) => at > now)];
  return { type: "wait", until: times.reduce((one, other) => (other < one ? other : one)) };
}

async function answerInbox(session: Session, inbox: PendingCommand[], ports: EnginePorts): Promise<void> {
  while (inbox.length > 0) {
    const command = inbox[0];
    const events =
      command === undefined ? [] : answerCommand(session.state(), command.command, ports.clock.now());
    // An end takes all commands with it.
    if (isEnd(events)) await endExecution(events, session, ports);
    else if (command !== undefined) await session.record(events, [command.id]);
    if (command?.command.type === "break-glass" && events.length > 0) tellLift(session, ports);
    inbox.shift();
  }
}

/** @returns milliseconds to sleep; 0: ask again at once */
async function doAll(works: readonly Work[], session: Session, ports: EnginePorts): Promise<number> {
  let pause = Number.POSITIVE_INFINITY;
  for (const work of works) pause = Math.min(pause, await doWork(work, session, ports));
  return pause;
}

async function doWork(work: Work, session: Session, ports: EnginePorts): Promise<number> {
  switch (work.type) {
    case "record":
      await (isEnd(work.events) ? endExecution(work.events, session, ports) : session.record(work.events));
      return 0;
    case "ask-approval":
      return retryLater(() => askApproval(session, ports), session, ports);
    case "await-approval":
      await checkApproval(session, ports);
      return session.state().phase === "awaiting_approval" ? untilAsked(work, session, ports) : 0;
    case "claim":
      return retryLater(() => claim(session, ports), session, ports);
    case "start":
      session.launch(work.step.name, (abort) => startStep(work.step, work.state, abort, session, ports));
      return Number.POSITIVE_INFINITY;
    case "resume":
      session.launch(work.step.name, (abort) => resumeStep(work.step, work.state, abort, session, ports));
      return Number.POSITIVE_INFINITY;
    case "undo":
      session.launch(work.change.step, () => startUndo(work.change, session, ports));
      return Number.POSITIVE_INFINITY;
    case "resume-undo":
      session.launch(work.change.step, () => resumeUndo(work.change, session, ports));
      return Number.POSITIVE_INFINITY;
    case "fallback":
      return retryLater(() => fallBack(work, session, ports), session, ports);
    case "abort":
      abortAll(session, work.code);
      return Number.POSITIVE_INFINITY;
    case "paused":
      return retryLater(() => waitPaused(session, ports), session, ports);
    case "wait":
      return Math.max(1, secondsBetween(ports.clock.now(), work.until) * 1000);
    default:
      return unreachable(work);
  }
}

/** A forge or an API server that is away is asked again; the execution keeps waiting. */
async function retryLater(
  act: () => Promise<boolean | number | void>,
  session: Session,
  { log }: EnginePorts,
): Promise<number> {
  try {
    const went = await act();
    return typeof went === "number" ? went : went === false ? retryMilliseconds : 0;
  } catch (error) {
    session.signal.throwIfAborted();
    const problem = toProblem(error);
    if (problem.code === "EXECUTION_MOVED_ON" || problem.code === "INTERNAL") throw problem;
    log.warn(
      { executionId: session.id, code: problem.code, reason: problem.message },
      "cannot go on yet, trying again",
    );
    return retryMilliseconds;
  }
}

/** A forge may be asked seldom; the end of the time, and the time of others, is not waited for so long. */
function untilAsked(
  { expiresAt, nextAt }: Extract<Work, { type: "await-approval" }>,
  session: Session,
  ports: EnginePorts,
): number {
  const now = ports.clock.now();
  const left = [expiresAt, ...nextAt.filter((at) => at > now)].map((at) => secondsBetween(now, at));
  return Math.max(1, Math.min(requestForge(session, ports).pollSeconds, ...left) * 1000);
}

/**
 * The objects that the plan changes, all or none; then the first step may start. A number: the milliseconds to wait because
 * people hold the alert, or another execution an object.
 */
async function claim(session: Session, ports: EnginePorts): Promise<boolean | number> {
  const { plan } = session.state();
  if (plan === null) return false;
  if (await pausedAtStart(session, ports)) return true;
  if (await isHeld(session, ports)) return heldMilliseconds;
  const keys = changesSomething(plan) ? claimedKeys(plan) : [];
  if (!(await ports.executions.claim(session.id, keys))) return claimAgainAfter(session, ports);
  await ports.faults.at("objects-claimed");
  const outdated = await stillAsPlanned(session, ports);
  if (outdated !== null) {
    const end = { type: "Ended", outcome: "outdated", reason: outdated, escalated: true } as const;
    await endExecution([end], session, ports);
    return true;
  }
  await session.record([{ type: "Claimed", keys }]);
  await tellStart(session, ports);
  return true;
}

/** Every object that some path of the plan changes, and its target, which it holds from the start unless an older one took it. */
function claimedKeys({ touches, target }: Plan): readonly string[] {
  const objects = target === null ? touches.objects : [...touches.objects, target];
  return [...new Set(objects.map(objectKey))];
}

/** A quarter of the time that it has waited already: whoever waits long asks seldom. */
function claimAgainAfter(session: Session, { clock, random }: EnginePorts): number {
  const since = session.state().gateDecidedAt ?? clock.now();
  const quarter = (secondsBetween(since, clock.now()) * 1000) / 4;
  const { least, most } = claimMilliseconds;
  return Math.min(Math.max(quarter, least), most) * (0.75 + random() / 2);
}

/** An approval may be hours old: for one, the target is asked too. What was decided just now was looked at then. */
async function pausedAtStart(session: Session, ports: EnginePorts): Promise<boolean> {
  const { approved, plan } = session.state();
  const target = approved ? (plan?.target ?? null) : null;
  const found =
    target === null ? [] : await readTouched([target], ports.clusters.tools(session.signal, session.id));
  return isPaused(session, found, ports);
}

function abortAll(session: Session, code: "EXECUTION_TIMEOUT" | "CANCELLED"): void {
  const message =
    code === "CANCELLED"
      ? "the execution was cancelled"
      : "the execution took longer than its template allows";
  for (const controller of session.busy.values()) controller.abort(new Problem(code, message));
}

function report(owned: OwnedExecution, error: unknown, lease: AbortSignal, { log }: EnginePorts): DriveEnd {
  const problem = toProblem(error);
  const fields = { executionId: owned.id, code: problem.code, reason: problem.message };
  if (lease.aborted || problem.code === "EXECUTION_MOVED_ON") {
    log.info(fields, "stopped driving the execution");
    return "left";
  }
  if (problem.code === "INTERNAL")
    log.error({ ...fields, err: error }, "driving the execution failed and is tried again");
  else log.warn(fields, "driving the execution failed and is tried again");
  return "failed";
}
