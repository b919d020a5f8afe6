// What a check of a step is handed: the effect as data, before it is announced. What an undo writes is not checked this way:
// it takes back what gitmend did, and only protection stops it.
import type { ActionTools } from "../../actions/action.ts";
import type { FoundObject } from "../../actions/protected.ts";
import type { ObjectRef } from "../../domain/facts/objects.ts";
import type { Effect } from "../../domain/planning/effect.ts";
import type { RunAs } from "../../domain/templates/scope.ts";

export type WritingVerb = Extract<Effect["kind"], "patch" | "delete" | "create">;

/** One right on one object. */
export interface AccessNeed {
  readonly verb: WritingVerb;
  readonly object: ObjectRef;
}

export interface CheckedEffect {
  readonly effect: Effect;
  /** The object of the effect and its namespace, as they were read just now; none when nothing in a cluster is written. */
  readonly found: readonly FoundObject[];
  readonly tools: ActionTools;
  /** Whom the step acts as; left out: gitmend's own account. */
  readonly runAs?: RunAs | null;
  /** What taking it back needs (undo-access.ts). Left out: nothing that can be told. */
  readonly undoNeeds?: readonly AccessNeed[];
}

/** @throws Problem when the effect may not be made; its message says what a person can do. */
export type StepCheck<Ports> = (checked: CheckedEffect, ports: Ports) => Promise<void> | void;
