// Reads the parser's tree: which data an expression touches, and whether it stays within the limits that the parser has not.
import type { ASTNode } from "@marcbachmann/cel-js";
import { toProblem } from "../problem.ts";
import { compilePattern, renamedFunctions } from "./cel-environment.ts";
import { namespaceName } from "./cel-scope.ts";
import type { ExpressionFault } from "./go-spelling.ts";

/** `alert.labels.pod` -> root alert, path [labels, pod]; a part that is computed ends the path with null. */
export interface Access {
  readonly root: string;
  readonly path: readonly (string | null)[];
  readonly offset: number;
}

export interface TreeReading {
  readonly accesses: readonly Access[];
  /** How deep comprehensions are nested in one another. */
  readonly depth: 0 | 1 | 2;
  readonly faults: readonly ExpressionFault[];
  /** The expression is nothing but this one access, so that it has the type of what it reads. */
  readonly only: Access | null;
  /** The function whose result the expression is, when it is nothing but a call. */
  readonly call: string | null;
}

const comprehensionNames: ReadonlySet<string> = new Set([
  "all",
  "exists",
  "exists_one",
  "existsOne",
  "map",
  "filter",
]);
const deepestComprehension = 2 as const;
const refusedNames: ReadonlySet<string> = new Set(["__proto__", "constructor", "prototype"]);

interface Walk {
  readonly accesses: Access[];
  readonly faults: ExpressionFault[];
  depth: 0 | 1 | 2;
}

type Identifier = Extract<ASTNode, { readonly op: "id" }>;

function literalKey(node: ASTNode): string | null {
  return node.op === "value" && typeof node.args === "string" ? node.args : null;
}

/** The chain of members that ends at `node`, outermost root first; null when it does not begin with a name. */
function chainOf(node: ASTNode): { readonly root: Identifier; readonly path: (string | null)[] } | null {
  if (node.op === "id") return { root: node, path: [] };
  if (node.op !== "." && node.op !== "[]") return null;
  const inner = chainOf(node.args[0]);
  if (inner === null) return null;
  inner.path.push(node.op === "." ? node.args[1] : literalKey(node.args[1]));
  return inner;
}

function refuseNames(node: ASTNode, walk: Walk): void {
  const name = node.op === "." ? node.args[1] : node.op === "[]" ? literalKey(node.args[1]) : null;
  if (name !== null && refusedNames.has(name)) {
    walk.faults.push({ message: `"${name}" is not data and cannot be read`, offset: node.pos });
  }
}

function visitChain(node: ASTNode, bound: ReadonlySet<string>, depth: number, walk: Walk): void {
  const chain = chainOf(node);
  for (let inner = node; inner.op === "." || inner.op === "[]"; inner = inner.args[0]) {
    refuseNames(inner, walk);
    if (inner.op === "[]" && literalKey(inner.args[1]) === null) visit(inner.args[1], bound, depth, walk);
    if (chain === null && inner.args[0].op !== "." && inner.args[0].op !== "[]")
      visit(inner.args[0], bound, depth, walk);
  }
  if (chain === null || bound.has(chain.root.args)) return;
  const root = chain.root.args;
  walk.accesses.push({
    root: root === namespaceName ? "namespace" : root,
    path: chain.path,
    offset: chain.root.start,
  });
}

function checkPattern(node: ASTNode, walk: Walk): void {
  const pattern = literalKey(node);
  if (pattern === null) return;
  try {
    compilePattern(pattern);
  } catch (error) {
    walk.faults.push({ message: toProblem(error).message, offset: node.start });
  }
}

type Call = Extract<ASTNode, { readonly op: "rcall" }>;

/** `list.all(x, …)`: the first argument names a variable of the others. */
function visitReceiverCall(node: Call, bound: ReadonlySet<string>, depth: number, walk: Walk): void {
  const [name, receiver, args] = node.args;
  const isComprehension = comprehensionNames.has(name);
  if (name === "bind" && receiver.op === "id" && receiver.args === "cel") return refuseBind(node, walk);
  visit(receiver, bound, depth, walk);
  const [variable] = args;
  if (name === renamedFunctions.get("matches") && variable !== undefined) checkPattern(variable, walk);
  if (!isComprehension || variable?.op !== "id") {
    for (const argument of args) visit(argument, bound, depth, walk);
    return;
  }
  const inner = depth + 1;
  if (inner > deepestComprehension) {
    walk.faults.push({
      message: `more than ${deepestComprehension} comprehensions in one another`,
      offset: node.pos,
    });
  } else if (inner > walk.depth) walk.depth = inner === 1 ? 1 : 2;
  const names = new Set([...bound, variable.args]);
  for (const argument of args.slice(1)) visit(argument, names, inner, walk);
}

/** A value that names itself twice, and again, doubles each time: few characters would fill the memory. */
function refuseBind({ pos }: Call, walk: Walk): void {
  walk.faults.push({ message: "cel.bind is not supported: write the value where it is used", offset: pos });
}

/** The children of a node of any other kind. */
function childrenOf(args: unknown): ASTNode[] {
  if (Array.isArray(args)) return args.flatMap(childrenOf);
  return typeof args === "object" && args !== null && "op" in args ? [args as ASTNode] : [];
}

function visit(node: ASTNode, bound: ReadonlySet<string>, depth: number, walk: Walk): void {
  if (node.op === "id" || node.op === "." || node.op === "[]") return visitChain(node, bound, depth, walk);
  if (node.op === "rcall") return visitReceiverCall(node, bound, depth, walk);
  for (const child of childrenOf(node.args)) visit(child, bound, depth, walk);
}

export function readTree(tree: ASTNode): TreeReading {
  const walk: Walk = { accesses: [], faults: [], depth: 0 };
  visit(tree, new Set(), 0, walk);
  const [first = null] = walk.accesses;
  const isChain = tree.op === "id" || tree.op === "." || tree.op === "[]";
  const only = isChain && walk.accesses.length === 1 ? first : null;
  return { ...walk, only, call: tree.op === "call" ? tree.args[0] : null };
}

/** Puts the bounded functions in the place of the parser's own. Changes the tree: before it is checked, and only then. */
export function boundFunctions(tree: ASTNode): void {
  if (tree.op === "rcall" || tree.op === "call") {
    const args = tree.args as unknown as [string, ...unknown[]];
    args[0] = renamedFunctions.get(args[0]) ?? args[0];
  }
  for (const child of childrenOf(tree.args)) boundFunctions(child);
}
