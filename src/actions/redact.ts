// Takes secrets out of what people will read: log lines, diffs, problem details.
// It errs on the side of hiding: every value of a container's `env` goes, and whatever stands beside a name like `token`.
import { isObject, type Json } from "../domain/json.ts";
import type { FieldChange } from "../domain/planning/effect.ts";
import { fieldChange, sameJson } from "./differences.ts";
import { segmentsOf } from "./json-pointer.ts";

const hidden = "[redacted]";
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
  [/\b([a-z][a-z0-9+.-]{0,20}:\/\/)[^\s/@]{1,200}@/gi, `$1${hidden}@`],
  [/\beyJ[\w-]{8,}\.[\w-]{4,}\.[\w-]*/g, hidden],
  [/\b(?:AKIA|ASIA)[A-Z0-9]{16}\b|\bgh[pousr]_\w{20,}|\bglpat-[\w-]{16,}|\bxox[abprs]-[\w-]{10,}/g, hidden],
];

export function redactText(text: string): string {
  return patterns.reduce((rest, [pattern, replacement]) => rest.replace(pattern, replacement), text);
}

/** A change for people; one whose only difference is hidden still says that there is one. */
export function redactChange(change: FieldChange): FieldChange {
  const path = segmentsOf(change.pointer);
  const before = change.before === undefined ? undefined : redactAt(path, change.before);
  const after = change.after === undefined ? undefined : redactAt(path, change.after);
  const hides = before !== undefined && sameJson(before, after) && !sameJson(change.before, change.after);
  return fieldChange(change.pointer, before, hides ? `${hidden}, changed` : after);
}

/** @param path where the value stands: names of keys from the object's root */
export function redactAt(path: readonly string[], value: Json): Json {
  if (typeof value === "string") return hides(path) ? hidden : redactText(value);
  if (Array.isArray(value)) return redactList(path, value as readonly Json[]);
  if (!isObject(value)) return value;
  const members = Object.entries(value).map(([key, member]) => [
    key,
    member === undefined ? undefined : redactAt([...path, key], member),
  ]);
  return Object.fromEntries(members) as Json;
}

/** In `["--password", "x"]` the name is the item before the value. */
function redactList(path: readonly string[], items: readonly Json[]): Json {
  return items.map((item, index) => {
    const previous = items[index - 1];
    const flagged =
      typeof previous === "string" && /^--?[\w.-]+$/.test(previous) && secretName.test(previous);
    return flagged && typeof item === "string" ? hidden : redactAt([...path, String(index)], item);
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
