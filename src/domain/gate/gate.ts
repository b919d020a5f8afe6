// The gate's vocabulary: what stands between a plan and its first step. Types only.
import type { FieldChange } from "../planning/effect.ts";

export interface ApprovalDemand {
  /** Teams and people of `gitmend.yaml`: `team:sre`, `ana`. Empty: any configured approver. */
  readonly from: readonly string[];
  readonly approvals: number;
  /** Who else is told and may approve when it is not met after a while, by time; left out: nobody. */
  readonly next?: readonly NextApprovers[];
}

export interface NextApprovers {
  /** Counted from the decision of the gate. */
  readonly afterSeconds: number;
  readonly from: readonly string[];
}

/** The next ones of a demand, who may approve from now on. */
export interface AddedApprovers extends NextApprovers {
  /** 0-based index of the demand in the gate. */
  readonly demand: number;
}

/** Why the gate is as it is: one line for each guard rule that fired or could not be evaluated, and for built-in rules. */
export interface GateReason {
  /** `policy/rule`, `floor/rule`, or `built-in/high-risk`, `built-in/protected`, `built-in/template`. */
  readonly rule: string;
  /** `limit` refuses in a refused gate, and was kept in any other; `waive` has lifted the built-in approval; `repair` has chosen where. */
  readonly effect: "require-approval" | "deny" | "limit" | "observe" | "waive" | "repair";
  readonly reason: string;
}

export type Gate =
  | { readonly kind: "open"; readonly reasons: readonly GateReason[] }
  | {
      readonly kind: "approval";
      /** All must be met; one person may count for two demands, once each. */
      readonly demands: readonly ApprovalDemand[];
      readonly expiresSeconds: number;
      /** People are told again after so long without a decision; left out: they are not. */
      readonly remindSeconds?: number;
      readonly reasons: readonly GateReason[];
    }
  | { readonly kind: "refused"; readonly reasons: readonly GateReason[] };

export type Mode = "observe" | "live";

/** What people have changed of the plan that they were asked about. */
export interface PlanEdit {
  /** They do not count as approvers any more. */
  readonly by: readonly string[];
  /** `/name` of each parameter. */
  readonly changes: readonly FieldChange[];
}

/** An approval that counts. `verified`: the person is the principal of the commit's signature. */
export interface Approval {
  readonly by: string;
  readonly at: string;
  readonly commit: string;
  readonly verified: boolean;
}
