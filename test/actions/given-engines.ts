// Argo Workflows and Tekton as far as their objects go: the definitions that a cluster has with them, cut down to what the API server
// needs, and what their controllers write when a run ends. No controller of theirs can be had here.
import type { ObjectRef } from "../../src/domain/facts/objects.ts";
import { eventually, type GivenCluster } from "./given-cluster.ts";

export interface Definition {
  readonly group: string;
  readonly version: string;
  readonly kind: string;
  readonly plural: string;
  /** Argo's Workflow keeps its status in the object; Tekton's runs have it as a subresource. */
  readonly statusApart: boolean;
  /** Fields of the spec and beside it that the API server checks. */
  readonly properties?: object;
}

const argo = { group: "argoproj.io", version: "v1alpha1", statusApart: false };
const tekton = { group: "tekton.dev", version: "v1", statusApart: true };

/** Once: a cluster that has it already keeps what it has. */
export async function define({ subject }: GivenCluster, one: Definition): Promise<void> {
  const { group, version, kind, plural, statusApart } = one;
  const properties = one.properties === undefined ? {} : { properties: one.properties };
  const openAPIV3Schema = { type: "object", "x-kubernetes-preserve-unknown-fields": true, ...properties };
  const schema = { openAPIV3Schema };
  const subresources = statusApart ? { subresources: { status: {} } } : {};
  await subject.admin("POST", "/apis/apiextensions.k8s.io/v1/customresourcedefinitions", {
    apiVersion: "apiextensions.k8s.io/v1",
    kind: "CustomResourceDefinition",
    metadata: { name: `${plural}.${group}` },
    spec: {
      group,
      names: { kind, plural, singular: kind.toLowerCase(), listKind: `${kind}List` },
      scope: kind.startsWith("Cluster") ? "Cluster" : "Namespaced",
      versions: [{ name: version, served: true, storage: true, schema, ...subresources }],
    },
  });
  await eventually(`${plural} are served`, async () => {
    const list = await subject.admin("GET", `/apis/${group}/${version}/${plural}`);
    const known = await subject.admin("GET", `/apis/${group}/${version}`);
    return list.code === 200 && JSON.stringify(known.body).includes(`"${plural}"`);
  });
}

async function put({ subject, namespace }: GivenCluster, one: Definition, name: string): Promise<void> {
  const { group, version, kind, plural } = one;
  const inside = kind.startsWith("Cluster") ? "" : `/namespaces/${namespace}`;
  await subject.admin("POST", `/apis/${group}/${version}${inside}/${plural}`, {
    apiVersion: `${group}/${version}`,
    kind,
    metadata: { name },
    spec: {},
  });
}

export async function givenArgo(given: GivenCluster, template: string): Promise<void> {
  await define(given, { ...argo, kind: "Workflow", plural: "workflows" });
  for (const kind of ["WorkflowTemplate", "ClusterWorkflowTemplate"]) {
    const definition = { ...argo, kind, plural: `${kind.toLowerCase()}s` };
    await define(given, definition);
    await put(given, definition, template);
  }
}

export async function givenTekton(given: GivenCluster, pipeline: string): Promise<void> {
  await define(given, { ...tekton, kind: "PipelineRun", plural: "pipelineruns" });
  const definition = { ...tekton, kind: "Pipeline", plural: "pipelines" };
  await define(given, definition);
  await put(given, definition, pipeline);
}

const times = { startedAt: "2026-11-17T10:00:00Z", finishedAt: "2026-11-17T10:00:42Z" };

/** As Argo's controller writes it. */
export async function playArgo(given: GivenCluster, workflow: ObjectRef, status: object = {}): Promise<void> {
  const parameters = [{ name: "rows", value: "17" }];
  await given.changeAs("workflow-controller", workflow, {
    status: { phase: "Succeeded", message: "", ...times, outputs: { parameters }, ...status },
  });
}

export async function playTekton(given: GivenCluster, run: ObjectRef, condition: object = {}): Promise<void> {
  const message = "Tasks Completed: 2 (Failed: 0, Cancelled 0), Skipped: 0";
  const ended = { type: "Succeeded", status: "True", reason: "Succeeded", message, ...condition };
  const status = {
    conditions: [ended],
    startTime: times.startedAt,
    completionTime: times.finishedAt,
    results: [{ name: "digest", value: "sha256:abc" }],
  };
  await given.changeAs("tekton-pipelines-controller", run, { status }, "status");
}

/** Its pod ends well, though its image is not there: the cluster's own controller then ends the Job. */
export async function playJob(given: GivenCluster, job: ObjectRef): Promise<void> {
  const query = {
    apiVersion: "v1",
    kind: "Pod",
    namespace: given.namespace,
    labelSelector: `job-name=${job.name}`,
  };
  const pods = () => given.api.list(query);
  const waits = async () => JSON.stringify(await pods()).includes("ImagePullBackOff");
  await eventually("its pod waits for the image", waits);
  const [pod] = await pods();
  await given.changeAs(
    "kubelet",
    given.ref("Pod", pod!.metadata.name),
    { status: { phase: "Succeeded" } },
    "status",
  );
  await eventually("the Job ends", async () =>
    JSON.stringify((await given.read(job)).status).includes("Complete"),
  );
}
