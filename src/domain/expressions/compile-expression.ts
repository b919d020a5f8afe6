// One expression, from what a person wrote to something that runs: Go spelling, parse, limits, names, types.
// What is wrong is returned with offsets; what runs later throws EXPRESSION_FAILED and says whether a value was missing.
import type { ASTNode, Environment } from "@marcbachmann/cel-js";
import { didYouMean } from "../did-you-mean.ts";
import { isObject, type Json } from "../json.ts";
import { Problem } from "../problem.ts";
import { checkingEnvironment, runningEnvironment } from "./cel-environment.ts";
import { type CelScope, celScope, namespaceName } from "./cel-scope.ts";
import { type ExpressionFault, fromGoSpelling } from "./go-spelling.ts";
import { maskLiterals } from "./literals.ts";
import { Quantity, quantityText } from "./quantity.ts";
import { type Root, rootFields, type Scope, type ScopeName, scopes } from "./scope.ts";
import { type Access, boundFunctions, readTree, type TreeReading } from "./syntax-tree.ts";

export type { Access } from "./syntax-tree.ts";

/** JSON type of the result; `unknown`: known only when it runs. */
export type ResultType =
  | "string"
  | "integer"
  | "number"
  | "boolean"
  | "array"
  | "object"
  | "null"
  | "unknown";

export interface CompiledExpression {
  readonly source: string;
  readonly accesses: readonly Access[];
  readonly roots: ReadonlySet<string>;
  /** Set when the expression is nothing but one access. */
  readonly only: Access | null;
  /** Set when the expression is nothing but one call of a function. */
  readonly call: string | null;
  readonly type: ResultType;
  /** @throws Problem EXPRESSION_FAILED; `details.missing` is true when a value that it reads is not there. */
  evaluate(scope: Scope): Json;
}

export type Compilation =
  | { readonly expression: CompiledExpression; readonly faults: readonly [] }
  | { readonly expression: null; readonly faults: readonly ExpressionFault[] };

const longestSource = 2_048;

interface CelError {
  readonly code?: string;
  readonly summary?: string;
  readonly message: string;
  readonly range?: { readonly start: number };
}

function words(error: CelError): string {
  return (error.summary ?? error.message.split("\n")[0] ?? error.message).replaceAll(
    namespaceName,
    "namespace",
  );
}

function faultOf(error: unknown): ExpressionFault {
  const known = error as CelError;
  return { message: words(known), offset: known.range?.start ?? 0 };
}

/** `namespace` is a reserved word of CEL; the name that stands for it has the same length. */
function withNamespaceName(cel: string): string {
  let result = cel;
  for (const { index } of maskLiterals(cel).matchAll(/(?<![\w.])namespace(?!\w)/g)) {
    result = result.slice(0, index) + namespaceName + result.slice(index + namespaceName.length);
  }
  return result;
}

function nameFaults(access: Access, scope: ScopeName): ExpressionFault[] {
  const { root, path, offset } = access;
  const allowed: readonly string[] = scopes[scope];
  if (!allowed.includes(root)) {
    const known = Object.values(scopes).some((names: readonly string[]) => names.includes(root));
    const message = known
      ? `"${root}" is not known here; there are ${allowed.join(", ")}`
      : `unknown name "${root}"${didYouMean(root, allowed)}`;
    return [{ message, offset }];
  }
  const [field] = path;
  const fields = rootFields[root as Root];
  if (fields === undefined || field === undefined || field === null || fields.includes(field)) return [];
  return [
    { message: `${root} has no "${field}"${didYouMean(field, fields)}`, offset: offset + root.length + 1 },
  ];
}

const resultTypes: Readonly<Record<string, ResultType>> = {
  string: "string",
  int: "integer",
  uint: "integer",
  double: "number",
  bool: "boolean",
  list: "array",
  map: "object",
  null: "null",
  Quantity: "string",
  "google.protobuf.Timestamp": "string",
  "google.protobuf.Duration": "string",
};

function resultType(celType: string): ResultType {
  return resultTypes[celType.replace(/<.*$/, "")] ?? "unknown";
}

function durationText(value: object): string | null {
  const { seconds, nanos } = value as { readonly seconds?: unknown; readonly nanos?: unknown };
  if (typeof seconds !== "bigint" && typeof seconds !== "number") return null;
  return nanos === 0 || nanos === 0n ? `${seconds}s` : `${Number(seconds) + Number(nanos) / 1e9}s`;
}

/** How much one result may hold, in characters and members. */
interface Room {
  left: number;
}

const largestResult = 1_048_576;

/** A CEL value as plain data. @throws Problem EXPRESSION_FAILED for what JSON cannot hold, and for what is too large. */
function toJson(value: unknown, room: Room): Json {
  room.left -= typeof value === "string" ? value.length + 1 : 1;
  if (room.left < 0)
    throw new Problem("EXPRESSION_FAILED", `the result is larger than ${largestResult} characters`);
  if (value === null || typeof value === "string" || typeof value === "boolean") return value;
  if (typeof value === "bigint") {
    if (Number.isSafeInteger(Number(value))) return Number(value);
    throw new Problem("EXPRESSION_FAILED", `${value} is too large a number`);
  }
  if (typeof value === "number" && Number.isFinite(value)) return value;
  if (Array.isArray(value)) return value.map((item) => toJson(item, room));
  if (value instanceof Quantity) return quantityText(value);
  // oxlint-disable-next-line no-restricted-globals -- CEL's timestamps are Dates
  if (value instanceof Date) return value.toISOString();
  if (value instanceof Map)
    return Object.fromEntries([...value].map(([key, member]) => [String(key), toJson(member, room)]));
  if (typeof value === "object" && durationText(value) !== null) return durationText(value);
  if (isObject(value) && [Object.prototype, null].includes(Object.getPrototypeOf(value))) {
    return Object.fromEntries(Object.entries(value).map(([key, member]) => [key, toJson(member, room)]));
  }
  throw new Problem("EXPRESSION_FAILED", "the result is not plain data");
}

const missingCodes: ReadonlySet<string> = new Set(["no_such_key", "unknown_variable", "index_out_of_bounds"]);

function failure(source: string, error: unknown): Problem {
  if (error instanceof Problem) {
    return new Problem("EXPRESSION_FAILED", `${source}: ${error.message}`, {
      cause: error,
      details: { missing: error.details["missing"] === true, source },
    });
  }
  const known = error as CelError;
  const missing = missingCodes.has(known.code ?? "");
  return new Problem("EXPRESSION_FAILED", `${source}: ${words(known)}`, {
    cause: error,
    // A root that is not in scope is a fact that could not be fetched: it may be there next time.
    retryable: known.code === "unknown_variable",
    details: { missing, source },
  });
}

type Program = ReturnType<Environment["parse"]>;

function makeExpression(
  source: string,
  program: Program,
  reading: TreeReading,
  type: ResultType,
): CompiledExpression {
  const { accesses, depth, only, call } = reading;
  return {
    source,
    accesses,
    roots: new Set(accesses.map(({ root }) => root)),
    only,
    call,
    type,
    evaluate(scope) {
      try {
        const values: CelScope = celScope(scope, depth);
        return toJson(program(values), { left: largestResult });
      } catch (error) {
        throw failure(source, error);
      }
    },
  };
}

function parse(environment: Environment, cel: string): Program {
  const program = environment.parse(cel);
  boundFunctions(program.ast);
  return program;
}

/** `shared('name')` reads `shared['name']`, which has the same length: offsets hold. */
function withSharedNames(cel: string): string {
  const calls = /(?<![\w.])shared\s*(\()\s*(?:"[^"]*"|'[^']*')\s*(\))/dg;
  let result = cel;
  for (const { indices } of maskLiterals(cel).matchAll(calls)) {
    const [open = 0] = indices?.[1] ?? [];
    const [close = 0] = indices?.[2] ?? [];
    result = `${result.slice(0, open)}[${result.slice(open + 1, close)}]${result.slice(close + 1)}`;
  }
  return result;
}

/** What the parser takes, each character where a person wrote it. */
function parserText(cel: string): string {
  return withSharedNames(withNamespaceName(cel));
}

/** The tree of what a person wrote; null when it cannot be parsed. */
export function expressionTree(source: string, environment: Environment): ASTNode | null {
  const spelling = fromGoSpelling(source);
  if ("fault" in spelling) return null;
  try {
    return environment.parse(parserText(spelling.cel)).ast;
  } catch {
    return null;
  }
}

function refuse(...faults: ExpressionFault[]): Compilation {
  return { expression: null, faults };
}

/** Everything that is wrong, or an expression that runs. Offsets count from the beginning of `source` as written. */
export function compileExpression(source: string, scope: ScopeName): Compilation {
  if (source.length > longestSource) {
    return refuse({ message: `an expression has at most ${longestSource} characters`, offset: 0 });
  }
  if (source.trim() === "") return refuse({ message: "the expression is empty", offset: 0 });
  const spelling = fromGoSpelling(source);
  if ("fault" in spelling) return refuse(spelling.fault);
  try {
    const cel = parserText(spelling.cel);
    const checking = parse(checkingEnvironment, cel);
    const reading = readTree(checking.ast);
    const named = [...reading.faults, ...reading.accesses.flatMap((access) => nameFaults(access, scope))];
    if (named.length > 0) return refuse(...named);
    const checked = checking.check();
    if (!checked.valid) return refuse(faultOf(checked.error));
    const program = parse(runningEnvironment, cel);
    const type = resultType(String(checked.type));
    return { expression: makeExpression(source, program, reading, type), faults: [] };
  } catch (error) {
    return refuse(faultOf(error));
  }
}
