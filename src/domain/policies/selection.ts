// What selecting a template can come to, always with its reasons. Types only.
import type { FetchedFact } from "../facts/facts.ts";
import type { Usage } from "../facts/usage.ts";
import type { Json } from "../json.ts";
import type { Risk } from "../templates/action-description.ts";
import type { Repair } from "./rule.ts";

export type Selection =
  | {
      readonly kind: "match";
      /** `policy/rule`. */
      readonly rule: string;
      readonly template: string;
      /** Evaluated: no `{{ }}` left. */
      readonly parameters: Readonly<Record<string, Json>>;
      readonly reasons: readonly string[];
    }
  | {
      readonly kind: "escalate";
      readonly rule: string;
      /** A notification channel or team; null: the default channel. */
      readonly to: string | null;
      readonly severity: string;
      readonly message: string;
      readonly reasons: readonly string[];
    }
  /** A ladder is at its end, and nobody is to be told: decided again at `until`, when a try of it is old enough. */
  | {
      readonly kind: "exhausted";
      readonly rule: string;
      /** ISO 8601, UTC. */
      readonly until: string;
      readonly reasons: readonly string[];
    }
  /** One line for each rule that named the alert and did not match, and why. */
  | { readonly kind: "none"; readonly reasons: readonly string[] }
  /** A rule of higher priority than the best match read an unavailable fact. */
  | {
      readonly kind: "undecided";
      readonly rule: string;
      readonly fact: FetchedFact;
      readonly why: string;
      readonly reasons: readonly string[];
    };

/** A guard rule that fired, or that could not be evaluated (then its effect is `deny`). */
export type GuardVerdict = {
  readonly rule: string;
  readonly reason: string;
} /** `unknown`: only because something is not known now. */ & (
  | { readonly effect: "deny"; readonly unknown?: true }
  | {
      readonly effect: "require-approval";
      readonly from: readonly string[];
      readonly approvals: number;
      /** Who else is asked later, by time; left out: nobody. */
      readonly next?: readonly { readonly afterSeconds: number; readonly from: readonly string[] }[];
      readonly expiresSeconds: number;
      /** People are told again after so long without a decision; null: they are not. */
      readonly remindSeconds: number | null;
    }
  | { readonly effect: "limit"; readonly limit: Limit }
  | { readonly effect: "observe" }
  /** `waitSeconds`: how long people have to merge. */
  | { readonly effect: "repair"; readonly repair: Repair; readonly waitSeconds: number }
  | { readonly effect: "waive"; readonly maxRisk: Risk }
);

/** At most so many in what the scope counts together; null: it does not limit that. */
export interface Limit {
  readonly scope: LimitScope;
  readonly running: number | null;
  readonly starts: number | null;
  /** The time that `starts` and `share` count back. */
  readonly perSeconds: number;
  /** Percent of the nodes or pods of the scope; left out: it does not limit that. */
  readonly share?: number;
}

export type LimitScope = keyof Usage | "zone" | "workload";
