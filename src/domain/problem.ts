// The one error class. Codes are a closed list; docs/problems.md has a section for each and a test checks it.
// One place turns a Problem into problem+json (server/problem-response.ts), one into terminal text (cli/).

export type ProblemCode =
  // reading what people wrote
  | "CATALOG_INVALID"
  | "CONFIG_INVALID"
  | "USAGE"
  | "PAYLOAD_INVALID"
  | "PAYLOAD_TOO_LARGE"
  // talking to people and programs
  | "UNAUTHENTICATED"
  | "FORBIDDEN"
  | "NOT_FOUND"
  | "CONTROLLER_UNREACHABLE"
  // database and ownership
  | "DATABASE_UNAVAILABLE"
  | "DATABASE_TOO_NEW"
  | "DATA_FOLDER_IN_USE"
  | "EVENT_UNKNOWN"
  | "EXECUTION_MOVED_ON"
  | "LEASE_LOST"
  | "OVERLOADED"
  | "POSITION_GONE"
  | "REPLICA_ALIVE"
  // planning
  | "TARGET_AMBIGUOUS"
  | "TARGET_GONE"
  | "PARAMETER_INVALID"
  | "NOT_NOW"
  | "EXPRESSION_FAILED"
  | "ALERTMANAGER_UNAVAILABLE"
  // Kubernetes
  | "API_CONFLICT"
  | "API_FORBIDDEN"
  | "API_INVALID"
  | "API_NOT_FOUND"
  | "API_THROTTLED"
  | "API_UNREACHABLE"
  | "API_OUTCOME_UNKNOWN"
  | "CLUSTER_UNKNOWN"
  // steps
  | "PROTECTED_OBJECT"
  | "ACCESS_MISSING"
  | "SCOPE_EXCEEDED"
  | "LAST_READY_REPLICA"
  | "REPLICA_CHANGE_TOO_LARGE"
  | "DISRUPTION_NOT_ALLOWED"
  | "QUOTA_EXCEEDED"
  | "LIMIT_RANGE_EXCEEDED"
  | "NO_ROOM_ON_NODES"
  | "PRECONDITION_FAILED"
  | "POSTCONDITION_FAILED"
  | "NOTHING_TO_ROLL_BACK"
  | "NOT_HEALTHY"
  | "RUN_FAILED"
  | "OWNERLESS_POD"
  | "METRICS_UNAVAILABLE"
  | "METRICS_INVALID"
  | "CHANNEL_UNKNOWN"
  | "ENDPOINT_UNKNOWN"
  | "NOTIFICATION_REFUSED"
  | "STEP_TIMEOUT"
  | "EXECUTION_TIMEOUT"
  | "CANCELLED"
  | "FIELD_CHANGED_SINCE"
  | "FIELD_NOT_KEPT"
  // Git
  | "GIT_UNREACHABLE"
  | "GIT_REFUSED"
  | "FORGE_UNAVAILABLE"
  | "FORGE_REFUSED"
  | "GIT_NOT_FAST_FORWARD"
  | "SOURCE_NOT_ALLOWED"
  | "MANIFEST_NOT_EDITABLE"
  | "REPAIR_REJECTED"
  | "APPROVAL_INVALID"
  // anything that should not have happened
  | "INTERNAL";

export interface ProblemOptions {
  readonly cause?: unknown;
  /** Whether the same call may succeed later without anyone mending anything. */
  readonly retryable?: boolean;
  readonly details?: Readonly<Record<string, unknown>>;
}

export class Problem extends Error {
  override readonly name = "Problem";
  readonly code: ProblemCode;
  readonly retryable: boolean;
  readonly details: Readonly<Record<string, unknown>>;

  constructor(code: ProblemCode, message: string, options: ProblemOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.retryable = options.retryable ?? false;
    this.details = options.details ?? {};
  }
}

/** Any thrown value as a Problem; what is not one becomes INTERNAL and keeps its cause. */
export function toProblem(error: unknown): Problem {
  if (error instanceof Problem) return error;
  return new Problem("INTERNAL", error instanceof Error ? error.message : String(error), { cause: error });
}

/** Closes an exhaustive switch: the compiler refuses a missing case, the run time names it. */
export function unreachable(value: never): never {
  throw new TypeError(`unhandled case: ${JSON.stringify(value)}`);
}
