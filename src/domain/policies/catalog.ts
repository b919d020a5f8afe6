// The compiled catalog of one commit: templates by name, and rules in buckets by the alert names that they are about.
import type { FetchedFact } from "../facts/facts.ts";
import type { Pause } from "../facts/pause.ts";
import type { CustomAction } from "../templates/custom-action.ts";
import type { Scope } from "../templates/scope.ts";
import type { Template } from "../templates/template.ts";
import type { Dependency } from "./dependencies.ts";
import type { GuardRule, RuleBase, SelectionRule } from "./rule.ts";
import { makeRuleSet, type RuleSet } from "./rule-set.ts";

export interface Buckets<R extends RuleBase> {
  readonly byAlertName: ReadonlyMap<string, RuleSet<R>>;
  /** Rules that may hold for any alert: asked each time, so there should be few. */
  readonly always: RuleSet<R>;
}

interface CatalogBase {
  readonly dependencies: readonly Dependency[];
  /** `main@sha1:<40 hex>`. */
  readonly revision: string;
  readonly templates: ReadonlyMap<string, Template>;
  /** Of the config repository itself, by name. */
  readonly actions: ReadonlyMap<string, CustomAction>;
  /** Where each of these stands. */
  readonly actionFiles: ReadonlyMap<string, string>;
  /** Of gitmend.yaml: what each folder may do. Empty: no folder is bounded. */
  readonly scopes: readonly Scope[];
  /** Facts that a template's expressions read when the plan is made. */
  readonly templateFacts: ReadonlyMap<string, ReadonlySet<FetchedFact>>;
  /** `name@version` or `name`: never chosen, not startable, and what runs with one goes back. */
  readonly revoked: ReadonlySet<string>;
  /** Of `pause.yaml`; some may be over. */
  readonly pauses: readonly Pause[];
}

/** All that was compiled, as data: what one thread hands to another. */
export interface CatalogContent extends CatalogBase {
  readonly selection: readonly SelectionRule[];
  readonly guards: readonly GuardRule[];
}

export interface Catalog extends CatalogBase {
  readonly selection: Buckets<SelectionRule>;
  readonly guards: Buckets<GuardRule>;
  readonly ruleCount: number;
}

/** Cheap: rules are put into buckets and come to life when they are asked. */
export function openCatalog(content: CatalogContent): Catalog {
  const { selection, guards } = content;
  return {
    ...content,
    selection: makeBuckets(selection),
    guards: makeBuckets(guards),
    ruleCount: selection.length + guards.length,
  };
}

/** Each once. */
export function guardsOf({ guards }: Pick<Catalog, "guards">): readonly GuardRule[] {
  const sets = [guards.always, ...guards.byAlertName.values()];
  return [...new Set(sets.flatMap(({ rules }) => rules))];
}

/** The same with other guards. */
export function withGuards(catalog: Catalog, guards: readonly GuardRule[]): Catalog {
  const ruleCount = catalog.ruleCount - guardsOf(catalog).length + guards.length;
  return { ...catalog, guards: makeBuckets(guards), ruleCount };
}

function makeBuckets<R extends RuleBase>(rules: readonly R[]): Buckets<R> {
  const byName = new Map<string, R[]>();
  for (const rule of rules) {
    for (const name of rule.alertNames ?? []) {
      const bucket = byName.get(name);
      if (bucket === undefined) byName.set(name, [rule]);
      else bucket.push(rule);
    }
  }
  const sets = [...byName].map(([name, bucket]) => [name, makeRuleSet(bucket)] as const);
  return {
    byAlertName: new Map(sets),
    always: makeRuleSet(rules.filter(({ alertNames }) => alertNames === null)),
  };
}

/** Whether this version of a template is not to be used any more. */
export function isRevoked(
  { name, version }: { readonly name: string; readonly version: string | null },
  { revoked }: Pick<CatalogBase, "revoked">,
): boolean {
  return revoked.has(name) || revoked.has(`${name}@${version ?? ""}`);
}

export function revokedText({
  name,
  version,
}: {
  readonly name: string;
  readonly version: string | null;
}): string {
  return `template ${name}${version === null ? "" : `@${version}`} is revoked in catalog.yaml`;
}

/** The rule sets that have to be asked about an alert. */
export function bucketsFor<R extends RuleBase>(
  alertName: string,
  { byAlertName, always }: Buckets<R>,
): readonly RuleSet<R>[] {
  const named = byAlertName.get(alertName);
  return named === undefined ? [always] : [named, always];
}
