// The three patch formats as the API server applies them: JSON patch (RFC 6902), merge patch (RFC 7386) and
// as much of strategic merge as built-in workloads need. Pure; documents are never mutated.
import { isMap, type Json, type JsonMap, sameJson } from "./objects.ts";
import { badRequest, StatusError } from "./status-error.ts";

function cannotApply(): StatusError {
  return new StatusError(422, "Invalid", "the server rejected our request due to an error in our request");
}

function pointerParts(pointer: unknown): string[] {
  if (typeof pointer !== "string" || (pointer !== "" && !pointer.startsWith("/"))) throw cannotApply();
  return pointer
    .split("/")
    .slice(1)
    .map((part) => part.replaceAll("~1", "/").replaceAll("~0", "~"));
}

function child(document: Json, part: string): Json | undefined {
  if (Array.isArray(document)) return /^(0|[1-9]\d*)$/.test(part) ? document[Number(part)] : undefined;
  return isMap(document) && Object.hasOwn(document, part) ? document[part] : undefined;
}

function read(document: Json, parts: readonly string[]): Json {
  let value: Json | undefined = document;
  for (const part of parts) value = value === undefined ? undefined : child(value, part);
  if (value === undefined) throw cannotApply();
  return value;
}

/** Gives a copy whose member at `parts` was made anew by `change`. */
function rebuild(
  document: Json,
  parts: readonly string[],
  change: (parent: Json, last: string) => Json,
): Json {
  const [head, ...rest] = parts;
  if (head === undefined) throw cannotApply();
  if (rest.length === 0) return change(document, head);
  const inner = rebuild(read(document, [head]), rest, change);
  if (Array.isArray(document)) return document.with(Number(head), inner);
  return { ...(document as JsonMap), [head]: inner };
}

function add(document: Json, parts: readonly string[], value: Json): Json {
  if (parts.length === 0) return value;
  return rebuild(document, parts, (parent, last) => {
    if (isMap(parent)) return { ...parent, [last]: value };
    if (!Array.isArray(parent)) throw cannotApply();
    const index = last === "-" ? parent.length : Number(last);
    if (!Number.isInteger(index) || index < 0 || index > parent.length) throw cannotApply();
    return parent.toSpliced(index, 0, value);
  });
}

function remove(document: Json, parts: readonly string[]): Json {
  read(document, parts);
  return rebuild(document, parts, (parent, last) => {
    if (Array.isArray(parent)) return parent.toSpliced(Number(last), 1);
    const { [last]: _removed, ...rest } = parent as JsonMap;
    return rest;
  });
}

function applyOperation(document: Json, operation: Json): Json {
  if (!isMap(operation)) throw badRequest("a JSON patch is a list of operations");
  const parts = pointerParts(operation.path);
  const name = typeof operation.op === "string" ? operation.op : "";
  switch (name) {
    case "add":
      return add(document, parts, operation.value ?? null);
    case "replace":
      read(document, parts);
      return add(parts.length === 0 ? null : remove(document, parts), parts, operation.value ?? null);
    case "remove":
      return remove(document, parts);
    case "test":
      if (!sameJson(read(document, parts), operation.value ?? null)) throw cannotApply();
      return document;
    case "copy":
      return add(document, parts, read(document, pointerParts(operation.from)));
    case "move": {
      const from = pointerParts(operation.from);
      return add(remove(document, from), parts, read(document, from));
    }
    default:
      throw cannotApply();
  }
}

export function jsonPatch(document: JsonMap, operations: Json): JsonMap {
  if (!Array.isArray(operations)) throw badRequest("a JSON patch is a list of operations");
  const patched = operations.reduce<Json>(applyOperation, document);
  if (!isMap(patched)) throw badRequest("the patched object is no object");
  return patched;
}

export function mergePatch(document: Json | undefined, patch: Json): Json {
  if (!isMap(patch)) return patch;
  const result: JsonMap = isMap(document) ? { ...document } : {};
  for (const [key, value] of Object.entries(patch)) {
    if (value === null) delete result[key];
    else result[key] = mergePatch(result[key], value);
  }
  return result;
}

/** Lists that strategic merge joins by a key; all other lists are replaced. */
const mergeKeys: Readonly<Record<string, string>> = {
  containers: "name",
  initContainers: "name",
  env: "name",
  volumes: "name",
  volumeMounts: "mountPath",
  ports: "containerPort",
  conditions: "type",
  ownerReferences: "uid",
  containerStatuses: "name",
};

function mergeLists(old: readonly Json[], patch: readonly Json[], key: string): Json[] {
  const result = [...old];
  for (const item of patch) {
    if (!isMap(item)) throw badRequest("a merged list holds objects");
    const { $patch: directive, ...rest } = item;
    const at = result.findIndex((one) => isMap(one) && sameJson(one[key], item[key]));
    if (directive === "delete") {
      if (at >= 0) result.splice(at, 1);
    } else if (at >= 0) result[at] = strategicMerge(result[at], rest);
    else result.push(rest);
  }
  return result;
}

export function strategicMerge(document: Json | undefined, patch: Json): Json {
  if (!isMap(patch)) return patch;
  if (patch.$patch === "replace") {
    const { $patch: _directive, ...rest } = patch;
    return rest;
  }
  const result: JsonMap = isMap(document) ? { ...document } : {};
  for (const [key, value] of Object.entries(patch)) {
    if (key.startsWith("$")) continue;
    const old = result[key];
    const mergeKey = mergeKeys[key];
    if (value === null) delete result[key];
    else if (mergeKey !== undefined && Array.isArray(value) && value.every(isMap)) {
      result[key] = mergeLists(Array.isArray(old) ? old : [], value, mergeKey);
    } else result[key] = strategicMerge(old, value);
  }
  return result;
}
