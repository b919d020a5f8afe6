// Accounts that scopes of gitmend.yaml act as, one by one: whether gitmend may act as exactly these, and whether they may do what the
// templates of their folders need. Reads only.
import type { LiveScope } from "../domain/gate/weigh-gate.ts";
import { globMatcher } from "../domain/glob.ts";
import type { Catalog } from "../domain/policies/catalog.ts";
import type { RbacRule } from "../domain/templates/action-description.ts";
import { accountKey, type RunAs, runAsText, type Scope } from "../domain/templates/scope.ts";
import type { Check, ExaminedCluster } from "./doctor-ports.ts";
import { type AccessQuestion, accessOfAccount, deniedAccess } from "./rbac-in-use.ts";

const howTo = "docs/how-to/give-a-team-its-folder.md has the Role";

/** @throws Problem API_* */
export async function accountChecks(
  cluster: ExaminedCluster,
  catalog: Catalog | null,
  actions: ReadonlyMap<string, { readonly rbac: readonly RbacRule[] }>,
  signal: AbortSignal,
): Promise<readonly Check[]> {
  const scopes = (catalog?.scopes ?? []).filter(({ clusters }) => globMatcher(clusters)(cluster.name));
  const accounts = Map.groupBy(scopes, ({ runAs }) => accountKey(runAs));
  const checks = [...accounts.values()].map(async ([first, ...others]) =>
    first === undefined || first.runAs === null || catalog === null
      ? []
      : [await accountCheck(first.runAs, [first, ...others], cluster, catalog, actions, signal)],
  );
  const found = (await Promise.all(checks)).flat();
  return found.length === 0 ? [] : [...found, ...(await anybodyCheck(cluster, signal))];
}

async function accountCheck(
  runAs: RunAs,
  scopes: readonly Scope[],
  cluster: ExaminedCluster,
  catalog: Catalog,
  actions: ReadonlyMap<string, { readonly rbac: readonly RbacRule[] }>,
  signal: AbortSignal,
): Promise<Check> {
  const name = `${runAsText(runAs)} in ${cluster.name}`;
  const fail = (detail: string, mend: string): Check => ({ name, status: "fail", detail, mend });
  for (const question of impersonations(runAs))
    if (!(await cluster.mayDo(question, signal)))
      return fail(
        "gitmend's account may not act as it: nothing of its folders can run",
        `grant \`impersonate\` on ${question.resource} ${question.name ?? ""} to gitmend's account; ${howTo}`,
      );
  const named = scopes.flatMap(({ namespaces }) => namespaces.filter((one) => !/[*?]/.test(one)));
  const live: LiveScope = { namespaces: named };
  const access = accessOfAccount(catalog, actions, runAs);
  const denied =
    named.length === 0
      ? []
      : await deniedAccess(access, [live], (question) => cluster.mayDo(question, signal, runAs));
  if (denied.length > 0)
    return fail(
      `may not ${denied.join("; ")}`,
      "grant these to it; `gitmend actions show <action>` says what each action needs",
    );
  const asked =
    named.length === 0
      ? "its namespaces are patterns, and were not asked about"
      : "may do what its folders need";
  return { name, status: "ok", detail: `gitmend may act as it; ${asked}`, mend: null };
}

function impersonations({ user, groups }: RunAs): readonly AccessQuestion[] {
  const ask = { verb: "impersonate", apiGroup: "" };
  const [, namespace, name] = /^system:serviceaccount:([^:]+):([^:]+)$/.exec(user) ?? [];
  const account =
    namespace === undefined || name === undefined
      ? { ...ask, resource: "users", namespace: null, name: user }
      : { ...ask, resource: "serviceaccounts", namespace, name };
  return [account, ...groups.map((group) => ({ ...ask, resource: "groups", namespace: null, name: group }))];
}

/** Then whoever takes over gitmend is anybody. */
async function anybodyCheck(cluster: ExaminedCluster, signal: AbortSignal): Promise<readonly Check[]> {
  const kinds = ["users", "groups", "serviceaccounts"];
  const answers = await Promise.all(
    kinds.map((resource) =>
      cluster.mayDo({ verb: "impersonate", apiGroup: "", resource, namespace: null }, signal),
    ),
  );
  const open = kinds.filter((_, index) => answers[index] === true);
  if (open.length === 0) return [];
  return [
    {
      name: `impersonation in ${cluster.name}`,
      status: "warn",
      detail: `gitmend's account may act as any of all ${open.join(", ")}, not only as those of \`scopes\``,
      mend: `name them by resourceNames; ${howTo}`,
    },
  ];
}
