// What the compiler, the planner and the documents know of an action: data, no behaviour.
// src/actions/ implements them; the domain receives the list and never imports the actions.
import type { JsonObject } from "../json.ts";

export const risks = ["low", "medium", "high", "critical"] as const;
export type Risk = (typeof risks)[number];

export interface RbacRule {
  readonly apiGroup: string;
  readonly resource: string;
  readonly verbs: readonly ("get" | "list" | "watch" | "create" | "patch" | "update" | "delete")[];
}

export type ActionUndo =
  /** The fields that it wrote are written back while they still hold what gitmend wrote. */
  | { readonly how: "restore" }
  /** What runs in another engine is ended; says why nothing else is taken back. */
  | { readonly how: "stop"; readonly why: string }
  /** Another action of the catalogue. */
  | { readonly how: "action"; readonly action: string }
  /** There is nothing to take back; says why. Read-only actions are of this kind. */
  | { readonly how: "nothing"; readonly why: string };

export interface ActionDescription {
  readonly name: string;
  readonly aliases: readonly string[];
  readonly type: "kubernetes" | "monitoring" | "custom";
  readonly summary: string;
  readonly risk: Risk;
  readonly changes: boolean;
  /** false: an unknown outcome is for people; such a call is never sent twice. */
  readonly idempotent: boolean;
  /** draft-07 object schema of the input; `additionalProperties: false`. */
  readonly input: JsonObject;
  /** Other spellings of parameters: `{ name: "pod" }` accepts `name` for `pod`. */
  readonly parameterAliases: Readonly<Record<string, string>>;
  /** Parameters that choose an object; fixed when the plan is made. */
  readonly identity: readonly string[];
  /** Parameters that may hold free text (annotations, log lines). */
  readonly text: readonly string[];
  /** Parameters that are PromQL: values enter them through `promql(x)` alone. */
  readonly promql?: readonly string[];
  /** Whole numbers that a step's `adapt` may change: the parameter, and the field of the effect (JSON pointer) that it sets. */
  readonly adaptable?: Readonly<Record<string, string>>;
  /** Parameters that take no expressions: what a person wrote is run, values enter it from outside (`env`). */
  readonly literal?: readonly string[];
  /** draft-07 schema of the output, for type-checking `steps['x'].output`. */
  readonly output: JsonObject;
  readonly rbac: readonly RbacRule[];
  readonly undo: ActionUndo;
  /** What it leaves must not last: `finally` of a template that uses it has to hold this action, on the same object. */
  readonly takenBackBy?: string;
  readonly timeoutSeconds: number;
  /** Parameter that holds a wait (a duration): the step's default timeout is that + 30 s. */
  readonly waitParameter: string | null;
}
