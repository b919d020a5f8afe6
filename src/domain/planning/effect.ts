// An effect is the one change that an attempt makes, absolute and conditional, before it is made.
// It stands in StepStarted, so that whoever takes over can find out whether it happened and can undo it.

import type { ObjectRef } from "../facts/objects.ts";
import type { Json } from "../json.ts";

/** One field that gitmend writes. A missing `before` or `after` means that the field is absent. */
export interface FieldChange {
  /** JSON pointer (RFC 6901) from the object's root: `/spec/replicas`. */
  readonly pointer: string;
  readonly before?: Json;
  readonly after?: Json;
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

export type Effect = PatchEffect | DeleteEffect | SendEffect;

/** What the API server said to the dry-run of one step's effect. `estimated`: computed here, not by the server. */
export interface Preview {
  readonly step: string;
  readonly summary: string;
  readonly changes: readonly FieldChange[];
  readonly source: "server" | "estimated";
}
