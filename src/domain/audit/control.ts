// An act of control (a pause, a resume, a breaker) becomes the file and the commit message of its record. Pure: the same act
// gives the same bytes, so that a commit can be made again after a crash.
import type { PauseScope } from "../facts/pause.ts";
import { type Breaker, breakerScopeText } from "../gate/breaker.ts";
import { scopeText, untilText } from "../gate/why-paused.ts";
import type { Json } from "../json.ts";
import { shortened } from "../plain-text.ts";
import { redactJson } from "../redact.ts";
import { commitText, fittingPlace, harmless, length, subjectLimit, type Trailer } from "./commit-text.ts";
import { yamlText } from "./yaml-text.ts";

export const controlActs = ["pause", "resume", "trip", "reset", "loosen"] as const;

interface Said {
  /** A person, or `gitmend`. */
  readonly by: string;
  readonly reason: string;
}

interface Held extends Said {
  /** ISO 8601, UTC; null: until somebody resumes. */
  readonly until: string | null;
}

export type ControlAct =
  | (Held & { readonly act: "pause"; readonly scope: PauseScope })
  | (Said & { readonly act: "resume"; readonly scope: PauseScope; readonly paused: Held })
  /** A commit of the config repository that stops less: held back, or in force by these people. */
  | (Said & {
      readonly act: "loosen";
      readonly revision: string;
      /** One sentence each. */
      readonly guards: readonly string[];
      readonly held: boolean;
    })
  /** A breaker: tripped by gitmend, reset by a person. */
  | (Said & { readonly act: "trip" | "reset"; readonly breaker: Breaker });

/** What changes what gitmend will do, and belongs to no execution's history. */
export interface Control {
  /** A UUID: the commit is found by it, in whatever database it began. */
  readonly id: string;
  /** ISO 8601, UTC: the commit's date. */
  readonly at: string;
  readonly act: ControlAct;
}

export interface RenderedControl {
  readonly files: Readonly<Record<string, string>>;
  /** Subject, empty line, body, trailers. */
  readonly message: string;
  readonly at: string;
}

export function renderControl(control: Control): RenderedControl {
  const { id, at, act } = control;
  return {
    files: { [controlFile(control)]: yamlText(redactJson(recordOf(control))) },
    message: commitText(subject(control), body(act), trailers(id, act)),
    at,
  };
}

function controlFile({ id, at }: Control): string {
  return `controls/${at.slice(0, 10).replaceAll("-", "/")}/${id}.yaml`;
}

/** In the order that people read it: the database has its own. */
function recordOf({ id, at, act }: Control): Json {
  const said = { format: 1, control: id, at, act: act.act, by: act.by, reason: act.reason };
  switch (act.act) {
    case "pause":
      return { ...said, scope: { ...act.scope }, until: act.until };
    case "resume": {
      const { by, reason, until } = act.paused;
      return { ...said, scope: { ...act.scope }, paused: { by, reason, until } };
    }
    case "loosen":
      return { ...said, revision: act.revision, held: act.held, guards: act.guards };
    case "trip":
    case "reset":
      return { ...said, breaker: breakerOf(act.breaker) };
  }
}

function breakerOf(breaker: Breaker): Json {
  const { id, scope, template, alertName, target, cluster } = breaker;
  const { setbacks, perSeconds, trippedAt, lastExecution } = breaker;
  return {
    id,
    scope,
    template,
    alertName,
    target,
    cluster,
    setbacks,
    perSeconds,
    trippedAt,
    lastExecution,
  };
}

/** `control: pause shop by ana until 14:00`: the name of what it is about gives way where it is too long. */
function subject({ at, act }: Control): string {
  const { before, place, after } = subjectWords(at, act);
  const room = subjectLimit - length(`control: ${before}${after}`);
  return `control: ${before}${fittingPlace(harmless(place), room)}${after}`;
}

const longestPerson = 16;

function subjectWords(at: string, act: ControlAct) {
  const by = ` by ${shortened(harmless(act.by), longestPerson)}`;
  switch (act.act) {
    case "pause":
      return { before: "pause ", place: placeText(act.scope), after: `${by}${shortUntil(act.until, at)}` };
    case "resume":
      return { before: "resume ", place: placeText(act.scope), after: by };
    case "loosen": {
      const how = act.held ? ", held back" : act.by === "gitmend" ? "" : by;
      return { before: "guards loosened by ", place: shortRevision(act.revision), after: how };
    }
    case "trip":
      return { before: `breaker ${act.breaker.id} stops `, place: stopped(act.breaker), after: "" };
    case "reset":
      return {
        before: `reset breaker ${act.breaker.id}${by}, `,
        place: stopped(act.breaker),
        after: "",
      };
  }
}

function shortRevision(revision: string): string {
  return revision.slice(revision.indexOf("@sha1:") + "@sha1:".length).slice(0, 7);
}

/** Without the alert, which few lines have room for. */
function stopped(breaker: Breaker): string {
  return breakerScopeText({ ...breaker, alertName: null });
}

function placeText(scope: PauseScope): string {
  if (scope.kind !== "namespace") return scopeText(scope);
  return scope.cluster === null ? scope.namespace : `${scope.cluster}/${scope.namespace}`;
}

/** UTC, as the commit's date is; the day is said when it is another one. */
function shortUntil(until: string | null, at: string): string {
  if (until === null) return "";
  const day = until.slice(0, 10) === at.slice(0, 10) ? "" : `${until.slice(0, 10)} `;
  return ` until ${day}${until.slice(11, 16)}`;
}

/** Each line begins with words of its own: no text of somebody else stands at the beginning of one. */
function body(act: ControlAct): readonly string[] {
  switch (act.act) {
    case "pause": {
      const until = act.until === null ? " until somebody resumes" : untilText(act.until);
      return [`Paused by ${act.by}${until}: ${scopeText(act.scope)}.`, `It was said why: ${act.reason}.`];
    }
    case "resume": {
      const { by, until, reason } = act.paused;
      return [
        `Resumed by ${act.by}: ${scopeText(act.scope)}.`,
        `It was said why: ${act.reason}.`,
        `It had been paused by ${by}${untilText(until)}: ${reason}.`,
      ];
    }
    case "loosen":
      return [
        act.held
          ? `The stricter guards count until this has ${act.reason}.`
          : `In force, approved by ${act.by}: ${act.reason}.`,
        ...act.guards.slice(0, mostGuards).map((guard) => `It loosens ${guard}.`),
        ...(act.guards.length > mostGuards ? [`It loosens ${act.guards.length - mostGuards} more.`] : []),
      ];
    case "trip":
      return [
        `Nothing of this starts until a person resets it: ${breakerScopeText(act.breaker)}.`,
        `It was stopped because ${act.reason}.`,
        `The last of them is execution ${act.breaker.lastExecution}.`,
      ];
    case "reset":
      return [
        `Starts again, reset by ${act.by}: ${breakerScopeText(act.breaker)}.`,
        `It was said why: ${act.reason}.`,
        `It had been stopped since ${act.breaker.trippedAt}.`,
      ];
  }
}

const mostGuards = 20;

function trailers(id: string, act: ControlAct): readonly Trailer[] {
  if (act.act === "loosen")
    return [
      ["Gitmend-Control", id],
      ["Control-Act", act.act],
      ["Control-Scope", act.held ? "held back" : "in force"],
      ["Control-By", act.by],
      ["Config-Revision", act.revision],
    ];
  const isPause = "scope" in act;
  const cluster = isPause ? ("cluster" in act.scope ? act.scope.cluster : null) : clusterOf(act.breaker);
  const template = isPause ? null : act.breaker.template;
  return [
    ["Gitmend-Control", id],
    ["Control-Act", act.act],
    ["Control-Scope", isPause ? scopeText(act.scope) : breakerScopeText(act.breaker)],
    ["Control-By", act.by],
    ...(act.act === "pause" && act.until !== null ? [["Control-Until", act.until] as const] : []),
    ...(cluster === null ? [] : [["Cluster", cluster] as const]),
    ...(template === null ? [] : [["Template", template] as const]),
  ];
}

function clusterOf({ cluster, target }: Breaker): string | null {
  return cluster ?? target?.split("/")[0] ?? null;
}
