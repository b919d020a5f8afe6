// A Deployment whose service account has lost a RoleBinding that gitmend remembers, on the simulated and the real API server.
import { contentOf } from "../../src/actions/bindings.ts";
import type { KubernetesObject } from "../../src/domain/facts/objects.ts";
import type { GivenCluster } from "./given-cluster.ts";

const group = "rbac.authorization.k8s.io";

/** Rights that whoever puts the binding back has too: the API server lets nobody grant more. */
export const granted = [{ apiGroups: [group], resources: ["rolebindings"], verbs: ["get"] }];

export async function lostBinding(
  given: GivenCluster,
  name: string,
  rules: readonly object[] = granted,
): Promise<{ readonly input: { readonly name: string }; readonly target: KubernetesObject }> {
  const { cluster } = given.subject;
  const place = { cluster, apiVersion: `${group}/v1`, namespace: given.namespace, name };
  const path = `/apis/${group}/v1/namespaces/${given.namespace}`;
  const metadata = { name, namespace: given.namespace };
  await made(given, `${path}/roles`, { apiVersion: `${group}/v1`, kind: "Role", metadata, rules });
  await made(given, `${path}/rolebindings`, {
    apiVersion: `${group}/v1`,
    kind: "RoleBinding",
    metadata: { ...metadata, labels: { team: "shop" } },
    roleRef: { apiGroup: group, kind: "Role", name },
    subjects: [{ kind: "ServiceAccount", name: "default", namespace: given.namespace }],
  });
  const role = await given.read({ ...place, kind: "Role" });
  const content = contentOf(await given.read({ ...place, kind: "RoleBinding" }), role);
  if (content === null) throw new Error("it is not remembered");
  const now = new Date().toISOString();
  given.known.push({ ...content, settled: true, since: now, seenAt: now });
  await given.removed({ ...place, kind: "RoleBinding" });
  return { input: { name }, target: await given.deployed(name, 1) };
}

async function made({ subject }: GivenCluster, path: string, manifest: object): Promise<void> {
  const { code, body } = await subject.admin("POST", path, manifest);
  if (code >= 300) throw new Error(`${path}: ${code} ${JSON.stringify(body)}`);
}
