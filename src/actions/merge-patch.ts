// A JSON merge patch (RFC 7396) as the single fields that it writes, and what no patch may name.
import { isObject, type Json, type JsonObject } from "../domain/json.ts";
import { Problem } from "../domain/problem.ts";
import { toPointer } from "./json-pointer.ts";
import type { FieldWrite } from "./patch-effect.ts";

/** The innermost fields that it names: maps are joined, everything else is one field; null removes. */
export function mergeWrites(
  patch: Json,
  present: Json | undefined,
  at: readonly string[] = [],
): readonly FieldWrite[] {
  const joins = isObject(patch) && (present === undefined || isObject(present));
  if (!joins) return [{ pointer: toPointer(at), value: patch === null ? undefined : withoutNulls(patch) }];
  const members = Object.entries(patch);
  if (members.length === 0 && present === undefined) return [{ pointer: toPointer(at), value: {} }];
  return members.flatMap(([key, value]) =>
    mergeWrites(value ?? null, isObject(present) ? own(present, key) : undefined, [...at, key]),
  );
}

function own(object: JsonObject, key: string): Json | undefined {
  return Object.hasOwn(object, key) ? object[key] : undefined;
}

/** What a map that takes the place of something else becomes; nulls in lists stay. */
function withoutNulls(value: Json): Json {
  if (!isObject(value)) return value;
  const kept = Object.entries(value).filter(([, member]) => member !== null && member !== undefined);
  return Object.fromEntries(kept.map(([key, member]) => [key, withoutNulls(member as Json)]));
}

const changeableMetadata: ReadonlySet<string> = new Set(["labels", "annotations"]);
const identity: ReadonlySet<string> = new Set(["apiVersion", "kind", "status"]);

/** @throws Problem PARAMETER_INVALID naming the field that no patch may write. */
export function refuseForbidden(patch: JsonObject): void {
  const { metadata, ...others } = patch;
  const top = Object.keys(others).find((key) => identity.has(key));
  if (top !== undefined) throw forbidden(`/${top}`);
  if (metadata === undefined) return;
  if (!isObject(metadata)) throw forbidden("/metadata");
  for (const [part, values] of Object.entries(metadata)) {
    if (!changeableMetadata.has(part)) throw forbidden(`/metadata/${part}`);
    if (!isObject(values)) throw forbidden(`/metadata/${part} as a whole`);
    const ours = Object.keys(values).find(
      (key) => /^([^/]*\.)?gitmend\.dev\//.test(key) || key === lastApplied,
    );
    if (ours !== undefined) throw forbidden(toPointer(["metadata", part, ours]));
  }
}

const lastApplied = "kubectl.kubernetes.io/last-applied-configuration";

function forbidden(field: string): Problem {
  return new Problem(
    "PARAMETER_INVALID",
    `a patch may not write ${field}: of metadata only single labels and annotations, never what names the object, its owners, its finalizers or its status`,
  );
}
