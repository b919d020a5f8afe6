// A plan: a template with everything filled in for one incident. Immutable; its digest is what people approve.
import type { ObjectRef, Subject } from "../facts/objects.ts";
import type { Json } from "../json.ts";
import type { Risk } from "../templates/action-description.ts";
import type { CustomAction } from "../templates/custom-action.ts";
import type { Scope } from "../templates/scope.ts";
import type { AdaptBounds, EffectivenessCheck } from "../templates/template.ts";

/** One action with its input. Strings may still hold `{{ steps[...] }}` expressions, computed when the step starts. */
export interface ActionCall {
  /** Canonical action name. */
  readonly action: string;
  readonly input: Readonly<Record<string, Json>>;
}

export interface RetryPolicy {
  /** Tries in all, the first one included. */
  readonly attempts: number;
  readonly backoffSeconds: number;
  readonly maxBackoffSeconds: number;
}

export type Undo =
  | { readonly how: "restore" }
  | { readonly how: "stop"; readonly why: string }
  | { readonly how: "action"; readonly call: ActionCall }
  | { readonly how: "nothing"; readonly why: string };

export interface PlannedStep {
  /**
   * Unique in the plan. Beside the template's own names: `restart[2]` of a step for each subject, `workflow/preconditions` and
   * `workflow/success`, `finally/<name>`, and `fallback/<name>` before any of these for the fallback's.
   */
  readonly name: string;
  readonly dependsOn: readonly string[];
  readonly call: ActionCall;
  /** CEL, all must hold, else the step is skipped. */
  readonly conditions: readonly string[];
  /** CEL, all must hold, else the step fails before it starts. */
  readonly preconditions: readonly string[];
  /** CEL with `output`, all must hold, else the step fails after it ran. */
  readonly postconditions: readonly string[];
  readonly timeoutSeconds: number;
  readonly retry: RetryPolicy;
  readonly onFailure: "rollback" | "continue" | "stop";
  /** In order, when the action failed for good; each with its own way back. */
  readonly alternatives: readonly { readonly call: ActionCall; readonly undo: Undo }[];
  readonly undo: Undo;
  /** Bounds within which parameters of the call may be changed when the step starts; queries are filled in. */
  readonly adapt?: Readonly<Record<string, AdaptBounds>>;
  /** Whether the action or one of its alternatives changes something. */
  readonly changes: boolean;
  /** Of a step for each subject: the one that it is about. It is skipped when that is gone or well again. */
  readonly subject: Subject | null;
  /**
   * Keys of the objects that it changes, with their workload: steps that share one do not run side by side. Left out by steps that
   * change none.
   */
  readonly touches?: readonly string[];
}

/** Done once when the incident is over, by an execution of its own. */
export interface PlannedWait extends PlannedStep {
  /** So long after the end of the execution; then people are told instead. */
  readonly keepSeconds: number;
}

/** Steps that an earlier execution has done and this one does not: their outputs are there for those that come after. */
export interface Taken {
  readonly execution: string;
  /** By the name that the template gives it. */
  readonly steps: Readonly<Record<string, { readonly status: string; readonly output: Json }>>;
}

export interface Plan {
  readonly template: { readonly name: string; readonly version: string | null; readonly hash: string };
  readonly target: (ObjectRef & { readonly uid: string }) | null;
  readonly parameters: Readonly<Record<string, Json>>;
  /**
   * What gitmend.yaml allowed the folders that it comes from, when it was made: it stays within all of them, and acts as they say. Left
   * out: nothing of gitmend.yaml bounded them.
   */
  readonly scopes?: readonly Scope[];
  /** Left out: it begins at its first step. */
  readonly taken?: Taken;
  readonly steps: readonly PlannedStep[];
  /** Once, after everything else, however the execution ends after its first step. Never undone. */
  readonly finally: readonly PlannedStep[];
  /** What it leaves in place on purpose, taken back when the incident is over. Left out: nothing. */
  readonly whenResolved?: readonly PlannedWait[];
  /** The config repository's own actions that its calls name, whole: nothing is looked up when they run. */
  readonly actions?: readonly CustomAction[];
  /** What is tried, once, when the steps have failed and were undone. Its own fallback is always null. */
  readonly fallback: Plan | null;
  /** Why the template's fallback is not part of the plan ("nothing to roll back"). */
  readonly fallbackImpossible: string | null;
  readonly assessment: { readonly delaySeconds: number; readonly checks: readonly EffectivenessCheck[] };
  readonly risk: Risk;
  readonly timeoutSeconds: number;
  readonly maxParallel: number;
  /** A target that is well before the first change ends the execution. */
  readonly stopWhenHealthy?: true;
  readonly cooldownSeconds: number;
  /** The template itself demands an approval, whatever policies say. */
  readonly approvalRequired: boolean;
  /** What the plan touches: guards judge these. */
  readonly touches: {
    readonly clusters: readonly string[];
    readonly namespaces: readonly string[];
    readonly objects: readonly ObjectRef[];
    readonly actions: readonly string[];
  };
  /** `sha256:<hex>` of the RFC 8785 text of everything above. */
  readonly digest: string;
}

type Steps = Pick<Plan, "steps" | "finally" | "whenResolved" | "fallback">;

/** Every step that some path of the plan can take, the fallback's included. */
export function everyStep(plan: Steps): readonly PlannedStep[] {
  const { steps, fallback } = plan;
  return [...steps, ...(fallback === null ? [] : everyStep(fallback)), ...plan.finally];
}

/** What approving the plan approves: `everyStep`, and what a later execution does when the incident is over. */
export function everyApproved(plan: Steps): readonly PlannedStep[] {
  return [...everyStep(plan), ...(plan.whenResolved ?? []), ...(plan.fallback?.whenResolved ?? [])];
}

/** Whether some path of the plan changes something. */
export function changesSomething(plan: Steps): boolean {
  return everyStep(plan).some((step) => step.changes);
}
