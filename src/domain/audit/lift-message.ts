// The message that tells everybody that somebody broke the glass. Plain text; a channel that knows a syntax escapes it.
import type { Execution } from "../execution/execution.ts";
import { objectText } from "../facts/objects.ts";
import { shortId, stepText } from "../gate/approval-file.ts";
import { liftText } from "../gate/break-glass.ts";
import { firstDemandsText } from "../gate/judge-approval.ts";
import { demandsNow } from "../gate/next-approvers.ts";
import { oneLine, shortened } from "../plain-text.ts";
import { redactText } from "../redact.ts";
import type { EscalationMessage } from "./escalation-message.ts";

const longestText = 4_000;

/** null: nothing was lifted. */
export function liftMessage(executionId: string, state: Execution): EscalationMessage | null {
  const { lift, plan, gate, alert, previews } = state;
  if (lift === null || plan === null) return null;
  const about = plan.target === null ? (alert?.cluster ?? "") : objectText(plan.target);
  const needed =
    gate?.kind === "approval" ? firstDemandsText(demandsNow(gate.demands, state.added)) : "its approvals";
  const lines = [
    free(liftText(lift), 1_200),
    `${plan.template.name} on ${about} goes on without ${needed}, at risk ${plan.risk}.`,
    ...plan.steps.map((step, index) => `${index + 1}. ${free(stepText(step, previews), 300)}`),
    `Void if nothing was changed by ${lift.until.slice(11, 16)} UTC. To stop it:`,
    `  gitmend executions cancel ${shortId(executionId)} --reason "..."`,
  ];
  return {
    title: free(`break-glass by ${lift.by}: ${plan.template.name} on ${about}`, 200),
    text: shortened(lines.join("\n"), longestText),
    severity: "critical",
  };
}

function free(text: string, limit: number): string {
  return oneLine(redactText(text), limit);
}
