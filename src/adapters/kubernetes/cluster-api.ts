// The ClusterApi of actions/action.ts on @kubernetes/client-node: each call is one request with a time limit, changes
// are conditional and sent once, and every failure says by its code whether something may have been applied.
import { PatchStrategy } from "@kubernetes/client-node";
import type { ClusterApi, JsonPatchOperation } from "../../actions/action.ts";
import type { ExaminedCluster } from "../../controller/doctor-ports.ts";
import type { KubernetesObject, ObjectRef } from "../../domain/facts/objects.ts";
import { isObject, type JsonObject } from "../../domain/json.ts";
import { Problem } from "../../domain/problem.ts";
import type { RunAs } from "../../domain/templates/scope.ts";
import { mayDo } from "./access-review.ts";
import { type Answer, readStatus } from "./api-problem.ts";
import { concurrencyLimit, type Decrease } from "./concurrency-limit.ts";
import { type ClusterAddress, keepConnections, loadKubeConfig } from "./load-kube-config.ts";
import {
  builtInType,
  collectionPath,
  discoveredType,
  evictionApi,
  groupPath,
  objectPath,
  type ResourceType,
} from "./resource-paths.ts";
import { type ApiRequest, send, sendRead, type Transport } from "./send-request.ts";

const fieldManager = "gitmend";
const pageSize = 500;
/** What the API server accepts in an Event. */
const eventMessageBytes = 1024;

export interface ConnectionOptions {
  /** Default 15. */
  readonly requestTimeoutSeconds?: number;
  /** First pause between two tries of a read. Default 0.1. */
  readonly retrySeconds?: number;
  /** Default `gitmend`. */
  readonly userAgent?: string;
  /** For the times in Events only. */
  readonly now?: () => Date;
  /** Requests under way at the same time, at most. Default 50. */
  readonly mostRequests?: number;
  /** Told when the API server is busy and fewer requests are sent at once. */
  readonly onDecrease?: (decrease: Decrease) => void;
}

export interface ClusterConnection {
  readonly name: string;
  /** The API server's address. */
  readonly server: string;
  /**
   * The calls end when the signal aborts; one that is aborted already sends nothing. Urgent ones go before all others.
   * @param runAs whom the API server is to take gitmend for. Left out: itself
   */
  api(signal: AbortSignal, urgent?: boolean, runAs?: RunAs | null): ClusterApi;
  /** Requests that may be under way at the same time now. */
  concurrency(): number;
  /** `v1.32.0`. @throws Problem API_* */
  version(signal?: AbortSignal): Promise<string>;
  /** Whether its own account may do this. @throws Problem API_* */
  readonly mayDo: ExaminedCluster["mayDo"];
  /** Closes kept connections; running requests end first. */
  close(): Promise<void>;
}

/** Reads the configuration; opens no connection. @throws Problem CONFIG_INVALID */
export function connectCluster(address: ClusterAddress, options: ConnectionOptions = {}): ClusterConnection {
  const kubeConfig = loadKubeConfig(address);
  const close = keepConnections(kubeConfig);
  const transport: Transport = {
    kubeConfig,
    userAgent: options.userAgent ?? fieldManager,
    requestTimeoutSeconds: options.requestTimeoutSeconds ?? 15,
    retrySeconds: options.retrySeconds ?? 0.1,
    limit: concurrencyLimit(options.mostRequests ?? 50, options.onDecrease ?? (() => undefined)),
    urgent: false,
    runAs: null,
  };
  const connection: Connection = {
    cluster: address.name,
    transport,
    discovered: new Map(),
    evictionApi: new Map(),
    now: options.now ?? (() => new Date()),
  };
  return {
    name: address.name,
    server: kubeConfig.getCurrentCluster()?.server ?? "",
    api: (signal, urgent = false, runAs = null) =>
      clusterApi({ ...connection, transport: { ...transport, urgent, runAs } }, signal),
    concurrency: () => transport.limit.now(),
    version: (signal = AbortSignal.timeout(transport.requestTimeoutSeconds * 1000)) =>
      readVersion(transport, signal),
    mayDo: (question, signal, runAs = null) => mayDo({ ...transport, runAs }, question, signal),
    close,
  };
}

interface Connection {
  readonly cluster: string;
  readonly transport: Transport;
  /** Types of kinds that are not built in, by apiVersion and kind. */
  readonly discovered: Map<string, ResourceType>;
  /** apiVersion of Evictions, by the path that told it: asked once. */
  readonly evictionApi: Map<string, string>;
  readonly now: () => Date;
}

/** A connection for one attempt. */
interface Session extends Connection {
  readonly signal: AbortSignal;
}

function clusterApi(connection: Connection, signal: AbortSignal): ClusterApi {
  const session: Session = { ...connection, signal };
  return {
    get: (ref) => get(session, ref),
    list: (query) => list(session, query),
    logs: (query) => logs(session, query),
    patch: (ref, operations, options) => patch(session, ref, operations, options),
    create: (ref, manifest, options) => create(session, ref, manifest, options),
    remove: (ref, options) => remove(session, ref, options),
    evict: (pod, options) => evict(session, pod, options),
    event: (about, event) => writeEvent(session, about, event),
  };
}

async function readVersion(transport: Transport, signal: AbortSignal): Promise<string> {
  const { body } = await sendRead(
    transport,
    { what: "read the version", method: "GET", path: "/version" },
    signal,
  );
  const version = parse("read the version", body);
  return isObject(version) && typeof version.gitVersion === "string" ? version.gitVersion : "unknown";
}

const text = (verb: string, { apiVersion, kind, namespace, name }: Omit<ObjectRef, "cluster">) =>
  `${verb} ${apiVersion} ${kind} ${namespace === null ? "" : `${namespace}/`}${name}`;

/** A 2xx whose body is cut short or no JSON: for a change this must not pass as "not applied". */
function parse(what: string, body: string): unknown {
  try {
    return JSON.parse(body);
  } catch {
    throw new Problem("API_OUTCOME_UNKNOWN", `${what}: the answer is no JSON`, { retryable: true });
  }
}

async function typeOf(session: Session, apiVersion: string, kind: string): Promise<ResourceType> {
  const key = `${apiVersion}/${kind}`;
  const known = builtInType(apiVersion, kind) ?? session.discovered.get(key);
  if (known !== undefined && known !== null) return known;
  const what = `find ${apiVersion} ${kind}`;
  const request: ApiRequest = { what, method: "GET", path: groupPath(apiVersion) };
  const { body } = await sendRead(session.transport, request, session.signal);
  const found = discoveredType(parse(what, body), kind);
  if (found === null) throw new Problem("API_NOT_FOUND", `${what}: the cluster has no such kind`);
  session.discovered.set(key, found);
  return found;
}

function checkCluster(session: Session, { cluster, kind, name }: ObjectRef): void {
  if (cluster === session.cluster) return;
  throw new Problem(
    "CLUSTER_UNKNOWN",
    `${kind} ${name} is in cluster ${cluster}, this is ${session.cluster}`,
  );
}

async function pathOf(session: Session, ref: ObjectRef): Promise<string> {
  checkCluster(session, ref);
  return objectPath(ref, await typeOf(session, ref.apiVersion, ref.kind));
}

// ---- reads --------------------------------------------------------------------------------------------------------

async function get(session: Session, ref: ObjectRef): Promise<KubernetesObject | null> {
  const what = text("get", ref);
  const request: ApiRequest = { what, method: "GET", path: await pathOf(session, ref) };
  const answer = await sendRead(session.transport, request, session.signal, [404]);
  if (answer.status !== 404) return parse(what, answer.body) as KubernetesObject;
  // A missing object is named in the answer; a missing API is not.
  if (readStatus(answer.body).objectName !== null) return null;
  throw new Problem("API_NOT_FOUND", `${what}: the cluster has no such API`);
}

type ListQuery = Parameters<ClusterApi["list"]>[0];

async function list(session: Session, query: ListQuery): Promise<readonly KubernetesObject[]> {
  try {
    return await listPages(session, query, pageSize);
  } catch (error) {
    // 410: the list's snapshot expired between two pages.
    if (!(error instanceof Problem) || error.details.status !== 410) throw error;
    return await listPages(session, query, 0);
  }
}

async function listPages(
  session: Session,
  query: ListQuery,
  limit: number,
): Promise<readonly KubernetesObject[]> {
  const { apiVersion, kind, namespace, labelSelector, fieldSelector } = query;
  const path = collectionPath(apiVersion, await typeOf(session, apiVersion, kind), namespace);
  const what = `list ${apiVersion} ${kind}${namespace === null ? "" : ` in ${namespace}`}`;
  const selectors = {
    ...(labelSelector === undefined ? {} : { labelSelector }),
    ...(fieldSelector === undefined ? {} : { fieldSelector }),
    ...(limit === 0 ? {} : { limit: String(limit) }),
  };
  const found: KubernetesObject[] = [];
  let next = "";
  do {
    const queryParameters = next === "" ? selectors : { ...selectors, continue: next };
    const request: ApiRequest = { what, method: "GET", path, query: queryParameters };
    const { body } = await sendRead(session.transport, request, session.signal);
    const page = parse(what, body) as { items?: KubernetesObject[]; metadata?: { continue?: string } };
    // Items of typed lists carry neither kind nor apiVersion.
    for (const item of page.items ?? []) found.push({ ...item, apiVersion, kind });
    next = page.metadata?.continue ?? "";
  } while (next !== "" && found.length < (query.enough ?? Infinity));
  return found;
}

async function logs(session: Session, query: Parameters<ClusterApi["logs"]>[0]): Promise<string> {
  const { namespace, pod, container, previous, tailLines, limitBytes } = query;
  const ref: ObjectRef = { cluster: session.cluster, apiVersion: "v1", kind: "Pod", namespace, name: pod };
  const request: ApiRequest = {
    what: text("read the log of", ref),
    method: "GET",
    path: `${await pathOf(session, ref)}/log`,
    query: {
      ...(container === null ? {} : { container }),
      ...(previous ? { previous: "true" } : {}),
      tailLines: String(tailLines),
      limitBytes: String(limitBytes),
    },
  };
  const { body } = await sendRead(session.transport, request, session.signal);
  return cut(body, limitBytes);
}

/** At most `bytes` of UTF-8, whole characters. */
function cut(body: string, bytes: number): string {
  const all = Buffer.from(body, "utf8");
  if (all.length <= bytes) return body;
  return new TextDecoder().decode(all.subarray(0, bytes), { stream: true });
}

// ---- changes ------------------------------------------------------------------------------------------------------

async function patch(
  session: Session,
  ref: ObjectRef,
  operations: readonly JsonPatchOperation[],
  options: { readonly dryRun: boolean },
): Promise<KubernetesObject> {
  const what = text(options.dryRun ? "dry-run a patch of" : "patch", ref);
  if (!isConditional(operations)) {
    throw new Problem("API_INVALID", `${what}: no request was sent: the patch carries no resourceVersion`);
  }
  const request: ApiRequest = {
    what,
    method: "PATCH",
    path: await pathOf(session, ref),
    query: { fieldManager, ...(options.dryRun ? { dryRun: "All" } : {}) },
    body: { contentType: PatchStrategy.JsonPatch, text: JSON.stringify(operations) },
  };
  const { body } = await change(session, request, options.dryRun);
  return parse(what, body) as KubernetesObject;
}

/** What only tries may be tried again. */
function change(session: Session, request: ApiRequest, dryRun: boolean): Promise<Answer> {
  return (dryRun ? sendRead : send)(session.transport, request, session.signal);
}

function isConditional(operations: readonly JsonPatchOperation[]): boolean {
  return operations.some(
    (one) =>
      one.op === "replace" &&
      one.path === "/metadata/resourceVersion" &&
      typeof one.value === "string" &&
      one.value !== "",
  );
}

async function create(
  session: Session,
  ref: ObjectRef,
  manifest: JsonObject,
  options: { readonly dryRun: boolean },
): Promise<KubernetesObject> {
  checkCluster(session, ref);
  const what = text(options.dryRun ? "dry-run a creation of" : "create", ref);
  const { apiVersion, kind, namespace, name } = ref;
  const type = await typeOf(session, apiVersion, kind);
  // The name is checked like one in a path; the object is what the ref says, whatever its manifest does.
  objectPath(ref, type);
  const metadata = isObject(manifest.metadata) ? manifest.metadata : {};
  const named = { ...metadata, name, ...(namespace === null ? {} : { namespace }) };
  const request: ApiRequest = {
    what,
    method: "POST",
    path: collectionPath(apiVersion, type, namespace),
    query: { fieldManager, ...(options.dryRun ? { dryRun: "All" } : {}) },
    body: {
      contentType: "application/json",
      text: JSON.stringify({ ...manifest, apiVersion, kind, metadata: named }),
    },
  };
  const { body } = await change(session, request, options.dryRun);
  return parse(what, body) as KubernetesObject;
}

async function remove(
  session: Session,
  ref: ObjectRef,
  options: Parameters<ClusterApi["remove"]>[1],
): Promise<void> {
  const { uid, resourceVersion, gracePeriodSeconds, dryRun } = options;
  // Everything stands in the body: the API server ignores the query of a delete that has one, dryRun included.
  const deleteOptions = {
    apiVersion: "v1",
    kind: "DeleteOptions",
    preconditions: { uid, resourceVersion },
    propagationPolicy: "Background",
    ...(gracePeriodSeconds === null ? {} : { gracePeriodSeconds }),
    ...(dryRun ? { dryRun: ["All"] } : {}),
  };
  const request: ApiRequest = {
    what: text(dryRun ? "dry-run a deletion of" : "delete", ref),
    method: "DELETE",
    path: await pathOf(session, ref),
    body: { contentType: "application/json", text: JSON.stringify(deleteOptions) },
  };
  await change(session, request, dryRun);
}

async function evict(
  session: Session,
  pod: ObjectRef,
  { uid, gracePeriodSeconds, dryRun }: Parameters<ClusterApi["evict"]>[1],
): Promise<void> {
  const { namespace, name } = pod;
  const eviction = {
    apiVersion: await evictionApiOf(session),
    kind: "Eviction",
    metadata: { name, namespace },
    deleteOptions: {
      preconditions: { uid },
      ...(gracePeriodSeconds === null ? {} : { gracePeriodSeconds }),
      ...(dryRun ? { dryRun: ["All"] } : {}),
    },
  };
  const request: ApiRequest = {
    what: text(dryRun ? "dry-run an eviction of" : "evict", pod),
    method: "POST",
    path: `${await pathOf(session, pod)}/eviction`,
    body: { contentType: "application/json", text: JSON.stringify(eviction) },
  };
  await change(session, request, dryRun);
}

async function evictionApiOf(session: Session): Promise<string> {
  const path = groupPath("v1");
  const known = session.evictionApi.get(path);
  if (known !== undefined) return known;
  const what = "find out how pods are evicted";
  const { body } = await sendRead(session.transport, { what, method: "GET", path }, session.signal);
  const found = evictionApi(parse(what, body));
  if (found === null) throw new Problem("API_NOT_FOUND", `${what}: the cluster takes no evictions`);
  session.evictionApi.set(path, found);
  return found;
}

async function writeEvent(
  session: Session,
  about: Parameters<ClusterApi["event"]>[0],
  event: Parameters<ClusterApi["event"]>[1],
): Promise<void> {
  checkCluster(session, about);
  // Events about cluster-scoped objects live in `default`: the API server's rule.
  const namespace = about.namespace ?? "default";
  const ref = { apiVersion: "v1", kind: "Event", namespace, name: event.name };
  const request: ApiRequest = {
    what: text("write", ref),
    method: "POST",
    path: collectionPath("v1", { plural: "events", namespaced: true }, namespace),
    query: { fieldManager },
    body: {
      contentType: "application/json",
      text: JSON.stringify(eventObject(session, namespace, about, event)),
    },
  };
  const answer = await send(session.transport, request, session.signal, [409]);
  if (answer.status === 409 && readStatus(answer.body).reason !== "AlreadyExists") {
    throw new Problem("API_CONFLICT", `${request.what}: the API server answered 409`, {
      details: { status: 409 },
    });
  }
}

function eventObject(
  { now }: Session,
  namespace: string,
  about: Parameters<ClusterApi["event"]>[0],
  { name, type, reason, message }: Parameters<ClusterApi["event"]>[1],
): object {
  const at = now()
    .toISOString()
    .replace(/\.\d+Z$/, "Z");
  return {
    apiVersion: "v1",
    kind: "Event",
    metadata: { name, namespace },
    involvedObject: {
      apiVersion: about.apiVersion,
      kind: about.kind,
      name: about.name,
      uid: about.uid,
      ...(about.namespace === null ? {} : { namespace: about.namespace }),
    },
    type,
    reason,
    message: cut(message, eventMessageBytes),
    source: { component: fieldManager },
    reportingComponent: fieldManager,
    reportingInstance: fieldManager,
    firstTimestamp: at,
    lastTimestamp: at,
    count: 1,
  };
}
