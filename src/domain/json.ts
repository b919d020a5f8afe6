// JSON as a type, its canonical text (RFC 8785) and its hash: what digests and hash chains are made of.
import { createHash } from "node:crypto";
import canonicalize from "canonicalize";

export type Json =
  | null
  | boolean
  | number
  | string
  | readonly Json[]
  | { readonly [key: string]: Json | undefined };
export type JsonObject = { readonly [key: string]: Json | undefined };

/** RFC 8785 text. Members whose value is `undefined` are left out, as JSON.stringify does. */
export function canonicalJson(value: Json | object): string {
  const serialize = canonicalize as unknown as (input: unknown) => string | undefined;
  return serialize(value) ?? "null";
}

/** Lower-case hex sha256 of UTF-8 text. */
export function sha256(text: string): string {
  return createHash("sha256").update(text, "utf8").digest("hex");
}

export function isObject(value: unknown): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
