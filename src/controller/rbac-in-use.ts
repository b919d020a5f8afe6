// What gitmend's account has to be allowed for the catalog in use: the verbs of its actions, and what deciding reads.
import { customActions } from "../actions/custom/custom-action.ts";
import type { LiveScope } from "../domain/gate/weigh-gate.ts";
import type { Catalog } from "../domain/policies/catalog.ts";
import type { RbacRule } from "../domain/templates/action-description.ts";
import { undoName } from "../domain/templates/custom-action.ts";
import { accountKey, type RunAs, scopeOfFile } from "../domain/templates/scope.ts";
import type { Template, TemplateStep } from "../domain/templates/template.ts";

export interface AccessQuestion {
  readonly verb: string;
  readonly apiGroup: string;
  /** `pods` or `pods/log`. */
  readonly resource: string;
  /** null: everywhere. */
  readonly namespace: string | null;
  /** Left out: every object of the kind. */
  readonly name?: string;
}

export type Access = Omit<AccessQuestion, "namespace" | "name">;

/** What every decision reads: the owners of what an alert names, and namespaces for their labels. */
const deciding: readonly RbacRule[] = [
  { apiGroup: "", resource: "namespaces", verbs: ["get"] },
  { apiGroup: "", resource: "nodes", verbs: ["get"] },
  { apiGroup: "", resource: "pods", verbs: ["get"] },
  ...["deployments", "replicasets", "statefulsets", "daemonsets"].map(
    (resource): RbacRule => ({ apiGroup: "apps", resource, verbs: ["get"] }),
  ),
  ...["jobs", "cronjobs"].map((resource): RbacRule => ({ apiGroup: "batch", resource, verbs: ["get"] })),
];
/** What is looked at before a step brings pods; without it the cluster's own refusal remains. */
const checking: readonly RbacRule[] = ["limitranges", "resourcequotas", "pods", "nodes"].map((resource) => ({
  apiGroup: "",
  resource,
  verbs: ["list"],
}));
/** What executions tell in the cluster. */
const telling: RbacRule = { apiGroup: "", resource: "events", verbs: ["create"] };
const reading = new Set(["get", "list", "watch"]);
const clusterScoped = new Set(["nodes", "namespaces", "persistentvolumes"]);

type Actions = ReadonlyMap<string, { readonly rbac: readonly RbacRule[] }>;

/**
 * Of gitmend's own account: templates whose steps act as another one need nothing of it. Each once. Where nothing is live only what
 * reads counts.
 */
export function accessInUse(catalog: Catalog | null, actions: Actions, live: boolean): readonly Access[] {
  const rules = [
    ...deciding,
    ...(live ? [telling, ...checking] : []),
    ...(catalog === null ? [] : rulesOf(catalog, actions, null)),
  ];
  return accessOf(rules, live);
}

/** What the templates of its folders need. */
export function accessOfAccount(catalog: Catalog, actions: Actions, runAs: RunAs): readonly Access[] {
  return accessOf([telling, ...rulesOf(catalog, actions, runAs)], true);
}

function rulesOf(catalog: Catalog, actions: Actions, runAs: RunAs | null): readonly RbacRule[] {
  const acting = [...catalog.templates.values()].filter(({ position }) => {
    const scope = scopeOfFile(position.file, catalog.scopes);
    return accountKey(scope?.runAs ?? null) === accountKey(runAs);
  });
  const names = new Set(acting.flatMap(actionsOf));
  const own = customActions(catalog.actions.values());
  return [...names].flatMap((name) =>
    [name, undoName(name)].flatMap((one) => (actions.get(one) ?? own.get(one))?.rbac ?? []),
  );
}

function accessOf(rules: readonly RbacRule[], live: boolean): readonly Access[] {
  const access = new Map<string, Access>();
  for (const { apiGroup, resource, verbs } of rules) {
    for (const verb of verbs) {
      if (live || reading.has(verb))
        access.set(`${verb} ${resource}.${apiGroup}`, { verb, apiGroup, resource });
    }
  }
  return [...access.values()];
}

function actionsOf({ steps, finally: last, whenResolved }: Template): readonly string[] {
  return [...steps, ...last, ...whenResolved].flatMap((step) => callsOf(step).map(({ action }) => action));
}

function callsOf({ call, alternatives, rollback }: TemplateStep) {
  return [call, ...alternatives, ...(rollback === null ? [] : [rollback])];
}

/**
 * Asks for all namespaces first; what is not allowed there is asked for in each namespace that is live by its name.
 * @returns lines for people: `patch deployments.apps in shop`
 */
export async function deniedAccess(
  access: readonly Access[],
  scopes: readonly LiveScope[],
  mayDo: (question: AccessQuestion) => Promise<boolean>,
): Promise<readonly string[]> {
  const namespaces = namedNamespaces(scopes);
  const denied = await Promise.all(
    access.map(async (one) => {
      if (await mayDo({ ...one, namespace: null })) return [];
      if (namespaces === null || clusterScoped.has(one.resource)) return [text(one, null)];
      const answers = await Promise.all(
        namespaces.map(async (namespace) =>
          (await mayDo({ ...one, namespace })) ? [] : [text(one, namespace)],
        ),
      );
      return answers.flat();
    }),
  );
  return denied.flat().toSorted();
}

/** null: some of it is live by a pattern, so everywhere counts. */
function namedNamespaces(scopes: readonly LiveScope[]): readonly string[] | null {
  if (scopes.length === 0) return null;
  const names = scopes.flatMap(({ namespaces }) => namespaces ?? ["*"]);
  return names.some((name) => /[*?]/.test(name)) ? null : [...new Set(names)];
}

function text({ verb, apiGroup, resource }: Access, namespace: string | null): string {
  const group = apiGroup === "" ? "" : `.${apiGroup}`;
  return `${verb} ${resource}${group}${namespace === null ? "" : ` in ${namespace}`}`;
}
