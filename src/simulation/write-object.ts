// Creating and changing objects in the simulated API server: defaults, validation, identity, generations, managed fields.
// Refusals are thrown as StatusError and have changed nothing.
import { validate, withDefaults } from "./admission.ts";
import {
  type ApiRequest,
  type ApiWorld,
  asMap,
  isDryRun,
  managerOf,
  noteEffect,
  parseBody,
  parseJson,
} from "./api-request.ts";
import { changedFields, managedFieldsAfter } from "./changed-fields.ts";
import { timestamp } from "./clock.ts";
import { type ApiObject, isMap, type JsonMap, type Pod, sameJson } from "./objects.ts";
import { jsonPatch, mergePatch, strategicMerge } from "./patches.ts";
import { admitPod } from "./pod-admission.ts";
import { apiVersionOf, type ObjectPath } from "./resources.ts";
import { readScale, writeScale } from "./scale.ts";
import {
  alreadyExists,
  badRequest,
  conflict,
  methodNotAllowed,
  type Named,
  notFound,
  otherUid,
  StatusError,
} from "./status-error.ts";
import { newMetadata, randomSuffix, type World } from "./world.ts";

/** @throws StatusError */
export function create(world: ApiWorld, request: ApiRequest, { resource, namespace }: ObjectPath): JsonMap {
  const body = parseBody(request);
  if (body.kind !== resource.kind || body.apiVersion !== apiVersionOf(resource)) {
    throw badRequest(`the object provided is unrecognized, want ${apiVersionOf(resource)} ${resource.kind}`);
  }
  if (resource.namespaced && namespace === null) throw methodNotAllowed();
  if (namespace !== null && world.store.get("namespaces", null, namespace) === undefined) {
    throw notFound({ group: "", resource: "namespaces", name: namespace });
  }
  const object = newObject(world, resource.generation, body, namespace);
  const sent = withDefaults(resource, asMap(object)) as unknown as ApiObject;
  validate(resource, asMap(sent), null);
  const filled = resource.kind === "Pod" ? admitPod(world, sent as Pod) : sent;
  const { name } = filled.metadata;
  if (world.store.get(resource.table, namespace, name) !== undefined) {
    throw alreadyExists({ group: resource.group, resource: resource.plural, name });
  }
  const managedFields = managedFieldsAfter(undefined, filled, managerOf(request), timestamp(world.now()));
  const complete = { ...filled, metadata: { ...filled.metadata, managedFields } };
  if (isDryRun(request)) return asMap(complete);
  const stored = world.store.put(complete);
  noteEffect(world, request, "create", stored, changedFields(undefined, stored));
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

/** @throws StatusError */
export function change(world: ApiWorld, request: ApiRequest, path: ObjectPath, old: ApiObject): JsonMap {
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
    noteEffect(
      world,
      request,
      request.method === "PUT" ? "update" : "patch",
      stored,
      changedFields(old, stored),
    );
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

/** @throws StatusError 409 when the write names another version or another object of that name. */
function checkIdentity(named: Named, old: ApiObject, sent: JsonMap): void {
  const { resourceVersion, uid } = sent;
  if (uid !== undefined && uid !== old.metadata.uid) {
    throw otherUid(named, uid, old.metadata.uid);
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
