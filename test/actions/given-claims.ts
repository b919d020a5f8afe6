// A StatefulSet whose claim was made by hand with a storage class that does not exist, on the simulated and the real API server.
import type { KubernetesObject } from "../../src/domain/facts/objects.ts";
import { eventually, type GivenCluster } from "./given-cluster.ts";

const storageClass = "gitmend-test";

/** Its first pod waits for a claim that never binds. */
export async function stuckClaim(
  given: GivenCluster,
  name: string,
): Promise<{ readonly input: { readonly claim: string }; readonly target: KubernetesObject }> {
  const claim = `data-${name}-0`;
  const resources = { requests: { storage: "1Gi" } };
  const claimSpec = (storageClassName: string) => ({
    accessModes: ["ReadWriteOnce"],
    storageClassName,
    resources,
  });
  await make(given, "/apis/storage.k8s.io/v1/storageclasses", {
    apiVersion: "storage.k8s.io/v1",
    kind: "StorageClass",
    metadata: { name: storageClass },
    provisioner: "kubernetes.io/no-provisioner",
  });
  await make(given, `/api/v1/namespaces/${given.namespace}/persistentvolumeclaims`, {
    apiVersion: "v1",
    kind: "PersistentVolumeClaim",
    metadata: { name: claim },
    spec: claimSpec("no-such-class"),
  });
  const labels = { app: name };
  await make(given, `/apis/apps/v1/namespaces/${given.namespace}/statefulsets`, {
    apiVersion: "apps/v1",
    kind: "StatefulSet",
    metadata: { name },
    spec: {
      serviceName: name,
      replicas: 1,
      selector: { matchLabels: labels },
      template: {
        metadata: { labels },
        spec: { containers: [{ name: "app", image: "example.test/app:1.0.0" }] },
      },
      volumeClaimTemplates: [{ metadata: { name: "data" }, spec: claimSpec(storageClass) }],
    },
  });
  await eventually("its pod waits", async () => (await given.podsOf(name)).length === 1);
  const { cluster } = given.subject;
  const set = { cluster, apiVersion: "apps/v1", kind: "StatefulSet", namespace: given.namespace, name };
  return { input: { claim }, target: await given.read(set) };
}

async function make({ subject }: GivenCluster, path: string, manifest: object): Promise<void> {
  const { code, body } = await subject.admin("POST", path, manifest);
  if (code >= 300 && code !== 409) throw new Error(`${path}: ${code} ${JSON.stringify(body)}`);
}
