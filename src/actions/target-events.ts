// The Kubernetes Events that the engine leaves on its target: what `kubectl describe` shows of an execution. Texts only.
import type { ClusterApi } from "./action.ts";

export type TargetEvent = Parameters<ClusterApi["event"]>[1];

export interface TargetEventFacts {
  readonly executionId: string;
  readonly template: string;
  readonly alertName: string;
  /** One sentence on how it ended; not read by RemediationStarted. */
  readonly detail: string;
}

const kinds = {
  RemediationStarted: { type: "Normal", suffix: "started" },
  RemediationBreakGlass: { type: "Warning", suffix: "break-glass" },
  RemediationSucceeded: { type: "Normal", suffix: "succeeded" },
  RemediationRolledBack: { type: "Warning", suffix: "rolled-back" },
  RemediationFailed: { type: "Warning", suffix: "failed" },
} as const;

export type TargetEventReason = keyof typeof kinds;

/** The API server refuses longer ones. */
const longestMessage = 1024;

/** One Event for each execution and reason, whoever writes it: the name follows from both. */
export function targetEvent(reason: TargetEventReason, facts: TargetEventFacts): TargetEvent {
  const { type, suffix } = kinds[reason];
  const message = messageOf(reason, facts);
  return {
    name: `gitmend-${facts.executionId}-${suffix}`,
    type,
    reason,
    message: message.length > longestMessage ? `${message.slice(0, longestMessage - 1)}…` : message,
  };
}

function messageOf(
  reason: TargetEventReason,
  { executionId, template, alertName, detail }: TargetEventFacts,
): string {
  const more = detail === "" ? "" : `: ${detail}`;
  const see = `(gitmend execution ${executionId})`;
  switch (reason) {
    case "RemediationStarted":
      return `${template} started because of ${alertName} ${see}`;
    case "RemediationBreakGlass":
      return `${template} goes on without the approvals it needs${more} ${see}`;
    case "RemediationSucceeded":
      return `${template} succeeded${more} ${see}`;
    case "RemediationRolledBack":
      return `${template} was taken back${more} ${see}`;
    case "RemediationFailed":
      return `${template} failed and needs a person${more} ${see}`;
    default:
      return reason satisfies never;
  }
}
