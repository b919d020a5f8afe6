// What people made of an approval file: other parameters, which may be, or something else, which may not. The words above the plan
// count for nothing: gitmend writes them anew.
import { didYouMean } from "../did-you-mean.ts";
import { canonicalJson, isObject, type Json, type JsonObject } from "../json.ts";
import type { FieldChange } from "../planning/effect.ts";
import { hidden, redactJson } from "../redact.ts";
import { readYaml, type YamlDocument } from "../yaml-findings.ts";

/** By name: names are words, which stand in a JSON pointer as they are. */
type Parameters = Readonly<Record<string, Json>>;

export interface EditedParameters {
  /** All that the plan is to be made with. */
  readonly parameters: Parameters;
  /** `/name` of each parameter that is another. */
  readonly changes: readonly FieldChange[];
  /** `file:line:column` of a parameter, or of all. */
  place(name?: string): string;
}

export interface EditedFile {
  /** `approvals/<execution-id>.yaml`. */
  readonly file: string;
  /** What gitmend wrote. */
  readonly asked: string;
  readonly edited: string;
  /** Of the plan that was asked about; what the file shows of them is redacted. */
  readonly parameters: Parameters;
}

/** Lines that say yes or no, on a forge that keeps them in the file. */
const decisions = new Set(["approvals", "rejected"]);

/** A text: why it cannot be taken, and where that is. */
export function editedParameters({ file, asked, edited, parameters }: EditedFile): EditedParameters | string {
  const { document, findings } = readYaml(file, edited);
  if (document === null) {
    const [first] = findings;
    return first === undefined ? file : `${first.file}:${first.line}:${first.column}: ${first.message}`;
  }
  const place = (...path: readonly string[]) => placeOf(document, path);
  const other = otherThanParameters(readYaml(file, asked).document?.value ?? null, document.value);
  if (other !== null) return `${place(other)}: ${other} may not be changed here, only parameters`;
  const now = isObject(document.value) ? document.value["parameters"] : undefined;
  if (!isObject(now)) return `${place("parameters")}: parameters has to be a mapping`;
  const unknown = Object.keys(now).find((name) => !Object.hasOwn(parameters, name));
  if (unknown !== undefined)
    return `${place("parameters", unknown)}: there is no parameter ${unknown}${didYouMean(unknown, Object.keys(parameters))}`;
  const changes = changesOf(parameters, now);
  const secret = changes.find(({ after }) => after !== undefined && canonicalJson(after).includes(hidden));
  if (secret !== undefined)
    return `${place("parameters", secret.pointer.slice(1))}: a secret is not shown here: write the whole value, without ${hidden}`;
  return {
    parameters: withChanges(parameters, changes),
    changes,
    place: (name) => (name === undefined ? place("parameters") : place("parameters", name)),
  };
}

/** The first key beside the parameters whose value is another, was added or is gone. */
function otherThanParameters(before: Json, after: Json): string | null {
  if (!isObject(before) || !isObject(after)) return "the whole file";
  const keys = new Set([...Object.keys(before), ...Object.keys(after)]);
  const text = (value: Json | undefined) => (value === undefined ? "" : canonicalJson(value));
  for (const key of keys)
    if (key !== "parameters" && !decisions.has(key) && text(before[key]) !== text(after[key])) return key;
  return null;
}

/** A value that still reads as it was shown is what it was, also where a secret was hidden in it. */
function changesOf(were: Parameters, now: JsonObject): readonly FieldChange[] {
  const shown = redactJson(were, ["parameters"]) as JsonObject;
  return Object.entries(were).flatMap(([name, before]): readonly FieldChange[] => {
    const after = now[name];
    if (after === undefined) return [{ pointer: `/${name}`, before }];
    const same = canonicalJson(after) === canonicalJson(shown[name] ?? null);
    return same ? [] : [{ pointer: `/${name}`, before, after }];
  });
}

/** What was taken out is the template's default again. */
function withChanges(parameters: Parameters, changes: readonly FieldChange[]): Parameters {
  const all = new Map(Object.entries(parameters));
  for (const { pointer, after } of changes) {
    const name = pointer.slice(1);
    if (after === undefined) all.delete(name);
    else all.set(name, after);
  }
  return Object.fromEntries(all);
}

function placeOf(document: YamlDocument, path: readonly string[]): string {
  const { file, line, column } = document.position(path, { key: true });
  return `${file}:${line}:${column}`;
}
