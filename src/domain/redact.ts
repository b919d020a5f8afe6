// Takes secrets out of what leaves gitmend as text: records, reports, approval files. It errs on the side of hiding: every value of
// a container's `env` goes, and whatever stands beside a name like `token`. Pure and stable, so that a record can be rendered again.
import { isObject, type Json, type JsonObject } from "./json.ts";

export const hidden = "[redacted]";
const secretWord =
  "pass(?:word|wd|phrase)|pwd|secret|token|credential|authorization|(?:api|access|private|signing|encryption|ssh|account|auth|client|master|license)[-_.]?key";
const secretName = new RegExp(`${secretWord}|[-_.]key$|[a-z]Key$`, "i");
/** Names of the Kubernetes API that hold no secret although they sound like it. */
const plainNames: ReadonlySet<string> = new Set(["secretName", "topologyKey", "tokenExpirationSeconds"]);

// Every repetition that could overlap another is bounded: log lines are written by strangers.
const patterns: readonly (readonly [RegExp, string])[] = [
  [/-----BEGIN [A-Z ]{0,40}PRIVATE KEY-----[\s\S]*?(?:-----END [A-Z ]{0,40}PRIVATE KEY-----|$)/g, hidden],
  [/\b(bearer|basic)\s{1,5}[\w.~+/=-]{8,}/gi, `$1 ${hidden}`],
  [
    new RegExp(
      `((?:${secretWord})[\\w.-]{0,40}\\\\?["']?\\s{0,5}[:=]\\s{0,5})(?!(?:bearer|basic)\\s)(\\\\?"[^"\\n]*"|'[^'\\n]*'|[^\\s,;&"']+)`,
      "gi",
    ),
    `$1${hidden}`,
  ],
  [new RegExp(`(--?[\\w.-]{0,40}(?:${secretWord})[\\w.-]{0,40}\\s{1,5})(?!-)\\S+`, "gi"), `$1${hidden}`],
  [/\b([a-z][a-z0-9+.-]{0,20}:\/\/)[^\s/]{1,200}@/gi, `$1${hidden}@`],
  [/\beyJ[\w-]{8,}\.[\w-]{4,}\.[\w-]*/g, hidden],
  [/\b(?:AKIA|ASIA)[A-Z0-9]{16}\b|\bgh[pousr]_\w{20,}|\bglpat-[\w-]{16,}|\bxox[abprs]-[\w-]{10,}/g, hidden],
];

/** Every pattern needs one of these: most texts have none, and one look is enough. */
const suspicious = new RegExp(
  `-----BEGIN|bearer|basic|${secretWord}|://|eyJ|AKIA|ASIA|gh[pousr]_|glpat-|xox[abprs]-`,
  "i",
);

export function redactText(text: string): string {
  if (!suspicious.test(text)) return text;
  return patterns.reduce((rest, [pattern, replacement]) => rest.replace(pattern, replacement), text);
}

/** Everything in an event, a plan or a preview. A field change is judged by where its pointer leads. */
export function redactJson(value: Json, path: readonly string[] = []): Json {
  if (typeof value === "string") return hides(path) ? hidden : redactText(value);
  if (Array.isArray(value)) return redactList(value as readonly Json[], path);
  if (!isObject(value)) return value;
  if (typeof value.pointer === "string") return redactChange(value, value.pointer);
  if (isObject(value.object) && value.object.kind === "Secret" && Array.isArray(value.changes)) {
    return { ...value, changes: (value.changes as readonly Json[]).map(hideValues) };
  }
  return redactMembers(value, path);
}

function redactMembers(value: JsonObject, path: readonly string[]): JsonObject {
  const redacted: Record<string, Json> = {};
  for (const [key, member] of Object.entries(value)) {
    if (member !== undefined) redacted[redactText(key)] = redactJson(member, [...path, key]);
  }
  return redacted;
}

function redactChange(change: JsonObject, pointer: string): JsonObject {
  const path = pointer.split("/").slice(1).map(unescapePointer);
  const redacted: Record<string, Json | undefined> = {
    ...redactMembers({ ...change, before: undefined, after: undefined }, []),
  };
  for (const side of ["before", "after"] as const) {
    const value = change[side];
    if (value !== undefined) redacted[side] = redactJson(value, path);
  }
  return redacted;
}

function hideValues(change: Json): Json {
  if (!isObject(change)) return change;
  return Object.fromEntries(
    Object.entries(change).map(([key, value]) => [key, key === "pointer" ? value : hidden]),
  );
}

/** In `["--password", "x"]` the name is the item before the value. */
function redactList(items: readonly Json[], path: readonly string[]): Json {
  return items.map((item, index) => {
    const previous = items[index - 1];
    const flagged =
      typeof previous === "string" && /^--?[\w.-]+$/.test(previous) && secretName.test(previous);
    return flagged && typeof item === "string" ? hidden : redactJson(item, [...path, String(index)]);
  });
}

function hides(path: readonly string[]): boolean {
  const name = path.at(-1) ?? "";
  if (name === "value" && path.at(-3) === "env") return true;
  // It holds the whole object a second time, as text.
  if (name === "kubectl.kubernetes.io/last-applied-configuration") return true;
  // `secretKeyRef: {name, key}` names a Secret and holds none of it.
  if (/(?:Ref|Selector|imagePullSecrets)$/.test(path.at(-2) ?? "")) return false;
  return secretName.test(name) && !plainNames.has(name);
}

/** One segment of a JSON pointer (RFC 6901). */
export function unescapePointer(segment: string): string {
  return segment.replaceAll("~1", "/").replaceAll("~0", "~");
}
