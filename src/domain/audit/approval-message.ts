// The message that tells people that a plan waits for them. Plain text; a channel that knows a syntax escapes it.
import type { Execution } from "../execution/execution.ts";
import { objectText } from "../facts/objects.ts";
import { shortId, stepText } from "../gate/approval-file.ts";
import { demandsText } from "../gate/judge-approval.ts";
import { oneLine, shortened } from "../plain-text.ts";
import { changeLines } from "../planning/change-text.ts";
import { redactText } from "../redact.ts";
import type { EscalationMessage } from "./escalation-message.ts";

const longestText = 4_000;
const longestDiff = 20;

/** @param told how often they were told before. null: it does not wait for anybody, or cannot be approved yet */
export function approvalMessage(
  executionId: string,
  { alert, plan, gate, approval, approved, phase, previews }: Execution,
  told: number,
): EscalationMessage | null {
  if (phase !== "awaiting_approval" || approved || approval === null || alert === null) return null;
  if (plan === null || gate?.kind !== "approval") return null;
  const about = plan.target === null ? alert.cluster : objectText(plan.target);
  const until = `${approval.expiresAt.slice(0, 10)} ${approval.expiresAt.slice(11, 16)} UTC`;
  const said = alert.annotations["summary"] ?? alert.annotations["description"] ?? "";
  const severity = alert.severity === "" ? "" : ` (${alert.severity})`;
  const parts = [
    [`${plan.template.name} needs ${demandsText(gate.demands)} until ${until}. Without them nothing runs.`],
    titled("Decide", decideLines(executionId, approval.repository)),
    titled("Fired", [`${alert.name}${severity} since ${alert.startsAt.slice(0, 19)}Z`, said]),
    titled(`What it does, risk ${plan.risk}`, [
      ...plan.steps.map((step, index) => `${index + 1}. ${stepText(step, previews)}`),
      ...previews.flatMap(({ changes }) => changeLines(changes, longestDiff)).map((line) => `  ${line}`),
    ]),
  ];
  return {
    title: free(`${told === 0 ? "" : "still "}waits for approval: ${plan.template.name} on ${about}`, 200),
    text: shortened(parts.map((lines) => lines.join("\n")).join("\n\n"), longestText),
    severity: alert.severity === "" ? "warning" : alert.severity,
  };
}

/** On a forge with a server people decide there; else on the command line. */
function decideLines(executionId: string, repository: string): readonly string[] {
  if (/^https?:/.test(repository)) return [repository];
  return [`gitmend approve ${shortId(executionId)}`, `gitmend reject ${shortId(executionId)} --reason "..."`];
}

function titled(title: string, lines: readonly string[]): readonly string[] {
  return [`${title}:`, ...lines.filter((line) => line !== "").map((line) => `  ${free(line, 300)}`)];
}

function free(text: string, limit: number): string {
  return oneLine(redactText(text), limit);
}
