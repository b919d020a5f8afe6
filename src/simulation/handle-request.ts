// One request against the simulated API server: finds the object, applies the verb, persists, logs the effect.
// Refusals are thrown as StatusError and have changed nothing.
import { accessReviewPath, reviewAccess } from "./access-review.ts";
import { validate, withDefaults } from "./admission.ts";
import { changedFields, managedFieldsAfter } from "./changed-fields.ts";
import { timestamp } from "./clock.ts";
import { discover } from "./discovery.ts";
import type { EffectLog, PersistedEffect } from "./effects.ts";
import { refuseEviction } from "./eviction.ts";
import { type ApiObject, isMap, type Json, type JsonMap, type Pod, sameJson } from "./objects.ts";
import { jsonPatch, mergePatch, strategicMerge } from "./patches.ts";
import { startDeletion } from "./pod-deletion.ts";
import { podLog, type WrittenLogs } from "./pod-log.ts";
import { apiVersionOf, type ObjectPath, parseObjectPath } from "./resources.ts";
import { readScale, writeScale } from "./scale.ts";
import { parseFieldSelector, parseLabelSelector } from "./selectors.ts";
import {
  alreadyExists,
  badRequest,
  conflict,
  methodNotAllowed,
  type Named,
  noSuchResource,
  notFound,
  StatusError,
} from "./status-error.ts";
import { newMetadata, randomSuffix, type World } from "./world.ts";

export interface ApiRequest {
  readonly method: string;
  readonly path: string;
  readonly query: URLSearchParams;
  readonly contentType: string;
  readonly userAgent: string;
  readonly body: string;
}

export interface ApiResponse {
  readonly code: number;
  readonly body: JsonMap | string;
}

export interface ApiWorld extends World {
  readonly effects: EffectLog;
  readonly writtenLogs: WrittenLogs;
}

/** @throws StatusError */
export function handleRequest(world: ApiWorld, request: ApiRequest): ApiResponse {
  const discovered = request.method === "GET" ? discover(request.path) : null;
  if (discovered !== null) return { code: 200, body: discovered };
  if (request.method === "POST" && request.path === accessReviewPath)
    return { code: 201, body: reviewAccess(parseBody(request)) };
  const path = parseObjectPath(request.path);
  if (path === null) throw noSuchResource();
  if (path.subresource !== null && !path.resource.subresources.includes(path.subresource))
    throw noSuchResource();
  if (request.query.get("watch") === "true") throw badRequest("the simulated cluster serves no watches");
  return path.name === null
    ? handleCollection(world, request, path)
    : handleObject(world, request, path, path.name);
}

function handleCollection(world: ApiWorld, request: ApiRequest, path: ObjectPath): ApiResponse {
  if (request.method === "GET") return { code: 200, body: list(world, request, path) };
  if (request.method === "POST") return { code: 201, body: create(world, request, path) };
  throw methodNotAllowed();
}

function handleObject(world: ApiWorld, request: ApiRequest, path: ObjectPath, name: string): ApiResponse {
  const named = { group: path.resource.group, resource: path.resource.plural, name };
  const object = world.store.get(path.resource.plural, path.namespace, name);
  if (object === undefined) throw notFound(named);
  if (path.subresource === "log") return { code: 200, body: readLog(world, request, object as Pod) };
  if (path.subresource === "eviction") return evict(world, request, object as Pod);
  switch (request.method) {
    case "GET":
      return { code: 200, body: path.subresource === "scale" ? readScale(object) : asMap(object) };
    case "PUT":
    case "PATCH":
      return { code: 200, body: change(world, request, path, object) };
    case "DELETE":
      if (path.subresource !== null) throw methodNotAllowed();
      return { code: 200, body: remove(world, request, named, object) };
    default:
      throw methodNotAllowed();
  }
}

const asMap = (object: ApiObject) => object as unknown as JsonMap;

function parseBody(request: ApiRequest): JsonMap {
  const body = parseJson(request.body);
  if (!isMap(body)) throw badRequest("the body is no object");
  return body;
}

function parseJson(text: string): Json {
  try {
    return JSON.parse(text) as Json;
  } catch {
    throw badRequest("the body is no JSON");
  }
}

// ---- reading ------------------------------------------------------------------------------------------------------

function list(world: ApiWorld, { query }: ApiRequest, { resource, namespace }: ObjectPath): JsonMap {
  const labels = parseLabelSelector(query.get("labelSelector") ?? "");
  const fields = parseFieldSelector(resource.plural, query.get("fieldSelector") ?? "");
  const found = world.store
    .list(resource.plural, namespace)
    .filter((object) => labels(object) && fields(object));
  const limit = Number(query.get("limit") ?? 0) || found.length;
  const start = Number(query.get("continue") ?? 0);
  const page = found.slice(start, start + limit);
  const rest = found.length - start - page.length;
  const more = rest > 0 ? { continue: String(start + limit), remainingItemCount: rest } : {};
  return {
    kind: `${resource.kind}List`,
    apiVersion: apiVersionOf(resource),
    metadata: { resourceVersion: world.store.revision(), ...more },
    // As the real server: items of typed lists carry neither kind nor apiVersion.
    items: page.map((object) => {
      const { kind: _kind, apiVersion: _apiVersion, ...item } = asMap(object);
      return item;
    }),
  };
}

function readLog(world: ApiWorld, { method, query }: ApiRequest, pod: Pod): string {
  if (method !== "GET") throw methodNotAllowed();
  const number = (key: string) => (query.has(key) ? Number(query.get(key)) : null);
  const options = {
    container: query.get("container"),
    previous: query.get("previous") === "true",
    tailLines: number("tailLines"),
    limitBytes: number("limitBytes"),
  };
  return podLog(pod, options, world.writtenLogs);
}

// ---- writing ------------------------------------------------------------------------------------------------------

const managerOf = ({ query, userAgent }: ApiRequest) =>
  query.get("fieldManager") ?? userAgent.split("/")[0] ?? "unknown";

function isDryRun({ query }: ApiRequest): boolean {
  const value = query.get("dryRun");
  if (value === null || value === "") return false;
  if (value !== "All") throw badRequest(`dryRun: Unsupported value: ${JSON.stringify(value)}`);
  return true;
}

function note(
  world: ApiWorld,
  request: ApiRequest,
  verb: PersistedEffect["verb"],
  object: ApiObject,
  fields: string[],
): void {
  const at = new Date(world.now()).toISOString();
  world.effects.record(object, {
    at,
    verb,
    manager: managerOf(request),
    userAgent: request.userAgent,
    fields,
  });
}

function create(world: ApiWorld, request: ApiRequest, { resource, namespace }: ObjectPath): JsonMap {
  const body = parseBody(request);
  if (body.kind !== resource.kind || body.apiVersion !== apiVersionOf(resource)) {
    throw badRequest(`the object provided is unrecognized, want ${apiVersionOf(resource)} ${resource.kind}`);
  }
  if (resource.namespaced && namespace === null) throw methodNotAllowed();
  if (namespace !== null && world.store.get("namespaces", null, namespace) === undefined) {
    throw notFound({ group: "", resource: "namespaces", name: namespace });
  }
  const object = newObject(world, resource.generation, body, namespace);
  const filled = withDefaults(resource, asMap(object)) as unknown as ApiObject;
  validate(resource, asMap(filled), null);
  const { name } = filled.metadata;
  if (world.store.get(resource.plural, namespace, name) !== undefined) {
    throw alreadyExists({ group: resource.group, resource: resource.plural, name });
  }
  const managedFields = managedFieldsAfter(undefined, filled, managerOf(request), timestamp(world.now()));
  const complete = { ...filled, metadata: { ...filled.metadata, managedFields } };
  if (isDryRun(request)) return asMap(complete);
  const stored = world.store.put(complete);
  note(world, request, "create", stored, changedFields(undefined, stored));
  return asMap(stored);
}

function newObject(world: World, generation: boolean, body: JsonMap, namespace: string | null): ApiObject {
  const sent = (isMap(body.metadata) ? body.metadata : {}) as unknown as ApiObject["metadata"];
  if (namespace !== null && sent.namespace !== undefined && sent.namespace !== namespace) {
    throw badRequest("the namespace of the provided object does not match the namespace sent on the request");
  }
  const name =
    sent.name ?? (sent.generateName === undefined ? "" : `${sent.generateName}${randomSuffix(world)}`);
  const metadata = newMetadata(world, {
    ...sent,
    name,
    ...(namespace === null ? {} : { namespace }),
    ...(generation ? { generation: 1 } : {}),
  });
  return { ...(body as unknown as ApiObject), metadata };
}

function change(world: ApiWorld, request: ApiRequest, path: ObjectPath, old: ApiObject): JsonMap {
  const scale = path.subresource === "scale";
  const base = scale ? readScale(old) : asMap(old);
  const wanted = request.method === "PUT" ? parseBody(request) : patched(base, request);
  const next = scale ? writeScale(old, wanted) : inScope(path, old, wanted);
  const named = { group: path.resource.group, resource: path.resource.plural, name: old.metadata.name };
  checkIdentity(named, old, isMap(wanted.metadata) ? wanted.metadata : {});
  const complete = finish(world, request, path, old, next);
  const dryRun = isDryRun(request);
  const stored = dryRun ? complete : world.store.put(complete);
  if (!dryRun && stored !== old) {
    note(world, request, request.method === "PUT" ? "update" : "patch", stored, changedFields(old, stored));
  }
  return scale ? readScale(stored) : asMap(stored);
}

function patched(base: JsonMap, { contentType, body }: ApiRequest): JsonMap {
  const patch = parseJson(body);
  const apply = () => {
    switch (contentType.split(";", 1).join("").trim()) {
      case "application/json-patch+json":
        return jsonPatch(base, patch);
      case "application/merge-patch+json":
        return mergePatch(base, patch);
      case "application/strategic-merge-patch+json":
        return strategicMerge(base, patch);
      default:
        throw new StatusError(
          415,
          "UnsupportedMediaType",
          "the body of the request was in an unknown format",
        );
    }
  };
  const result = apply();
  if (!isMap(result)) throw badRequest("the patched object is no object");
  return result;
}

/** A write to the object leaves its status alone, a write to the status subresource everything else. */
function inScope({ resource, subresource }: ObjectPath, old: ApiObject, wanted: JsonMap): ApiObject {
  if (subresource === "status") return { ...old, status: wanted.status } as ApiObject;
  const hasStatus = resource.subresources.includes("status");
  const { status: _status, ...rest } = wanted;
  const kept = asMap(old).status;
  return (hasStatus
    ? { ...rest, ...(kept === undefined ? {} : { status: kept }) }
    : wanted) as unknown as ApiObject;
}

const otherUid = (sent: Json, found: string) =>
  `Precondition failed: UID in precondition: ${JSON.stringify(sent)}, UID in object meta: ${found}`;

/** @throws StatusError 409 when the write names another version or another object of that name. */
function checkIdentity(named: Named, old: ApiObject, sent: JsonMap): void {
  const { resourceVersion, uid } = sent;
  if (uid !== undefined && uid !== old.metadata.uid) {
    throw conflict(named, otherUid(uid, old.metadata.uid));
  }
  if (sent.name !== undefined && sent.name !== old.metadata.name) {
    throw badRequest("the name of the object does not match the name on the URL");
  }
  if (
    resourceVersion !== undefined &&
    resourceVersion !== "" &&
    resourceVersion !== old.metadata.resourceVersion
  ) {
    throw conflict(named);
  }
}

function finish(
  world: World,
  request: ApiRequest,
  path: ObjectPath,
  old: ApiObject,
  next: ApiObject,
): ApiObject {
  const { uid, name, namespace, creationTimestamp, resourceVersion, generation = 1 } = old.metadata;
  const kept = {
    name,
    uid,
    creationTimestamp,
    resourceVersion,
    ...(namespace === undefined ? {} : { namespace }),
  };
  const filled = withDefaults(path.resource, asMap(next)) as unknown as ApiObject;
  validate(path.resource, asMap(filled), asMap(old));
  const specChanged = !sameJson(asMap(old).spec, asMap(filled).spec);
  const raised = path.resource.generation ? { generation: specChanged ? generation + 1 : generation } : {};
  const object = { ...filled, metadata: { ...filled.metadata, ...kept, ...raised } };
  const managedFields = managedFieldsAfter(old, object, managerOf(request), timestamp(world.now()));
  return { ...object, metadata: { ...object.metadata, managedFields } };
}

// ---- deleting -----------------------------------------------------------------------------------------------------

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
    throw conflict(named, otherUid(uid, metadata.uid));
  }
  if (resourceVersion !== undefined && resourceVersion !== metadata.resourceVersion) {
    const text = `ResourceVersion in precondition: ${JSON.stringify(resourceVersion)}, ResourceVersion in object meta: ${metadata.resourceVersion}`;
    throw conflict(named, `Precondition failed: ${text}`);
  }
}

function remove(world: ApiWorld, request: ApiRequest, named: Named, object: ApiObject): JsonMap {
  const options = deleteOptions(request);
  checkPreconditions(named, object, options.preconditions);
  if (object.kind === "Pod") {
    if (options.dryRun) return asMap(object);
    const wasDeleted = object.metadata.deletionTimestamp !== undefined;
    const left = startDeletion(world, object as Pod, options.gracePeriodSeconds);
    if (!wasDeleted) note(world, request, "delete", object, []);
    return asMap(left);
  }
  if (!options.dryRun) {
    if (options.propagationPolicy === "Orphan") orphan(world, object.metadata.uid);
    world.store.remove(object);
    if (object.kind === "Namespace") removeContent(world, object.metadata.name);
    note(world, request, "delete", object, []);
  }
  const details = { name: named.name, kind: named.resource, uid: object.metadata.uid };
  return { kind: "Status", apiVersion: "v1", metadata: {}, status: "Success", details };
}

const namespacedContent = [
  "deployments",
  "replicasets",
  "statefulsets",
  "daemonsets",
  "jobs",
  "pods",
  "events",
];

function removeContent(world: World, namespace: string): void {
  for (const plural of [...namespacedContent, "configmaps", "services", "poddisruptionbudgets"]) {
    for (const object of world.store.list(plural, namespace)) world.store.remove(object);
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

function evict(world: ApiWorld, request: ApiRequest, pod: Pod): ApiResponse {
  if (request.method !== "POST") throw methodNotAllowed();
  const options = deleteOptions(request);
  checkPreconditions({ group: "", resource: "pods", name: pod.metadata.name }, pod, options.preconditions);
  refuseEviction(world, pod);
  if (!options.dryRun && !isDryRun(request)) {
    startDeletion(world, pod, options.gracePeriodSeconds);
    note(world, request, "evict", pod, []);
  }
  return {
    code: 201,
    body: { kind: "Status", apiVersion: "v1", metadata: {}, status: "Success", code: 201 },
  };
}
