// Asks for the right to make one change, and remembers for half a minute that it is there. That it is missing is not remembered:
// once somebody has granted it the next step goes.
import type { AccessPorts } from "../../controller/checks/access.ts";
import type { AccessQuestion } from "../../controller/rbac-in-use.ts";
import type { ClusterConnection } from "./cluster-api.ts";
import { builtInType } from "./resource-paths.ts";

const rememberedMilliseconds = 30_000;
const mostRemembered = 1_000;

type MayDo = ClusterConnection["mayDo"];

/** @param mayDo of the cluster of that name; null: there is none */
export function missingAccessOf(
  mayDo: (cluster: string) => MayDo | null,
  nowMilliseconds: () => number = () => performance.now(),
): AccessPorts["missingAccess"] {
  const granted = new Map<string, number>();
  return async (verb, { cluster, apiVersion, kind, namespace, name }, signal, runAs = null) => {
    const type = builtInType(apiVersion, kind);
    const ask = mayDo(cluster);
    if (type === null || ask === null) return null;
    const apiGroup = apiVersion.includes("/") ? apiVersion.slice(0, apiVersion.indexOf("/")) : "";
    const question: AccessQuestion = { verb, apiGroup, resource: type.plural, namespace };
    const key = JSON.stringify([cluster, verb, apiGroup, type.plural, namespace, runAs]);
    if (nowMilliseconds() < (granted.get(key) ?? 0)) return null;
    try {
      if (await ask(question, signal, runAs)) {
        if (granted.size >= mostRemembered) granted.clear();
        granted.set(key, nowMilliseconds() + rememberedMilliseconds);
        return null;
      }
      // A Role may name the objects that it is for.
      return verb !== "create" && (await ask({ ...question, name }, signal, runAs)) ? null : question;
    } catch {
      signal.throwIfAborted();
      return null;
    }
  };
}
