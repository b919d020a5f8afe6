// Helm's releases as Helm 3 stores them, and what it leaves when it has rolled one back. Helm itself cannot be had here.
import { gzipSync } from "node:zlib";
import type { ActionInput } from "../../src/actions/action.ts";
import type { KubernetesObject, ObjectRef } from "../../src/domain/facts/objects.ts";
import { type GivenCluster } from "./given-cluster.ts";
import { playJob } from "./given-engines.ts";

export interface GivenRevision {
  readonly revision: number;
  readonly status: string;
  /** Deployments that its manifest has. */
  readonly makes: readonly string[];
  /** Instead of a packed release. */
  readonly data?: string;
}

export async function putRevision(
  { subject, namespace }: GivenCluster,
  release: string,
  { revision, status, makes, data }: GivenRevision,
): Promise<void> {
  const documents = makes.map(
    (name) =>
      `---\n# Source: ${name}.yaml\napiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: ${name}\nspec: {token: hunter2}\n`,
  );
  const content = {
    name: release,
    namespace,
    version: revision,
    info: { status },
    chart: { metadata: { name: "api", version: `1.0.${revision}` } },
    config: { password: "hunter2" },
    manifest: documents.join(""),
  };
  const packed = gzipSync(JSON.stringify(content)).toString("base64");
  const { code, body } = await subject.admin("POST", `/api/v1/namespaces/${namespace}/secrets`, {
    apiVersion: "v1",
    kind: "Secret",
    type: "helm.sh/release.v1",
    metadata: {
      name: `sh.helm.release.v1.${release}.v${revision}`,
      labels: { owner: "helm", name: release, status, version: String(revision) },
    },
    data: { release: data ?? Buffer.from(packed).toString("base64") },
  });
  if (code !== 201) throw new Error(`the API server answered ${code}: ${JSON.stringify(body)}`);
}

/** A release of two revisions, the second of which made the Deployment. */
export async function releaseOf(
  given: GivenCluster,
  name: string,
): Promise<{ readonly input: ActionInput; readonly target: KubernetesObject }> {
  const target = await given.deployed(name, 1);
  await putRevision(given, name, { revision: 1, status: "superseded", makes: [name] });
  await putRevision(given, name, { revision: 2, status: "deployed", makes: [name] });
  await account(given);
  // Nobody can pull its image, so that it runs on until it is stopped.
  const image = "example.test/does-not-exist:1.0.0";
  return { input: { release: name, image, service_account: "helm" }, target };
}

async function account({ subject, namespace }: GivenCluster): Promise<void> {
  if (subject.simulated !== null) return;
  const manifest = { apiVersion: "v1", kind: "ServiceAccount", metadata: { name: "helm" } };
  await subject.admin("POST", `/api/v1/namespaces/${namespace}/serviceaccounts`, manifest);
}

/** The Job ends well, and the release is at a third revision. */
export async function playHelm(given: GivenCluster, job: ObjectRef): Promise<void> {
  const { spec } = await given.read(job);
  const text = JSON.stringify(spec);
  const release = /"helm","rollback","([^"]+)"/.exec(text)?.[1] ?? "";
  await putRevision(given, release, { revision: 3, status: "deployed", makes: [release] });
  await playJob(given, job);
}
