// The guards once more, directly before the first change and before a fallback: a freeze that was merged meanwhile counts.
// Only what got stricter is recorded; what follows from it is nextWork's.
import type { ActionTools } from "../actions/action.ts";
import { lapsedLift } from "../domain/execution/lapsed-lift.ts";
import type { Work } from "../domain/execution/work.ts";
import type { Gate } from "../domain/gate/gate.ts";
import { isStricter } from "../domain/gate/is-stricter.ts";
import { gateAsMet } from "../domain/gate/next-approvers.ts";
import { secondsBetween } from "../domain/instant.ts";
import { Problem, type ProblemCode, toProblem } from "../domain/problem.ts";
import { escalationName } from "../domain/templates/escalation.ts";
import type { EnginePorts } from "./engine-ports.ts";
import type { Clock } from "./ports.ts";
import type { Session } from "./session.ts";

const weighTimeoutMilliseconds = 10_000;
/** From the end of the last step on: longer than an undo may take. */
const fallbackPatienceSeconds = 1_800;

/** false: the gate got stricter, which is recorded now, or a break-glass has lapsed. @throws Problem: it cannot be weighed now, ask again */
export async function gateHolds(
  session: Session,
  tools: ActionTools,
  { clock, weigh }: Pick<EnginePorts, "clock" | "weigh">,
): Promise<boolean> {
  if (lapsedLift(session.state(), clock.now()) !== null) return false;
  const stricter = await stricterGate(session, tools, weigh);
  if (stricter !== null) await session.record([{ type: "GateDecided", gate: stricter }]);
  return stricter === null;
}

/** Takes up the fallback, or records why it may not be. */
export async function fallBack(
  { template, reason }: Extract<Work, { type: "fallback" }>,
  session: Session,
  { clock, clusters, weigh, revoked }: Pick<EnginePorts, "clock" | "clusters" | "weigh" | "revoked">,
): Promise<void> {
  const { plan } = session.state();
  const gone = plan?.fallback ? revoked(plan.fallback.template) : null;
  if (gone !== null) {
    const reasons = [{ rule: "built-in/revoked", effect: "deny", reason: gone }] as const;
    return session.record([{ type: "GateDecided", gate: { kind: "refused", reasons } }]);
  }
  const signal = AbortSignal.any([session.signal, AbortSignal.timeout(weighTimeoutMilliseconds)]);
  const stricter = await stricterGate(session, clusters.tools(signal, session.id), weigh).catch(
    (error: unknown) => givenUp(toProblem(error), session, clock),
  );
  await session.record([
    stricter === null
      ? { type: "FallbackChosen", template, reason }
      : { type: "GateDecided", gate: stricter },
  ]);
}

const notOfTheCluster: ReadonlySet<ProblemCode> = new Set([
  "DATABASE_UNAVAILABLE",
  "EXECUTION_MOVED_ON",
  "INTERNAL",
  "LEASE_LOST",
]);

/** A fallback that nobody can weigh is not waited for without end: people are told. @throws Problem: ask again */
function givenUp(problem: Problem, session: Session, clock: Clock): Gate {
  const ended = [...session.state().steps.values()].map(({ endedAt }) => endedAt ?? "");
  const since = ended.toSorted().at(-1) ?? "";
  const waits = since === "" || secondsBetween(since, clock.now()) < fallbackPatienceSeconds;
  if (waits || notOfTheCluster.has(problem.code)) throw problem;
  return {
    kind: "refused",
    reasons: [{ rule: "built-in/unknown", effect: "deny", reason: problem.message }],
  };
}

async function stricterGate(
  session: Session,
  tools: ActionTools,
  weigh: EnginePorts["weigh"],
): Promise<Gate | null> {
  const { alert, plan, gate, added, follows } = session.state();
  if (alert === null || plan === null || gate === null)
    throw new Problem("INTERNAL", "a step ran before its gate was decided");
  // Guards hold back nobody who is only told, and a cluster that does not answer shall not either.
  if (plan.template.name === escalationName) return null;
  // What takes a remedy back is no further attempt, and the remedy no earlier one.
  const now = await weigh(follows ?? session.id, alert, plan, tools);
  return isStricter(gateAsMet(gate, added), now) ? now : null;
}
