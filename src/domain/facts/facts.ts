// The facts that rules read. A fact is a value or says why it is not there. Types only.
import type { Alert } from "./alert.ts";
import type { Subject, Target } from "./objects.ts";

export type Fact<T> =
  | { readonly available: true; readonly value: T }
  | { readonly available: false; readonly why: string };

/** Facts that cost a call; the others (alert, cluster, now) are always at hand. */
export type FetchedFact = "subject" | "subjects" | "target" | "namespace" | "owner" | "history";

export interface Named {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
}

/** Executions for the same alert name and target, newest first, at most 100 within 7 days. */
export interface History {
  readonly attempts: readonly {
    readonly at: string;
    readonly template: string;
    readonly outcome: string | null;
    /** Left out where an attempt is only assumed. */
    readonly executionId?: string;
    /** It has ended before its first step. */
    readonly neverStarted?: true;
  }[];
}

/** Whom the target belongs to, as `ownership` of gitmend.yaml finds it. null: nobody is named. */
export interface Owner {
  readonly team: string | null;
}

/** `subject` and `target` are null when the alert names no object (that is a value, not a missing fact). */
export interface Facts {
  readonly alert: Alert;
  readonly cluster: Named;
  /** ISO 8601, UTC. */
  readonly now: string;
  readonly subject: Fact<Subject | null>;
  /** Of every open firing of the same alert name whose target is this one, its own first. */
  readonly subjects: Fact<readonly Subject[]>;
  readonly target: Fact<Target | null>;
  readonly namespace: Fact<Named | null>;
  readonly owner: Fact<Owner>;
  readonly history: Fact<History>;
}
