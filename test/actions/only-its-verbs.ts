// A cluster's API that allows what an action's RBAC rules allow and nothing else: by a role on a real API server, where the action
// works as an account that has that role alone; by the same table in front of the simulated one, which knows no roles.
import { parse, stringify } from "yaml";
import type { ClusterApi } from "../../src/actions/action.ts";
import { connectCluster } from "../../src/adapters/kubernetes/cluster-api.ts";
import type { ObjectRef } from "../../src/domain/facts/objects.ts";
import { Problem } from "../../src/domain/problem.ts";
import type { RbacRule } from "../../src/domain/templates/action-description.ts";
import { eventually } from "../support/eventually.ts";
import type { RawAdmin } from "../support/kube-control-plane.ts";

export interface Restricted {
  readonly api: ClusterApi;
  close(): Promise<void>;
}

const rbac = "/apis/rbac.authorization.k8s.io/v1";

/** Impersonates a user who has exactly these rules, through a role that goes with `close`. */
export async function withRole(
  name: string,
  rules: readonly RbacRule[],
  kubeconfigText: string,
  admin: RawAdmin,
): Promise<Restricted> {
  const role = `gitmend-test-${name.replaceAll("_", "-")}`;
  const kubeconfig = parse(kubeconfigText) as { users: { user: object }[] };
  const users = kubeconfig.users.map((entry) => ({ ...entry, user: { ...entry.user, as: role } }));
  const connection = connectCluster({
    name: "test",
    kubeconfigText: stringify({ ...kubeconfig, users }),
  });
  const drop = async () => {
    await admin("DELETE", `${rbac}/clusterrolebindings/${role}`);
    await admin("DELETE", `${rbac}/clusterroles/${role}`);
  };
  await drop();
  await created(admin, `${rbac}/clusterroles`, {
    metadata: { name: role },
    rules: rules.map(({ apiGroup, resource, verbs }) => ({
      apiGroups: [apiGroup],
      resources: [resource],
      verbs,
    })),
  });
  await created(admin, `${rbac}/clusterrolebindings`, {
    metadata: { name: role },
    roleRef: { apiGroup: "rbac.authorization.k8s.io", kind: "ClusterRole", name: role },
    subjects: [{ apiGroup: "rbac.authorization.k8s.io", kind: "User", name: role }],
  });
  const api = connection.api(AbortSignal.timeout(600_000));
  const [first] = rules;
  if (first !== undefined) await eventually("the role counts", () => mayDo(admin, role, first));
  return {
    api,
    close: async () => {
      await connection.close();
      await drop();
    },
  };
}

async function created(admin: RawAdmin, path: string, manifest: object): Promise<void> {
  const { code, body } = await admin("POST", path, manifest);
  if (code !== 201) throw new Error(`the API server answered ${code}: ${JSON.stringify(body)}`);
}

/** The server's authorizer learns of a role a moment later. */
async function mayDo(
  admin: RawAdmin,
  user: string,
  { apiGroup, resource, verbs }: RbacRule,
): Promise<boolean> {
  const [verb] = verbs;
  const { body } = await admin("POST", "/apis/authorization.k8s.io/v1/subjectaccessreviews", {
    apiVersion: "authorization.k8s.io/v1",
    kind: "SubjectAccessReview",
    spec: { user, resourceAttributes: { verb, group: apiGroup, resource } },
  });
  return (body as { status?: { allowed?: boolean } }).status?.allowed === true;
}

/** @throws Problem API_FORBIDDEN from the calls that the rules do not name */
export function withinRules(api: ClusterApi, rules: readonly RbacRule[]): ClusterApi {
  const check = (verb: RbacRule["verbs"][number], apiVersion: string, kind: string, part = "") => {
    const apiGroup = apiVersion.includes("/") ? apiVersion.slice(0, apiVersion.indexOf("/")) : "";
    const resource = `${pluralOf(kind)}${part}`;
    const allowed = rules.some(
      (rule) => rule.apiGroup === apiGroup && rule.resource === resource && rule.verbs.includes(verb),
    );
    if (!allowed) throw new Problem("API_FORBIDDEN", `may not ${verb} ${resource}.${apiGroup}`);
  };
  const guarded = <A extends { apiVersion: string; kind: string }, R extends readonly unknown[], T>(
    verb: RbacRule["verbs"][number],
    call: (what: A, ...rest: R) => Promise<T>,
  ) => {
    return async (what: A, ...rest: R) => {
      check(verb, what.apiVersion, what.kind);
      return call(what, ...rest);
    };
  };
  return {
    get: guarded("get", (ref: ObjectRef) => api.get(ref)),
    list: guarded("list", api.list.bind(api)),
    patch: guarded("patch", api.patch.bind(api)),
    create: guarded("create", api.create.bind(api)),
    remove: guarded("delete", api.remove.bind(api)),
    logs: async (query) => {
      check("get", "v1", "Pod", "/log");
      return api.logs(query);
    },
    evict: async (pod, options) => {
      check("create", "v1", "Pod", "/eviction");
      return api.evict(pod, options);
    },
    event: async () => {
      throw new Problem("API_FORBIDDEN", "an action writes no events");
    },
  };
}

export function pluralOf(kind: string): string {
  const name = kind.toLowerCase();
  if (name.endsWith("y")) return `${name.slice(0, -1)}ies`;
  return name.endsWith("s") ? `${name}es` : `${name}s`;
}
