// REPORT.md: the record for people. The first lines say whether anybody has to do something; what follows can be looked up.
import { durationText } from "../duration.ts";
import { type Execution, finallySteps } from "../execution/execution.ts";
import { liftText } from "../gate/break-glass.ts";
import type { GateReason } from "../gate/gate.ts";
import { demandsText } from "../gate/judge-approval.ts";
import { demandsNow } from "../gate/next-approvers.ts";
import { secondsBetween } from "../instant.ts";
import { isObject } from "../json.ts";
import { code, fenced, prose } from "../plain-text.ts";
import { changeLines } from "../planning/change-text.ts";
import { effectText, type PatchEffect } from "../planning/effect.ts";
import { redactText } from "../redact.ts";
import { powerText } from "../templates/scope.ts";
import { escalationOf } from "./escalation.ts";
import { gateWords, outcomeWords, type Story, verdictWords } from "./story.ts";
import { againText, clock, eventText } from "./timeline.ts";
import { type ByHand, undoByHand } from "./undo-commands.ts";

export function renderReport(story: Story): string {
  const said = story.milestone === "planned" ? gateWords(story) : outcomeWords(story);
  const helped = story.state.assessment === null ? "" : `, ${story.state.assessment.verdict}`;
  const sections = [
    `# ${prose(`${story.template} on ${story.target}: ${said}${helped}`)}`,
    lead(story),
    summary(story),
    ...alertSection(story),
    ...whySection(story),
    ...approvalSection(story),
    ...changeSection(story),
    ...assessmentSection(story),
    ...(story.milestone === "planned" ? [] : [...peopleSection(story), ...undoSection(story)]),
    ...timelineSection(story),
  ];
  return `${sections.join("\n\n")}\n`;
}

function lead(story: Story): string {
  const { state, milestone, events } = story;
  if (milestone === "planned") return waitingLead(story);
  const helpless = state.assessment?.verdict === "ineffective";
  const attention =
    state.escalated || helpless ? "**People have to look at this.**" : "Nobody has to do anything.";
  const reason = state.endReason === null || state.endReason === "" ? "" : ` ${sentence(state.endReason)}`;
  const failure = [...events]
    .reverse()
    .find(({ event }) => event.type === "StepFailed" || event.type === "StepOutcomeUnknown");
  const failed =
    state.escalated && failure !== undefined ? `\n\nWhat went wrong: ${eventText(failure.event)}.` : "";
  const helped = helpless
    ? ` It did not help: ${sentence(verdictWords(story).replace(/^ineffective: /, ""))}`
    : "";
  return `${attention}${reason}${helped}${failed}`;
}

function waitingLead(story: Story): string {
  const { gate, added, approval, gateDecidedAt, mode } = story.state;
  if (mode === "observe") return "Observe mode: gitmend looks, plans and changes nothing.";
  if (gate?.kind === "refused") return "Nothing will be changed.";
  if (gate?.kind !== "approval") return "The plan needs no approval.";
  const until = approval === null ? "" : ` until ${clock(approval.expiresAt)}`;
  return `**Waits for ${prose(demandsText(demandsNow(gate.demands, added), gateDecidedAt))}${until}.** Nothing has been changed.`;
}

function summary(story: Story): string {
  const { state, alert, durationSeconds, approvals, endedAt } = story;
  const version = state.plan?.template.version ?? null;
  const rows: (readonly [string, string])[] = [
    ["Outcome", state.outcome === null ? "not ended" : `**${state.outcome}**`],
    ...(state.assessment === null ? [] : [["Did it help?", `**${state.assessment.verdict}**`] as const]),
    ["Target", code(story.target)],
    ["Alert", `${code(alert.name)}${alert.severity === "" ? "" : ` (${prose(alert.severity, 40)})`}`],
    ["Template", code(version === null ? story.template : `${story.template}@${version}`)],
    ...(state.fallbackAt === null
      ? []
      : [["Fallback", code(state.plan?.fallback?.template.name ?? "")] as const]),
    ["Risk", state.plan?.risk ?? "-"],
    ...(state.plan?.scopes ?? []).map((scope) => ["Scope", prose(powerText(scope), 300)] as const),
    ["Mode", state.mode],
    ["Gate", gateRow(state)],
    ...(state.edits.length === 0
      ? []
      : [["Changed by", state.edits.flatMap(({ by }) => by.map((one) => code(one))).join(", ")] as const]),
    ...(approvals.length === 0
      ? []
      : [["Approved by", approvals.map(({ by }) => code(by)).join(", ")] as const]),
    ...(state.lift === null ? [] : [["Approvals lifted", prose(liftText(state.lift))] as const]),
    ["Requested", clock(story.events[0]!.at)],
    ...(state.startedAt === null ? [] : [["Started", clock(state.startedAt)] as const]),
    ...(endedAt === null ? [] : [["Ended", clock(endedAt)] as const]),
    ...(durationSeconds === null ? [] : [["Took", durationText(durationSeconds)] as const]),
    ...ownerRow(story),
    ["Incident", code(state.incident)],
    ["Execution", code(story.executionId)],
    ["Config revision", code(state.revision)],
    ...(state.plan === null ? [] : [["Plan digest", code(state.plan.digest)] as const]),
  ];
  return ["| | |", "| --- | --- |", ...rows.map(([name, value]) => `| ${name} | ${value} |`)].join("\n");
}

function gateRow({ gate, gateAgain }: Execution): string {
  if (gate === null) return "-";
  const first = prose(gate.kind === "approval" ? demandsText(gate.demands) : gate.kind);
  return gateAgain === null ? first : `${first}; weighed again: **${gateAgain.kind}**`;
}

function ownerRow({ match }: Story): readonly (readonly [string, string])[] {
  const { owner } = match.facts;
  const team = isObject(owner) ? owner.team : null;
  return typeof team === "string" ? [["Owner", code(team)]] : [];
}

function alertSection({ alert, state }: Story): readonly string[] {
  const { byHand, follows } = state;
  if (follows !== null)
    return [
      "## What happened",
      `Execution ${code(follows)} left something in place for ${code(alert.name)} on purpose; this one was to take it back.`,
    ];
  if (byHand !== null) {
    const started = `${code(byHand.by)} started it by hand at ${clock(alert.startsAt)}: ${prose(redactText(byHand.reason))}`;
    return ["## What happened", `${started}${againText(byHand)}`];
  }
  const labels = Object.entries(alert.labels).map(([name, value]) => `${name}=${JSON.stringify(value)}`);
  const annotations = Object.entries(alert.annotations).map(([name, value]) => `${name}: ${value}`);
  const lines = [...labels.sort(), ...annotations.sort()].map((line) => redactText(line).slice(0, 500));
  const joined = state.alerts.size - 1;
  const more = joined <= 0 ? "" : ` ${joined} more alert(s) joined later.`;
  return [
    "## What happened",
    `${code(alert.name)} fired at ${clock(alert.startsAt)}, delivered by ${code(alert.source)}.${more} It said:`,
    fenced(lines.slice(0, 40), "text"),
  ];
}

function whySection({ match, state }: Story): readonly string[] {
  const reasons = match.reasons.map((reason) => `- ${text(reason)}`);
  const guards = (state.gate?.reasons ?? []).map(reasonLine);
  return [
    "## Why this remedy",
    `Rule ${code(match.rule)} chose ${code(match.template)}:`,
    reasons.join("\n") || "- it names this alert",
    ...(guards.length === 0 ? [] : ["What stood between the plan and its first step:", guards.join("\n")]),
    ...(state.gateAgain === null
      ? []
      : [
          "What the guards said when they were weighed again, directly before a change:",
          state.gateAgain.reasons.map(reasonLine).join("\n"),
        ]),
  ];
}

function reasonLine({ rule, effect, reason }: GateReason): string {
  return `- ${code(rule)} (${effect}): ${text(reason)}`;
}

function approvalSection({ approvals, events, state }: Story): readonly string[] {
  if (state.gate?.kind !== "approval") return [];
  const rows = approvals.map(
    ({ by, at, commit, verified }) =>
      `- ${code(by)} at ${clock(at)}, commit ${code(commit)}, ${verified ? "signature verified" : "**not verified**"}`,
  );
  const denials = events.flatMap(({ at, event }) =>
    event.type === "ApprovalDenied" || event.type === "ApproversAdded"
      ? [`- ${clock(at)}: ${eventText(event)}`]
      : [],
  );
  const asked =
    state.approval === null
      ? []
      : [`- asked on branch ${code(state.approval.branch)} at commit ${code(state.approval.head)}`];
  return [
    "## Approval",
    [`Needed ${prose(demandsText(state.gate.demands))}.`, "", ...asked, ...rows, ...denials].join("\n"),
  ];
}

function changeSection(story: Story): readonly string[] {
  const { state, milestone } = story;
  if (milestone === "planned" || state.changes.length === 0) {
    const diff = state.previews.flatMap(({ step, changes }) => {
      const lines = changeLines(changes);
      return lines.length === 0 ? [] : [`# ${step}`, ...lines];
    });
    if (milestone !== "planned") return ["## What changed", "Nothing was changed."];
    const refused = state.previews.flatMap(({ step, refused: why }) =>
      why === undefined ? [] : [`**${prose(step)} would be refused as it stands now:** ${prose(why)}`],
    );
    return [
      "## What it will change",
      diff.length === 0 ? "Nothing, or nothing that can be told before." : fenced(diff, "diff"),
      ...refused,
    ];
  }
  const parts = state.changes.flatMap(({ step, effect, undoStatus }) => {
    const title = `${code(step)}${effect.kind === "send" ? "" : ` on ${code(effectText(effect))}`}`;
    const undone = undoStatus === "undone" && effect.kind === "patch" ? ", **taken back afterwards**" : "";
    const unknown = state.steps.get(step)?.status === "unknown" ? ", **if it happened at all**" : "";
    switch (effect.kind) {
      case "send":
        return [`${title}: message to ${code(effect.channel)}: ${text(effect.message.title)}${unknown}`];
      case "delete":
        return [`${title}: deleted${unknown}`];
      case "create":
        return [`${title}: created${unknown}`];
      case "branch":
        return [`${title}: pushed for people to merge into ${code(effect.base)}${unknown}`];
      case "request":
        return [`${title}: called${unknown}`];
      case "patch":
        return [`${title}${undone}${unknown}:`, fenced(diffOf(effect), "diff")];
    }
  });
  return ["## What changed", ...parts];
}

/** Of a Secret only which fields, never a value. */
function diffOf({ object, changes }: PatchEffect): readonly string[] {
  return object.kind === "Secret"
    ? changes.map(({ pointer }) => `! ${pointer} (not shown)`)
    : changeLines(changes);
}

const supportWords = { effective: "for", ineffective: "**against**", nothing: "says nothing" } as const;

/** Of every round: an inconclusive one says what it waited for. */
function assessmentSection({ events }: Story): readonly string[] {
  const rounds = events.flatMap(({ at, event }) => (event.type === "AssessmentMade" ? [{ at, event }] : []));
  if (rounds.length === 0) return [];
  const parts = rounds.map(({ at, event: { verdict, evidence, again } }) => {
    const found = evidence.map(
      ({ what, finding, supports }) => `- ${what}, ${supportWords[supports]}: ${text(finding)}`,
    );
    const next = again === null ? "" : ` Looked at again at ${clock(again)}.`;
    return `**${verdict}** at ${clock(at)}.${next}\n\n${found.join("\n")}`;
  });
  return ["## Did it help?", ...parts];
}

/** For whoever was called: it stands before the commands. */
function peopleSection({ executionId, state, events }: Story): readonly string[] {
  const escalation = escalationOf(executionId, state, events);
  if (escalation === null) return [];
  const { tried, found, finish, runbook } = escalation;
  const list = (lines: readonly string[]) => lines.map((line) => `- ${text(line)}`).join("\n");
  return [
    "## For whoever looks at it",
    ...(tried.length === 0 ? [] : ["What was tried, times in UTC:", list(tried)]),
    ...(found.length === 0 ? [] : ["What it changed, as it was at the end:", list(found)]),
    ...(finish.length === 0 ? [] : ["What was to be done and was not, by hand:", ...finish.flatMap(byHand)]),
    ...(runbook === null ? [] : [`The alert's runbook: ${code(runbook)}`]),
  ];
}

function byHand({ step, object, commands, note }: ByHand): readonly string[] {
  const words = `${code(step)} on ${code(object)}${note === "" ? "" : `: ${note}`}`;
  return commands.length === 0 ? [words] : [words, fenced(commands, "sh")];
}

/** What `finally` did restores something: there is no way back from it that anybody wants. */
function undoSection({ state }: Story): readonly string[] {
  const last = new Set(state.plan === null ? [] : finallySteps(state, state.plan).map(({ name }) => name));
  const changes = state.changes.filter(({ step }) => !last.has(step));
  if (changes.length === 0) return [];
  const left = undoByHand(changes);
  if (left.length === 0)
    return ["## How to undo it by hand", "Nothing is left to undo: gitmend took everything back."];
  const cluster = state.alert?.cluster ?? "";
  const parts = left.flatMap(({ step, object, commands, note }) => {
    const unknown =
      state.steps.get(step)?.status === "unknown" ? " (**first look whether it happened**)" : "";
    const words = `${code(step)} on ${code(object)}${unknown}${note === "" ? "" : `: ${note}`}`;
    return commands.length === 0 ? [words] : [words, fenced(commands, "sh")];
  });
  return [
    "## How to undo it by hand",
    `In this order, with a kubectl context of cluster ${code(cluster)}.`,
    ...parts,
  ];
}

function timelineSection({ events }: Story): readonly string[] {
  const start = events[0]!.at;
  const firstGate = events.findIndex(({ event }) => event.type === "GateDecided");
  const shown = events.slice(0, 200).map(({ at, event }, index) => {
    const after = secondsBetween(start, at);
    const again = event.type === "GateDecided" && index > firstGate ? "Weighed again. " : "";
    return `| ${at.slice(11, 19)} | +${after < 60 ? `${Math.round(after)}s` : durationText(after)} | ${again}${eventText(event)} |`;
  });
  const more =
    events.length > shown.length ? [`\n${events.length - shown.length} more in events.jsonl.`] : [];
  return [
    "## Timeline",
    [
      `All times UTC, ${start.slice(0, 10)}.`,
      "",
      "| time | after | |",
      "| --- | ---: | --- |",
      ...shown,
      ...more,
    ].join("\n"),
  ];
}

/** Free text that stands as a sentence of its own. */
function sentence(free: string): string {
  const shown = text(free);
  const capital = shown.charAt(0).toUpperCase() + shown.slice(1);
  return /[.!?]$/.test(capital) ? capital : `${capital}.`;
}

function text(free: string): string {
  return prose(redactText(free));
}
