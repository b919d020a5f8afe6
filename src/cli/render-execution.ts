// `gitmend executions show`: everything that a person who was just woken wants to know about one execution, in one screen:
// what fired, why this template, what it plans and who has to agree, each step with what it changed, how it ended, how to undo it.
// A pure function of what is stored; the demo shows the same screen.
import type { ExecutionSummary } from "../controller/ports.ts";
import { escalationOf } from "../domain/audit/escalation.ts";
import { type ByHand, undoByHand } from "../domain/audit/undo-commands.ts";
import { durationText } from "../domain/duration.ts";
import type { ExecutionEvent, RecordedEvent, ByHand as StartedByHand } from "../domain/execution/events.ts";
import { fold } from "../domain/execution/evolve.ts";
import type { Execution } from "../domain/execution/execution.ts";
import { keepSecondsOf, waitingSteps } from "../domain/execution/follow-up.ts";
import { objectText } from "../domain/facts/objects.ts";
import { shortId } from "../domain/gate/approval-file.ts";
import { liftText } from "../domain/gate/break-glass.ts";
import type { Approval } from "../domain/gate/gate.ts";
import { demandsText } from "../domain/gate/judge-approval.ts";
import { demandsNow } from "../domain/gate/next-approvers.ts";
import { scopeText, untilText } from "../domain/gate/why-paused.ts";
import { plusSeconds, secondsBetween } from "../domain/instant.ts";
import { changeLines } from "../domain/planning/change-text.ts";
import { powerText } from "../domain/templates/scope.ts";
import { ageText, cleanAll, clockText, dateText, tookText, width, wrap } from "./layout.ts";
import { type Paint, paintFor, symbolOf, toneOf } from "./paint.ts";
import { renderSteps, valueText } from "./render-steps.ts";
import { type Item, section } from "./section.ts";

export interface View {
  /** Of the terminal; lines are wrapped to it, commands to copy are not. */
  readonly columns: number;
  readonly colours: boolean;
  /** ISO 8601, UTC. */
  readonly now: string;
}

interface Screen extends View {
  readonly paint: Paint;
}

interface Story {
  readonly summary: ExecutionSummary;
  readonly state: Execution;
  readonly events: readonly RecordedEvent[];
}

/** Many lines, ending in a newline. */
export function renderExecution(
  summary: ExecutionSummary,
  events: readonly RecordedEvent[],
  view: View,
): string {
  const safe = events.map((recorded) => ({ ...recorded, event: cleanAll(recorded.event) }));
  const story: Story = { summary: cleanAll(summary), state: fold(safe), events: safe };
  const screen: Screen = { ...view, columns: Math.max(view.columns, 30), paint: paintFor(view.colours) };
  return [
    ...title(story, screen),
    "",
    ...section("ALERT", alertItems(story), screen),
    ...section("WHY", whyItems(story), screen),
    ...section("PLAN", planItems(story), screen),
    ...section("GATE", gateItems(story), screen),
    ...steps(story, screen),
    ...section("OUTCOME", outcomeItems(story), screen),
    ...section("LATER", laterItems(story), screen),
    ...section("HELPED", assessmentItems(story), screen),
    ...people(story, screen),
    ...undo(story, screen),
    ...finish(story, screen),
    ...section("NEXT", nextItems(story), screen),
  ]
    .join("\n")
    .concat("\n");
}

function title({ summary, state, events }: Story, screen: Screen): readonly string[] {
  const { outcome, phase, createdAt, target } = summary;
  const endedAt = events.findLast(({ event }) => event.type === "Ended")?.at;
  const ended = phase === "ended";
  const took = tookText(secondsBetween(createdAt, endedAt ?? screen.now));
  const status = `${symbolOf(summary)} ${outcome ?? phase} ${ended ? "in" : "for"} ${took}`;
  const { name, version } = state.plan?.template ?? { name: summary.template, version: null };
  const about = [
    version === null ? name : `${name} ${version}`,
    summary.mode,
    `${dateText(createdAt)} (${ageText(createdAt, screen.now)} ago)`,
  ];
  const object = target === null ? "no target" : objectText(target);
  const head = screen.paint(toneOf(summary), status);
  const fits = width(status) + 2 + width(object) <= screen.columns;
  return [
    ...(fits
      ? [`${head}  ${screen.paint("strong", object)}`]
      : [head, ...wrap(object, screen.columns - 2).map((line) => screen.paint("strong", `  ${line}`))]),
    ...quietLines(about.join(" · "), screen),
    ...quietLines(summary.id, screen),
  ];
}

function quietLines(text: string, screen: Screen): readonly string[] {
  return wrap(text, screen.columns - 2).map((line) => screen.paint("quiet", `  ${line}`));
}

function alertItems({ state, events }: Story): readonly Item[] {
  const { alert, byHand, follows } = state;
  if (alert === null) return [];
  if (follows !== null)
    return [
      { text: `none: takes back what was left in place for ${alert.name}` },
      { text: `gitmend executions show ${shortId(follows)}`, tone: "quiet" },
    ];
  if (byHand !== null)
    return [
      { text: `none: started by ${byHand.by}, ${dateText(alert.startsAt)}` },
      { text: byHand.reason },
      ...againItems(byHand),
    ];
  const since = `firing since ${dateText(alert.startsAt)}`;
  const labels = Object.entries(alert.labels).filter(([key]) => key !== "alertname" && key !== "severity");
  const joined = state.alerts.size - 1;
  const resolved = events.findLast(({ event }) => event.type === "AlertResolved");
  const head = [alert.name, alert.severity, since].filter((part) => part !== "").join(" · ");
  return [
    { text: head, tone: "strong" },
    { text: labels.map(([key, value]) => `${key}=${value}`).join(" "), tone: "quiet" },
    ...(joined > 0 ? [{ text: `${joined} more joined: ${joinedNames(state)}` }] : []),
    ...(resolved === undefined ? [] : [resolvedItem(state, resolved)]),
  ];
}

function againItems({ again }: StartedByHand): readonly Item[] {
  if (again === undefined) return [];
  const id = shortId(again.execution);
  const from = again.from === null ? "" : ` from step ${again.from} on`;
  return [{ text: `${id} again${from}: gitmend executions show ${id}`, tone: "quiet" }];
}

function joinedNames(state: Execution): string {
  return [...new Set([...state.alerts.values()].slice(1).map(({ name }) => name))].join(", ");
}

function resolvedItem(state: Execution, { at }: RecordedEvent): Item {
  return state.firing.size === 0
    ? { text: `resolved at ${clockText(at)}`, tone: "good" }
    : { text: `${state.firing.size} of ${state.alerts.size} still firing`, tone: "attention" };
}

function whyItems(story: Story): readonly Item[] {
  const requested = firstOf(story, "ExecutionRequested");
  if (requested === undefined) return [];
  const { rule, reasons } = requested.match;
  return [
    { text: rule, tone: "strong" },
    ...reasons.map((reason) => ({ text: `- ${reason}` })),
    { text: `catalog ${requested.revision.replace(/(@sha1:[0-9a-f]{12})[0-9a-f]+$/, "$1")}`, tone: "quiet" },
  ];
}

function planItems({ state }: Story): readonly Item[] {
  const { plan } = state;
  if (plan === null) return [{ text: "not made yet", tone: "quiet" }];
  const parameters = Object.entries(plan.parameters).map(([key, value]) => `${key}=${valueText(value)}`);
  const risky = plan.risk === "high" || plan.risk === "critical";
  const steps = `${plan.steps.length} ${plan.steps.length === 1 ? "step" : "steps"}`;
  return [
    {
      text: `${plan.risk} risk · ${steps} · at most ${durationText(plan.timeoutSeconds)}`,
      tone: risky ? "attention" : "plain",
    },
    ...(parameters.length === 0 ? [] : [{ text: parameters.join(" ") }]),
    ...(plan.scopes ?? []).map((scope) => ({ text: `scope ${powerText(scope)}` })),
    ...(plan.whenResolved ?? []).map(({ name, call, keepSeconds }) => ({
      text: `${name} (${call.action}) when the incident is over, within ${durationText(keepSeconds)}`,
    })),
    { text: `digest ${plan.digest.slice(0, "sha256:".length + 12)}`, tone: "quiet" },
  ];
}

function gateItems(story: Story): readonly Item[] {
  const { gate, added, gateDecidedAt, edits, approval, lift, phase } = story.state;
  if (gate === null) return [];
  const reasons = gate.reasons.map(({ rule, reason }) => ({ text: `- ${rule}: ${reason}` }));
  if (gate.kind === "open") return [{ text: "open: no approval needed" }, ...reasons];
  if (gate.kind === "refused") return [{ text: "refused", tone: "attention" }, ...reasons];
  const granted = firstOf(story, "ApprovalGranted");
  const waiting = phase === "awaiting_approval";
  return [
    {
      text: `approval: ${demandsText(demandsNow(gate.demands, added), gateDecidedAt)}`,
      tone: waiting ? "attention" : "plain",
    },
    ...reasons,
    ...edits.map(({ by, changes }) => ({
      text: `changed by ${by.join(", ")}: ${changeLines(changes).join("; ")}`,
    })),
    ...(granted?.approvals ?? []).map((given) => ({ text: approvalText(given), tone: "good" as const })),
    ...(lift === null
      ? []
      : [
          {
            text: `${liftText(lift)} (until ${clockText(lift.until)})`,
            tone: "attention" as const,
          },
        ]),
    ...(approval !== null && waiting
      ? [
          {
            text: `on branch ${approval.branch} of ${approval.repository}, until ${dateText(approval.expiresAt)}`,
          },
        ]
      : []),
  ];
}

function approvalText({ by, at, verified }: Approval): string {
  return `approved by ${by} at ${clockText(at)}${verified ? "" : " (unverified)"}`;
}

function steps({ state, events }: Story, screen: Screen): readonly string[] {
  if (state.plan === null) return [];
  const planned = events.findLast(({ event }) => event.type === "Planned")?.event;
  const previews = planned?.type === "Planned" ? planned.previews : [];
  return [screen.paint("strong", "STEPS"), ...renderSteps(state, previews, screen)];
}

/** What its own end leaves for later. */
function laterItems({ state, events }: Story): readonly Item[] {
  const keepSeconds = keepSecondsOf(state);
  const endedAt = events.findLast(({ event }) => event.type === "Ended")?.at;
  if (keepSeconds === null || endedAt === undefined) return [];
  const names = waitingSteps(state).map(({ name }) => name);
  return [
    {
      text: `when the incident is over, until ${dateText(plusSeconds(endedAt, keepSeconds))}: ${names.join(", ")}; else people are told`,
    },
  ];
}

function outcomeItems({ summary, state }: Story): readonly Item[] {
  const paused = state.paused === null || state.phase === "ended" ? [] : [pausedItem(state.paused)];
  const cancel =
    state.cancel === null ? [] : [{ text: cancelText(state.cancel), tone: "attention" as const }];
  if (state.outcome === null) return [...paused, ...cancel];
  const reason = state.endReason ?? "";
  return [
    {
      text: reason.startsWith(state.outcome) ? reason : `${state.outcome}: ${reason}`,
      tone: toneOf(summary),
    },
    ...(state.escalated ? [{ text: "a person has to look at it", tone: "bad" as const }] : []),
  ];
}

function pausedItem(paused: NonNullable<Execution["paused"]>): Item {
  const { by, reason, until, scope } = paused;
  const text = `paused by ${by}${untilText(until)} (${scopeText(scope)}): ${reason}; it starts no further step`;
  return { text, tone: "attention" };
}

/** What people need who were called. */
function people({ summary, state, events }: Story, screen: Screen): readonly string[] {
  const escalation = escalationOf(summary.id, state, events);
  if (escalation === null) return [];
  const { tried, found, runbook } = escalation;
  return [
    ...section("TOLD", toldItems(summary), screen),
    ...section(
      "TRIED",
      tried.map((line) => ({ text: `- ${line}` })),
      screen,
    ),
    ...section(
      "FOUND",
      found.map((line) => ({ text: `- ${line}` })),
      screen,
    ),
    ...section("RUNBOOK", runbook === null ? [] : [{ text: runbook }], screen),
  ];
}

function toldItems({ id, escalation }: ExecutionSummary): readonly Item[] {
  if (escalation === null) return [];
  const { toldAt, channel, attempts, problem, seen } = escalation;
  const through = channel === null ? "" : ` through ${channel}`;
  const trouble = problem === null ? "" : `: ${problem}`;
  const told =
    toldAt !== null
      ? { text: `people were told at ${dateText(toldAt)}${through}` }
      : {
          text: `nobody was told yet (${attempts} ${attempts === 1 ? "attempt" : "attempts"})${trouble}`,
          tone: "bad" as const,
        };
  if (seen === null)
    return [
      told,
      { text: `seen by nobody: gitmend executions acknowledge ${shortId(id)}`, tone: "attention" },
    ];
  const reason = seen.reason === "" ? "" : `: ${seen.reason}`;
  return [
    ...(toldAt === null ? [] : [told]),
    { text: `seen by ${seen.by} at ${dateText(seen.at)}${reason}`, tone: "good" },
  ];
}

const verdictTones = { effective: "good", ineffective: "bad", inconclusive: "attention" } as const;

function assessmentItems({ state: { assessment } }: Story): readonly Item[] {
  if (assessment === null) return [];
  const { verdict, again, evidence } = assessment;
  const next = again === null ? "" : `, asked again at ${clockText(again)}`;
  return [
    { text: `${verdict}${next}`, tone: verdictTones[verdict] },
    ...evidence.map(({ finding }) => ({ text: `- ${finding}` })),
  ];
}

function cancelText({ by, reason, keep }: NonNullable<Execution["cancel"]>): string {
  return `${by} asked to cancel it${keep ? ", keeping what was done" : ""}: ${reason}`;
}

/** Of an ended execution: what is still as gitmend left it, newest change first, with the commands to take it back. */
function undo({ state }: Story, screen: Screen): readonly string[] {
  if (state.phase !== "ended") return [];
  const left = undoByHand(state.changes);
  if (left.length === 0) {
    const text = state.changes.length === 0 ? "nothing was changed" : "gitmend undid every change";
    return section("UNDO", [{ text }], screen);
  }
  return [
    ...section("UNDO", [{ text: "by hand, newest change first" }], screen),
    ...byHandLines(left, screen),
  ];
}

function byHandLines(changes: readonly ByHand[], screen: Screen): readonly string[] {
  return changes.flatMap(({ step, object, note, commands }) => {
    const text = `- ${step}: ${object}${note === "" ? "" : ` (${note})`}`;
    return [...section("", [{ text }], screen), ...commands.map((command) => `    ${command}`)];
  });
}

/** Of an escalation: what was to be done and was not. */
function finish({ summary, state, events }: Story, screen: Screen): readonly string[] {
  const left = escalationOf(summary.id, state, events)?.finish ?? [];
  if (left.length === 0) return [];
  return [
    ...section("FINISH", [{ text: "by hand, what it did not get done" }], screen),
    ...byHandLines(left, screen),
  ];
}

function nextItems({ summary, state }: Story): readonly Item[] {
  const id = shortId(summary.id);
  if (state.phase === "ended") return [{ text: `gitmend executions events ${id}`, tone: "quiet" }];
  const approve = `gitmend approve ${id} · gitmend reject ${id} --reason "…"`;
  return [
    ...(state.phase === "awaiting_approval" ? [{ text: approve }] : []),
    ...(state.cancel === null ? [{ text: `gitmend executions cancel ${id} --reason "…"` }] : []),
  ];
}

function firstOf<Type extends ExecutionEvent["type"]>(
  { events }: Story,
  type: Type,
): Extract<ExecutionEvent, { type: Type }> | undefined {
  const found = events.find(({ event }) => event.type === type)?.event;
  return found as Extract<ExecutionEvent, { type: Type }> | undefined;
}
