// Reads one YAML or JSON document that a person wrote: its value as plain data and the position of every part of it.
// Refuses what would cost memory or stack (size, depth, alias bombs, cycles) with a finding, never with a crash.
import {
  type Document,
  isAlias,
  isMap,
  isScalar,
  isSeq,
  LineCounter,
  type Node,
  parseDocument,
  type Scalar,
  type YAMLMap,
} from "yaml";
import type { Finding } from "./finding.ts";
import type { Json } from "./json.ts";

export type DataPath = readonly (string | number)[];

export interface DocumentPosition {
  readonly file: string;
  readonly line: number;
  readonly column: number;
}

export interface YamlDocument {
  readonly file: string;
  readonly value: Json;
  /**
   * Where the value at `path` begins; what does not exist has the position of the nearest part around it.
   * `key` points at the key instead; `offset` counts characters into a one-line string.
   */
  position(path: DataPath, at?: { readonly key?: boolean; readonly offset?: number }): DocumentPosition;
}

export interface YamlReading {
  /** null: it could not be read; the findings say why. */
  readonly document: YamlDocument | null;
  readonly findings: readonly Finding[];
}

export const yamlLimits = { characters: 1_048_576, nodes: 250_000, depth: 64, findings: 100 } as const;

/** Keys that are never data: they would reach into prototypes of whoever copies the object carelessly. */
const refusedKeys: ReadonlySet<string> = new Set(["__proto__", "constructor", "prototype"]);

/** Leaves the conversion early; never leaves this file. */
class Refused extends Error {
  readonly code: string;
  readonly node: Node | null;
  constructor(code: string, message: string, node: Node | null) {
    super(message);
    this.code = code;
    this.node = node;
  }
}

interface Conversion {
  readonly anchors: Map<string, Node>;
  readonly open: Set<Node>;
  nodes: number;
}

function convertMap(node: YAMLMap, depth: number, state: Conversion): Json {
  const result: Record<string, Json> = {};
  for (const { key, value } of node.items) {
    const name = isScalar(key) ? String(key.value) : null;
    if (name === null) throw new Refused("YAML_KEY", "a key must be plain text", node);
    if (refusedKeys.has(name))
      throw new Refused("YAML_KEY", `the key "${name}" is not allowed`, key as Scalar);
    result[name] = convert(value as Node | null, depth + 1, state);
  }
  return result;
}

function convertAlias(name: string, node: Node, depth: number, state: Conversion): Json {
  const source = state.anchors.get(name);
  if (source === undefined) throw new Refused("YAML_ALIAS", `there is no anchor &${name} above`, node);
  if (state.open.has(source)) throw new Refused("YAML_ALIAS", `*${name} contains itself`, node);
  return convert(source, depth, state);
}

function convertScalar(node: Scalar): Json {
  const { value } = node;
  if (typeof value === "number" && !Number.isFinite(value)) {
    throw new Refused("YAML_VALUE", "infinity and NaN are no values here", node);
  }
  return (value ?? null) as Json;
}

function convert(node: Node | null, depth: number, state: Conversion): Json {
  state.nodes += 1;
  if (state.nodes > yamlLimits.nodes) {
    throw new Refused(
      "YAML_TOO_LARGE",
      `more than ${yamlLimits.nodes} values once aliases are followed`,
      node,
    );
  }
  if (depth > yamlLimits.depth) {
    throw new Refused("YAML_TOO_DEEP", `nested deeper than ${yamlLimits.depth} levels`, node);
  }
  if (node === null) return null;
  if (isAlias(node)) return convertAlias(node.source, node, depth, state);
  if (node.anchor) state.anchors.set(node.anchor, node);
  if (isScalar(node)) return convertScalar(node);
  state.open.add(node);
  const value = isMap(node)
    ? convertMap(node, depth, state)
    : isSeq(node)
      ? node.items.map((item) => convert(item as Node | null, depth + 1, state))
      : null;
  state.open.delete(node);
  return value;
}

function startOf(node: Node | null | undefined): number | null {
  return node?.range?.[0] ?? null;
}

/** The offset of a path's key or value; the deepest part that exists. */
function offsetOf(
  document: Document,
  path: DataPath,
  wantsKey: boolean,
): { offset: number; node: Node | null } {
  let node = document.contents as Node | null;
  let offset = startOf(node) ?? 0;
  for (const [index, part] of path.entries()) {
    if (isAlias(node)) node = node.resolve(document) ?? null;
    let next: Node | null = null;
    if (isMap(node)) {
      const pair = node.items.find((item) => isScalar(item.key) && String(item.key.value) === String(part));
      if (pair === undefined) break;
      const keyOffset = startOf(pair.key as Node);
      next = (pair.value as Node | null) ?? null;
      const atKey = wantsKey && index === path.length - 1;
      offset = (atKey ? null : startOf(next)) ?? keyOffset ?? offset;
    } else if (isSeq(node)) {
      next = (node.items[Number(part)] as Node | undefined) ?? null;
      if (next === null) break;
      offset = startOf(next) ?? offset;
    } else break;
    node = next;
  }
  return { offset, node };
}

function offsetInScalar(node: Node | null, offset: number): number {
  if (!isScalar(node)) return 0;
  if (node.type === "QUOTE_DOUBLE" || node.type === "QUOTE_SINGLE") return offset + 1;
  return node.type === "PLAIN" ? offset : 0;
}

function makeDocument(file: string, value: Json, document: Document, lines: LineCounter): YamlDocument {
  return {
    file,
    value,
    position(path, at = {}) {
      const found = offsetOf(document, path, at.key ?? false);
      const inner = at.offset === undefined ? 0 : offsetInScalar(found.node, at.offset);
      const { line, col } = lines.linePos(found.offset + inner);
      return { file, line: Math.max(1, line), column: Math.max(1, col) };
    },
  };
}

const syntaxCodes: Readonly<Record<string, string>> = {
  DUPLICATE_KEY: "DUPLICATE_KEY",
  TAG_RESOLVE_FAILED: "YAML_TAG",
};
const syntaxMessages: Readonly<Record<string, string>> = {
  DUPLICATE_KEY: "this key stands here twice",
  MULTIPLE_DOCS: "one document a file: remove the second `---`",
};

const tooDeep = ["YAML_TOO_DEEP", "nested too deeply to be read"] as const;
/** The parser turns its own stack overflow into a finding with these words. */
const stackMessage = "Maximum call stack size exceeded";

/** The parser repeats itself when it is lost: the same words at the same place are said once. */
function syntaxFindings(file: string, document: Document, lines: LineCounter): Finding[] {
  const found = new Map<string, Finding>();
  for (const error of [...document.errors, ...document.warnings].slice(0, yamlLimits.findings)) {
    const { line, col } = lines.linePos(error.pos[0]);
    const position = { file, line: Math.max(1, line), column: Math.max(1, col) };
    const [first = error.message] = error.message.split("\n");
    const message = syntaxMessages[error.code] ?? first;
    const code = syntaxCodes[error.code] ?? "YAML_SYNTAX";
    found.set(`${line}:${col}:${message}`, { ...position, severity: "error", code, message });
  }
  return [...found.values()];
}

function refusal(file: string, code: string, message: string, line = 1, column = 1): YamlReading {
  return { document: null, findings: [{ file, line, column, severity: "error", code, message }] };
}

function convertDocument(file: string, document: Document, lines: LineCounter): YamlReading {
  try {
    const state: Conversion = { anchors: new Map(), open: new Set(), nodes: 0 };
    const value = convert(document.contents as Node | null, 0, state);
    return { document: makeDocument(file, value, document, lines), findings: [] };
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    const { line, col } = lines.linePos(startOf(error.node) ?? 0);
    return refusal(file, error.code, error.message, Math.max(1, line), Math.max(1, col));
  }
}

/** Syntax errors, duplicate keys and everything beyond `yamlLimits` are findings; nothing is thrown. */
export function readYaml(file: string, text: string): YamlReading {
  if (text.length > yamlLimits.characters) {
    return refusal(
      file,
      "FILE_TOO_LARGE",
      `${text.length} characters; at most ${yamlLimits.characters} are read`,
    );
  }
  const lines = new LineCounter();
  try {
    const document = parseDocument(text, { lineCounter: lines, prettyErrors: false, logLevel: "error" });
    const findings = syntaxFindings(file, document, lines);
    if (findings.some(({ message }) => message === stackMessage)) return refusal(file, ...tooDeep);
    if (findings.length > 0) return { document: null, findings };
    return convertDocument(file, document, lines);
  } catch (error) {
    if (error instanceof RangeError) return refusal(file, ...tooDeep);
    throw error;
  }
}
