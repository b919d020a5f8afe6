// Any object, any change, anybody else writing at any moment: undo gives back what gitmend wrote where it still stands, and
// touches nothing else. On the patches of the simulated API server, with the effects as the engine makes them.
import fc from "fast-check";
import { expect, it } from "vitest";
import type { ActionContext, ActionTools } from "../../src/actions/action.ts";
import { sameJson } from "../../src/actions/differences.ts";
import { effects } from "../../src/actions/effects.ts";
import { toPointer, valueAt } from "../../src/actions/json-pointer.ts";
import { mergeWrites } from "../../src/actions/merge-patch.ts";
import { patchEffect } from "../../src/actions/patch-effect.ts";
import type { KubernetesObject, ObjectRef } from "../../src/domain/facts/objects.ts";
import { isObject, type Json, type JsonObject } from "../../src/domain/json.ts";
import type { PatchEffect } from "../../src/domain/planning/effect.ts";
import { Problem, toProblem } from "../../src/domain/problem.ts";
import { jsonPatch } from "../../src/simulation/patches.ts";

const ref: ObjectRef = { cluster: "c", apiVersion: "v1", kind: "ConfigMap", namespace: "n", name: "o" };
const context = (effectKey: string): ActionContext => ({
  executionId: "e",
  step: "s",
  effectKey,
  cluster: "c",
  target: null,
});

/** Few names, so that people and gitmend meet; two that a pointer has to escape. */
const names = fc.constantFrom("a", "b", "c", "x/y", "~");
const leaf = fc.oneof(fc.integer({ min: 0, max: 3 }), fc.constantFrom("one", "two"), fc.boolean());
const value: fc.Arbitrary<Json> = fc.letrec<{ value: Json; map: Json }>((tie) => ({
  value: fc.oneof({ maxDepth: 3 }, leaf, tie("map"), fc.array(leaf, { maxLength: 3 })),
  map: fc.dictionary(names, tie("value"), { maxKeys: 3 }) as fc.Arbitrary<Json>,
})).value;
const map = fc.dictionary(names, value, { maxKeys: 4 }) as fc.Arbitrary<JsonObject>;
const patch = fc.dictionary(names, fc.oneof(value, fc.constant(null)), { minKeys: 1, maxKeys: 3 });
/** What somebody else does: a whole field below `data`, or a label. */
const write = fc.record({
  path: fc.array(names, { minLength: 1, maxLength: 2 }),
  value: fc.option(value, { nil: undefined }),
});
const writers = fc.array(write, { maxLength: 2 });

interface Store {
  object: KubernetesObject;
  readonly tools: ActionTools;
  somebodyWrites(path: readonly string[], value: Json | undefined): void;
}

function storeOf(data: JsonObject, annotated: boolean): Store {
  const metadata = { name: "o", uid: "u", resourceVersion: "1", ...(annotated ? { annotations: {} } : {}) };
  const store = {
    object: { apiVersion: "v1", kind: "ConfigMap", metadata, data } as unknown as KubernetesObject,
  };
  const put = (next: unknown) => {
    store.object = structuredClone(next) as KubernetesObject;
    const version = String(Number(store.object.metadata.resourceVersion) + 1);
    (store.object.metadata as { resourceVersion: string }).resourceVersion = version;
    return store.object;
  };
  const api = {
    get: async () => structuredClone(store.object),
    patch: async (_ref: ObjectRef, operations: readonly { readonly op: string; readonly path: string }[]) => {
      const [first] = operations as readonly { readonly value?: Json }[];
      if (first?.value !== store.object.metadata.resourceVersion)
        throw new Problem("API_CONFLICT", "changed meanwhile", { retryable: true });
      return put(jsonPatch(store.object as never, operations as never));
    },
  };
  return Object.assign(store, {
    tools: { cluster: () => api } as unknown as ActionTools,
    somebodyWrites(path: readonly string[], written: Json | undefined) {
      const next = structuredClone(store.object) as unknown as { data: Record<string, unknown> };
      const parents = path.slice(0, -1);
      let at = next.data;
      for (const key of parents) {
        if (!isObject(at[key])) at[key] = {};
        at = at[key] as Record<string, unknown>;
      }
      if (written === undefined) delete at[path.at(-1) ?? ""];
      else at[path.at(-1) ?? ""] = written;
      put(next);
    },
  });
}

/** As people see it: without bookkeeping and gitmend's own annotations. */
function shown({ object }: Store): Json {
  const { metadata, ...rest } = structuredClone(object) as unknown as {
    metadata: { annotations?: Record<string, string> };
  };
  const annotations = Object.entries(metadata.annotations ?? {}).filter(
    ([name]) => !name.startsWith("gitmend.dev/"),
  );
  return { ...rest, annotations: Object.fromEntries(annotations) } as Json;
}

/** As a step goes: read, somebody may write, send; a conflict reads again. */
async function change(store: Store, wanted: JsonObject, before: Writes): Promise<PatchEffect> {
  for (let tries = 0; ; tries += 1) {
    const effect = patchEffect(ref, store.object, mergeWrites({ data: wanted }, store.object as never));
    if (tries === 0) all(store, before);
    try {
      await effects.apply(effect, context("e/s"), store.tools);
      return effect;
    } catch (error) {
      if (toProblem(error).code !== "API_CONFLICT" || tries > 3) throw error;
    }
  }
}

type Writes = readonly { readonly path: readonly string[]; readonly value: Json | undefined }[];
const all = (store: Store, writes: Writes) => {
  for (const { path, value: written } of writes) store.somebodyWrites(path, written);
};

/** As an undo goes. @returns what stood there directly before the write that took it back; null: nothing was left to take back */
async function undo(store: Store, effect: PatchEffect, before: Writes): Promise<KubernetesObject | null> {
  for (let tries = 0; ; tries += 1) {
    try {
      const restore = await effects.prepareRestore(effect, context("e/s/undo"), store.tools);
      if (tries === 0) all(store, before);
      if (restore === null) return null;
      const seen = structuredClone(store.object);
      await effects.apply(restore, context("e/s/undo"), store.tools);
      return seen;
    } catch (error) {
      const { code } = toProblem(error);
      if (code === "FIELD_CHANGED_SINCE") return null;
      if (code !== "API_CONFLICT" || tries > 3) throw error;
    }
  }
}

it("undo gives the whole object back when nobody else has written", async () => {
  await fc.assert(
    fc.asyncProperty(map, patch, fc.boolean(), async (data, wanted, annotated) => {
      const store = storeOf(data, annotated);
      const start = shown(store);
      const effect = await change(store, wanted as JsonObject, []);
      await undo(store, effect, []);
      expect(shown(store)).toEqual(start);
    }),
    { numRuns: 1000 },
  );
});

it("undo gives back what gitmend wrote where it still stands, and keeps what others wrote, whenever they did", async () => {
  await fc.assert(
    fc.asyncProperty(
      map,
      patch,
      fc.record({ early: writers, between: writers, late: writers }),
      async (data, wanted, { early, between, late }) => {
        const store = storeOf(data, false);
        const effect = await change(store, wanted as JsonObject, early);
        all(store, between);
        const seen = await undo(store, effect, late);
        if (seen === null) return;
        for (const { pointer, before, after } of effect.changes) {
          const stood = valueAt(seen, pointer);
          const expected = sameJson(stood, after) ? before : stood;
          expect(valueAt(store.object, pointer)).toEqual(expected);
        }
        expectElsewhereUntouched(seen, store.object, effect);
      },
    ),
    { numRuns: 2000 },
  );
});

/** Every leaf that is not below a field of the effect, nor in a map that the effect made, is as it was. */
function expectElsewhereUntouched(seen: KubernetesObject, now: KubernetesObject, effect: PatchEffect): void {
  const ours = (pointer: string) =>
    effect.changes.some((change) => pointer === change.pointer || pointer.startsWith(`${change.pointer}/`));
  const leaves = (document: unknown, at: readonly string[]): readonly (readonly [string, Json])[] =>
    isObject(document) && Object.keys(document).length > 0
      ? Object.entries(document).flatMap(([key, member]) => leaves(member, [...at, key]))
      : [[toPointer(at), document as Json]];
  const others = (object: KubernetesObject) =>
    leaves((object as unknown as { data: Json }).data, ["data"]).filter(
      ([pointer, leafValue]) => !ours(pointer) && !(isObject(leafValue) && mayBeEmptied(pointer, effect)),
    );
  expect(others(now)).toEqual(others(seen));
}

/** A map around fields that gitmend wrote is empty, or gone, when they are. */
function mayBeEmptied(pointer: string, { changes }: PatchEffect): boolean {
  return changes.some((change) => change.pointer.startsWith(`${pointer}/`));
}
