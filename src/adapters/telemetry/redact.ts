// Takes secrets out of whatever is about to be logged: by the name of the key at any depth, and by their look in any text.
// Bounded: a log line is no place for a whole cluster's state.
import { hidden, redactText as redactSecrets } from "../../domain/redact.ts";

const secretKey =
  /token|passw(or)?d|passphrase|secret|authorization|cookie|credential|api_?-?key|private_?-?key|kubeconfig/i;
const maxDepth = 8;
const maxItems = 100;
const maxText = 8_000;

/** A copy that is safe to print; errors become plain objects with their causes. */
export function redact(value: unknown, depth = 0): unknown {
  if (typeof value === "string") return redactText(value);
  if (typeof value === "bigint" || typeof value === "symbol") return String(value);
  if (typeof value === "function") return undefined;
  if (typeof value !== "object" || value === null) return value;
  if (depth >= maxDepth) return "[too deep]";
  if (value instanceof Error) return redactError(value, depth);
  if (value instanceof Date) return value.toJSON();
  if (Array.isArray(value)) return value.slice(0, maxItems).map((item) => redact(item, depth + 1));
  const entries = value instanceof Map ? [...value.entries()] : Object.entries(value);
  return Object.fromEntries(entries.map(([key, item]) => [key, redactMember(String(key), item, depth)]));
}

/** Numbers and booleans under such a name are counts and switches, no secrets. */
function redactMember(key: string, item: unknown, depth: number): unknown {
  const harmless =
    typeof item === "number" || typeof item === "boolean" || item === null || item === undefined;
  return secretKey.test(key) && !harmless ? hidden : redact(item, depth + 1);
}

function redactError(error: Error, depth: number): object {
  const { name, message, stack, cause, ...rest } = error;
  return {
    name,
    message: redactText(message),
    ...(stack !== undefined && { stack: redactText(stack) }),
    ...(redact(rest, depth + 1) as object),
    ...(cause !== undefined && { cause: redact(cause, depth + 1) }),
  };
}

/** Cut first: the look of a secret is searched for in a bounded text only. A password in a URL may hold an `@`. */
export function redactText(text: string): string {
  const short = text.length > maxText ? `${text.slice(0, maxText)}… (${text.length} characters)` : text;
  return redactSecrets(short.replaceAll(/([a-z][a-z0-9+.-]{0,20}:\/\/)[^\s/?#]{1,300}@/gi, `$1${hidden}@`));
}
