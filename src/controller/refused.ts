// Why a decided execution is not admitted after all: found in the deciding transaction, which has written nothing then. Types only.
import type { Breaker, BreakerRule } from "../domain/gate/breaker.ts";
import type { AppliedLimit } from "../domain/gate/limits.ts";
import type { BreakerQuestion } from "./breaker-ports.ts";

export type Refused = Busy | Told | Resting | Limited | Stopped;

/** What a cool-down is counted by. */
export interface RestCheck {
  /** `objectKey` of the target. */
  readonly target: string;
  /** null: a person starts it. */
  readonly alertName: string | null;
  readonly template: string;
  readonly cooldownSeconds: number;
  /** The execution that a person tries again, or that gives way. */
  readonly except: string | null;
}

export interface Resting {
  readonly result: "resting";
  /** For people. */
  readonly reason: string;
  readonly seconds: number;
}

/** Another live execution holds the claim. */
export interface Busy {
  readonly result: "busy";
  readonly executionId: string;
}

/** People were told already what this one would have told them. */
export interface Told {
  readonly result: "told";
}

export interface BreakerCheck {
  readonly rules: readonly BreakerRule[];
  readonly question: BreakerQuestion;
}

export interface Stopped {
  readonly result: "stopped";
  readonly breaker: Breaker;
}

export interface Limited {
  readonly result: "limited";
  readonly limit: AppliedLimit;
  /** For people. */
  readonly reason: string;
}
