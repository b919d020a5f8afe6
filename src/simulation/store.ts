// The simulated etcd: objects by resource and name, one counter for resourceVersions, listeners for whoever waits.
// Stored objects are never mutated: a change is a new object. A write that changes nothing is not a write.
import { type ApiObject, sameJson } from "./objects.ts";
import { type Resource, resourceOf } from "./resources.ts";

export interface Store {
  get(plural: string, namespace: string | null, name: string): ApiObject | undefined;
  /** In the order of names, as etcd lists keys. `namespace` null: all namespaces. */
  list(plural: string, namespace?: string | null): ApiObject[];
  /** Writes with a new resourceVersion and returns what is stored; an object equal to the stored one stays as it is. */
  put<T extends ApiObject>(object: T): T;
  remove(object: ApiObject): void;
  revision(): string;
  /** Called after every persisted change. Returns how to stop it. */
  onChange(listener: () => void): () => void;
}

const keyOf = (plural: string, namespace: string | null | undefined, name: string) =>
  `${plural}/${namespace ?? ""}/${name}`;

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
  const table = (plural: string) => {
    const found = tables.get(plural) ?? new Map<string, ApiObject>();
    tables.set(plural, found);
    return found;
  };
  const changed = (object: ApiObject) => {
    sorted.delete(resourceOf(object).plural);
    for (const listener of listeners) listener();
  };
  const place = (object: ApiObject, { plural }: Resource = resourceOf(object)) => ({
    rows: table(plural),
    key: keyOf(plural, object.metadata.namespace, object.metadata.name),
  });
  return {
    get: (plural, namespace, name) => table(plural).get(keyOf(plural, namespace, name)),
    list: (plural, namespace = null) => {
      const all = sorted.get(plural) ?? inOrder(table(plural));
      sorted.set(plural, all);
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
