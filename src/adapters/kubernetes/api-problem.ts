// What went wrong with a call to the API server, as a Problem: whether something may have been applied decides the code.
// Texts are ours and short; bodies and headers of answers may hold secrets and are never quoted.
import { isObject } from "../../domain/json.ts";
import { Problem, type ProblemCode } from "../../domain/problem.ts";

export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

function codeOf(status: number): ProblemCode {
  if (status === 409) return "API_CONFLICT";
  if (status === 401 || status === 403) return "API_FORBIDDEN";
  if (status === 404 || status === 405) return "API_NOT_FOUND";
  if (status === 429) return "API_THROTTLED";
  return status >= 400 && status < 500 ? "API_INVALID" : "API_OUTCOME_UNKNOWN";
}

/** A conflict passes too: whoever tries again reads what stands there now. */
const passing: ReadonlySet<ProblemCode> = new Set(["API_CONFLICT", "API_THROTTLED", "API_OUTCOME_UNKNOWN"]);

/** An answer that is no success. `details`: status, reason, field names of a 422, reasons of causes, retryAfterSeconds of a 429. */
export function answerProblem(what: string, { status, headers, body }: Answer): Problem {
  const code = codeOf(status);
  const { reason, fields, causes } = readStatus(body);
  const word = reason === null ? String(status) : `${status} ${reason}`;
  const where = fields.length === 0 ? impersonationFault(status, body) : `: ${fields.join(", ")}`;
  return new Problem(code, `${what}: the API server answered ${word}${where}`, {
    retryable: passing.has(code),
    details: {
      status,
      ...(reason === null ? {} : { reason }),
      ...(fields.length === 0 ? {} : { fields }),
      ...(causes.length === 0 ? {} : { causes }),
      ...(status === 429 ? { retryAfterSeconds: retryAfterSeconds(headers["retry-after"]) } : {}),
    },
  });
}

/** The one 403 that is about gitmend's own account and not about the one that it acts as. */
function impersonationFault(status: number, body: string): string {
  const answer = parseJson(body);
  const text = status === 403 && isObject(answer) ? answer.message : null;
  const isOwn = typeof text === "string" && text.includes(" cannot impersonate resource ");
  return isOwn ? ": gitmend's own account may not impersonate it (`gitmend doctor` says what to grant)" : "";
}

/** reason and field names of a Status body, if they look like such; nothing else of it. */
export function readStatus(body: string): {
  readonly reason: string | null;
  readonly fields: readonly string[];
  /** Reasons only: `DisruptionBudget`. */
  readonly causes: readonly string[];
  readonly objectName: string | null;
} {
  const status = parseJson(body);
  if (!isObject(status) || status.kind !== "Status")
    return { reason: null, fields: [], causes: [], objectName: null };
  const details = isObject(status.details) ? status.details : {};
  const found = Array.isArray(details.causes) ? details.causes.filter(isObject) : [];
  const fields = found
    .map(({ field }) => field)
    .filter((field): field is string => typeof field === "string" && /^[\w.[\]/-]{1,120}$/.test(field))
    .slice(0, 5);
  const causes = [...new Set(found.map((cause) => cause.reason).filter(isWord))].slice(0, 5);
  const reason = isWord(status.reason) ? status.reason : null;
  return { reason, fields, causes, objectName: typeof details.name === "string" ? details.name : null };
}

function isWord(value: unknown): value is string {
  return typeof value === "string" && /^[A-Za-z]{1,60}$/.test(value);
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

/** Seconds or an HTTP date (RFC 9110); 1 when missing or unreadable. */
function retryAfterSeconds(header: string | undefined): number {
  if (header === undefined) return 1;
  const seconds = Number(header);
  if (Number.isFinite(seconds)) return Math.max(0, seconds);
  const at = Date.parse(header);
  return Number.isNaN(at) ? 1 : Math.max(0, Math.ceil((at - Date.now()) / 1000));
}

const beforeSending = new Set(["ECONNREFUSED", "ENOTFOUND", "EAI_AGAIN", "UND_ERR_CONNECT_TIMEOUT"]);
const certificate = /^(ERR_TLS_|ERR_SSL_|CERT_|DEPTH_ZERO_|SELF_SIGNED_|UNABLE_TO_|HOSTNAME_MISMATCH)/;

/** Whether the error can only come from a request that never left: no address, no connection, no trust. */
export function neverSent(error: unknown): boolean {
  return causes(error).some(({ code = "", syscall = "" }) => {
    if (beforeSending.has(code) || certificate.test(code)) return true;
    return syscall === "connect" || syscall === "getaddrinfo";
  });
}

function causes(error: unknown): readonly Pick<NodeJS.ErrnoException, "code" | "syscall">[] {
  if (!(error instanceof Error)) return [];
  const inner = error instanceof AggregateError ? (error.errors as unknown[]) : [];
  return [error as NodeJS.ErrnoException, ...inner.flatMap(causes), ...causes(error.cause)];
}

/** A call without an answer. */
export function transportProblem(what: string, error: unknown): Problem {
  const code = causes(error)
    .map((one) => one.code)
    .find((one) => typeof one === "string");
  const word = code === undefined ? "" : ` (${code})`;
  const details = code === undefined ? {} : { cause: code };
  return neverSent(error)
    ? new Problem("API_UNREACHABLE", `${what}: the API server cannot be reached${word}`, {
        retryable: true,
        details,
      })
    : new Problem("API_OUTCOME_UNKNOWN", `${what}: the connection broke before an answer came${word}`, {
        retryable: true,
        details,
      });
}
