// A cluster for the tests of actions: deploys and breaks things as its admin, and hands out the tools of one attempt.
// The same for the simulated and the real API server.
import { createHash } from "node:crypto";
import { setTimeout as pause } from "node:timers/promises";
import type { Action, ActionContext, ActionTools, ClusterApi } from "../../src/actions/action.ts";
import type { KnownBinding } from "../../src/actions/bindings.ts";
import { openSources } from "../../src/adapters/git/source-repositories.ts";
import type { KubernetesObject, ObjectRef } from "../../src/domain/facts/objects.ts";
import { Problem } from "../../src/domain/problem.ts";
import type { SimulatedCluster } from "../../src/simulation/control.ts";
import type { RawAdmin } from "../support/kube-control-plane.ts";
import { pluralOf, type Restricted } from "./only-its-verbs.ts";

export interface ActionSubject {
  /** The name that refs carry. */
  readonly cluster: string;
  api(signal: AbortSignal): ClusterApi;
  /** What the action may do by its own rules, and nothing else. */
  restricted(action: Pick<Action, "name" | "rbac">): Promise<Restricted>;
  readonly admin: RawAdmin;
  /** null: it is a real one. */
  readonly simulated: SimulatedCluster | null;
  stop(): Promise<void>;
}

export interface Notification {
  readonly channel: string | null;
  readonly message: Parameters<ActionTools["notify"]>[1];
  readonly key: string;
}

export interface GivenCluster {
  readonly subject: ActionSubject;
  readonly namespace: string;
  readonly api: ClusterApi;
  readonly tools: ActionTools;
  /** The tools of an attempt of this action: with its own permissions. */
  toolsOf(action: Pick<Action, "name" | "rbac">): Promise<ActionTools>;
  readonly evidence: ReadonlyMap<string, string>;
  /** What gitmend has seen of RoleBindings. */
  readonly known: KnownBinding[];
  readonly notifications: readonly Notification[];
  ref(kind: "Deployment" | "Pod" | "Node", name: string): ObjectRef;
  /** Created and completely rolled out. */
  deployed(name: string, replicas?: number, containers?: readonly object[]): Promise<KubernetesObject>;
  /** No Deployments, StatefulSets, Jobs and no pods are left in the namespace. */
  empty(): Promise<void>;
  read(ref: ObjectRef): Promise<KubernetesObject>;
  podsOf(deployment: string): Promise<readonly KubernetesObject[]>;
  /** As somebody else, with a merge patch. */
  changeAs(manager: string, ref: ObjectRef, patch: object, subresource?: "status"): Promise<void>;
  /** Resolves when it is gone. */
  removed(ref: ObjectRef): Promise<void>;
  /** A release whose image does not exist; resolves when a pod of it waits for the image. */
  broken(deployment: string): Promise<void>;
  context(step: string, target: KubernetesObject | null): ActionContext;
  stop(): Promise<void>;
}

export async function givenCluster(subject: ActionSubject): Promise<GivenCluster> {
  const namespace = `actions-${Date.now().toString(36)}`;
  const api = subject.api(AbortSignal.timeout(600_000));
  await createNamespace(subject, namespace);
  const evidence = new Map<string, string>();
  const notifications: Notification[] = [];
  const restricted = new Map<string, Promise<Restricted>>();
  const known: KnownBinding[] = [];
  const given: GivenCluster = {
    subject,
    namespace,
    api,
    known,
    tools: toolsFor(api, evidence, notifications, known),
    toolsOf: async (action) => {
      const api = restricted.get(action.name) ?? subject.restricted(action);
      restricted.set(action.name, api);
      return toolsFor((await api).api, evidence, notifications, known);
    },
    evidence,
    notifications,
    ref: (kind, name) => ({
      cluster: subject.cluster,
      apiVersion: kind === "Deployment" ? "apps/v1" : "v1",
      kind,
      namespace: kind === "Node" ? null : namespace,
      name,
    }),
    deployed: (name, replicas = 2, containers = [plainContainer]) =>
      deploy(given, name, replicas, containers),
    empty: () => empty(given),
    read: async (ref) => {
      const object = await api.get(ref);
      if (object === null) throw new Error(`${ref.kind} ${ref.name} is gone`);
      return object;
    },
    podsOf: (name) => api.list({ apiVersion: "v1", kind: "Pod", namespace, labelSelector: `app=${name}` }),
    removed: async (ref) => {
      succeeded(await subject.admin("DELETE", `${pathOf(ref)}?propagationPolicy=Background`));
      await eventually(`${ref.name} is gone`, async () => (await api.get(ref)) === null);
    },
    changeAs: async (manager, ref, patch, subresource) => {
      const path = `${pathOf(ref)}${subresource === undefined ? "" : `/${subresource}`}?fieldManager=${manager}`;
      succeeded(await subject.admin("PATCH", path, patch, "application/merge-patch+json"));
    },
    broken: (name) => breakImage(given, name),
    context: (step, target) => contextFor(subject.cluster, step, target),
    stop: async () => {
      for (const one of restricted.values()) await (await one).close();
      await subject.admin("DELETE", `/api/v1/namespaces/${namespace}`);
      await subject.stop();
    },
  };
  return given;
}

function toolsFor(
  api: ClusterApi,
  evidence: Map<string, string>,
  notifications: Notification[],
  known: readonly KnownBinding[],
): ActionTools {
  return {
    cluster: () => api,
    query: async () => [],
    http: async ({ endpoint }) => {
      throw new Problem("ENDPOINT_UNKNOWN", `there is no endpoint ${endpoint} here`);
    },
    sources: openSources([], "/nonexistent"),
    knownBindings: async () => known,
    notify: async (channel, message, key) => {
      notifications.push({ channel, message, key });
      return { channel: channel ?? "default" };
    },
    saveEvidence: async (name, text) => {
      evidence.set(name, text);
      return {
        name,
        sha256: createHash("sha256").update(text).digest("hex"),
        bytes: Buffer.byteLength(text),
      };
    },
    now: () => new Date().toISOString(),
    sleep: async (seconds) => {
      await pause(seconds * 1000);
    },
    signal: new AbortController().signal,
  };
}

function contextFor(cluster: string, step: string, target: KubernetesObject | null): ActionContext {
  const executionId = "01900000-0000-7000-8000-000000000001";
  const base = { executionId, step, effectKey: `${executionId}/${step}`, cluster };
  if (target === null) return { ...base, target: null };
  const { apiVersion, kind, metadata } = target;
  const { name, namespace = null, uid } = metadata;
  return { ...base, target: { cluster, apiVersion, kind, namespace, name, uid } };
}

async function createNamespace({ admin, simulated }: ActionSubject, name: string): Promise<void> {
  succeeded(
    await admin("POST", "/api/v1/namespaces", { apiVersion: "v1", kind: "Namespace", metadata: { name } }),
  );
  await eventually("the namespace takes pods", async () => {
    const account = await admin("GET", `/api/v1/namespaces/${name}/serviceaccounts/default`);
    return simulated !== null || account.code === 200;
  });
}

async function deploy(
  given: GivenCluster,
  name: string,
  replicas: number,
  containers: readonly object[],
): Promise<KubernetesObject> {
  const { subject, namespace } = given;
  const path = `/apis/apps/v1/namespaces/${namespace}/deployments?fieldManager=kubectl`;
  succeeded(await subject.admin("POST", path, deploymentManifest(name, replicas, containers)));
  let last: KubernetesObject | null = null;
  await eventually(`${name} is rolled out`, async () => {
    last = await given.read(given.ref("Deployment", name));
    const { generation } = last.metadata;
    const { observedGeneration, availableReplicas, replicas: total } = last.status ?? {};
    return observedGeneration === generation && availableReplicas === replicas && total === replicas;
  });
  return last!;
}

async function empty({ api, namespace, subject }: GivenCluster): Promise<void> {
  const deployments = `/apis/apps/v1/namespaces/${namespace}/deployments`;
  for (const { metadata } of await api.list({ apiVersion: "apps/v1", kind: "Deployment", namespace }))
    await subject.admin("DELETE", `${deployments}/${metadata.name}`);
  const sets = `/apis/apps/v1/namespaces/${namespace}/statefulsets`;
  for (const { metadata } of await api.list({ apiVersion: "apps/v1", kind: "StatefulSet", namespace }))
    await subject.admin("DELETE", `${sets}/${metadata.name}?propagationPolicy=Background`);
  const jobs = `/apis/batch/v1/namespaces/${namespace}/jobs`;
  for (const { metadata } of await api.list({ apiVersion: "batch/v1", kind: "Job", namespace }))
    await subject.admin("DELETE", `${jobs}/${metadata.name}?propagationPolicy=Background`);
  const pods = () => api.list({ apiVersion: "v1", kind: "Pod", namespace });
  for (const { metadata } of await pods()) {
    if (metadata.ownerReferences === undefined)
      await subject.admin("DELETE", `/api/v1/namespaces/${namespace}/pods/${metadata.name}`);
  }
  await eventually("no pods are left", async () => (await pods()).length === 0);
}

const plainContainer = {
  name: "app",
  image: "example.test/app:1.0.0",
  env: [{ name: "PASSWORD", value: "hunter2" }],
};

function deploymentManifest(name: string, replicas: number, containers: readonly object[]): object {
  const labels = { app: name };
  return {
    apiVersion: "apps/v1",
    kind: "Deployment",
    metadata: { name, labels },
    spec: {
      replicas,
      selector: { matchLabels: labels },
      template: { metadata: { labels }, spec: { containers } },
    },
  };
}

async function breakImage(given: GivenCluster, name: string): Promise<void> {
  const containers = [{ name: "app", image: "example.test/does-not-exist:2.0.0" }];
  await given.changeAs("kubectl", given.ref("Deployment", name), {
    spec: { template: { spec: { containers } } },
  });
  await eventually("a pod waits for an image that is not there", async () =>
    JSON.stringify(await given.podsOf(name)).includes("ImagePullBackOff"),
  );
}

function pathOf({ apiVersion, kind, namespace, name }: ObjectRef): string {
  const group = apiVersion.includes("/") ? `/apis/${apiVersion}` : `/api/${apiVersion}`;
  const inside = namespace === null ? "" : `/namespaces/${namespace}`;
  return `${group}${inside}/${pluralOf(kind)}/${name}`;
}

function succeeded({ code, body }: { readonly code: number; readonly body: unknown }): void {
  if (code >= 300) throw new Error(`the API server answered ${code}: ${JSON.stringify(body)}`);
}

/** Polls; @throws Error after 60 s. */
export async function eventually(what: string, isTrue: () => Promise<boolean>): Promise<void> {
  const deadline = performance.now() + 60_000;
  while (!(await isTrue())) {
    if (performance.now() > deadline) throw new Error(`never became true: ${what}`);
    await pause(50);
  }
}
