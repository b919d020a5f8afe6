// An effect is the one change that an attempt makes, absolute and conditional, before it is made.
// It stands in StepStarted, so that whoever takes over can find out whether it happened and can undo it.

import { type ObjectRef, objectText } from "../facts/objects.ts";
import type { Json, JsonObject } from "../json.ts";
import type { LineEdit } from "./line-edit.ts";

/** One field that gitmend writes. A missing `before` or `after` means that the field is absent. */
export interface FieldChange {
  /** JSON pointer (RFC 6901) from the object's root: `/spec/replicas`. */
  readonly pointer: string;
  readonly before?: Json;
  readonly after?: Json;
  /** These are lines of a file, whole: the pointer is its path and the number of the first, `/apps/api.yaml:11`. */
  readonly lines?: true;
}

export interface PatchEffect {
  readonly kind: "patch";
  readonly object: ObjectRef;
  readonly uid: string;
  /** Sent with the write: a late or repeated write gets 409. */
  readonly resourceVersion: string;
  readonly changes: readonly FieldChange[];
  /** Pointers of parent maps that do not exist yet, outermost first. */
  readonly missingParents: readonly string[];
}

export interface DeleteEffect {
  readonly kind: "delete";
  readonly object: ObjectRef;
  readonly uid: string;
  readonly resourceVersion: string;
  readonly gracePeriodSeconds: number | null;
}

export interface SendEffect {
  readonly kind: "send";
  /** A configured notification channel. */
  readonly channel: string;
  readonly message: { readonly title: string; readonly text: string; readonly severity: string };
}

/** An object that is not there yet. Its name comes from the effect key, so that sent twice it is refused as there already. */
export interface CreateEffect {
  readonly kind: "create";
  readonly object: ObjectRef;
  /** Whole, as it is sent; Secrets are referred to by name. */
  readonly manifest: JsonObject;
  /** ISO 8601, UTC. Until then nothing clears it away by itself: an object that is not there was never made. */
  readonly provenUntil: string;
}

/** One HTTP request to an endpoint of gitmend.yaml, whose address and credential stand there and nowhere else. */
export interface HttpCall {
  readonly endpoint: string;
  readonly method: "GET" | "POST" | "PUT" | "PATCH" | "DELETE";
  /** Below the endpoint's address, not encoded. */
  readonly path: readonly string[];
  readonly query: Readonly<Record<string, string>>;
  readonly headers: Readonly<Record<string, string>>;
  /** Sent as JSON; null: no body. */
  readonly body: Json;
}

/**
 * Looks whether a request has had its effect: CEL over `status` and `body` of an answer, or over `object` (null: none), and over
 * what `scope` holds (`params`, `effect`).
 */
export type Probe = { readonly expect: string; readonly scope: JsonObject } & (
  | { readonly call: HttpCall }
  | { readonly object: ObjectRef }
);

/** A request to another system. */
export interface RequestEffect {
  readonly kind: "request";
  readonly call: HttpCall;
  /** null: nobody can tell afterwards whether it happened. */
  readonly probe: Probe | "awx-job" | null;
  /** ISO 8601, UTC: when it was prepared. */
  readonly at: string;
}

/** A branch with one commit in a repository of `sources`, for people to merge. The same effect is always the same commit. */
export interface BranchEffect {
  readonly kind: "branch";
  /** Whose manifest it changes. */
  readonly object: ObjectRef;
  /** As `sources` spells it. */
  readonly repository: string;
  /** `gitmend/<short id>`. */
  readonly branch: string;
  /** Where it is to be merged. */
  readonly base: string;
  readonly baseCommit: string;
  readonly edits: readonly LineEdit[];
  /** First line of the commit, for people. */
  readonly title: string;
  readonly reason: string;
  /** ISO 8601, UTC: when it was prepared. */
  readonly at: string;
}

export type Effect = PatchEffect | DeleteEffect | SendEffect | CreateEffect | RequestEffect | BranchEffect;

/** What an effect is made on, for people. */
export function effectText(effect: Effect): string {
  switch (effect.kind) {
    case "send":
      return effect.channel;
    case "request":
      return `${effect.call.endpoint}: ${effect.call.method} /${effect.call.path.join("/")}`;
    case "branch":
      return `${effect.repository}: branch ${effect.branch}`;
    default:
      return objectText(effect.object);
  }
}

/** What the API server said to the dry-run of one step's effect. `estimated`: computed here, not by the server. */
export interface Preview {
  readonly step: string;
  readonly summary: string;
  readonly changes: readonly FieldChange[];
  readonly source: "server" | "estimated";
  /** Why a safety rule would refuse it now, for people. Asked again right before the effect. */
  readonly refused?: string;
}
