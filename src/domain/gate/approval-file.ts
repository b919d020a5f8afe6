// The file that people approve: words first, so that a tired person can decide in half a minute, then the plan as data.
// Its last lines are `approvals:`; an approval is one more line below it. Nothing else in it may change.
import { stringify } from "yaml";
import type { Alert } from "../facts/alert.ts";
import { objectText } from "../facts/objects.ts";
import { plusSeconds } from "../instant.ts";
import type { Json } from "../json.ts";
import { oneLine } from "../plain-text.ts";
import { changeLines } from "../planning/change-text.ts";
import type { BranchEffect, Preview } from "../planning/effect.ts";
import type { Plan, PlannedStep } from "../planning/plan.ts";
import { redactJson, redactText } from "../redact.ts";
import { powerText } from "../templates/scope.ts";
import type { Gate } from "./gate.ts";
import { demandsText } from "./judge-approval.ts";

export interface ApprovalFileInput {
  readonly executionId: string;
  readonly incident: string;
  readonly alert: Alert;
  readonly match: { readonly rule: string; readonly reasons: readonly string[] };
  readonly revision: string;
  readonly plan: Plan;
  readonly previews: readonly Preview[];
  readonly gate: Extract<Gate, { kind: "approval" }>;
  /** ISO 8601, UTC. */
  readonly expiresAt: string;
  /** What is merged instead of an approval file. */
  readonly repair?: BranchEffect;
}

/** The last group of a UUIDv7: random, unlike its beginning, which executions of the same moment share. */
export function shortId(executionId: string): string {
  return executionId.slice(-12);
}

export function approvalBranch(executionId: string): string {
  return `gitmend/${shortId(executionId)}`;
}

export function approvalPath(executionId: string): string {
  return `approvals/${executionId}.yaml`;
}

export function renderApprovalFile(input: ApprovalFileInput): string {
  const words = [...question(input), "", ...why(input), "", ...what(input), "", ...how(input)];
  const comment = words.map((line) => (line === "" ? "#" : `# ${line}`)).join("\n");
  return `${comment}\n\n${stringify(redactJson(data(input)), { lineWidth: 0 })}\n# Below: one line for each approval, written by \`gitmend approve\`.\napprovals:\n`;
}

/** Expiry and whoever is asked later count from then. */
export function decidedAt({ gate, expiresAt }: Pick<ApprovalFileInput, "gate" | "expiresAt">): string {
  return plusSeconds(expiresAt, -gate.expiresSeconds);
}

/** The line of one approval; `head` is the commit that gitmend wrote. */
export function approvalLine(approval: {
  readonly by: string;
  readonly at: string;
  readonly head: string;
}): string {
  return `  - ${flow(approval)}\n`;
}

/** The line of a rejection: it closes the request, whoever has approved. */
export function rejectionLine(rejection: {
  readonly by: string;
  readonly at: string;
  readonly head: string;
  readonly reason: string;
}): string {
  return `rejected: ${flow({ ...rejection, reason: oneLine(rejection.reason, 200) })}\n`;
}

/** Quoted like JSON, which is YAML too: no value can end the line or the mapping. */
function flow(values: Readonly<Record<string, string>>): string {
  return `{${Object.entries(values)
    .map(([key, value]) => `${key}: ${JSON.stringify(value)}`)
    .join(", ")}}`;
}

function question({ plan, gate, expiresAt, executionId }: ApprovalFileInput): readonly string[] {
  const where = plan.target === null ? "no object" : objectText(plan.target);
  return [
    `May gitmend run ${plan.template.name} on ${where}?`,
    `Risk ${plan.risk}. Needs ${demandsText(gate.demands, decidedAt({ gate, expiresAt }))}, until ${clock(expiresAt)}; without them nothing runs.`,
    "",
    `  yes:  gitmend approve ${shortId(executionId)}`,
    `  no:   gitmend reject ${shortId(executionId)} --reason "..."`,
  ];
}

function why({ alert, match, gate }: ApprovalFileInput): readonly string[] {
  const severity = alert.severity === "" ? "" : ` (${words(alert.severity, 40)})`;
  const summary =
    alert.annotations["summary"] ?? alert.annotations["description"] ?? alert.annotations["message"];
  return [
    `WHY   ${words(alert.name, 100)}${severity} fires since ${clock(alert.startsAt)}.`,
    ...(summary === undefined ? [] : [`      The alert says: "${words(summary, 200)}"`]),
    `      Chosen by rule ${match.rule}.`,
    ...match.reasons.slice(0, 5).map((reason) => `        ${words(reason, 160)}`),
    ...gate.reasons
      .filter(({ effect }) => effect === "require-approval")
      .slice(0, 5)
      .map(({ rule, reason }) => `      Asks people because of ${rule}: ${words(reason, 160)}`),
  ];
}

function what({ plan, previews }: ApprovalFileInput): readonly string[] {
  const steps = plan.steps.map((step, index) => `      ${index + 1}. ${stepText(step, previews)}`);
  const estimated = previews.some(({ source, changes }) => source === "estimated" && changes.length > 0);
  const diff = previews.flatMap(({ changes }) => changeLines(changes, 20)).map((line) => `        ${line}`);
  const inFiles = previews.every(({ changes }) => changes.every(({ lines }) => lines === true));
  const title = inFiles
    ? "Changes, as the files will be:"
    : estimated
      ? "Changes (estimated, not confirmed by the API server):"
      : "Changes, as the API server answered a dry-run:";
  const refused = previews.flatMap(({ step, refused: why }) =>
    why === undefined ? [] : [`      ${step} would be refused as it stands now: ${words(why, 300)}`],
  );
  const scopes = (plan.scopes ?? []).map((scope) => `      Within scope ${words(powerText(scope), 300)}`);
  return ["WHAT", ...steps, ...scopes, ...(diff.length === 0 ? [] : [`      ${title}`, ...diff]), ...refused];
}

function how({ plan }: ApprovalFileInput): readonly string[] {
  const undone = plan.steps.filter((step) => step.changes);
  const lines = undone.map((step) => `        ${step.name}: ${undoText(step)}`);
  return ["IF IT FAILS", ...(lines.length === 0 ? ["        nothing has been changed"] : lines)];
}

export function stepText(step: PlannedStep, previews: readonly Preview[]): string {
  const preview = previews.find((candidate) => candidate.step === step.name);
  const summary = preview === undefined ? "" : `: ${words(preview.summary, 160)}`;
  return `${step.name} (${step.call.action})${summary}`;
}

export function undoText({ undo }: PlannedStep): string {
  switch (undo.how) {
    case "restore":
      return "what it wrote is put back to what it was before";
    case "action":
      return `${undo.call.action} is run`;
    case "stop":
      return `stopped while it runs; ${words(undo.why, 120)}`;
    case "nothing":
      return `cannot be taken back: ${words(undo.why, 120)}`;
  }
}

function data({
  executionId,
  incident,
  alert,
  match,
  revision,
  plan,
  previews,
  gate,
  expiresAt,
}: ApprovalFileInput): Json {
  const shown = {
    execution: executionId,
    incident,
    digest: plan.digest,
    revision,
    expires: expiresAt,
    risk: plan.risk,
    needs: gate.demands,
    alert: {
      cluster: alert.cluster,
      name: alert.name,
      severity: alert.severity,
      fingerprint: alert.fingerprint,
      startsAt: alert.startsAt,
      labels: alert.labels,
    },
    rule: match.rule,
    parameters: plan.parameters,
    changes: previews.filter(({ changes }) => changes.length > 0),
    undo: Object.fromEntries(
      plan.steps.filter(({ changes }) => changes).map((step) => [step.name, step.undo]),
    ),
    plan,
  };
  // Events are JSON already; this drops members that are undefined.
  return JSON.parse(JSON.stringify(shown)) as Json;
}

function words(text: string, limit: number): string {
  return oneLine(redactText(text), limit);
}

function clock(instant: string): string {
  return `${instant.slice(0, 10)} ${instant.slice(11, 16)} UTC`;
}
