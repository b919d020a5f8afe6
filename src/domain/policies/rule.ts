// A rule as the compiler leaves it: a tree of checked conditions, all of it data, so that another thread can compile and hand it
// over. rule-set.ts brings it to life. Types only.
import type { FetchedFact } from "../facts/facts.ts";
import type { Json } from "../json.ts";
import type { Risk } from "../templates/action-description.ts";
import type { Scope } from "../templates/scope.ts";
import type { Position } from "../templates/template.ts";
import type { FactPath } from "./fact-path.ts";
import type { OperatorName } from "./operators.ts";
import type {
  Condition,
  Deny,
  Escalate,
  Limit,
  RequireApproval,
  SelectTemplate,
  SetMode,
  SetRepair,
  WaiveApproval,
} from "./policy.generated.ts";

export type FactName = NonNullable<Condition["fact"]>;

/** Where a value stands. */
export interface FactPlace {
  readonly fact: FactName;
  readonly path: FactPath;
  /** As it was written. */
  readonly pathText: string;
}

/** A question about the facts, with a place in its rule that says what an answer which is not there counts as. */
export type Leaf = {
  /** Unique in its rule. */
  readonly id: number;
  /** Whether a true answer helps the rule to hold: not so under an odd number of `not`. */
  readonly helps: boolean;
  /** What a missing value counts as. */
  readonly whenMissing: boolean;
  /** Whether the condition itself says so (`missing:`). */
  readonly missingStated: boolean;
  /** Facts that may be unavailable. */
  readonly facts: readonly FetchedFact[];
  /** For people: `target.kind equal "Deployment"`. */
  readonly text: string;
} & (
  | (FactPlace & {
      readonly kind: "comparison";
      /** What it is compared with, unless that is another fact's value. */
      readonly wanted: Json;
      readonly other: FactPlace | null;
      readonly operator: OperatorName;
    })
  /** `text` is the source; `scope` says what it may read; `shared` are the conditions that it names. */
  | {
      readonly kind: "expression";
      readonly scope: "selection" | "guard";
      readonly shared: readonly { readonly name: string; readonly condition: ConditionTree }[];
    }
);

export type ConditionTree =
  | { readonly all: readonly ConditionTree[] }
  | { readonly any: readonly ConditionTree[] }
  | { readonly not: ConditionTree }
  | { readonly leaf: Leaf };

export interface RuleBase {
  /** `policy/rule`. */
  readonly name: string;
  /** null: all alerts. */
  readonly alertNames: readonly string[] | null;
  readonly condition: ConditionTree;
  readonly leaves: readonly Leaf[];
  /** Facts that it reads, the parameters of its event included. */
  readonly facts: ReadonlySet<FetchedFact>;
  readonly position: Position;
}

export type SelectionEvent = SelectTemplate | Escalate;
export type GuardEvent = RequireApproval | Deny | Limit | SetMode | SetRepair | WaiveApproval;
/** Where something is repaired: in the cluster, in the repository of its manifest, or there after the cluster. */
export type Repair = SetRepair["params"]["repair"];

export interface SelectionRule extends RuleBase {
  readonly priority: number;
  readonly event: SelectionEvent;
}

export interface GuardRule extends RuleBase {
  /** It asks how much is under way, which has to be counted. */
  readonly readsUsage: boolean;
  readonly event: GuardEvent;
}

/** What guards see of a plan. A Plan of the planner is one. */
export interface GuardedPlan {
  readonly risk: Risk;
  readonly digest: string;
  readonly template: { readonly name: string };
  /** Where it repairs. Left out: live. */
  readonly repair?: Repair;
  /** That bound it; left out: it was made without. */
  readonly scopes?: readonly Scope[];
  readonly touches: {
    readonly clusters: readonly string[];
    readonly namespaces: readonly string[];
    readonly objects: readonly {
      readonly cluster?: string;
      readonly kind: string;
      readonly namespace: string | null;
      readonly name: string;
      /** Where the object was read. */
      readonly labels?: Readonly<Record<string, string>>;
    }[];
    readonly actions: readonly string[];
  };
}
