// A template as the compiler leaves it: names resolved, durations in seconds, parameters under their canonical names,
// expressions checked but still text. `file:line:column` of what matters is kept for findings and `explain`.
import type { Json, JsonObject } from "../json.ts";
import type { Risk } from "./action-description.ts";

export interface Position {
  readonly file: string;
  readonly line: number;
  readonly column: number;
}

export interface TemplateCall {
  /** Canonical action name. */
  readonly action: string;
  /** Canonical parameter names; strings may hold `{{ }}`. */
  readonly parameters: Readonly<Record<string, Json>>;
}

export interface TemplateStep {
  readonly name: string;
  /** As `depends_on` says, or the step above, or none for `parallel: true`. */
  readonly dependsOn: readonly string[];
  readonly call: TemplateCall;
  readonly conditions: readonly string[];
  readonly preconditions: readonly string[];
  readonly postconditions: readonly string[];
  /** null: the action's default. */
  readonly timeoutSeconds: number | null;
  readonly retry: {
    readonly attempts: number;
    readonly backoffSeconds: number;
    readonly maxBackoffSeconds: number;
  };
  readonly onFailure: "rollback" | "continue" | "stop";
  readonly alternatives: readonly TemplateCall[];
  /** null: the action's own inverse. */
  readonly rollback: TemplateCall | null;
  readonly approvalRequired: boolean;
  /** By parameter. Left out: none of them is adapted. */
  readonly adapt?: Readonly<Record<string, AdaptBounds>>;
  /** `subjects`: planned once for each subject, and skipped for those that are well again when it starts. */
  readonly forEach: "subjects" | null;
  readonly position: Position;
}

/** How far a parameter may be changed when its step starts, and by what. */
export interface AdaptBounds {
  readonly minimum: number;
  readonly maximum: number;
  /** The load that one of them carries, and the one that it should; null: the bounds hold the planned value, nothing else. */
  readonly measure: { readonly promql: string; readonly target: number } | null;
}

/** What must hold besides the target's health for a remedy to count as effective. */
export interface EffectivenessCheck {
  readonly promql: string;
  /** CEL over `value`. */
  readonly expect: string;
}

/** It waits until the incident is over. */
export interface WaitingStep extends TemplateStep {
  /** So long after the end of the execution. */
  readonly keepSeconds: number;
}

export interface Template {
  readonly name: string;
  readonly version: string | null;
  readonly description: string;
  readonly alertTypes: readonly string[];
  /** People may start it by hand. */
  readonly manual: boolean;
  /** As declared, or the highest of its actions. */
  readonly risk: Risk;
  /** draft-07 fragments by parameter name. */
  readonly parameters: Readonly<Record<string, JsonObject>>;
  readonly steps: readonly TemplateStep[];
  /** Once, after everything else, however the execution ends after its first step. */
  readonly finally: readonly TemplateStep[];
  /** Once, when the incident is over. */
  readonly whenResolved: readonly WaitingStep[];
  /** Another template, tried once when this one has failed and was undone. */
  readonly fallback: string | null;
  /** CEL of the whole workflow: before the first step, after the last. */
  readonly validation: { readonly preconditions: readonly string[]; readonly success: readonly string[] };
  readonly effectiveness: { readonly delaySeconds: number; readonly checks: readonly EffectivenessCheck[] };
  readonly timeoutSeconds: number;
  readonly maxParallel: number;
  /** It remedies ill health and nothing else: a target that is well before the first change is left alone. */
  readonly stopWhenHealthy?: true;
  readonly cooldownSeconds: number;
  /** sha256 of the RFC 8785 text of the document, without comments and formatting. */
  readonly hash: string;
  readonly position: Position;
}
