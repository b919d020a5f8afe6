// A breaker stops what would change something: nothing of it starts, the firing says so, and people are told once.
import type { Action } from "../actions/action.ts";
import type { Alert } from "../domain/facts/alert.ts";
import { type ObjectRef, objectKey, type Target } from "../domain/facts/objects.ts";
import { type Breaker, breakerText } from "../domain/gate/breaker.ts";
import { manualAlert } from "../domain/intake/manual-alert.ts";
import type { Selection } from "../domain/policies/selection.ts";
import type { Template } from "../domain/templates/template.ts";
import type { BreakerQuestion, BreakerStore } from "./breaker-ports.ts";
import type { FiringDecision, Notice } from "./ports.ts";

type Held = Awaited<ReturnType<BreakerStore["holding"]>>;

/** A reset makes them due at once; this is for what nobody resets. */
const lookAgainSeconds = 600;

/** What only looks, or tells people, goes on. */
export async function breakerOn(
  alert: Alert,
  target: Target | null,
  selection: Pick<Selection, "kind">,
  template: Template,
  { breakers, actions }: { readonly breakers: Pick<BreakerStore, "holding"> } & Actions,
): Promise<Held> {
  if (selection.kind !== "match" || !changes(template, actions)) return null;
  return breakers.holding(questionOf({ template, target }, alert));
}

/** Whoever starts it by hand is stopped by the breakers of any alert. */
export function questionOf(
  { template, target }: { readonly template: { readonly name: string }; readonly target: ObjectRef | null },
  alert: Alert,
): BreakerQuestion {
  return {
    template: template.name,
    alertName: alert.source === manualAlert ? null : alert.name,
    target: target === null ? null : objectKey(target),
    cluster: alert.cluster,
  };
}

interface Actions {
  readonly actions: ReadonlyMap<string, Pick<Action, "changes">>;
}

function changes({ steps, finally: last }: Template, actions: Actions["actions"]): boolean {
  const calls = [...steps, ...last].flatMap(({ call, alternatives }) => [call, ...alternatives]);
  return calls.some(({ action }) => actions.get(action)?.changes === true);
}

export function stop(breaker: Breaker, revision: string): Extract<FiringDecision, { kind: "stopped" }> {
  return { kind: "stopped", revision, reasons: [stoppedText(breaker)], retrySeconds: lookAgainSeconds };
}

export function stoppedText(breaker: Breaker): string {
  return `${breakerText(breaker)}; when that is mended: gitmend breaker reset ${breaker.id}`;
}

/** In place of the remedy, for the first firing that is stopped. */
export function tellOf(
  breaker: Breaker,
): Extract<Selection, { kind: "escalate" }> & { readonly notice: Notice } {
  const message = stoppedText(breaker);
  return {
    kind: "escalate",
    rule: "built-in/breaker",
    to: null,
    severity: "critical",
    message,
    reasons: [message],
    notice: { key: `breaker/${breaker.id}`, quietSeconds: null },
  };
}

/** Another firing has told people meanwhile. */
export function alreadyTold(revision: string): FiringDecision {
  const reasons = ["another firing has just told people of it"];
  return { kind: "undecided", revision, reasons, retrySeconds: 5 };
}
