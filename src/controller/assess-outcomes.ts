// Did it help? A loop that takes ended executions whose time has come, looks, and appends the verdict. A cluster or a
// Prometheus that is away is no verdict: it is asked again, for as long as the template's delay, and then the verdict says so.

import { assess, unanswered } from "../domain/effectiveness/assess.ts";
import { assessmentOf } from "../domain/effectiveness/assessable.ts";
import type { AssessmentMade, RecordedEvent } from "../domain/execution/events.ts";
import { Problem, toProblem } from "../domain/problem.ts";
import { countEvents } from "./count-events.ts";
import { gatherAssessment } from "./gather-assessment.ts";
import type { Metrics } from "./metrics.ts";
import type { Assessments, Clock, Clusters, DueAssessment, ExecutionStore, Log } from "./ports.ts";
import { number } from "./session.ts";

export interface AssessmentPorts {
  readonly assessments: Assessments;
  readonly executions: Pick<ExecutionStore, "state">;
  readonly clusters: Clusters;
  readonly clock: Clock;
  readonly metrics: Metrics;
  readonly log: Log;
}

const takeLimit = 50;
const claimSeconds = 30;
/** Below the claim: nobody else assesses it meanwhile. */
const lookMilliseconds = 15_000;
const firingLimit = 100;

/** One round: everything that is due, side by side. One that fails does not hold the others up and is due again after its claim. */
export async function assessOutcomes(ports: AssessmentPorts): Promise<void> {
  const due = await ports.assessments.takeDue(takeLimit, claimSeconds);
  await Promise.all(
    due.map((one) =>
      assessOne(one, ports).catch((error: unknown) => {
        const { code, message } = toProblem(error);
        ports.log.error({ executionId: one.executionId, code, reason: message }, "an assessment failed");
      }),
    ),
  );
}

async function assessOne(due: DueAssessment, ports: AssessmentPorts): Promise<void> {
  const { executionId, round, waitedSeconds } = due;
  const { assessments, clusters, clock, log } = ports;
  const state = await ports.executions.state(executionId);
  const { alert } = state;
  const delaySeconds = assessmentOf(state)?.delaySeconds;
  if (alert === null || delaySeconds === undefined)
    throw new Problem("INTERNAL", `there is nothing to assess of ${executionId}`);
  const firings = await assessments.firings(executionId, firingLimit);
  const tools = clusters.tools(AbortSignal.timeout(lookMilliseconds), executionId);
  const { seen, stillFiring } = await gatherAssessment({ ...state, alert }, firings, tools);
  const made = assess(seen, { round, now: clock.now(), delaySeconds });
  const missing = unanswered(seen);
  if (made.verdict === "inconclusive" && missing.length > 0 && waitedSeconds < delaySeconds) {
    log.warn({ executionId, round, reason: missing.join("; ") }, "an assessment is put off");
    return assessments.putOff(due, Math.min(30, delaySeconds / 5));
  }
  const [recorded] = number([made], state.version, clock.now());
  if (!(await assessments.commit(due, recorded as Assessed, stillFiring))) return;
  countEvents(state, [recorded as RecordedEvent], ports.metrics);
  log.info({ executionId, round, verdict: made.verdict, again: made.again }, "execution assessed");
}

type Assessed = RecordedEvent & { readonly event: AssessmentMade };
