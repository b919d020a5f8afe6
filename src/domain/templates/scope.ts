// What gitmend.yaml lets a folder of the config repository do. No file of that repository can widen it: a scope is found by where a
// file stands, and what several folders have a part in is bounded by all of them.
import { globMatcher } from "../glob.ts";
import type { Risk } from "./action-description.ts";

/** Whom the API server is told to take gitmend for. */
export interface RunAs {
  /** `system:serviceaccount:<namespace>:<name>`, or the name of a user. */
  readonly user: string;
  readonly groups: readonly string[];
}

/** Names may be globs (`*`, `?`). */
export interface Scope {
  /** `teams/shop`; `.`: the whole repository. */
  readonly path: string;
  readonly namespaces: readonly string[];
  readonly clusters: readonly string[];
  readonly actions: readonly string[];
  /** `secrets` of gitmend.yaml, under a name that no record hides: endpoints whose credentials are sent, and Kubernetes Secrets that work in other engines gets. */
  readonly uses: readonly string[];
  readonly maxRisk: Risk;
  /** null: gitmend's own account. */
  readonly runAs: RunAs | null;
}

export const wholeRepository = ".";

/** Whether a file or folder is in `folder`, or is it. By code points: another spelling of a name is another name. */
export function isWithin(path: string, folder: string): boolean {
  return folder === wholeRepository || path === folder || path.startsWith(`${folder}/`);
}

/** The scope of a folder that this file's folder looks like to people (case, accents, invisible characters) and is not. */
export function lookAlike(file: string, scopes: readonly Scope[]): Scope | null {
  const looks = ({ path }: Scope): boolean => {
    const head = file.split("/").slice(0, path.split("/").length).join("/");
    return path !== wholeRepository && head !== path && skeleton(head) === skeleton(path);
  };
  return scopes.find(looks) ?? null;
}

function skeleton(text: string): string {
  return text
    .normalize("NFKC")
    .toLowerCase()
    .replace(/\p{Cf}/gu, "");
}

/** Kept with the scopes: rules by the thousand are asked about each alert, and stand in few files. */
const found = new WeakMap<readonly Scope[], Map<string, Scope | null>>();

/** The one with the longest path around a file of the catalog. null: nothing of it is allowed. */
export function scopeOfFile(file: string, scopes: readonly Scope[]): Scope | null {
  const known = found.get(scopes) ?? new Map<string, Scope | null>();
  found.set(scopes, known);
  const scope = known.get(file) ?? findScope(file, scopes);
  known.set(file, scope);
  return scope;
}

function findScope(file: string, scopes: readonly Scope[]): Scope | null {
  if (lookAlike(file, scopes) !== null) return null;
  const around = scopes.filter(({ path }) => isWithin(file, path));
  const length = ({ path }: Scope) => (path === wholeRepository ? 0 : path.length);
  return around.reduce<Scope | null>(
    (best, one) => (best === null || length(one) > length(best) ? one : best),
    null,
  );
}

/** Objects without a namespace (nodes) need `*`, as in `live`. */
export function allowsNamespace(
  { namespaces }: Pick<Scope, "namespaces">,
  namespace: string | null,
): boolean {
  return namespace === null ? namespaces.includes("*") : globMatcher(namespaces)(namespace);
}

export function allowsPlace(
  scope: Pick<Scope, "namespaces" | "clusters">,
  place: { readonly cluster: string; readonly namespace: string | null },
): boolean {
  return globMatcher(scope.clusters)(place.cluster) && allowsNamespace(scope, place.namespace);
}

/** The proof of conditions does nothing by itself. */
export function allowsAction({ actions }: Pick<Scope, "actions">, action: string): boolean {
  return action === "check_conditions" || globMatcher(actions)(action);
}

/** A name that is known only when it is filled in is allowed where all are. */
export function allowsSecret({ uses }: Pick<Scope, "uses">, name: string): boolean {
  return name.includes("{{") ? uses.includes("*") : globMatcher(uses)(name);
}

/** Of scopes that were found to act as one. null: gitmend's own account. */
export function runAsOf(scopes: readonly Scope[] = []): RunAs | null {
  return scopes.map(({ runAs }) => runAs).find((runAs) => runAs !== null) ?? null;
}

/** Of one account always the same text, whatever keeps the record does to the order of its keys. */
export function accountKey(runAs: RunAs | null): string {
  return JSON.stringify(runAs === null ? null : [runAs.user, runAs.groups]);
}

export function runAsText({ user, groups }: RunAs): string {
  const [, account] = /^system:serviceaccount:([^:]+:[^:]+)$/.exec(user) ?? [];
  const who = account === undefined ? `user ${user}` : `service account ${account.replace(":", "/")}`;
  return groups.length === 0 ? who : `${who} (${groups.join(", ")})`;
}

/** `teams/shop: namespaces shop; as service account shop/remediator`. */
export function powerText({ path, namespaces, clusters, runAs }: Scope): string {
  const where = clusters.includes("*") ? "" : ` of clusters ${clusters.join(", ")}`;
  const who = runAs === null ? "" : `; as ${runAsText(runAs)}`;
  return `${path}: namespaces ${namespaces.join(", ") || "none"}${where}${who}`;
}

/** `scope teams/shop of gitmend.yaml`. */
export function scopeText({ path }: Pick<Scope, "path">): string {
  return `scope ${path} of gitmend.yaml`;
}
