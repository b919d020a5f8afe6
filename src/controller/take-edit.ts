// People have changed the file of a request for approval. Other parameters make another plan, about which people are asked anew;
// anything else, or a plan that cannot be, is answered with the reason, and nothing of it counts.
import type { ExecutionEvent } from "../domain/execution/events.ts";
import { editedParameters } from "../domain/gate/edited-parameters.ts";
import type { Gate } from "../domain/gate/gate.ts";
import { isStricter } from "../domain/gate/is-stricter.ts";
import type { RequestEdit } from "../domain/gate/judge-request.ts";
import { Problem, toProblem } from "../domain/problem.ts";
import type { EnginePorts } from "./engine-ports.ts";
import type { Session } from "./session.ts";

/** Each costs a plan and a dry-run, and makes the request longer to read. */
const mostEdits = 20;
const planTimeoutMilliseconds = 10_000;

type AskedFor = Extract<Gate, { kind: "approval" }>;

/**
 * @param asked the file as gitmend wrote it
 * @returns what is recorded now: then people are asked about the new plan. A text: why not, for people
 * @throws Problem retryable: it cannot be known now
 */
export async function takeEdit(
  { by, text }: RequestEdit,
  asked: { readonly file: string; readonly content: string },
  session: Session,
  { clusters, replan }: Pick<EnginePorts, "clusters" | "replan">,
): Promise<readonly ExecutionEvent[] | string> {
  const state = session.state();
  const { plan, gate, edits } = state;
  if (plan === null || gate?.kind !== "approval")
    throw new Problem("INTERNAL", "an edit of a plan that nobody was asked about");
  if (edits.length >= mostEdits)
    return `it was changed ${mostEdits} times: reject it, and the alert is decided anew`;
  const { file, content } = asked;
  const { parameters } = plan;
  const edited = editedParameters({ file, asked: content, edited: text, parameters });
  if (typeof edited === "string") return edited;
  const signal = AbortSignal.any([session.signal, AbortSignal.timeout(planTimeoutMilliseconds)]);
  try {
    const made = await replan(session.id, state, edited.parameters, clusters.tools(signal, session.id));
    if (made.gate.kind === "refused")
      return `${edited.place()}: with these parameters it would be refused: ${reasonsOf(made.gate)}`;
    return [
      { type: "PlanEdited", by, changes: edited.changes },
      { type: "Planned", plan: made.plan, previews: made.previews },
      { type: "GateDecided", gate: askedOfBoth(gate, made.gate) },
    ];
  } catch (error) {
    const problem = toProblem(error);
    if (problem.retryable || problem.code === "INTERNAL") throw problem;
    return `${edited.place()}: ${problem.message}`;
  }
}

function reasonsOf({ reasons }: Gate): string {
  return reasons.map(({ reason }) => reason).join("; ");
}

/** Other parameters may ask for more, never for less, and never for more time. */
function askedOfBoth(before: AskedFor, now: Gate): AskedFor {
  if (now.kind !== "approval" || !isStricter(before, now)) return before;
  return {
    ...before,
    demands: [...before.demands, ...now.demands],
    reasons: [...before.reasons, ...now.reasons],
    expiresSeconds: Math.min(before.expiresSeconds, now.expiresSeconds),
  };
}
