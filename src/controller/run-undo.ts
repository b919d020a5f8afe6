// Takes one change back. An undo is an effect like any other: announced durably, conditional, found out after a crash.
// A field is written back only while it still holds what gitmend wrote; otherwise people are told what stands there, and the
// other fields of the step are written back all the same.
import type { ActionContext, ActionTools, ChangeAction } from "../actions/action.ts";
import type { UndoFailed } from "../domain/execution/events.ts";
import type { Change } from "../domain/execution/execution.ts";
import { undoBudgetSeconds } from "../domain/execution/next-work.ts";
import { secondsBetween } from "../domain/instant.ts";
import type { JsonObject } from "../domain/json.ts";
import type { Effect } from "../domain/planning/effect.ts";
import type { ActionCall } from "../domain/planning/plan.ts";
import { Problem, type ProblemCode, toProblem, unreachable } from "../domain/problem.ts";
import type { EnginePorts } from "./engine-ports.ts";
import { type EffectEnd, findOut, makeEffect } from "./make-effect.ts";
import { contextOf, findAction } from "./make-plan.ts";
import { assertNotProtected } from "./protection.ts";
import type { Session } from "./session.ts";
import { stepTools } from "./step-tools.ts";

const undoTimeoutSeconds = 60;
const final: ReadonlySet<ProblemCode> = new Set([
  "FIELD_CHANGED_SINCE",
  "TARGET_GONE",
  "PROTECTED_OBJECT",
  "API_INVALID",
  "API_FORBIDDEN",
  "SCOPE_EXCEEDED",
]);

interface UndoRun {
  readonly change: Change;
  readonly attempt: number;
  readonly context: ActionContext;
  readonly tools: ActionTools;
  /** gitmend's own, for checks. */
  readonly own: ActionTools;
  readonly probeTools: ActionTools;
  readonly session: Session;
  readonly ports: EnginePorts;
}

export async function startUndo(change: Change, session: Session, ports: EnginePorts): Promise<void> {
  const run = openUndo(change, change.undoAttempt + 1, session, ports);
  await guarded(run, async () => {
    switch (change.undo.how) {
      case "nothing":
        return noEffect(run, null, change.undo.why);
      case "stop":
        return stop(run, change.undo.why);
      case "restore":
        return restore(run, await ports.effects.prepareRestore(change.effect, run.context, run.tools));
      case "action":
        return byAction(run, change.undo.call);
      default:
        return unreachable(change.undo);
    }
  });
}

/** UndoStarted stands, its end does not: look first, then go on or try again. */
export async function resumeUndo(change: Change, session: Session, ports: EnginePorts): Promise<void> {
  const run = openUndo(change, change.undoAttempt, session, ports);
  const { undoEffect } = change;
  await guarded(run, async () => {
    if (undoEffect === null) return startUndo(change, session, ports);
    const lost = new Problem("API_OUTCOME_UNKNOWN", "the controller stopped while the undo was under way", {
      retryable: true,
    });
    return conclude(run, undoEffect, await findOut(request(run, undoEffect), lost, ports), "restored");
  });
}

async function restore(run: UndoRun, effect: Effect | null): Promise<void> {
  if (effect === null) return noEffect(run, null, "the fields hold their old values already");
  await assertNotProtected(effect, run.context.target, run.own, run.ports);
  await makeAnnounced(run, null, effect, "restored");
}

/** What has ended stays as it is; what runs still is ended. */
async function stop(run: UndoRun, why: string): Promise<void> {
  const effect = await stopEffect(run);
  if (effect === null) return noEffect(run, null, `it runs no longer; ${why}`);
  await makeAnnounced(run, null, effect, `stopped; ${why}`);
}

async function stopEffect({ change, context, tools, ports }: UndoRun): Promise<Effect | null> {
  const isRun = change.effect.kind === "create" || change.effect.kind === "request";
  return isRun ? ports.effects.prepareRestore(change.effect, context, tools) : null;
}

/** What would go on meanwhile is ended before it is taken back. To be stopped twice does no harm: it needs no announcement. */
async function stopFirst(run: UndoRun): Promise<void> {
  const effect = await stopEffect(run);
  if (effect === null) return;
  const end = await makeEffect(request(run, effect), run.ports);
  await run.ports.faults.at("undo-after-effect");
  if (end.end !== "made") throw end.problem;
}

async function byAction(run: UndoRun, call: ActionCall): Promise<void> {
  await stopFirst(run);
  const action = findAction(run.ports.actions, call.action, run.session.state().plan);
  if (action.changes) return changeBack(run, action, call);
  await run.session.record([
    { type: "UndoStarted", step: run.change.step, attempt: run.attempt, call, effect: null },
  ]);
  await run.ports.faults.at("undo-after-start");
  const output = await action.run(call.input, run.context, run.tools);
  await undone(run, noteOf(call, output));
}

async function changeBack(run: UndoRun, action: ChangeAction, call: ActionCall): Promise<void> {
  const effect = await action.prepare(call.input, run.context, run.tools);
  await assertNotProtected(effect, run.context.target, run.own, run.ports);
  await makeAnnounced(run, call, effect, `${call.action} done`);
}

async function makeAnnounced(
  run: UndoRun,
  call: ActionCall | null,
  effect: Effect,
  note: string,
): Promise<void> {
  await run.session.record([
    { type: "UndoStarted", step: run.change.step, attempt: run.attempt, call, effect },
  ]);
  await run.ports.faults.at("undo-after-start");
  await conclude(run, effect, await makeEffect(request(run, effect), run.ports), note);
}

async function conclude(run: UndoRun, effect: Effect, end: EffectEnd, note: string): Promise<void> {
  if (end.end !== "made") throw end.problem;
  await run.ports.faults.at("undo-after-effect");
  await assertNothingLeft(run, effect);
  await undone(run, note);
}

/** What the restore left out stands there still, written by somebody else. @throws Problem FIELD_CHANGED_SINCE */
async function assertNothingLeft(
  { change, context, tools, ports }: UndoRun,
  restored: Effect,
): Promise<void> {
  if (change.undo.how !== "restore" || change.effect.kind !== "patch" || restored.kind !== "patch") return;
  const back = new Set(restored.changes.map(({ pointer }) => pointer));
  const left = change.effect.changes.filter(({ pointer }) => !back.has(pointer));
  if (left.length > 0)
    await ports.effects.prepareRestore({ ...change.effect, changes: left }, context, tools);
}

async function noEffect(run: UndoRun, call: ActionCall | null, note: string): Promise<void> {
  const { step } = run.change;
  await run.session.record([
    { type: "UndoStarted", step, attempt: run.attempt, call, effect: null },
    { type: "StepUndone", step, attempt: run.attempt, note },
  ]);
}

async function undone({ change, attempt, session, ports }: UndoRun, note: string): Promise<void> {
  await session.record([{ type: "StepUndone", step: change.step, attempt, note }]);
  await ports.faults.at("undo-after-outcome");
}

async function guarded(run: UndoRun, undo: () => Promise<void>): Promise<void> {
  try {
    await undo();
  } catch (error) {
    run.session.signal.throwIfAborted();
    const problem = toProblem(error);
    if (problem.code === "LEASE_LOST" || problem.code === "EXECUTION_MOVED_ON") throw problem;
    await run.session.record([failure(run, problem)]);
  }
}

function failure({ change, attempt, session, ports }: UndoRun, problem: Problem): UndoFailed {
  const began = session.state().undoStartedAt;
  const overBudget = began !== null && secondsBetween(began, ports.clock.now()) > undoBudgetSeconds;
  return {
    type: "UndoFailed",
    step: change.step,
    attempt,
    code: problem.code,
    message: problem.message,
    retryable: !final.has(problem.code) && !overBudget,
    details: JSON.parse(JSON.stringify(problem.details)) as JsonObject,
  };
}

function openUndo(change: Change, attempt: number, session: Session, ports: EnginePorts): UndoRun {
  const { alert, plan } = session.state();
  const signal = AbortSignal.any([session.signal, AbortSignal.timeout(undoTimeoutSeconds * 1000)]);
  return {
    change,
    attempt,
    // The undo's own key: its annotation must not be taken for the step's.
    context: contextOf(session.id, `${change.step}/undo`, alert?.cluster ?? "", plan?.target ?? null),
    tools: stepTools(plan, ports.clusters, signal, session.id, true),
    own: ports.clusters.tools(signal, session.id, true),
    probeTools: ports.clusters.tools(session.signal, session.id, true),
    session,
    ports,
  };
}

function request({ context, tools, probeTools }: UndoRun, effect: Effect) {
  return { effect, context, tools, probeTools, timeoutSeconds: undoTimeoutSeconds, idempotent: true };
}

function noteOf(call: ActionCall, output: JsonObject): string {
  const note = output["note"];
  return typeof note === "string" ? note : `${call.action} done`;
}
