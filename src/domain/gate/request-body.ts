// The text of a pull request that asks for an approval: what a tired person needs to decide in half a minute, in the order in which
// they ask. Everything that somebody else wrote is escaped or fenced: it can neither format nor mention anybody.
import { objectText } from "../facts/objects.ts";
import { code, fenced, prose } from "../plain-text.ts";
import { changeLines } from "../planning/change-text.ts";
import type { BranchEffect } from "../planning/effect.ts";
import { redactText } from "../redact.ts";
import { powerText } from "../templates/scope.ts";
import {
  type ApprovalFileInput,
  approvalPath,
  decidedAt,
  shortId,
  stepText,
  undoText,
} from "./approval-file.ts";
import { demandsText } from "./judge-approval.ts";

const longestDiff = 200;

export function renderRequestBody(input: ApprovalFileInput): string {
  return [...question(input), ...what(input), ...failing(input), ...reasons(input), ...decide(input)].join(
    "\n\n",
  );
}

function question({ plan, alert, expiresAt, gate, repair }: ApprovalFileInput): readonly string[] {
  const where = plan.target === null ? "no object" : objectText(plan.target);
  const summary =
    alert.annotations["summary"] ?? alert.annotations["description"] ?? alert.annotations["message"];
  const severity = alert.severity === "" ? "" : ` (${free(alert.severity, 40)})`;
  return [
    repair === undefined
      ? `**May gitmend run ${code(plan.template.name)} on ${code(where)}?**`
      : `**Repair ${code(where)} by merging this?** (${code(plan.template.name)})`,
    `${code(alert.name)}${severity} fires since ${clock(alert.startsAt)}.${summary === undefined ? "" : ` It says: ${free(summary, 300)}`}`,
    [
      "| risk | needs | until | if nobody decides |",
      "| --- | --- | --- | --- |",
      `| **${plan.risk}** | ${prose(demandsText(gate.demands, decidedAt({ gate, expiresAt })))} | ${clock(expiresAt)} | nothing ${repair === undefined ? "runs" : "is changed"}, and people are told |`,
    ].join("\n"),
  ];
}

function what({ plan, previews }: ApprovalFileInput): readonly string[] {
  const steps = plan.steps.map((step, index) => `${index + 1}. ${free(stepText(step, previews), 240)}`);
  const diff = previews.flatMap(({ changes }) => changeLines(changes, longestDiff));
  const estimated = previews.some(({ source, changes }) => source === "estimated" && changes.length > 0);
  const inFiles = previews.every(({ changes }) => changes.every(({ lines }) => lines === true));
  const said = inFiles
    ? "As the files will be:"
    : estimated
      ? "Estimated, not confirmed by the API server:"
      : "As the API server answered a dry-run:";
  const refused = previews.flatMap(({ step, refused: why }) =>
    why === undefined ? [] : [`- ${code(step)} would be refused as things are now: ${free(why, 300)}`],
  );
  const later = (plan.whenResolved ?? []).map(({ name, call }) => `- ${code(name)} (${code(call.action)})`);
  return [
    "### What it does",
    steps.join("\n"),
    ...(plan.scopes ?? []).map((scope) => `Within scope ${free(powerText(scope), 300)}.`),
    ...(diff.length === 0 ? [] : [said, fenced(diff, "diff")]),
    ...(refused.length === 0 ? [] : [refused.join("\n")]),
    ...(later.length === 0 ? [] : [`When the incident is over:\n\n${later.join("\n")}`]),
  ];
}

function failing({ plan }: ApprovalFileInput): readonly string[] {
  const undone = plan.steps.filter(({ changes }) => changes);
  const lines = undone.map((step) => `- ${code(step.name)}: ${free(undoText(step), 160)}`);
  const { fallback } = plan;
  return [
    "### If it fails",
    lines.length === 0 ? "Nothing has been changed." : lines.join("\n"),
    ...(fallback === null ? [] : [`Then, once: ${code(fallback.template.name)}.`]),
  ];
}

function reasons({ match, gate, revision }: ApprovalFileInput): readonly string[] {
  const asks = gate.reasons.filter(({ effect }) => effect === "require-approval");
  return [
    "### Why",
    [
      `- rule ${code(match.rule)} chose it`,
      ...match.reasons.slice(0, 5).map((reason) => `- ${free(reason, 200)}`),
      ...asks.slice(0, 5).map(({ rule, reason }) => `- ${code(rule)} asks people: ${free(reason, 200)}`),
      `- catalog ${code(revision)}`,
    ].join("\n"),
  ];
}

function decide({ executionId, plan, repair }: ApprovalFileInput): readonly string[] {
  if (repair !== undefined) return decideRepair(repair, plan.digest, executionId);
  return [
    "### To decide",
    [
      "- **yes**: approve the latest commit in a review; with all that are needed, merge. Merging before that refuses the plan.",
      "- **no**: close this pull request; say why in a comment.",
      ...(Object.keys(plan.parameters).length === 0
        ? []
        : [
            `- **otherwise**: change ${code("parameters")} in the file, on this branch. gitmend plans anew and asks again; whoever changed it cannot approve.`,
          ]),
      "- Comments and labels approve nothing. Anything else that is pushed to the branch refuses the plan.",
    ].join("\n"),
    `${code(approvalPath(executionId))} is the whole plan, digest ${code(plan.digest)}. \`gitmend executions show ${shortId(executionId)}\``,
  ];
}

/** What is merged too early is merged: whoever applies the branch does not ask gitmend. */
function decideRepair({ base }: BranchEffect, digest: string, executionId: string): readonly string[] {
  return [
    "### To decide",
    [
      `- **yes**: approve the latest commit in a review; with all that are needed, merge into ${code(base)}. Merged before that it is applied all the same, but gitmend does nothing more, and people are told.`,
      "- **no**: close this pull request; say why in a comment.",
      "- **otherwise**: close it, and change the manifest yourself. Whatever is pushed to this branch refuses the plan.",
      "- Comments and labels approve nothing.",
    ].join("\n"),
    `The plan has the digest ${code(digest)}. \`gitmend executions show ${shortId(executionId)}\``,
  ];
}

function free(text: string, limit: number): string {
  return prose(redactText(text), limit);
}

function clock(instant: string): string {
  return `${instant.slice(0, 10)} ${instant.slice(11, 16)} UTC`;
}
