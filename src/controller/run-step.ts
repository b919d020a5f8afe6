// One attempt of one step, from its conditions to its recorded end. A changing step goes: prepare (reads) -> StepStarted,
// durable -> the effect -> settle (waits) -> outcome. Whoever takes over after a crash enters at `resumeStep`.
import type { Action, ActionContext, ActionTools, ChangeAction } from "../actions/action.ts";
import type { FoundObject } from "../actions/protected.ts";
import { waitFor } from "../actions/wait.ts";
import { afterFailure } from "../domain/execution/after-failure.ts";
import type { StepFailed } from "../domain/execution/events.ts";
import { finallySteps, type StepState } from "../domain/execution/execution.ts";
import { evaluateCondition, evaluateText } from "../domain/expressions/evaluate.ts";
import type { Scope } from "../domain/expressions/scope.ts";
import type { Subject } from "../domain/facts/objects.ts";
import { secondsBetween } from "../domain/instant.ts";
import { canonicalJson, type Json, type JsonObject } from "../domain/json.ts";
import { checkInput } from "../domain/planning/check-values.ts";
import type { Effect } from "../domain/planning/effect.ts";
import type { ActionCall, PlannedStep } from "../domain/planning/plan.ts";
import { Problem, toProblem } from "../domain/problem.ts";
import { runAsOf } from "../domain/templates/scope.ts";
import { adaptCall } from "./adapt-step.ts";
import { assertStands } from "./checks/after-step.ts";
import { assertMayHappen } from "./checks/check-step.ts";
import { undoAccess } from "./checks/undo-access.ts";
import type { EnginePorts } from "./engine-ports.ts";
import { isPaused } from "./follow-pauses.ts";
import { isHealthyAlready } from "./healthy-already.ts";
import { type EffectEnd, findOut, makeEffect } from "./make-effect.ts";
import { contextOf, findAction } from "./make-plan.ts";
import { overwrites, stillAsPlanned } from "./outdated.ts";
import { assertNotProtected } from "./protection.ts";
import { scopeOf } from "./run-scope.ts";
import type { Session } from "./session.ts";
import { stepTools } from "./step-tools.ts";
import { whyNotNeeded } from "./still-bad.ts";
import { waitTurn, whyNotYet } from "./wait-turn.ts";
import { gateHolds } from "./weigh-again.ts";

interface Attempt {
  readonly step: PlannedStep;
  readonly before: StepState;
  readonly number: number;
  readonly call: ActionCall;
  readonly action: Action;
  readonly context: ActionContext;
  /** ISO 8601. */
  readonly startedAt: string;
  /** The action's. End with the attempt's time-out or when it is aborted. */
  readonly tools: ActionTools;
  /** gitmend's own, for facts and checks. End with these. */
  readonly own: ActionTools;
  /** Somebody cancels, or the execution's time is over. */
  readonly abort: AbortSignal;
  readonly session: Session;
  readonly ports: EnginePorts;
}

/** Starts the next attempt. Rejects only when the session is over. */
export async function startStep(
  step: PlannedStep,
  before: StepState,
  abort: AbortSignal,
  session: Session,
  ports: EnginePorts,
): Promise<void> {
  const attempt = openAttempt(
    step,
    before,
    before.attempt + 1,
    plannedCall(step, before),
    abort,
    session,
    ports,
  );
  await guarded(attempt, false, async () => {
    const scope = await scopeOf(session.state(), [step, attempt.call], attempt.own, session.id, ports);
    if (isFirst(before) && !step.conditions.every((condition) => evaluateCondition(condition, scope))) {
      const reason = `its condition does not hold: ${step.conditions.join(" && ")}`;
      return session.record([{ type: "StepSkipped", step: step.name, reason, byCondition: true }]);
    }
    const unneeded = isFirst(before) && step.subject !== null ? await notNeeded(attempt, step.subject) : null;
    if (unneeded !== null)
      return session.record([{ type: "StepSkipped", step: step.name, reason: unneeded, byCondition: true }]);
    const notYet = await whyNotYet(step, session.state(), attempt.own);
    if (notYet !== null) return waitTurn(step, notYet, session, attempt.tools.signal);
    assertAll("PRECONDITION_FAILED", step.preconditions, scope);
    const call = filledIn(attempt, scope);
    return attempt.action.changes ? change(attempt, attempt.action, call, scope) : read(attempt, call, scope);
  });
}

/** StepStarted stands, its outcome does not: a read is made again, a change is looked for first. */
export async function resumeStep(
  step: PlannedStep,
  before: StepState,
  abort: AbortSignal,
  session: Session,
  ports: EnginePorts,
): Promise<void> {
  const call = before.call ?? plannedCall(step, before);
  const attempt = openAttempt(step, before, before.attempt, call, abort, session, ports);
  const { effect } = before;
  await guarded(attempt, effect !== null, async () => {
    const read = () => scopeOf(session.state(), [step, call], attempt.own, session.id, ports);
    if (!attempt.action.changes || effect === null) return finishRead(attempt, call, await read());
    const scope = await untilRead(attempt, read);
    const lost = new Problem("API_OUTCOME_UNKNOWN", "the controller stopped while the change was under way", {
      retryable: true,
    });
    const end = await findOut(effectRequest(attempt, effect), lost, ports);
    return conclude(attempt, attempt.action, { ...call }, { effect, found: null }, end, scope);
  });
}

/** A cluster that does not answer while the change may be made already is no reason to take it back. */
function untilRead(attempt: Attempt, read: () => Promise<Scope>): Promise<Scope> {
  return waitFor(attempt.tools, restSeconds(attempt), async () => ({ done: true, value: await read() }));
}

/** What is null is left out: the action's own default holds. @throws Problem PARAMETER_INVALID, EXPRESSION_FAILED */
function filledIn({ call, action }: Attempt, scope: Scope): ActionCall {
  const filled = Object.entries(evaluateText(call.input, scope) as ActionCall["input"]);
  const input = Object.fromEntries(
    filled.filter(([name, value]) => value !== null || call.input[name] === null),
  );
  checkInput(action, input);
  return { action: call.action, input };
}

function notNeeded({ context, own }: Attempt, subject: Subject): Promise<string | null> {
  return whyNotNeeded(subject, context.cluster, own);
}

async function read(attempt: Attempt, call: ActionCall, scope: Scope): Promise<void> {
  const { step, number, session, ports } = attempt;
  await ports.faults.at("step-before-start");
  await session.record([{ type: "StepStarted", step: step.name, attempt: number, call, effect: null }]);
  await ports.faults.at("step-after-start");
  await finishRead(attempt, call, scope);
}

async function finishRead(attempt: Attempt, call: ActionCall, scope: Scope): Promise<void> {
  if (attempt.action.changes)
    throw new Problem("INTERNAL", `${attempt.action.name} was started without an effect`);
  const output = await attempt.action.run(call.input, attempt.context, attempt.tools);
  await succeed(attempt, output, scope);
}

async function change(
  attempt: Attempt,
  action: ChangeAction,
  wanted: ActionCall,
  scope: Scope,
): Promise<void> {
  const { step, before, number, session, ports, context, tools, own } = attempt;
  const late = await lateEffect(attempt, wanted);
  if (late?.end === "unknown") return unknown(attempt, before.attempt, late.problem);
  // Nothing is recorded of the step when the guards got stricter: it waits for what follows from that.
  const isFirstChange = late === null && session.state().changes.length === 0;
  if (isFirstChange && (await isHealthyAlready(session, own, ports))) return;
  if (isFirstChange && !(await gateHolds(session, own, ports))) return;
  const { call, events: adapted } = await adaptCall(step, before, wanted, action, context, tools);
  const effect = late?.effect ?? mergedRepair(attempt) ?? (await action.prepare(call.input, context, tools));
  if (late === null) await assertAsBefore(attempt, call, effect);
  const found = await assertNotProtected(effect, context.target, own, ports);
  const undoNeeds = undoNeedsOf(attempt, effect);
  const runAs = runAsOf(session.state().plan?.scopes);
  if (late === null) await assertMayHappen({ effect, found, tools: own, undoNeeds, runAs }, ports);
  if (late === null && (await mustWait(attempt, found))) return;
  await ports.faults.at("step-before-start");
  await session.record([...adapted, { type: "StepStarted", step: step.name, attempt: number, call, effect }]);
  await ports.faults.at("step-after-start");
  const end = late === null ? await makeEffect(effectRequest(attempt, effect), ports) : made;
  await conclude(attempt, action, call, { effect, found: late === null ? found : null }, end, scope);
}

/** What people have approved by merging it: nothing else is proposed in its place. */
function mergedRepair({ step, session }: Attempt): Effect | null {
  const { repair } = session.state();
  return repair?.forStep === step.name ? repair.effect : null;
}

function undoNeedsOf({ step, before, context, session, ports }: Attempt, effect: Effect) {
  const undo = step.alternatives[before.alternative]?.undo ?? step.undo;
  const find = ({ action }: ActionCall) => findAction(ports.actions, action, session.state().plan);
  return undoAccess(undo, effect, context, find);
}

/** Nothing is recorded of a step that people have paused meanwhile. What is done at the end is not held back. */
async function mustWait({ step, session, ports }: Attempt, found: readonly FoundObject[]): Promise<boolean> {
  const { plan } = session.state();
  const isLast = plan !== null && finallySteps(session.state(), plan).some(({ name }) => name === step.name);
  return !isLast && (await isPaused(session, found, ports));
}

function unknown({ step, session }: Attempt, number: number, { message }: Problem): Promise<void> {
  return session.record([{ type: "StepOutcomeUnknown", step: step.name, attempt: number, message }]);
}

const made: EffectEnd = { end: "made", answer: null };

/**
 * The effect of the attempt before, when it has happened after all: its answer was lost, and the request may have been on its
 * way still when the cluster was asked. It counts, with the values that stood there before it, so that it can be taken back.
 */
async function lateEffect(
  attempt: Attempt,
  call: ActionCall,
): Promise<
  { readonly end: "made"; readonly effect: Effect } | Extract<EffectEnd, { end: "unknown" }> | null
> {
  const { effect, failure, call: lastCall } = attempt.before;
  if (effect === null || failure?.code !== "API_OUTCOME_UNKNOWN" || lastCall?.action !== call.action)
    return null;
  const lost = new Problem("API_OUTCOME_UNKNOWN", failure.message, { retryable: true });
  const found = await findOut(effectRequest(attempt, effect), lost, attempt.ports, 0);
  if (found.end === "made") return { end: "made", effect };
  return found.end === "unknown" ? found : null;
}

/**
 * A step that is tried again goes from the same values as the attempt before, and the first change of an approved plan from
 * those that people were shown. What somebody wrote in between stays. @throws Problem FIELD_CHANGED_SINCE, API_*
 */
async function assertAsBefore(
  { before, session, ports }: Attempt,
  call: ActionCall,
  effect: Effect,
): Promise<void> {
  const again = canonicalJson(before.call) === canonicalJson(call);
  const changed = again && before.effect !== null ? overwrites(before.effect, effect) : null;
  if (changed !== null) throw changed;
  const { approved, changes } = session.state();
  const outdated = approved && changes.length === 0 ? await stillAsPlanned(session, ports) : null;
  if (outdated !== null) throw new Problem("FIELD_CHANGED_SINCE", outdated);
}

async function conclude(
  attempt: Attempt,
  action: ChangeAction,
  call: ActionCall,
  { effect, found }: { readonly effect: Effect; readonly found: readonly FoundObject[] | null },
  end: EffectEnd,
  scope: Scope,
): Promise<void> {
  const { number, ports, context, tools } = attempt;
  switch (end.end) {
    case "not-applied":
      return fail(attempt, end.problem, false);
    case "unknown":
      return unknown(attempt, number, end.problem);
    case "made":
      await ports.faults.at("step-after-effect");
      return guarded(attempt, true, async () => {
        const output = await action.settle(call.input, effect, context, tools, end.answer);
        await assertStands(effect, found, restSeconds(attempt), toolsToLook(attempt));
        await succeed(attempt, output, scope);
      });
  }
}

async function succeed(attempt: Attempt, output: JsonObject, scope: Scope): Promise<void> {
  assertAll("POSTCONDITION_FAILED", attempt.step.postconditions, { ...scope, output });
  await attempt.ports.faults.at("step-before-outcome");
  await attempt.session.record([
    { type: "StepSucceeded", step: attempt.step.name, attempt: attempt.number, output: output as Json },
  ]);
  await attempt.ports.faults.at("step-after-outcome");
}

/** Turns whatever goes wrong into the attempt's recorded end; only the end of the session passes through. */
async function guarded(attempt: Attempt, changed: boolean, run: () => Promise<void>): Promise<void> {
  try {
    await run();
  } catch (error) {
    attempt.session.signal.throwIfAborted();
    const problem = toProblem(error);
    if (problem.code === "LEASE_LOST" || problem.code === "EXECUTION_MOVED_ON") throw problem;
    // A replica that took over while Git is away has none yet: that is no failure of the step.
    if (problem.code === "CATALOG_INVALID" && !changed)
      return waitTurn(attempt.step, problem.message, attempt.session, attempt.tools.signal);
    await fail(attempt, whyAborted(attempt) ?? problem, changed);
  }
}

async function fail(
  { step, before, number, session, ports }: Attempt,
  problem: Problem,
  changed: boolean,
): Promise<void> {
  const retryAfter = problem.details["retryAfterSeconds"];
  const failure: StepFailed = {
    type: "StepFailed",
    step: step.name,
    attempt: number,
    code: problem.code,
    message: problem.message,
    changed,
    retryable: problem.retryable,
    retryAfterSeconds: typeof retryAfter === "number" ? retryAfter : null,
  };
  const state = session.state().steps.get(step.name) ?? before;
  await ports.faults.at("step-before-outcome");
  await session.record([failure, ...afterFailure(step, state, failure, ports.clock.now(), ports.random())]);
  await ports.faults.at("step-after-outcome");
}

/** The abort's reason as a Problem: a time-out, a cancel, the execution's deadline. */
function whyAborted({ tools, step }: Attempt): Problem | null {
  if (!tools.signal.aborted) return null;
  if (tools.signal.reason instanceof Problem) return tools.signal.reason;
  return new Problem("STEP_TIMEOUT", `step ${step.name} took longer than ${step.timeoutSeconds} s`);
}

function openAttempt(
  step: PlannedStep,
  before: StepState,
  number: number,
  call: ActionCall,
  abort: AbortSignal,
  session: Session,
  ports: EnginePorts,
): Attempt {
  const { alert, plan } = session.state();
  const signal = AbortSignal.any([session.signal, abort, AbortSignal.timeout(step.timeoutSeconds * 1000)]);
  return {
    step,
    before,
    number,
    call,
    action: findAction(ports.actions, call.action, plan),
    context: contextOf(session.id, step.name, alert?.cluster ?? "", plan?.target ?? null),
    tools: stepTools(plan, ports.clusters, signal, session.id),
    own: ports.clusters.tools(signal, session.id),
    abort,
    startedAt: ports.clock.now(),
    session,
    ports,
  };
}

/** Of a step's time: so that what was waited for can still be told before it ends. */
const tellingSeconds = 2;
const lookSeconds = 5;

/** A change whose answer took all of the step's time is looked at all the same: one look is no reason to take it back. */
function toolsToLook(attempt: Attempt): ActionTools {
  const { abort, session, ports } = attempt;
  const limit = AbortSignal.timeout(Math.ceil((restSeconds(attempt) + lookSeconds) * 1000));
  return ports.clusters.tools(AbortSignal.any([session.signal, abort, limit]), session.id);
}

function restSeconds({ step, startedAt, ports }: Attempt): number {
  return Math.max(0, step.timeoutSeconds - tellingSeconds - secondsBetween(startedAt, ports.clock.now()));
}

function effectRequest({ context, tools, step, action, session, ports }: Attempt, effect: Effect) {
  const probeTools = ports.clusters.tools(session.signal, session.id, true);
  return {
    effect,
    context,
    tools,
    probeTools,
    timeoutSeconds: step.timeoutSeconds,
    idempotent: action.idempotent,
  };
}

function plannedCall(step: PlannedStep, before: StepState): ActionCall {
  return step.alternatives[before.alternative]?.call ?? step.call;
}

function isFirst(before: StepState): boolean {
  return before.attempt === 0 && before.alternative < 0;
}

function assertAll(
  code: "PRECONDITION_FAILED" | "POSTCONDITION_FAILED",
  conditions: readonly string[],
  scope: Scope,
): void {
  const broken = conditions.find((condition) => !evaluateCondition(condition, scope));
  if (broken !== undefined)
    throw new Problem(
      code,
      `${code === "PRECONDITION_FAILED" ? "precondition" : "postcondition"} does not hold: ${broken}`,
    );
}
