// The message that tells people that a plan waits for them. Plain text; a channel that knows a syntax escapes it.
import { durationText } from "../duration.ts";
import type { Execution } from "../execution/execution.ts";
import { objectText } from "../facts/objects.ts";
import { shortId, stepText } from "../gate/approval-file.ts";
import type { AddedApprovers } from "../gate/gate.ts";
import { demandsText } from "../gate/judge-approval.ts";
import { demandsNow } from "../gate/next-approvers.ts";
import { oneLine, shortened } from "../plain-text.ts";
import { changeLines } from "../planning/change-text.ts";
import { redactText } from "../redact.ts";
import type { EscalationMessage } from "./escalation-message.ts";

const longestText = 4_000;
const longestDiff = 20;

/** How often people were told before, or who else may approve now. */
type About = number | readonly AddedApprovers[];

/** null: it does not wait for anybody, or cannot be approved yet */
export function approvalMessage(
  executionId: string,
  { alert, plan, gate, added, gateDecidedAt, approval, approved, phase, previews }: Execution,
  told: About,
): EscalationMessage | null {
  if (phase !== "awaiting_approval" || approved || approval === null || alert === null) return null;
  if (plan === null || gate?.kind !== "approval") return null;
  const about = plan.target === null ? alert.cluster : objectText(plan.target);
  const until = `${approval.expiresAt.slice(0, 10)} ${approval.expiresAt.slice(11, 16)} UTC`;
  const said = alert.annotations["summary"] ?? alert.annotations["description"] ?? "";
  const severity = alert.severity === "" ? "" : ` (${alert.severity})`;
  const parts = [
    ...(typeof told === "number" ? [] : [[...new Set(told.map(addedText))]]),
    [
      `${plan.template.name} needs ${demandsText(demandsNow(gate.demands, added), gateDecidedAt)} until ${until}. Without them nothing runs.`,
    ],
    titled("Decide", decideLines(executionId, approval.repository)),
    titled("Fired", [`${alert.name}${severity} since ${alert.startsAt.slice(0, 19)}Z`, said]),
    titled(`What it does, risk ${plan.risk}`, [
      ...plan.steps.map((step, index) => `${index + 1}. ${stepText(step, previews)}`),
      ...previews.flatMap(({ changes }) => changeLines(changes, longestDiff)).map((line) => `  ${line}`),
    ]),
  ];
  return {
    title: free(`${beginning(told)}waits for approval: ${plan.template.name} on ${about}`, 200),
    text: shortened(parts.map((lines) => lines.join("\n")).join("\n\n"), longestText),
    severity: alert.severity === "" ? "warning" : alert.severity,
  };
}

function beginning(told: About): string {
  if (typeof told === "number") return told === 0 ? "" : "still ";
  return `${[...new Set(told.flatMap(({ from }) => from))].join(", ")}: `;
}

function addedText({ afterSeconds, from }: AddedApprovers): string {
  return `Nobody has decided within ${durationText(afterSeconds)}: ${from.join(" or ")} may approve too.`;
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
