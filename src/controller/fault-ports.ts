// Where a test strikes: places in the engine and the publisher, each at a boundary that a crash may fall on.
/** Named places where a test may stop or kill the process. Does nothing in production. */
export type FaultPoint =
  // Around every append of an execution, whatever its events are.
  | "append-before"
  | "append-after"
  | "decision-before-commit"
  | "decision-after-commit"
  | "objects-claimed"
  | "step-before-start"
  | "step-after-start"
  | "step-after-effect"
  | "step-before-outcome"
  | "step-after-outcome"
  | "undo-after-start"
  | "undo-after-effect"
  | "undo-after-outcome"
  | "ended-before-append"
  | "ended-after-append"
  | "record-after-commit"
  | "record-after-push"
  | "repair-after-push"
  | "approval-after-open"
  | "approval-after-tell";

export interface Faults {
  at(point: FaultPoint): Promise<void>;
}
