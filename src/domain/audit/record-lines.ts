// The hash chain of the record: each line of events.jsonl carries the sha256 of the line before, the first one the head of the
// record that was published before it. What is hashed is the RFC 8785 text of the line itself, secrets taken out.
import type { ExecutionEvent, RecordedEvent } from "../execution/events.ts";
import { canonicalJson, isObject, type Json, type JsonObject, sha256 } from "../json.ts";
import { redactJson } from "../redact.ts";

/** Stands before the first line of the first record. */
export const noHead = "0".repeat(64);

export interface RecordLines {
  /** Without newlines. */
  readonly lines: readonly string[];
  /** sha256 of the last line; `previousHead` when there are no lines. */
  readonly head: string;
  /** What the lines say: the same events without secrets. Everything else of a record is made from these. */
  readonly events: readonly RecordedEvent[];
}

/** @param previousHead null: nothing was published before */
export function recordLines(events: readonly RecordedEvent[], previousHead: string | null): RecordLines {
  const lines: string[] = [];
  let head = previousHead ?? noHead;
  const shown = events.map((recorded) => ({ ...recorded, event: withoutSecrets(recorded.event) }));
  for (const { seq, at, version, event } of shown) {
    const { type, ...data } = event;
    const line = canonicalJson({ seq, at, v: version, type, data, prev: head });
    lines.push(line);
    head = sha256(line);
  }
  return { lines, head, events: shown };
}

function withoutSecrets({ type, ...data }: ExecutionEvent): ExecutionEvent {
  return { type, ...(redactJson(data as Json) as JsonObject) } as ExecutionEvent;
}

export type ChainVerdict =
  | { readonly sound: true; readonly lines: number; readonly previousHead: string; readonly head: string }
  /** 1-based; what is wrong with that line. */
  | { readonly sound: false; readonly line: number; readonly why: string };

/** Whether every line is canonical, numbered without gaps and carries the hash of the line before. An empty record is unsound. */
export function verifyChain(lines: readonly string[]): ChainVerdict {
  let head: string | null = null;
  let previousHead = noHead;
  for (const [index, line] of lines.entries()) {
    const parsed = parseLine(line);
    const wrong = parsed === null ? "not a line of a record" : faultOf(parsed, line, index, head);
    if (wrong !== null) return { sound: false, line: index + 1, why: wrong };
    if (index === 0) previousHead = parsed!.prev;
    head = sha256(line);
  }
  if (head === null) return { sound: false, line: 1, why: "there are no lines" };
  return { sound: true, lines: lines.length, previousHead, head };
}

/** The lines of an events.jsonl; a last line that was cut off is a line too, and will not verify. */
export function linesOf(eventsFile: string): readonly string[] {
  const lines = eventsFile.split("\n");
  return lines.at(-1) === "" ? lines.slice(0, -1) : lines;
}

/** What the first line of a published events.jsonl carries: a record that is written again starts from it. null: no such line. */
export function firstPrevious(eventsFile: string): string | null {
  return parseLine(eventsFile.split("\n", 1)[0] ?? "")?.prev ?? null;
}

interface Line {
  readonly seq: number;
  readonly prev: string;
  readonly value: Json;
}

function parseLine(line: string): Line | null {
  let value: Json;
  try {
    value = JSON.parse(line) as Json;
  } catch {
    return null;
  }
  if (!isObject(value) || typeof value.seq !== "number" || typeof value.prev !== "string") return null;
  return { seq: value.seq, prev: value.prev, value };
}

function faultOf(parsed: Line, line: string, index: number, head: string | null): string | null {
  if (canonicalJson(parsed.value) !== line) return "not canonical JSON";
  if (parsed.seq !== index + 1) return `seq is ${parsed.seq}, expected ${index + 1}`;
  if (!/^[0-9a-f]{64}$/.test(parsed.prev)) return "prev is not a sha256";
  if (head !== null && parsed.prev !== head) return "prev is not the sha256 of the line before";
  return null;
}
