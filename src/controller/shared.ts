// What replicas tell each other beside the database: facts that were asked for a moment ago, and that an execution has news. Never
// the state of an execution: everything here may be lost, late or switched off, and only costs asking again.
import type { ActionTools } from "../actions/action.ts";
import type { KubernetesObject } from "../domain/facts/objects.ts";
import type { Json } from "../domain/json.ts";
import type { ExecutionStore } from "./ports.ts";

export interface Shared {
  /** null: nobody has said it lately. Never throws, and answers within a fraction of a second. */
  recall(key: string): Promise<Json | null>;
  /** Waits for nothing. */
  remember(key: string, value: Json, seconds: number): void;
  /** Some replica has made events of this execution durable. */
  tell(executionId: string): void;
  /** Called for news of this execution (null: of any), from any replica that is heard. @returns stops it */
  listen(executionId: string | null, listener: () => void): () => void;
  /** Whether the other replicas are heard now; if not, only looking finds what they did. */
  hears(): boolean;
}

/** Of this process alone: nothing is remembered, and its own news reach its own readers. */
export function ownNews(): Pick<Shared, "tell" | "listen"> {
  const listeners = new Map<string | null, Set<() => void>>();
  return {
    tell(executionId) {
      for (const key of [executionId, null]) for (const listener of listeners.get(key) ?? []) listener();
    },
    listen(executionId, listener) {
      const own = listeners.get(executionId) ?? new Set();
      listeners.set(executionId, own.add(listener));
      return () => {
        own.delete(listener);
        if (own.size === 0 && listeners.get(executionId) === own) listeners.delete(executionId);
      };
    },
  };
}

/** Without Redis. */
export function nothingShared(): Shared {
  return { ...ownNews(), recall: async () => null, remember: () => undefined, hears: () => false };
}

/** Whatever is appended is news, once it is durable. */
export function tellingStore(executions: ExecutionStore, shared: Pick<Shared, "tell">): ExecutionStore {
  return {
    ...executions,
    async append(append) {
      await executions.append(append);
      if (append.events.length > 0) shared.tell(append.id);
    },
  };
}

const namespaceSeconds = 10;

/**
 * Tools for the facts of a decision: namespaces are asked for once in ten seconds by all replicas together, because in a storm each
 * firing asks for the same few. The guards are weighed again on fresh ones before anything is changed.
 */
export function sharingNamespaces(
  tools: ActionTools,
  shared: Pick<Shared, "recall" | "remember">,
): ActionTools {
  return {
    ...tools,
    cluster(name) {
      const api = tools.cluster(name);
      return {
        ...api,
        async get(ref) {
          if (ref.kind !== "Namespace" || ref.apiVersion !== "v1") return api.get(ref);
          const key = `namespace ${name} ${ref.name}`;
          const known = await shared.recall(key);
          if (known !== null) return known as unknown as KubernetesObject;
          const found = await api.get(ref);
          if (found !== null) shared.remember(key, found as unknown as Json, namespaceSeconds);
          return found;
        },
      };
    },
  };
}
