// An `escalate` rule runs through the same engine as a remedy: a built-in template of one step that tells people.
// So it is durable, recorded and shown like everything else.
import type { Template } from "./template.ts";

/** Reserved: no template of a catalog may have this name. */
export const escalationName = "escalate-to-people";

export interface EscalationOrder {
  readonly to: string | null;
  readonly severity: string;
  readonly message: string;
}

export function escalationTemplate({ to, severity, message }: EscalationOrder): Template {
  const position = { file: "built-in", line: 1, column: 1 };
  const channel = to === null ? {} : { channel: to };
  return {
    name: escalationName,
    version: null,
    description: "Tells people that an alert is theirs.",
    alertTypes: [],
    manual: false,
    risk: "low",
    parameters: {},
    steps: [
      {
        name: "tell-people",
        dependsOn: [],
        call: { action: "notify_team", parameters: { ...channel, severity, message } },
        conditions: [],
        preconditions: [],
        postconditions: [],
        timeoutSeconds: null,
        retry: { attempts: 5, backoffSeconds: 2, maxBackoffSeconds: 30 },
        onFailure: "stop",
        alternatives: [],
        rollback: null,
        approvalRequired: false,
        forEach: null,
        position,
      },
    ],
    finally: [],
    whenResolved: [],
    fallback: null,
    validation: { preconditions: [], success: [] },
    effectiveness: { delaySeconds: 600, checks: [] },
    timeoutSeconds: 900,
    maxParallel: 1,
    cooldownSeconds: 3600,
    hash: "built-in",
    position,
  };
}
