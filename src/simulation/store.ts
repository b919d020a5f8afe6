// The simulated etcd: objects by resource and name, one counter for resourceVersions, listeners for whoever waits.
// Stored objects are never mutated: a change is a new object. A write that changes nothing is not a write.
import { type ApiObject, type CustomResourceDefinition, sameJson } from "./objects.ts";
import { type ResourceTable, resourceTable } from "./resources.ts";

export interface Store {
  /** What can be stored: built-in resources and those that stored CustomResourceDefinitions define. */
  readonly resources: ResourceTable;
  /** `table`: as resources.ts names it, the plural for what is built in. */
  get(table: string, namespace: string | null, name: string): ApiObject | undefined;
  /** In the order of names, as etcd lists keys. `namespace` null: all namespaces. */
  list(table: string, namespace?: string | null): ApiObject[];
  /** Writes with a new resourceVersion and returns what is stored; an object equal to the stored one stays as it is. */
  put<T extends ApiObject>(object: T): T;
  remove(object: ApiObject): void;
  revision(): string;
  /** Called after every persisted change. Returns how to stop it. */
  onChange(listener: () => void): () => void;
}

const keyOf = (namespace: string | null | undefined, name: string) => `${namespace ?? ""}/${name}`;

const withoutVersion = (object: ApiObject) => ({
  ...object,
  metadata: { ...object.metadata, resourceVersion: "" },
});

function inOrder(rows: ReadonlyMap<string, ApiObject>): ApiObject[] {
  return [...rows.entries()].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, object]) => object);
}

export function createStore(): Store {
  const tables = new Map<string, Map<string, ApiObject>>();
  /** Lists as they are asked for, until the table changes. */
  const sorted = new Map<string, readonly ApiObject[]>();
  const listeners = new Set<() => void>();
  let revision = 1000;
  const rowsOf = (table: string) => {
    const found = tables.get(table) ?? new Map<string, ApiObject>();
    tables.set(table, found);
    return found;
  };
  const resources = resourceTable(
    () => [...rowsOf("customresourcedefinitions").values()] as CustomResourceDefinition[],
  );
  const changed = (object: ApiObject) => {
    sorted.delete(resources.of(object).table);
    for (const listener of listeners) listener();
  };
  const place = (object: ApiObject) => ({
    rows: rowsOf(resources.of(object).table),
    key: keyOf(object.metadata.namespace, object.metadata.name),
  });
  return {
    resources,
    get: (table, namespace, name) => rowsOf(table).get(keyOf(namespace, name)),
    list: (table, namespace = null) => {
      const all = sorted.get(table) ?? inOrder(rowsOf(table));
      sorted.set(table, all);
      return all.filter((object) => namespace === null || object.metadata.namespace === namespace);
    },
    put: (object) => {
      const { rows, key } = place(object);
      const old = rows.get(key);
      if (old !== undefined && sameJson(withoutVersion(old), withoutVersion(object)))
        return old as typeof object;
      revision += 1;
      const next = { ...object, metadata: { ...object.metadata, resourceVersion: String(revision) } };
      rows.set(key, next);
      changed(next);
      return next;
    },
    remove: (object) => {
      const { rows, key } = place(object);
      if (!rows.delete(key)) return;
      revision += 1;
      changed(object);
    },
    revision: () => String(revision),
    onChange: (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };
}
