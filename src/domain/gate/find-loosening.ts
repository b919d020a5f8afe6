// What a catalog lets through that another one would have stopped: guards that are gone or say less, new waivers, lower risks,
// approvals that templates no longer ask for. And the catalog in which none of that has happened yet.

import type { Finding } from "../finding.ts";
import { oneLine } from "../plain-text.ts";
import { type Catalog, guardsOf, withGuards } from "../policies/catalog.ts";
import { lifts } from "../policies/lifts.ts";
import type { GuardRule } from "../policies/rule.ts";
import { reachesAsFar } from "../policies/scoped-rules.ts";
import { type Risk, risks } from "../templates/action-description.ts";
import type { CustomAction } from "../templates/custom-action.ts";
import type { Position, Template } from "../templates/template.ts";
import { coversGuard, guardText } from "./guard-power.ts";
import { guardWords } from "./guard-words.ts";

/** What is compared, and nothing else. */
export type Guarding = Pick<Catalog, "guards" | "templates" | "actions" | "revoked" | "scopes">;

interface Change {
  readonly before: GuardRule;
  /** Of the same name; null: there is none. */
  readonly after: GuardRule | null;
}

/** Guards of `before` that no guard of `after` stands for. */
function lostGuards(before: Guarding, after: Guarding): readonly Change[] {
  const now = guardsOf(after).filter(({ event }) => !lifts(event));
  const { scopes } = after;
  const byText = Map.groupBy(now, guardText);
  const byName = new Map(now.map((guard) => [guard.name, guard]));
  return guardsOf(before).flatMap((guard): readonly Change[] => {
    const stands = (one: GuardRule) => reachesAsFar(guard, one, scopes);
    if (lifts(guard.event) || byText.get(guardText(guard))?.some(stands) === true) return [];
    const same = byName.get(guard.name) ?? null;
    const covered = same !== null && coversGuard(guard, same) && stands(same);
    return covered ? [] : [{ before: guard, after: same }];
  });
}

/** Waivers of `after` that lift what none of `before` has lifted. */
function newWaivers(before: Guarding, after: Guarding): readonly GuardRule[] {
  const old = guardsOf(before).filter(({ event }) => lifts(event));
  const texts = new Set(old.map(guardText));
  const byName = new Map(old.map((guard) => [guard.name, guard]));
  return guardsOf(after).filter((guard) => {
    if (!lifts(guard.event) || texts.has(guardText(guard))) return false;
    const same = byName.get(guard.name);
    return same === undefined || !coversGuard(same, guard);
  });
}

/** `GUARD_LOOSENED`, by position. Where something is gone, the position is the old one. */
export function findLoosening(before: Guarding, after: Guarding): readonly Finding[] {
  const found = [
    ...lostGuards(before, after).map(lostFinding),
    ...newWaivers(before, after).map((guard) =>
      loosened(guard.position, `${guard.name} is new or wider: it ${guardWords(guard)}`),
    ),
    ...[...after.templates.values()].flatMap((template) => templateFindings(template, before)),
    ...[...after.actions.values()].flatMap((action) => actionFindings(action, before)),
    ...[...before.revoked].filter((name) => !after.revoked.has(name)).map(revokedFinding),
  ];
  return found.toSorted(
    (one, other) => (one.file < other.file ? -1 : one.file > other.file ? 1 : 0) || one.line - other.line,
  );
}

function lostFinding({ before, after }: Change): Finding {
  const was = `it ${guardWords(before)}`;
  if (after === null) return loosened(before.position, `${before.name} is gone: ${was}`);
  const now = guardWords(after);
  const is = now === guardWords(before) ? "what it reads has changed" : `now it ${now}`;
  return loosened(after.position, `${after.name} stops less: before, ${was}; ${is}`);
}

function templateFindings(template: Template, { templates }: Guarding): readonly Finding[] {
  const { name, position, risk } = template;
  const old = templates.get(name);
  if (old === undefined) return [];
  return [
    ...(isLower(risk, old.risk) ? [riskFinding(`template ${name}`, old.risk, risk, position)] : []),
    ...(asks(old) && !asks(template)
      ? [loosened(position, `template ${name} asks for no approval any more`)]
      : []),
  ];
}

function actionFindings({ name, risk }: CustomAction, { actions }: Guarding): readonly Finding[] {
  const old = actions.get(name)?.risk ?? risk;
  const position = { file: "actions", line: 1, column: 1 };
  return isLower(risk, old) ? [riskFinding(`action ${name}`, old, risk, position)] : [];
}

function riskFinding(what: string, before: Risk, after: Risk, position: Position): Finding {
  return loosened(position, `the risk of ${what} was ${before} and is ${after}`);
}

function revokedFinding(name: string): Finding {
  return loosened({ file: "catalog.yaml", line: 1, column: 1 }, `${name} was revoked and may be used again`);
}

function loosened({ file, line, column }: Position, message: string): Finding {
  return {
    file,
    line,
    column,
    severity: "warning",
    code: "GUARD_LOOSENED",
    message: oneLine(message, 600),
  };
}

function isLower(risk: Risk, than: Risk): boolean {
  return risks.indexOf(risk) < risks.indexOf(than);
}

function asks({ steps }: Template): boolean {
  return steps.some(({ approvalRequired }) => approvalRequired);
}

/**
 * `after`, in which everything that `before` stops is stopped still: guards that were lost stand beside the new ones (as
 * `policy/rule@<mark>`, and all that fire count), new waivers are left out, and risks are the higher ones.
 */
export function keepGuards(before: Guarding, after: Catalog, mark: string): Catalog {
  const waivers = new Set(newWaivers(before, after));
  const kept = lostGuards(before, after).map(({ before: guard }) => ({
    ...guard,
    name: `${guard.name}@${mark}`,
  }));
  const held = withGuards(after, [...guardsOf(after).filter((guard) => !waivers.has(guard)), ...kept]);
  return {
    ...held,
    templates: new Map([...after.templates].map(([name, one]) => [name, keepTemplate(one, before)])),
    actions: new Map([...after.actions].map(([name, one]) => [name, keepAction(one, before)])),
    revoked: new Set([...after.revoked, ...before.revoked]),
  };
}

function keepTemplate(template: Template, { templates }: Guarding): Template {
  const old = templates.get(template.name);
  if (old === undefined) return template;
  const [first, ...others] = template.steps;
  const steps =
    first === undefined || !asks(old) || asks(template)
      ? template.steps
      : [{ ...first, approvalRequired: true }, ...others];
  return { ...template, steps, risk: higher(template.risk, old.risk) };
}

function keepAction(action: CustomAction, { actions }: Guarding): CustomAction {
  return { ...action, risk: higher(action.risk, actions.get(action.name)?.risk ?? action.risk) };
}

function higher(one: Risk, other: Risk): Risk {
  return isLower(one, other) ? other : one;
}
