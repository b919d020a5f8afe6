// What is certain, before any alert fires, to be beyond a scope of gitmend.yaml: files that no scope covers, actions, places, secrets
// and risks that a folder may not use, of its own or by choosing what another folder wrote. A plan is judged by itself in any case.
import type { Finding } from "../finding.ts";
import type { Json } from "../json.ts";
import type { ActionDescription } from "../templates/action-description.ts";
import { risks } from "../templates/action-description.ts";
import type { ActionIndex } from "../templates/action-index.ts";
import { callsOf } from "../templates/check-taken-back.ts";
import type { CustomAction } from "../templates/custom-action.ts";
import {
  allowsAction,
  allowsNamespace,
  allowsSecret,
  lookAlike,
  runAsText,
  type Scope,
  scopeOfFile,
  scopeText,
  wholeRepository,
} from "../templates/scope.ts";
import { ofCustom, secretNames } from "../templates/secret-names.ts";
import type { Position, Template, TemplateCall } from "../templates/template.ts";
import type { CatalogContent } from "./catalog.ts";
import { sourcesOf, templatesOf } from "./plan-sources.ts";

interface Work {
  readonly content: CatalogContent;
  readonly scopes: readonly Scope[];
  readonly index: ActionIndex;
}

/** @param files of `actions/`, `templates/` and `policies/`. */
export function checkScopes(
  content: CatalogContent,
  files: readonly { readonly path: string }[],
  index: ActionIndex,
): readonly Finding[] {
  const { scopes } = content;
  if (scopes.length === 0) return [];
  const work = { content, scopes, index };
  return [
    ...files.flatMap(({ path }) => uncovered(path, scopes)),
    ...[...content.actions.values()].flatMap((action) => actionFindings(action, work)),
    ...[...content.templates.values()].flatMap((template) => templateFindings(template, work)),
    ...ruleFindings(work),
  ];
}

function finding({ file, line, column }: Position, code: string, message: string): Finding {
  return { file, line, column, severity: "error", code, message };
}

function uncovered(path: string, scopes: readonly Scope[]): readonly Finding[] {
  const start = { file: path, line: 1, column: 1 };
  const alike = lookAlike(path, scopes);
  if (alike !== null)
    return [
      finding(
        start,
        "SCOPE_LOOK_ALIKE",
        `the folder looks like ${alike.path}, which has a scope in gitmend.yaml, and is another one: give it the same spelling, or another name`,
      ),
    ];
  if (scopeOfFile(path, scopes) !== null) return [];
  const message =
    "no scope of gitmend.yaml covers this file, so it may do nothing: move it, or add a scope (`path: .` is the whole repository)";
  return [finding(start, "SCOPE_MISSING", message)];
}

function actionFindings(action: CustomAction, { content, scopes }: Work): readonly Finding[] {
  const file = content.actionFiles.get(action.name) ?? "";
  const scope = scopeOfFile(file, scopes);
  if (scope === null) return [];
  const at = { file, line: 1, column: 1 };
  const places = [action.body, action.undo].flatMap((body) =>
    "job" in body ? placeFindings(body.job, scope, at) : [],
  );
  const isRisky = risks.indexOf(action.risk) > risks.indexOf(scope.maxRisk);
  return [
    ...places,
    ...secretFindings(ofCustom(action), scope, at),
    ...(isRisky ? [riskFinding(`action ${action.name}`, action.risk, scope, at)] : []),
  ];
}

/** What the template, its fallback and their actions come to, under the scopes of all of them. */
function templateFindings(template: Template, work: Work): readonly Finding[] {
  const scopes = scopesOf(sourcesOf(template, work.content), work);
  return [
    ...scopes.flatMap((scope) => contentFindings(template, scope, work, null)),
    ...differentAccounts(scopes, template.position, `template ${template.name}`),
  ];
}

function scopesOf(files: readonly string[], { scopes }: Work): readonly Scope[] {
  const found = files.map((file) => scopeOfFile(file, scopes));
  return [...new Set(found.filter((scope) => scope !== null))];
}

/** @param by the rule that chooses the template, when it is that rule's scope: then the finding is about the rule. */
function contentFindings(
  template: Template,
  scope: Scope,
  work: Work,
  by: { readonly name: string; readonly position: Position } | null,
): readonly Finding[] {
  return templatesOf(template, work.content).flatMap((one) => {
    const isOwn = by === null && scopeOfFile(one.position.file, work.scopes) === scope;
    const elsewhere = by?.position ?? template.position;
    const found = [
      ...(risks.indexOf(one.risk) > risks.indexOf(scope.maxRisk)
        ? [riskFinding(`template ${one.name}`, one.risk, scope, one.position)]
        : []),
      ...[...one.steps, ...one.finally, ...one.whenResolved].flatMap((step) =>
        callsOf(step).flatMap((call) => callFindings(call, scope, step.position, work)),
      ),
    ];
    if (isOwn) return found;
    const prefix =
      by === null ? `${template.name} takes ${one.name} along` : `${by.name} chooses ${one.name}`;
    const shown = one === template && by === null ? "" : `${prefix}: `;
    return found.map(({ code, message }) => finding(elsewhere, code, `${shown}${message}`));
  });
}

function callFindings(
  { action, parameters }: TemplateCall,
  scope: Scope,
  at: Position,
  { content, index }: Work,
): readonly Finding[] {
  const custom = content.actions.get(action) ?? null;
  const description = index.find(action)?.description;
  const isAllowed = allowsAction(scope, action);
  return [
    ...(isAllowed
      ? []
      : [
          finding(
            at,
            "SCOPE_ACTION",
            `${scopeText(scope)} does not allow ${action}: use one of ${scope.actions.join(", ")}`,
          ),
        ]),
    ...(description === undefined ? [] : nodeFindings(description, scope, at)),
    ...placeFindings(parameters, scope, at),
    ...secretFindings(secretNames(action, parameters, custom), scope, at),
  ];
}

function nodeFindings({ name, identity }: ActionDescription, scope: Scope, at: Position): readonly Finding[] {
  if (!identity.includes("node") || allowsNamespace(scope, null)) return [];
  const message = `${name} is about a node, which belongs to no namespace: ${scopeText(scope)} would have to name the namespace \`*\``;
  return [finding(at, "SCOPE_NAMESPACE", message)];
}

/** Only what is written out: what is filled in is judged when it is. */
function placeFindings(
  values: Readonly<Record<string, Json | undefined>>,
  scope: Scope,
  at: Position,
): readonly Finding[] {
  const { namespace } = values;
  if (typeof namespace !== "string" || namespace.includes("{{") || allowsNamespace(scope, namespace))
    return [];
  return [namespaceFinding(namespace, scope, at)];
}

function namespaceFinding(namespace: string, scope: Scope, at: Position): Finding {
  const allowed = scope.namespaces.join(", ");
  const message = `namespace ${namespace} is outside of ${scopeText(scope)}, which allows ${allowed}`;
  return finding(at, "SCOPE_NAMESPACE", message);
}

function secretFindings(names: readonly string[], scope: Scope, at: Position): readonly Finding[] {
  const denied = [...new Set(names)].filter((name) => !name.includes("{{") && !allowsSecret(scope, name));
  return denied.map((name) =>
    finding(at, "SCOPE_SECRET", `${scopeText(scope)} does not list "${name}" under secrets: leave it out`),
  );
}

function riskFinding(what: string, risk: string, scope: Scope, at: Position): Finding {
  const message = `the risk of ${what} is ${risk}; ${scopeText(scope)} allows ${scope.maxRisk} at most`;
  return finding(at, "SCOPE_RISK", message);
}

function differentAccounts(scopes: readonly Scope[], at: Position, what: string): readonly Finding[] {
  const accounts = [...new Set(scopes.flatMap(({ runAs }) => (runAs === null ? [] : [runAsText(runAs)])))];
  if (accounts.length < 2) return [];
  const message = `${what} would act as ${accounts.join(" and as ")}: keep it to folders with one run_as`;
  return [finding(at, "SCOPE_RUN_AS", message)];
}

function ruleFindings(work: Work): readonly Finding[] {
  const { selection, guards, dependencies } = work.content;
  const scopeAt = ({ file }: Position) => scopeOfFile(file, work.scopes);
  return [
    ...selection.flatMap((rule): readonly Finding[] => {
      const scope = scopeAt(rule.position);
      if (scope === null || rule.event.type === "escalate") return [];
      const { template, ladder = [] } = rule.event.params;
      const names = [template, ...ladder.map((rung) => rung.template)].filter((name) => name !== undefined);
      return names.flatMap((name) => chosenFindings(name, rule, scope, work));
    }),
    ...guards.flatMap((guard): readonly Finding[] => {
      const scope = scopeAt(guard.position);
      if (guard.event.type !== "waive-approval" || scope === null || scope.path === wholeRepository)
        return [];
      const message = `${scopeText(scope)} may ask for more, not for less: a waiver belongs into a folder of the scope \`.\`, or into \`floor\``;
      return [finding(guard.position, "SCOPE_WAIVER", message)];
    }),
    ...dependencies.flatMap(({ of, position }): readonly Finding[] => {
      const scope = scopeAt(position);
      if (scope === null) return [];
      const namespaces = new Set(of.map((key) => key.split("/", 1)[0] ?? ""));
      return [...namespaces]
        .filter((namespace) => !allowsNamespace(scope, namespace))
        .map((namespace) => namespaceFinding(namespace, scope, position));
    }),
  ];
}

function chosenFindings(
  name: string,
  rule: { readonly name: string; readonly position: Position },
  scope: Scope,
  work: Work,
): readonly Finding[] {
  const template = work.content.templates.get(name);
  if (template === undefined) return [];
  const others = scopesOf(sourcesOf(template, work.content), work);
  // Then it is said at the template already.
  if (others.includes(scope)) return [];
  return [
    ...contentFindings(template, scope, work, rule),
    ...differentAccounts([scope, ...others], rule.position, rule.name),
  ];
}
