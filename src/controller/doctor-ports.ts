// What the checks of `gitmend doctor` ask of a cluster, and what each of them says.
import type { RunAs } from "../domain/templates/scope.ts";
import type { AccessQuestion } from "./rbac-in-use.ts";

export interface Check {
  readonly name: string;
  readonly status: "ok" | "warn" | "fail";
  readonly detail: string;
  /** What to do; null: nothing. */
  readonly mend: string | null;
}

export interface ExaminedCluster {
  readonly name: string;
  readonly server: string;
  /** @throws Problem API_* */
  version(signal: AbortSignal): Promise<string>;
  /** Whether gitmend's own account may do this, or that of `runAs`. @throws Problem API_* */
  mayDo(question: AccessQuestion, signal: AbortSignal, runAs?: RunAs | null): Promise<boolean>;
}
