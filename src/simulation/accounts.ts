// Accounts that the simulated cluster's one user may act as, and what each of them may do. That user itself may do everything.
import type { ObjectPath } from "./resources.ts";
import { StatusError } from "./status-error.ts";

/** `*` stands for all. */
export interface Right {
  readonly verbs: readonly string[];
  /** `deployments`, `pods/log`. */
  readonly resources: readonly string[];
  readonly namespaces: readonly string[];
}

/** By user name: `system:serviceaccount:shop:remediator`. */
export type Accounts = Map<string, readonly Right[]>;

export interface Asked {
  readonly verb: string;
  readonly resource: string;
  /** Empty: all, or none. */
  readonly namespace: string;
}

interface Request {
  readonly method: string;
  /** null: the one user. */
  readonly user: string | null;
}

/** @param user null: nobody else than the one user */
export function mayDo(
  accounts: Accounts,
  user: string | null,
  { verb, resource, namespace }: Asked,
): boolean {
  if (user === null) return true;
  const holds = (those: readonly string[], one: string) => those.includes("*") || those.includes(one);
  return (accounts.get(user) ?? []).some(
    (right) =>
      holds(right.verbs, verb) && holds(right.resources, resource) && holds(right.namespaces, namespace),
  );
}

/** @throws StatusError 403: it may not be impersonated */
export function refuseStranger(accounts: Accounts, { user }: Request): void {
  if (user === null || accounts.has(user)) return;
  throw new StatusError(
    403,
    "Forbidden",
    `users "${user}" is forbidden: User "admin" cannot impersonate resource "users" in API group "" at the cluster scope`,
    { name: user, kind: "users" },
  );
}

/** @throws StatusError 403 */
export function refuseWithoutRight(accounts: Accounts, request: Request, path: ObjectPath): void {
  const { resource, subresource, namespace, name } = path;
  const plural = subresource === null ? resource.plural : `${resource.plural}/${subresource}`;
  const asked = { verb: verbOf(request.method, name), resource: plural, namespace: namespace ?? "" };
  if (mayDo(accounts, request.user, asked)) return;
  throw new StatusError(
    403,
    "Forbidden",
    `${plural} "${name ?? ""}" is forbidden: User "${request.user}" cannot ${asked.verb} resource "${plural}"`,
    { name: name ?? "", kind: resource.plural },
  );
}

function verbOf(method: string, name: string | null): string {
  if (method === "GET") return name === null ? "list" : "get";
  return { POST: "create", PUT: "update", PATCH: "patch", DELETE: "delete" }[method] ?? method;
}
