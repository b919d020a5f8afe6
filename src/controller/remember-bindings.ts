// Remembers the RoleBindings of the namespaces that `role_bindings` names, so that restore_role_binding can put one back as it stood.
// Every replica may do it: all of it is harmless when repeated. What one cluster does not say keeps nothing of another from being seen.
import type { ActionTools } from "../actions/action.ts";
import { type BindingContent, contentOf, rbacApi, roleOf } from "../actions/bindings.ts";
import type { KubernetesObject } from "../domain/facts/objects.ts";
import { globMatcher } from "../domain/glob.ts";
import { isObject } from "../domain/json.ts";
import { toProblem } from "../domain/problem.ts";
import type { BindingStore } from "./binding-ports.ts";
import type { Clusters, Log } from "./ports.ts";

export interface RememberPorts {
  readonly bindings: Pick<BindingStore, "saw">;
  /** Names or globs; empty: nothing is remembered. */
  readonly bindingNamespaces: readonly string[];
  readonly clusters: Clusters;
  readonly log: Log;
}

const roundMilliseconds = 60_000;

export async function rememberBindings(ports: RememberPorts): Promise<void> {
  if (ports.bindingNamespaces.length === 0) return;
  for (const cluster of ports.clusters.names) {
    try {
      await ofCluster(cluster, ports);
    } catch (error) {
      const { code, message: reason } = toProblem(error);
      if (code === "DATABASE_UNAVAILABLE") throw error;
      ports.log.warn({ cluster, code, reason }, "RoleBindings cannot be remembered");
    }
  }
}

async function ofCluster(
  cluster: string,
  { bindings, bindingNamespaces, clusters }: RememberPorts,
): Promise<void> {
  const tools = clusters.tools(AbortSignal.timeout(roundMilliseconds), "");
  const isNamed = globMatcher(bindingNamespaces);
  const namespaces = await tools
    .cluster(cluster)
    .list({ apiVersion: "v1", kind: "Namespace", namespace: null });
  for (const { metadata } of namespaces)
    if (isNamed(metadata.name))
      await bindings.saw(cluster, metadata.name, await standing(cluster, metadata.name, tools));
}

async function standing(
  cluster: string,
  namespace: string,
  tools: ActionTools,
): Promise<readonly BindingContent[]> {
  const api = tools.cluster(cluster);
  const bindings = await api.list({ apiVersion: rbacApi, kind: "RoleBinding", namespace });
  const seen: BindingContent[] = [];
  const roles = new Map<string, KubernetesObject | null>();
  for (const binding of bindings) {
    const role = isObject(binding["roleRef"])
      ? roleOf({ roleRef: binding["roleRef"] }, cluster, namespace)
      : null;
    if (role === null) continue;
    const key = `${role.kind}/${role.name}`;
    const known = roles.get(key);
    const present = known === undefined ? await api.get(role) : known;
    roles.set(key, present);
    const content = contentOf(binding, present ?? undefined);
    if (content !== null) seen.push(content);
  }
  return seen;
}
