// Which fields a write changed, as JSON pointers for the log of effects and as managedFields for clients.
import { type ApiObject, isMap, type Json, type JsonMap, type ManagedFields, sameJson } from "./objects.ts";

const escape = (part: string) => part.replaceAll("~", "~0").replaceAll("/", "~1");

/** What the API server fills in by itself and nobody owns. */
const serverFields = new Set([
  "/apiVersion",
  "/kind",
  "/metadata/managedFields",
  "/metadata/resourceVersion",
  "/metadata/generation",
  "/metadata/uid",
  "/metadata/creationTimestamp",
  "/metadata/name",
  "/metadata/namespace",
]);

/** Pointers of the leaves that differ, sorted. Lists of another length count as one field. */
export function changedFields(before: unknown, after: unknown, base = ""): string[] {
  if (sameJson(before, after) || serverFields.has(base)) return [];
  const bothLists = Array.isArray(before) && Array.isArray(after) && before.length === after.length;
  const bothMaps = (before === undefined || isMap(before)) && (after === undefined || isMap(after));
  if (!bothLists && !bothMaps) return [base];
  const keys = new Set([...Object.keys(before ?? {}), ...Object.keys(after ?? {})]);
  if (keys.size === 0) return [base];
  const member = (value: unknown, key: string) => (value as Record<string, unknown> | undefined)?.[key];
  return [...keys]
    .flatMap((key) => changedFields(member(before, key), member(after, key), `${base}/${escape(key)}`))
    .toSorted();
}

type Path = readonly string[];

/** The path of each leaf in managedFields spelling: `f:spec`, `k:{"name":"app"}`; other lists are one leaf. */
function ownedPaths(before: unknown, after: unknown, base: Path = [], pointer = ""): Path[] {
  if (after === undefined || serverFields.has(pointer) || sameJson(before, after)) return [];
  if (isMap(after) && Object.keys(after).length > 0) {
    return Object.keys(after).flatMap((key) =>
      ownedPaths(
        isMap(before) ? before[key] : undefined,
        after[key],
        [...base, `f:${key}`],
        `${pointer}/${escape(key)}`,
      ),
    );
  }
  if (Array.isArray(after) && after.every((item) => isMap(item) && typeof item.name === "string")) {
    return (after as JsonMap[]).flatMap((item) => {
      const old = Array.isArray(before)
        ? before.find((one) => isMap(one) && one.name === item.name)
        : undefined;
      return ownedPaths(old, item, [...base, `k:${JSON.stringify({ name: item.name })}`], `${pointer}/-`);
    });
  }
  return [base];
}

function addPath(tree: JsonMap, path: Path): void {
  let node = tree;
  for (const part of path) {
    const next = node[part];
    const child: JsonMap = isMap(next) ? next : {};
    node[part] = child;
    node = child;
  }
}

function withoutPath(tree: Json | undefined, [head, ...rest]: Path): JsonMap {
  const node: JsonMap = isMap(tree) ? { ...tree } : {};
  if (head === undefined || node[head] === undefined) return node;
  const inner = rest.length === 0 ? {} : withoutPath(node[head], rest);
  if (Object.keys(inner).length === 0) delete node[head];
  else node[head] = inner;
  return node;
}

/** managedFields after `manager` has written `after` over `before`: it owns what it changed, others lose that. */
export function managedFieldsAfter(
  before: ApiObject | undefined,
  after: ApiObject,
  manager: string,
  time: string,
): ManagedFields[] {
  const paths = ownedPaths(before, after);
  const old = before?.metadata.managedFields ?? [];
  if (paths.length === 0) return old;
  const own = old.find((entry) => entry.manager === manager);
  const tree = structuredClone(own?.fieldsV1 ?? {});
  for (const path of paths) addPath(tree, path);
  const others = old
    .filter((entry) => entry.manager !== manager)
    .map((entry) => ({ ...entry, fieldsV1: paths.reduce<JsonMap>(withoutPath, entry.fieldsV1) }))
    .filter((entry) => Object.keys(entry.fieldsV1).length > 0);
  const { apiVersion } = after;
  return [
    ...others,
    { manager, operation: "Update", apiVersion, time, fieldsType: "FieldsV1", fieldsV1: tree },
  ];
}
