// One request against the simulated API server: finds what it is about and hands it to whoever reads, writes or deletes.
// Refusals are thrown as StatusError and have changed nothing.

import { accessReviewPath, reviewAccess } from "./access-review.ts";
import { refuseStranger, refuseWithoutRight } from "./accounts.ts";
import { type ApiRequest, type ApiResponse, type ApiWorld, asMap, parseBody } from "./api-request.ts";
import { evict, remove } from "./delete-object.ts";
import { discover } from "./discovery.ts";
import type { ApiObject, JsonMap, Pod } from "./objects.ts";
import { podLog } from "./pod-log.ts";
import { apiVersionOf, type ObjectPath } from "./resources.ts";
import { readScale } from "./scale.ts";
import { parseFieldSelector, parseLabelSelector } from "./selectors.ts";
import { badRequest, methodNotAllowed, noSuchResource, notFound } from "./status-error.ts";
import { change, create } from "./write-object.ts";

/** @throws StatusError */
export function handleRequest(world: ApiWorld, request: ApiRequest): ApiResponse {
  refuseStranger(world.accounts, request);
  const discovered = request.method === "GET" ? discover(request.path, world.store.resources.all()) : null;
  if (discovered !== null) return { code: 200, body: discovered };
  if (request.method === "POST" && request.path === accessReviewPath)
    return { code: 201, body: reviewAccess(parseBody(request), request.user, world.accounts) };
  const path = world.store.resources.at(request.path);
  if (path === null) throw noSuchResource();
  if (path.subresource !== null && !path.resource.subresources.includes(path.subresource))
    throw noSuchResource();
  if (request.query.get("watch") === "true") throw badRequest("the simulated cluster serves no watches");
  refuseWithoutRight(world.accounts, request, path);
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
  const object = world.store.get(path.resource.table, path.namespace, name);
  if (object === undefined) throw notFound(named);
  if (path.subresource === "log") return { code: 200, body: readLog(world, request, object as Pod) };
  if (path.subresource === "eviction") return evict(world, request, object as Pod);
  switch (request.method) {
    case "GET":
      return { code: 200, body: path.subresource === "scale" ? readScale(object) : served(path, object) };
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

/** Stored in one version, read in any. */
function served({ resource }: ObjectPath, object: ApiObject): JsonMap {
  return { ...asMap(object), apiVersion: apiVersionOf(resource) };
}

function list(world: ApiWorld, { query }: ApiRequest, { resource, namespace }: ObjectPath): JsonMap {
  const labels = parseLabelSelector(query.get("labelSelector") ?? "");
  const fields = parseFieldSelector(resource.plural, query.get("fieldSelector") ?? "");
  const found = world.store
    .list(resource.table, namespace)
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
