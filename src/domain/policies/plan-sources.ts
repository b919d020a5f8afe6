// Where in the repository a plan comes from: its rule, its template, that one's fallback, and the catalog's own actions that they name.
// Its power is what the scopes of all of these have in common.
import { callsOf } from "../templates/check-taken-back.ts";
import { type Scope, scopeOfFile } from "../templates/scope.ts";
import type { Template } from "../templates/template.ts";
import type { Catalog, CatalogContent } from "./catalog.ts";

type Known = Pick<CatalogContent, "templates" | "actionFiles">;

/** The template and its fallback. */
export function templatesOf(
  template: Template,
  { templates }: Pick<Known, "templates">,
): readonly Template[] {
  const fallback = template.fallback === null ? undefined : templates.get(template.fallback);
  return fallback === undefined ? [template] : [template, fallback];
}

/** Files, the template's first. */
export function sourcesOf(template: Template, known: Known): readonly string[] {
  const all = templatesOf(template, known);
  const calls = all.flatMap(({ steps, finally: last, whenResolved }) =>
    [...steps, ...last, ...whenResolved].flatMap(callsOf),
  );
  const own = calls.flatMap(({ action }) => known.actionFiles.get(action) ?? []);
  return [...new Set([...all.map(({ position }) => position.file), ...own])];
}

const nothing: Omit<Scope, "path"> = {
  namespaces: [],
  clusters: [],
  actions: [],
  uses: [],
  maxRisk: "low",
  runAs: null,
};

/**
 * The scopes that bound a plan; empty: gitmend.yaml has none.
 * @param rule `policy/rule`. One that stands in no file (a start by hand) bounds nothing.
 * A file that none covers has one in which nothing is allowed.
 */
export function planScopes(
  rule: string,
  template: Template,
  catalog: Pick<Catalog, "templates" | "actionFiles" | "scopes" | "selection">,
): readonly Scope[] {
  const { scopes, selection } = catalog;
  if (scopes.length === 0) return [];
  const sets = [selection.always, ...selection.byAlertName.values()];
  const chosenBy = sets.flatMap(({ rules }) => rules).find(({ name }) => name === rule);
  const files = [
    ...sourcesOf(template, catalog),
    ...(chosenBy === undefined ? [] : [chosenBy.position.file]),
  ];
  return [...new Set(files.map((file) => scopeOfFile(file, scopes) ?? { ...nothing, path: file }))];
}
