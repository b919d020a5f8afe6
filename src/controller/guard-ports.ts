// The catalog whose guards hold until people have approved weaker ones, and who those people are.
import type { CatalogFile } from "./ports.ts";

export interface ApprovedCatalog {
  readonly revision: string;
  readonly files: readonly CatalogFile[];
}

/** A revision that stops less, and what it is, for people. */
export interface Loosening {
  readonly revision: string;
  /** One sentence each. */
  readonly guards: readonly string[];
  readonly reason: string;
}

export interface GuardStore {
  /** null: none was ever in use. */
  approved(): Promise<ApprovedCatalog | null>;
  /**
   * Puts `next` in the place of the revision `expected`; in the same transaction `loosened` is an act of control, by these people.
   * false: another one stands there by now, nothing was written. @throws Problem DATABASE_UNAVAILABLE
   */
  approve(
    expected: string | null,
    next: ApprovedCatalog,
    loosened: (Loosening & { readonly by: readonly string[] }) | null,
  ): Promise<boolean>;
  /** Records that it is held back: an act of control, once. */
  hold(loosening: Loosening): Promise<void>;
  /** It was approved before, and something else since. */
  isSpent(revision: string): Promise<boolean>;
}

/** Of gitmend.yaml. */
export interface LooseningRules {
  /** People and teams; empty: any configured approver. */
  readonly from: readonly string[];
  /** Different people. Two at least: one of them may have written the commit. */
  readonly signatures: number;
}
