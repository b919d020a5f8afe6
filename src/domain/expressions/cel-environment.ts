// The CEL language as gitmend speaks it: standard CEL plus a few functions, RE2 for regular expressions, hard limits.
// Two environments: one knows the types of what is always there (to check), the other takes everything as it comes (to run).
import { Environment } from "@marcbachmann/cel-js";
import { RE2JS } from "re2js";
import { Problem } from "../problem.ts";
import { AttemptHistory, namespaceName } from "./cel-scope.ts";
import { containerOf } from "./container.ts";
import { promqlValue } from "./promql-value.ts";
import {
  addQuantities,
  divideQuantity,
  multiplyQuantity,
  parseQuantity,
  Quantity,
  quantityText,
  subtractQuantities,
} from "./quantity.ts";
import { type Root, roots } from "./scope.ts";

const limits = {
  maxAstNodes: 500,
  maxDepth: 32,
  maxListElements: 200,
  maxMapEntries: 200,
  maxCallArguments: 8,
};
const longestPattern = 512;
const longestText = 65_536;

/** What the parser's names become in the tree before it is checked: bounded forms that cannot hang or eat the memory. */
export const renamedFunctions: ReadonlyMap<string, string> = new Map([
  ["matches", "re2Matches"],
  ["split", "boundedSplit"],
  ["join", "boundedJoin"],
]);

/** Linear in the text, whatever the pattern. @throws Problem EXPRESSION_FAILED when RE2 does not take the pattern. */
export function compilePattern(pattern: string): (text: string) => boolean {
  if (pattern.length > longestPattern) {
    throw new Problem("EXPRESSION_FAILED", "the regular expression is too long");
  }
  try {
    const compiled = RE2JS.compile(pattern);
    return (text) => compiled.matcher(text).find();
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new Problem("EXPRESSION_FAILED", `"${pattern}" is no RE2 regular expression: ${why}`, {
      cause: error,
    });
  }
}

function matches(text: string, pattern: string): boolean {
  if (text.length > longestText)
    throw new Problem("EXPRESSION_FAILED", `matches() takes at most ${longestText} characters`);
  return compilePattern(pattern)(text);
}

function split(text: string, separator: string): string[] {
  const parts = text.split(separator);
  if (parts.length > 1_000) throw new Problem("EXPRESSION_FAILED", "split() gives more than 1,000 parts");
  return parts;
}

function join(list: readonly unknown[], separator: string): string {
  const texts = list.map(String);
  const length = texts.reduce((sum, text) => sum + text.length + separator.length, 0);
  if (length > longestText)
    throw new Problem("EXPRESSION_FAILED", `join() gives over ${longestText} characters`);
  return texts.join(separator);
}

function get(map: unknown, key: string, otherwise: unknown): unknown {
  if (typeof map !== "object" || map === null || !Object.hasOwn(map, key)) return otherwise;
  return (map as Readonly<Record<string, unknown>>)[key] ?? otherwise;
}

function compare<T extends bigint | number | Quantity>(left: T, right: T): number {
  const [a, b] =
    left instanceof Quantity && right instanceof Quantity ? [left.nanos, right.nanos] : [left, right];
  return a < b ? -1 : a > b ? 1 : 0;
}

const numbers = ["int", "double"] as const;
type Numeric = bigint | number;

function registerBounds(environment: Environment): void {
  const kinds = [
    ["int", "int"],
    ["double", "double"],
    ["int", "double"],
    ["double", "int"],
    ["Quantity", "Quantity"],
  ] as const;
  const widen = (mixed: boolean, value: Numeric | Quantity) =>
    mixed && typeof value === "bigint" ? Number(value) : value;
  for (const [left, right] of kinds) {
    const mixed = left !== right;
    const result = mixed ? "double" : left;
    const pick = (wanted: -1 | 1) => (a: Numeric, b: Numeric) =>
      widen(mixed, compare(a, b) === wanted ? a : compare(a, b) === 0 ? a : b);
    environment.registerFunction(`least(${left}, ${right}): ${result}`, pick(-1));
    environment.registerFunction(`greatest(${left}, ${right}): ${result}`, pick(1));
  }
  for (const kind of ["int", "double", "Quantity"]) {
    const clamp = (x: Numeric, low: Numeric, high: Numeric) =>
      compare(x, low) < 0 ? low : compare(x, high) > 0 ? high : x;
    environment.registerFunction(`clamp(${kind}, ${kind}, ${kind}): ${kind}`, clamp);
  }
}

function toInteger(value: number): bigint {
  if (!Number.isSafeInteger(value))
    throw new Problem("EXPRESSION_FAILED", `${value} is not a usable whole number`);
  return BigInt(value);
}

function registerNumbers(environment: Environment): void {
  const operations: Readonly<Record<string, (a: number, b: number) => number>> = {
    "+": (a, b) => a + b,
    "-": (a, b) => a - b,
    "*": (a, b) => a * b,
    "/": (a, b) => a / b,
  };
  for (const [sign, operation] of Object.entries(operations)) {
    const mixed = (a: Numeric, b: Numeric) => operation(Number(a), Number(b));
    environment.registerOperator(`int ${sign} double: double`, mixed);
    environment.registerOperator(`double ${sign} int: double`, mixed);
  }
  environment.registerFunction("ceil(double): int", (x: number) => toInteger(Math.ceil(x)));
  environment.registerFunction("floor(double): int", (x: number) => toInteger(Math.floor(x)));
  environment.registerFunction("ceil(int): int", (x: bigint) => x);
  environment.registerFunction("floor(int): int", (x: bigint) => x);
}

function registerQuantities(environment: Environment): void {
  environment.registerType("Quantity", { ctor: Quantity, fields: {} });
  environment.registerFunction("quantity(string): Quantity", parseQuantity);
  environment.registerFunction("quantity(int): Quantity", (value: bigint) => parseQuantity(String(value)));
  environment.registerFunction("Quantity.text(): string", quantityText);
  environment.registerOperator("Quantity + Quantity: Quantity", addQuantities);
  environment.registerOperator("Quantity - Quantity: Quantity", subtractQuantities);
  for (const kind of numbers) {
    environment.registerOperator(`Quantity * ${kind}: Quantity`, multiplyQuantity);
    environment.registerOperator(`Quantity / ${kind}: Quantity`, divideQuantity);
  }
  environment.registerOperator("Quantity < Quantity: bool", (a: Quantity, b: Quantity) => a.nanos < b.nanos);
  environment.registerOperator(
    "Quantity <= Quantity: bool",
    (a: Quantity, b: Quantity) => a.nanos <= b.nanos,
  );
  environment.registerOperator("Quantity > Quantity: bool", (a: Quantity, b: Quantity) => a.nanos > b.nanos);
  environment.registerOperator(
    "Quantity >= Quantity: bool",
    (a: Quantity, b: Quantity) => a.nanos >= b.nanos,
  );
  environment.registerOperator(
    "Quantity == Quantity: bool",
    (a: Quantity, b: Quantity) => a.nanos === b.nanos,
  );
}

function registerText(environment: Environment): void {
  environment.registerFunction("string.re2Matches(string): bool", matches);
  environment.registerFunction("string.boundedSplit(string): list<string>", split);
  environment.registerFunction("list.boundedJoin(): string", (list: readonly unknown[]) => join(list, ""));
  environment.registerFunction("list.boundedJoin(string): string", join);
  environment.registerFunction("get(dyn, string, dyn): dyn", get);
  for (const kind of ["string", "int", "double", "bool"])
    environment.registerFunction(`promql(${kind}): string`, promqlValue);
  environment.registerFunction("container(dyn, dyn): dyn", containerOf);
  environment.registerType("History", { ctor: AttemptHistory, fields: {} });
  environment.registerFunction("History.attempts(string): int", (history: AttemptHistory, window: string) =>
    history.within(window),
  );
}

const texts = "map<string, string>";
/** Types of what is there whatever the alert says; the rest may be null, so it stays open. */
const knownTypes: Readonly<
  Partial<Record<Root, { readonly schema: Readonly<Record<string, string>> } | { readonly type: string }>>
> = {
  alert: {
    schema: {
      name: "string",
      labels: texts,
      annotations: texts,
      severity: "string",
      namespace: "string",
      resource: "string",
      startsAt: "string",
      fingerprint: "string",
      cluster: "string",
    },
  },
  subjects: { type: "list<dyn>" },
  cluster: { schema: { name: "string", labels: texts } },
  params: { type: "map<string, dyn>" },
  steps: { type: "map<string, dyn>" },
  history: { type: "History" },
  now: { type: "google.protobuf.Timestamp" },
  plan: {
    schema: {
      risk: "string",
      digest: "string",
      clusters: "list<string>",
      namespaces: "list<string>",
      objects: "list<dyn>",
      actions: "list<string>",
      template: "string",
      repair: "string",
    },
  },
  shared: { type: "map<string, bool>" },
};

function makeEnvironment(typed: boolean): Environment {
  const environment = new Environment({
    unlistedVariablesAreDyn: false,
    homogeneousAggregateLiterals: false,
    limits,
  });
  registerQuantities(environment);
  registerNumbers(environment);
  registerBounds(environment);
  registerText(environment);
  for (const root of roots) {
    const name = root === "namespace" ? namespaceName : root;
    const known = typed ? knownTypes[root] : undefined;
    if (known === undefined) environment.registerVariable(name, "dyn");
    else environment.registerVariable({ name, ...known });
  }
  return environment;
}

export const checkingEnvironment = makeEnvironment(true);
export const runningEnvironment = makeEnvironment(false);
