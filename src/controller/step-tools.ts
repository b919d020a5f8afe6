// The tools of an execution's own steps, as far as its scopes reach: what is outside is neither read nor written, and no credential is
// used that they do not list. gitmend's own looks (facts, guards, protection, quotas, what became of a change) have its own tools.
import type { ActionTools, ClusterApi } from "../actions/action.ts";
import type { Plan } from "../domain/planning/plan.ts";
import { Problem } from "../domain/problem.ts";
import { allowsPlace, allowsSecret, type Scope, scopeText } from "../domain/templates/scope.ts";
import type { Clusters } from "./ports.ts";

/** @param plan whose steps they are for */
export function stepTools(
  plan: Pick<Plan, "scopes"> | null,
  clusters: Clusters,
  signal: AbortSignal,
  executionId: string,
  urgent = false,
): ActionTools {
  const scopes = plan?.scopes ?? [];
  return withinScopes(clusters.tools(signal, executionId, urgent, scopes), scopes);
}

function withinScopes(tools: ActionTools, scopes: readonly Scope[]): ActionTools {
  if (scopes.length === 0) return tools;
  return {
    ...tools,
    cluster: (name) => boundedApi(tools.cluster(name), name, scopes),
    http: async (call, key) => {
      const beyond = scopes.find((scope) => !allowsSecret(scope, call.endpoint));
      if (beyond !== undefined)
        throw exceeded(`endpoint ${call.endpoint} is not listed under secrets of ${scopeText(beyond)}`);
      return tools.http(call, key);
    },
  };
}

/** What every call of a cluster is about. */
interface About {
  readonly kind?: string;
  readonly namespace: string | null;
  readonly name?: string;
  readonly pod?: string;
}
type Call = (about: About, ...rest: readonly unknown[]) => Promise<unknown>;

/**
 * Nodes, and lists across namespaces, say what is where: they are read to find what may be changed, and nobody is shown them. All else,
 * whatever calls a cluster may get, is about something within.
 */
const looking: readonly string[] = ["get", "list"];

function boundedApi(api: ClusterApi, cluster: string, scopes: readonly Scope[]): ClusterApi {
  const calls = Object.entries(api as unknown as Readonly<Record<string, Call>>);
  const bounded = calls.map(([verb, call]): [string, Call] => [
    verb,
    async (about, ...rest) => {
      const { kind = "", namespace, name = about.pod ?? "" } = about;
      const beyond = scopes.find((scope) => !allowsPlace(scope, { cluster, namespace }));
      if (beyond === undefined || (namespace === null && looking.includes(verb))) return call(about, ...rest);
      const what = [cluster, namespace, kind, name].filter((part) => part !== null && part !== "").join("/");
      throw exceeded(`${what} is outside of ${scopeText(beyond)}`);
    },
  ]);
  return Object.fromEntries(bounded) as unknown as ClusterApi;
}

function exceeded(message: string): Problem {
  return new Problem("SCOPE_EXCEEDED", message);
}
