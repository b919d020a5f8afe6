// Deleting objects, evicting pods, and what goes with them, in the simulated API server.
// Refusals are thrown as StatusError and have changed nothing.
import {
  type ApiRequest,
  type ApiResponse,
  type ApiWorld,
  asMap,
  isDryRun,
  noteEffect,
  parseBody,
} from "./api-request.ts";
import { refuseEviction } from "./eviction.ts";
import { type ApiObject, isMap, type JsonMap, type Pod } from "./objects.ts";
import { startDeletion } from "./pod-deletion.ts";
import { conflict, methodNotAllowed, type Named, otherUid } from "./status-error.ts";
import type { World } from "./world.ts";

interface DeleteOptions {
  readonly dryRun: boolean;
  readonly gracePeriodSeconds: number | null;
  readonly propagationPolicy: string | null;
  readonly preconditions: JsonMap;
}

/** As the real server: options come from the body; the query counts only when there is no body. */
function deleteOptions(request: ApiRequest): DeleteOptions {
  if (request.body === "") {
    const grace = request.query.get("gracePeriodSeconds");
    return {
      dryRun: isDryRun(request),
      gracePeriodSeconds: grace === null ? null : Number(grace),
      propagationPolicy: request.query.get("propagationPolicy"),
      preconditions: {},
    };
  }
  const body = parseBody(request);
  const options = isMap(body.deleteOptions) ? body.deleteOptions : body;
  const { dryRun, gracePeriodSeconds, propagationPolicy, preconditions } = options;
  return {
    dryRun: Array.isArray(dryRun) && dryRun.includes("All"),
    gracePeriodSeconds: typeof gracePeriodSeconds === "number" ? gracePeriodSeconds : null,
    propagationPolicy: typeof propagationPolicy === "string" ? propagationPolicy : null,
    preconditions: isMap(preconditions) ? preconditions : {},
  };
}

function checkPreconditions(named: Named, { metadata }: ApiObject, { uid, resourceVersion }: JsonMap): void {
  if (uid !== undefined && uid !== metadata.uid) {
    throw otherUid(named, uid, metadata.uid);
  }
  if (resourceVersion !== undefined && resourceVersion !== metadata.resourceVersion) {
    const text = `ResourceVersion in precondition: ${JSON.stringify(resourceVersion)}, ResourceVersion in object meta: ${metadata.resourceVersion}`;
    throw conflict(named, `Precondition failed: ${text}`);
  }
}

/** @throws StatusError */
export function remove(world: ApiWorld, request: ApiRequest, named: Named, object: ApiObject): JsonMap {
  const options = deleteOptions(request);
  checkPreconditions(named, object, options.preconditions);
  if (object.kind === "Pod") {
    if (options.dryRun) return asMap(object);
    const wasDeleted = object.metadata.deletionTimestamp !== undefined;
    const left = startDeletion(world, object as Pod, options.gracePeriodSeconds);
    if (!wasDeleted) noteEffect(world, request, "delete", object, []);
    return asMap(left);
  }
  if (!options.dryRun) {
    if (options.propagationPolicy === "Orphan") orphan(world, object.metadata.uid);
    world.store.remove(object);
    if (object.kind === "Namespace") removeContent(world, object.metadata.name);
    noteEffect(world, request, "delete", object, []);
  }
  const details = { name: named.name, kind: named.resource, uid: object.metadata.uid };
  return { kind: "Status", apiVersion: "v1", metadata: {}, status: "Success", details };
}

function removeContent(world: World, namespace: string): void {
  const tables = world.store.resources.all().flatMap(({ namespaced, table }) => (namespaced ? [table] : []));
  for (const table of new Set(tables)) {
    for (const object of world.store.list(table, namespace)) world.store.remove(object);
  }
}

function orphan(world: World, uid: string): void {
  for (const object of [...world.store.list("replicasets"), ...world.store.list("pods")]) {
    const ownerReferences = object.metadata.ownerReferences?.filter((one) => one.uid !== uid) ?? [];
    if (ownerReferences.length !== (object.metadata.ownerReferences?.length ?? 0)) {
      world.store.put({ ...object, metadata: { ...object.metadata, ownerReferences } });
    }
  }
}

/** @throws StatusError: 429 when a disruption budget forbids it. */
export function evict(world: ApiWorld, request: ApiRequest, pod: Pod): ApiResponse {
  if (request.method !== "POST") throw methodNotAllowed();
  const options = deleteOptions(request);
  checkPreconditions({ group: "", resource: "pods", name: pod.metadata.name }, pod, options.preconditions);
  refuseEviction(world, pod);
  if (!options.dryRun && !isDryRun(request)) {
    startDeletion(world, pod, options.gracePeriodSeconds);
    noteEffect(world, request, "evict", pod, []);
  }
  return {
    code: 201,
    body: { kind: "Status", apiVersion: "v1", metadata: {}, status: "Success", code: 201 },
  };
}
