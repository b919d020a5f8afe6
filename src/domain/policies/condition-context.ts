// What compiling the conditions of a rule needs to know, and what a missing value counts as where a condition does not say it:
// it makes a guard fire and a selection rule not match.
import type { FindingList } from "../templates/finding-list.ts";
import type { DataPath } from "../yaml-findings.ts";
import type { ValueSurroundings } from "./compile-value.ts";
import type { Condition } from "./policy.generated.ts";
import type { Leaf } from "./rule.ts";

export type RuleKind = "selection" | "guard";

export interface ConditionContext extends ValueSurroundings {
  readonly kind: RuleKind;
  /** A rule that only loosens must not do so for want of a value. */
  readonly holdsWhenMissing: boolean;
  readonly shared: Readonly<Record<string, Condition>>;
  readonly list: FindingList;
  /** Every leaf, in order. */
  readonly leaves: Leaf[];
}

/** Where a condition stands. */
export interface Place {
  readonly path: DataPath;
  /** Whether a true answer here helps the rule to hold. */
  readonly helps: boolean;
  /** Shared conditions that are being put in, outermost first. */
  readonly within: readonly string[];
}

export function missingCounts({ holdsWhenMissing }: ConditionContext, helps: boolean): boolean {
  return holdsWhenMissing === helps;
}
