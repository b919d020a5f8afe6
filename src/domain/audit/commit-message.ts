// The commit of a milestone: a subject for people who read `git log --oneline`, a few words, and trailers that machines and
// auditors search by.
import type { AssessmentMade, ByHand } from "../execution/events.ts";
import type { Execution } from "../execution/execution.ts";
import { objectText } from "../facts/objects.ts";
import { liftText } from "../gate/break-glass.ts";
import type { GateReason } from "../gate/gate.ts";
import { shortened } from "../plain-text.ts";
import { effectText } from "../planning/effect.ts";
import { commitText, fittingPlace, harmless, length, subjectLimit, type Trailer } from "./commit-text.ts";
import { gateWords, outcomeWords, type Story, verdictWords } from "./story.ts";
import { clock } from "./timeline.ts";

const shownAlerts = 20;

/** @param head sha256 of the last line of events.jsonl */
export function commitMessage(story: Story, head: string): string {
  return commitText(subject(story), body(story), trailers(story, head));
}

/** At most 72 characters: the reason gives way first, then the kind in the target's name, then the middle of the target. */
export function subject(story: Story): string {
  const { kind, said } = saidOf(story);
  const { main, reason } = parted(harmless(said));
  const space = subjectLimit - `${kind}(): `.length;
  const words = shortened(main, space - shortestTarget);
  const target = fittingPlace(harmless(story.target), space - length(words));
  const room = space - length(target) - length(words);
  return `${kind}(${target}): ${words}${room < 12 && length(reason) > room ? "" : shortened(reason, room)}`;
}

const shortestTarget = 16;

function saidOf(story: Story): { readonly kind: string; readonly said: string } {
  switch (story.milestone) {
    case "planned":
      return { kind: "plan", said: `${story.template}, ${gateWords(story)}` };
    case "ended":
      return { kind: "remediate", said: `${story.template} ${outcomeWords(story)}` };
    case "assessed":
      return { kind: "assess", said: `${story.template} ${verdictWords(story)}` };
  }
}

/** `refused: change freeze` -> `refused` and `: change freeze`. */
function parted(words: string): { main: string; reason: string } {
  const at = words.indexOf(": ");
  return at < 0 ? { main: words, reason: "" } : { main: words.slice(0, at), reason: words.slice(at) };
}

function body(story: Story): readonly string[] {
  return [...whyWords(story), ...told(story)];
}

function whyWords({ alert, match, subject: named, state: { byHand, follows } }: Story): readonly string[] {
  const object = named === null ? "" : objectText({ ...named, cluster: alert.cluster });
  if (byHand !== null) {
    const what = named === null ? "" : ` for ${object}`;
    return [`Started by hand${what} by ${byHand.by}: ${byHand.reason}.`, ...againWords(byHand)];
  }
  if (follows !== null)
    return [
      `Takes back what execution ${follows} left in place for ${alert.name}: ${match.reasons.join("; ")}.`,
    ];
  const severity = alert.severity === "" ? "" : ` (${alert.severity})`;
  return [
    `${alert.name}${severity} began to fire at ${clock(alert.startsAt)}.`,
    ...(named === null ? [] : [`It names ${object}.`]),
    `Chosen by rule ${match.rule}.`,
  ];
}

function againWords({ again }: ByHand): readonly string[] {
  if (again === undefined) return [];
  const from = again.from === null ? "" : `, from step ${again.from} on`;
  return [`It tries execution ${again.execution} again${from}.`];
}

function told(story: Story): readonly string[] {
  const { state, milestone } = story;
  if (milestone === "planned")
    return [...planWords(state), ...(state.gate?.reasons ?? []).slice(0, 5).map(reasonWords)];
  const ended = `Ended: ${outcomeWords(story)}.`;
  if (milestone === "assessed") return [ended, ...assessmentWords(state.assessment)];
  return [
    ...fallbackWords(state),
    ...changeWords(state),
    ended,
    ...(state.escalated ? ["People have to look at it."] : []),
  ];
}

function planWords({ plan }: Execution): readonly string[] {
  if (plan === null) return [];
  const names = plan.steps.slice(0, shownSteps).map(({ name }) => name);
  const more = plan.steps.length > shownSteps ? ` and ${plan.steps.length - shownSteps} more` : "";
  return [`Risk ${plan.risk}; steps: ${names.join(", ")}${more}.`];
}

function fallbackWords({ plan, fallbackAt }: Execution): readonly string[] {
  if (fallbackAt === null) return [];
  return [
    `Its steps failed and were taken back; the fallback ${plan?.fallback?.template.name ?? ""} was tried.`,
  ];
}

const shownSteps = 8;
const shownChanges = 8;

function changeWords({ changes, steps }: Execution): readonly string[] {
  const shown = changes.slice(0, shownChanges).map(({ step, effect, undoStatus }) => {
    const did = {
      patch: "changed",
      delete: "deleted",
      send: "told",
      create: "created",
      request: "called",
      branch: "pushed",
    };
    const back = undoStatus === "undone" && effect.kind === "patch" ? ", taken back afterwards" : "";
    const doubt = steps.get(step)?.status === "unknown" ? ", if it happened at all" : "";
    return `${step} ${did[effect.kind]} ${effectText(effect)}${back}${doubt}.`;
  });
  const more = changes.length - shown.length;
  return more > 0 ? [...shown, `${more} more changes.`] : shown;
}

/** What was looked at, and whether somebody looks again. */
function assessmentWords(assessment: AssessmentMade | null): readonly string[] {
  if (assessment === null) return [];
  const found = assessment.evidence.slice(0, 8).map(({ finding }) => `Found: ${finding}.`);
  return assessment.again === null ? found : [...found, `Looked at again at ${clock(assessment.again)}.`];
}

function reasonWords({ rule, effect, reason }: GateReason): string {
  const how = {
    deny: "Denied by",
    limit: "Limited by",
    "require-approval": "Needs approval by",
    observe: "Only observed by",
    waive: "Approval waived by",
    repair: "Repaired as said by",
  }[effect];
  return `${how} ${rule}: ${reason}.`;
}

function trailers(story: Story, head: string): readonly Trailer[] {
  const { state, executionId, alert, template, approvals, events } = story;
  const version = state.plan?.template.version ?? null;
  const alerts = [...state.alerts.values()].slice(0, shownAlerts);
  return [
    ["Execution-Id", executionId],
    ["Incident", state.incident],
    ...alerts.flatMap(({ name, fingerprint }) => [
      ["Alert", name] as const,
      ["Alert-Fingerprint", fingerprint] as const,
    ]),
    ["Cluster", alert.cluster],
    ["Template", version === null ? template : `${template}@${version}`],
    ["Config-Revision", state.revision],
    ...(state.plan === null ? [] : [["Plan-Digest", state.plan.digest] as const]),
    ...(state.gate === null ? [] : [["Gate", state.gate.kind] as const]),
    ...(state.byHand === null ? [] : [["Started-By", state.byHand.by] as const]),
    ...(state.follows === null ? [] : [["Follows", state.follows] as const]),
    ...approvals.map(({ by, verified }) => ["Approved-By", verified ? by : `${by} (unverified)`] as const),
    ...(state.lift === null ? [] : [["Approved-By", liftText(state.lift)] as const]),
    ["Mode", state.mode],
    ...(story.milestone === "planned" || state.outcome === null ? [] : [["Outcome", state.outcome] as const]),
    ...(story.milestone === "assessed" && state.assessment !== null
      ? [["Assessment", state.assessment.verdict] as const]
      : []),
    ["Seq", String(events.at(-1)?.seq ?? 0)],
    ["Events-Hash", head],
  ];
}
