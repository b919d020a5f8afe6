// Field changes as people read them: one line for each value that differs, `-` before and `+` after, never a whole pod template.
import { isObject, type Json } from "../json.ts";
import { oneLine } from "../plain-text.ts";
import { hidden, redactJson, redactText, unescapePointer } from "../redact.ts";
import type { FieldChange } from "./effect.ts";

/** `spec.replicas is 3, as gitmend wrote it`: `before` is what was written, `after` what was found. */
export function foundText({ pointer, before, after }: FieldChange): string {
  const path = rootOf(pointer);
  const shown = (value: Json | undefined) =>
    value === undefined ? "not set" : oneLine(JSON.stringify(redactJson(value, path)), 200);
  const same = JSON.stringify(before) === JSON.stringify(after);
  const written = same ? ", as gitmend left it last" : `; gitmend had written ${shown(before)}`;
  return `${pathText(path)} is ${shown(after)}${written}`;
}

interface Side {
  readonly before?: Json | undefined;
  readonly after?: Json | undefined;
}

/** Lines of a diff, secrets taken out; at most `limit` and then how many more there are. */
export function changeLines(changes: readonly FieldChange[], limit = 60): readonly string[] {
  const lines = changes.flatMap((change) =>
    change.lines === true ? fileLines(change) : differences(rootOf(change.pointer), change),
  );
  if (lines.length <= limit) return lines;
  return [...lines.slice(0, limit), `  … and ${lines.length - limit} more lines`];
}

/** As the files will stand there: the space before a line means something in YAML. */
function fileLines({ pointer, before, after }: FieldChange): readonly string[] {
  const shown = (sign: string, value: Json | undefined) =>
    (typeof value === "string" ? value : "").split(/\r?\n/).flatMap((line) => {
      const indent = /^[ \t]*/.exec(line)?.[0].length ?? 0;
      return line === ""
        ? []
        : [`${sign} ${" ".repeat(Math.min(indent, 60))}${oneLine(redactText(line.trim()), 300)}`];
    });
  return [`  ${oneLine(pointer.slice(1), 200)}`, ...shown("-", before), ...shown("+", after)];
}

function differences(root: readonly string[], change: Side): readonly string[] {
  const pairs: { path: readonly string[]; side: Side }[] = [];
  collect(root, change, pairs);
  return pairs.flatMap(({ path, side }) => linesOf(path, side));
}

/** Goes down as long as both sides have the same shape. Lists of named things (containers, env) are matched by name. */
function collect(path: readonly string[], side: Side, into: { path: readonly string[]; side: Side }[]): void {
  const { before, after } = side;
  if (JSON.stringify(before) === JSON.stringify(after)) return;
  const left = members(before);
  const right = members(after);
  if (left === null || right === null) {
    into.push({ path, side });
    return;
  }
  for (const key of new Set([...left.keys(), ...right.keys()])) {
    collect([...path, key], { before: left.get(key), after: right.get(key) }, into);
  }
}

function members(value: Json | undefined): Map<string, Json> | null {
  if (isObject(value)) {
    return new Map(
      Object.entries(value).flatMap(([key, member]) => (member === undefined ? [] : [[key, member]])),
    );
  }
  if (!Array.isArray(value)) return null;
  const named = (value as readonly Json[]).map((item) =>
    isObject(item) && typeof item.name === "string" ? item.name : null,
  );
  const byName = named.every((name) => name !== null) && new Set(named).size === named.length;
  return new Map(
    (value as readonly Json[]).map((item, index) => [byName ? `[${named[index]}]` : `[${index}]`, item]),
  );
}

function linesOf(path: readonly string[], { before, after }: Side): readonly string[] {
  const shown = (value: Json): string => {
    const redacted = redactJson(
      value,
      path.map((segment) => segment.replace(/^\[(.*)\]$/, "$1")),
    );
    return typeof redacted === "string"
      ? oneLine(JSON.stringify(redacted), 200)
      : oneLine(JSON.stringify(redacted), 400);
  };
  const left = before === undefined ? null : shown(before);
  const right = after === undefined ? null : shown(after);
  const note = left !== null && left === right && left.includes(hidden) ? " (changed)" : "";
  return [
    ...(left === null ? [] : [`- ${pathText(path)}: ${left}`]),
    ...(right === null ? [] : [`+ ${pathText(path)}: ${right}${note}`]),
  ];
}

function rootOf(pointer: string): readonly string[] {
  return pointer.split("/").slice(1).map(unescapePointer);
}

function pathText(path: readonly string[]): string {
  if (path.length === 0) return "the whole object";
  const parts = path.map((segment) => {
    if (/^\[.*\]$/.test(segment)) return oneLine(segment, 100);
    if (/^\d+$/.test(segment)) return `[${segment}]`;
    return /^[\w-]+$/.test(segment) ? `.${segment}` : `[${JSON.stringify(oneLine(segment, 100))}]`;
  });
  return parts.join("").replace(/^\./, "");
}
