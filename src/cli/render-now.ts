// `gitmend now`: the first thing at 3 a.m. What needs a person stands first, then what waits for one, what runs, and what
// fires although nothing runs, with the reason. A calm sentence when there is nothing.
import type { CurrentExecution, CurrentFiring, Health } from "../controller/views.ts";
import { durationText } from "../domain/duration.ts";
import { objectText } from "../domain/facts/objects.ts";
import type { Pause } from "../domain/facts/pause.ts";
import type { Finding } from "../domain/finding.ts";
import { shortId } from "../domain/gate/approval-file.ts";
import { type Breaker, breakerText } from "../domain/gate/breaker.ts";
import { demandsText } from "../domain/gate/judge-approval.ts";
import { pauseText, untilText } from "../domain/gate/why-paused.ts";
import { secondsBetween } from "../domain/instant.ts";
import { ageText, cleanAll, clockText, dateText, width, wrap } from "./layout.ts";
import { type Paint, paintFor, symbolOf, type Tone, toneOf } from "./paint.ts";
import { aligned, columnWidths, fit } from "./table.ts";

export interface Now {
  readonly mode: "observe" | "live";
  readonly databaseSeconds: number;
  readonly health: Health;
  readonly catalog: {
    readonly revision: string | null;
    readonly findings: readonly Finding[];
    readonly problem: string | null;
  };
  readonly executions: readonly CurrentExecution[];
  readonly firings: readonly CurrentFiring[];
  readonly pauses: readonly Pause[];
  readonly breakers: readonly Breaker[];
}

interface Screen {
  readonly columns: number;
  readonly paint: Paint;
  /** The controller's time: ages are right whatever the clock of this machine says. */
  readonly now: string;
  readonly firings: readonly CurrentFiring[];
}

interface Entry {
  readonly symbol: string;
  readonly tone: Tone;
  readonly cells: readonly string[];
  readonly details: readonly (readonly [tone: Tone, text: string])[];
}

const slowSeconds = 0.5;
const lagSeconds = 60;
const shownSubjects = 3;

/** Many lines, ending in a newline. */
export function renderNow(given: Now, view: { readonly columns: number; readonly colours: boolean }): string {
  const now = cleanAll(given);
  const paint = paintFor(view.colours);
  const columns = Math.max(view.columns, 40);
  const screen: Screen = { columns, paint, now: now.health.now, firings: now.firings };
  const groups = [
    group(
      "NEEDS A PERSON",
      now.executions.filter(needsPerson).map((one) => escalated(one, screen)),
      screen,
    ),
    group(
      "WAITS FOR AN APPROVAL",
      waiting(now).map((one) => approval(one, screen)),
      screen,
    ),
    group(
      "RUNS",
      running(now).map((one) => executing(one, screen)),
      screen,
    ),
    group("FIRES, AND NOTHING RUNS", firingEntries(now, screen), screen),
  ].filter((lines) => lines.length > 0);
  const body = groups.length === 0 ? [["", calm(now)]] : groups.map((lines) => ["", ...lines]);
  return `${[header(now, screen), ...warnings(now, screen), ...body.flat(), ...more(now, screen)].join("\n")}\n`;
}

function header({ mode, catalog, health }: Now, { columns, paint }: Screen): string {
  const revision = catalog.revision === null ? "no catalog" : shortRevision(catalog.revision);
  const left = `gitmend · ${mode === "live" ? "live" : "observe: nothing is changed"} · ${revision}`;
  const right = dateText(health.now);
  const space = columns - width(left) - width(right);
  return paint("strong", space >= 2 ? left + " ".repeat(space) + right : left);
}

/** `main@sha1:4f2c…` -> `main@4f2c1d0b9a8e`. */
function shortRevision(revision: string): string {
  return revision.replace(/@sha1:([0-9a-f]{12})[0-9a-f]*$/, "@$1");
}

function warnings(
  { catalog, databaseSeconds, health, pauses, breakers }: Now,
  { paint, columns }: Screen,
): readonly string[] {
  const errors = catalog.findings.filter(({ severity }) => severity === "error").length;
  const lines = [
    ...pauses.map((pause) => `${pauseText(pause)} (${howToResume(pause)})`),
    ...breakers.map((breaker) => `${breakerText(breaker)} (gitmend breaker reset ${breaker.id})`),
    ...(catalog.revision === null
      ? ["no catalog is in use: alerts are kept and nothing is decided (gitmend doctor)"]
      : []),
    ...(errors > 0
      ? [
          `the newest commit of the catalog has ${count(errors, "error")}: the last good one stays (gitmend doctor)`,
        ]
      : []),
    ...(catalog.problem === null ? [] : [`the config repository cannot be read: ${catalog.problem}`]),
    ...(databaseSeconds > slowSeconds
      ? [`the database is slow: ${databaseSeconds.toFixed(1)} s for one question`]
      : []),
    ...(health.deadLetters > 0
      ? [
          `${count(health.deadLetters, "alert")} could not be read since yesterday (gitmend dead-letters list)`,
        ]
      : []),
    ...(health.auditLagSeconds > lagSeconds
      ? [
          `the audit record is ${durationText(health.auditLagSeconds)} behind: ${count(health.unpublished, "commit")} to be written`,
        ]
      : []),
  ];
  return lines.flatMap((text) =>
    wrap(text, columns - 2).map((line, index) => paint("attention", `${index === 0 ? "!" : " "} ${line}`)),
  );
}

function howToResume({ scope, source }: Pause): string {
  if (source !== "command") return "it stands in pause.yaml";
  const cluster = "cluster" in scope && scope.cluster !== null ? ` --cluster ${scope.cluster}` : "";
  const namespace = scope.kind === "namespace" ? ` -n ${scope.namespace}` : "";
  const execution = scope.kind === "execution" ? ` --execution ${shortId(scope.execution)}` : "";
  return `gitmend resume${namespace}${cluster}${execution}`;
}

function needsPerson({ escalated: yes, phase }: CurrentExecution): boolean {
  return yes && phase === "ended";
}

function waiting({ executions }: Now): readonly CurrentExecution[] {
  return executions.filter(({ phase }) => phase === "awaiting_approval");
}

function running({ executions }: Now): readonly CurrentExecution[] {
  return executions.filter(({ phase }) => phase !== "ended" && phase !== "awaiting_approval");
}

function common(one: CurrentExecution, { now }: Screen): Pick<Entry, "symbol" | "tone" | "cells"> {
  const target = one.target === null ? "-" : objectText(one.target);
  const severity = one.severity === "" ? "" : ` (${one.severity})`;
  return {
    symbol: symbolOf(one),
    tone: toneOf(one),
    cells: [
      shortId(one.id),
      target,
      one.template,
      `${one.alertName}${severity}`,
      ageText(one.createdAt, now),
    ],
  };
}

function escalated(one: CurrentExecution, screen: Screen): Entry {
  const still = screen.firings.some(({ execution }) => execution?.id === one.id) ? "; it still fires" : "";
  return {
    ...common(one, screen),
    details: [
      ["bad", `${one.outcome ?? one.phase}: ${one.reason ?? ""}${still}`],
      ...(one.escalation === null || one.escalation.toldAt !== null
        ? []
        : [
            [
              "attention",
              `nobody was told yet${one.escalation.problem === null ? "" : `: ${one.escalation.problem}`}`,
            ] as const,
          ]),
      [
        "quiet",
        `gitmend executions show ${shortId(one.id)} · gitmend executions acknowledge ${shortId(one.id)}`,
      ],
    ],
  };
}

function approval(one: CurrentExecution, screen: Screen): Entry {
  const id = shortId(one.id);
  const demands = one.gate?.kind === "approval" ? demandsText(one.gate.demands) : "an approval";
  const left = one.expiresAt === null ? null : secondsBetween(screen.now, one.expiresAt);
  const until =
    one.expiresAt === null || left === null
      ? "; it is being asked for"
      : `, until ${clockText(one.expiresAt).slice(0, 5)} UTC (${left > 0 ? `${durationText(left)} left` : "over"})`;
  return {
    ...common(one, screen),
    details: [
      ["attention", `needs ${demands}${until}`],
      ["quiet", `gitmend executions show ${id}`],
      ["quiet", `gitmend approve ${id} · gitmend reject ${id} --reason "…"`],
    ],
  };
}

function executing(one: CurrentExecution, screen: Screen): Entry {
  const step =
    one.step === null
      ? ""
      : `, step ${one.step.name} for ${durationText(Math.max(0, Math.round(secondsBetween(one.step.startedAt, screen.now))))}`;
  const words: Partial<Record<CurrentExecution["phase"], string>> = {
    planning: "is being planned",
    waiting: "held: an object that it needs is busy, or its guards do not let it start yet",
    running: `runs${step}`,
    undoing: "takes back what it changed",
  };
  const observed = one.mode === "observe" ? " (observe: it changes nothing)" : "";
  const paused: Entry["details"] =
    one.paused === null
      ? []
      : [["attention", `paused by ${one.paused.by}${untilText(one.paused.until)}: ${one.paused.reason}`]];
  return {
    ...common(one, screen),
    details: [...paused, ["plain", `${words[one.phase] ?? one.phase}${observed}`]],
  };
}

/** What fires for the same reason is one entry: a storm of 300 pods is three lines. */
function firingEntries({ firings, executions }: Now, screen: Screen): readonly Entry[] {
  const told = new Set(executions.filter(needsPerson).map(({ id }) => id));
  const groups = new Map<string, CurrentFiring[]>();
  for (const firing of firings) {
    if (firing.execution !== null && told.has(firing.execution.id)) continue;
    const key = JSON.stringify([firing.name, firing.severity, firing.state, firing.reasons, ended(firing)]);
    groups.set(key, [...(groups.get(key) ?? []), firing]);
  }
  return [...groups.values()].map((alike) => firingEntry(alike, screen));
}

function firingEntry(alike: readonly CurrentFiring[], screen: Screen): Entry {
  const [first] = alike as readonly [CurrentFiring, ...CurrentFiring[]];
  const severity = first.severity === "" ? "" : ` (${first.severity})`;
  const times = alike.length > 1 ? ` ×${alike.length}` : "";
  const subjects = [...new Set(alike.map(subjectText))];
  const others = subjects.length > shownSubjects ? `, and ${subjects.length - shownSubjects} more` : "";
  const where =
    subjects.length > 1
      ? [["quiet", `${subjects.slice(0, shownSubjects).join(", ")}${others}`] as const]
      : [];
  return {
    symbol: first.state === "undecided" ? "?" : "•",
    tone: first.state === "undecided" ? "attention" : "plain",
    cells: [
      `${first.name}${severity}${times}`,
      subjects.length > 1 ? "" : (subjects[0] ?? ""),
      ageText(first.openedAt, screen.now),
    ],
    details: [...where, ...why(first, screen)],
  };
}

function subjectText({ cluster, subject }: CurrentFiring): string {
  return subject === null ? cluster : objectText({ ...subject, cluster });
}

function why({ state, reasons, decideAt, execution }: CurrentFiring, { now }: Screen): Entry["details"] {
  const again =
    decideAt === null || decideAt <= now
      ? ""
      : `; looked at again in ${durationText(secondsBetween(now, decideAt))}`;
  switch (state) {
    case "due":
      return [["plain", "was just received"]];
    case "held":
      return [["plain", reasons.join("; ")]];
    case "paused":
    case "stopped":
      return [["attention", `${reasons.join("; ")}${again}`]];
    case "waiting":
      return [["plain", `${reasons.join("; ")}${again}`]];
    case "no-match":
      return [
        ["plain", "no rule matches"],
        ...reasons.slice(0, 3).map((reason) => ["quiet", `- ${reason}`] as const),
      ];
    case "undecided":
      return [["attention", `not decided: ${reasons.join("; ")}${again}`]];
    case "ended":
      return [["plain", `${execution === null ? reasons.join("; ") : endedText(execution)}${again}`]];
  }
}

/** What groups firings whose executions ended alike. */
function ended({ execution }: CurrentFiring): readonly (string | null)[] {
  return execution === null ? [] : [execution.template, execution.outcome, execution.reason];
}

function endedText({ id, template, outcome, reason }: NonNullable<CurrentFiring["execution"]>): string {
  const show = `gitmend executions show ${shortId(id)}`;
  if (outcome === "observed") return `observed: ${template} would have run (${show})`;
  return `${template} ended ${outcome ?? ""}: ${reason} (${show})`;
}

function group(title: string, entries: readonly Entry[], { paint, columns }: Screen): readonly string[] {
  if (entries.length === 0) return [];
  const widths = fit(columnWidths(entries.map(({ cells }) => cells)), columns - 2);
  const lines = entries.flatMap(({ symbol, tone, cells, details }) => [
    `${paint(tone, symbol)} ${aligned(cells, widths)}`,
    ...details.flatMap(([detailTone, text]) =>
      wrap(text, columns - 6).map(
        (line, index) => `${index === 0 ? "    " : "      "}${paint(detailTone, line)}`,
      ),
    ),
  ]);
  return [paint("strong", `${title} (${entries.length})`), ...lines];
}

/** What did not fit into the answer. */
function more({ health, executions, firings }: Now, { paint }: Screen): readonly string[] {
  const live = Object.values(health.active).reduce((sum, one) => sum + one, 0);
  const shown = executions.filter(({ phase }) => phase !== "ended").length;
  const lines = [
    ...(live > shown ? [`${live - shown} more executions: gitmend executions list --live`] : []),
    ...(firings.length >= 200 ? ["more alerts fire than are shown here: gitmend incidents list"] : []),
  ];
  return lines.map((line) => paint("quiet", line));
}

function calm({ health, mode }: Now): string {
  if (health.deliveredAt === null)
    return "Nothing fires and nothing runs. No alert was ever delivered here: `gitmend doctor` says what is missing.";
  const idle = mode === "observe" ? "" : ", nothing waits for anybody";
  return `Nothing fires, nothing runs${idle}. The last delivery came ${ageText(health.deliveredAt, health.now)} ago.`;
}

function count(number: number, word: string): string {
  return `${number} ${word}${number === 1 ? "" : "s"}`;
}
