// Where the engine waits, read from the syntax tree: whatever is awaited, and every call that changes something outside, in the
// order of the source, function by function. test/controller/fault-points.test.ts says what each of them needs.
import { existsSync, readFileSync } from "node:fs";
import { dirname, resolve } from "node:path";
import ts from "typescript";

export interface Site {
  /** `path:line`. */
  readonly at: string;
  /** `session.record`, `cluster().get`, `startStep`. */
  readonly what: string;
  /** Without the receiver. */
  readonly name: string;
  /** The name of the function that it stands in. */
  readonly within: string;
  readonly awaited: boolean;
}

/** The sites of each function, in the order of the source. */
export type Functions = readonly (readonly Site[])[];

/** @param calls names of the calls that are sites even where nobody awaits them */
export function sitesOf(path: string, text: string, calls: ReadonlySet<string>): Functions {
  const source = ts.createSourceFile(path, text, ts.ScriptTarget.Latest, true);
  const functions: Site[][] = [];
  const visit = (node: ts.Node, within: string, sites: Site[]) => {
    if (ts.isFunctionLike(node) && "body" in node) {
      const inner: Site[] = [];
      functions.push(inner);
      node.forEachChild((child) => visit(child, nameOf(node) ?? within, inner));
      return;
    }
    // What is handed to a call is done before the call.
    node.forEachChild((child) => visit(child, within, sites));
    const line = source.getLineAndCharacterOfPosition(node.getStart()).line + 1;
    const add = (expression: ts.Expression, awaited: boolean) => {
      const what = textOf(expression);
      const name = what.slice(what.lastIndexOf(".") + 1);
      sites.push({ at: `${path}:${line}`, what, name, within, awaited });
    };
    if (ts.isAwaitExpression(node)) for (const one of awaitedIn(node.expression)) add(one, true);
    else if (ts.isForOfStatement(node) && node.awaitModifier !== undefined) add(node.expression, true);
    else if (ts.isCallExpression(node) && calls.has(lastName(node)) && !isAwaited(node)) add(node, false);
  };
  const top: Site[] = [];
  functions.push(top);
  visit(source, "", top);
  return functions;
}

/** Names of everything that is declared in it as a function. */
export function functionsIn(path: string, text: string): readonly string[] {
  const names: string[] = [];
  const visit = (node: ts.Node) => {
    const name = ts.isFunctionLike(node) ? nameOf(node) : null;
    if (name !== null) names.push(name);
    node.forEachChild(visit);
  };
  visit(ts.createSourceFile(path, text, ts.ScriptTarget.Latest, true));
  return names;
}

/** The file and what it imports of its own folder, over and over; types left out. */
export function reachable(first: string): readonly string[] {
  const found = new Set([first]);
  for (const path of found) {
    for (const [, from = ""] of readFileSync(path, "utf8").matchAll(
      /^(?:import|export) (?!type )[^;]*? from "(\.\/[^"]+)"/gms,
    )) {
      const next = resolve(dirname(path), from);
      if (existsSync(next)) found.add(next);
    }
  }
  return [...found].toSorted();
}

/** Both sides of a condition; what `.catch` and `.finally` stand behind. */
function awaitedIn(expression: ts.Expression): readonly ts.Expression[] {
  if (ts.isParenthesizedExpression(expression)) return awaitedIn(expression.expression);
  if (ts.isConditionalExpression(expression))
    return [...awaitedIn(expression.whenTrue), ...awaitedIn(expression.whenFalse)];
  if (ts.isCallExpression(expression) && ts.isPropertyAccessExpression(expression.expression)) {
    const { name, expression: receiver } = expression.expression;
    if (["catch", "finally", "then"].includes(name.text)) return awaitedIn(receiver);
  }
  return [expression];
}

function isAwaited(node: ts.Expression): boolean {
  for (let up: ts.Node = node.parent; ts.isExpression(up); up = up.parent) {
    if (ts.isAwaitExpression(up)) return awaitedIn(up.expression).includes(node);
  }
  return false;
}

function textOf(expression: ts.Expression): string {
  if (ts.isCallExpression(expression)) return textOf(expression.expression);
  if (!ts.isPropertyAccessExpression(expression)) return expression.getText();
  const receiver = expression.expression;
  const of = ts.isCallExpression(receiver) ? `${lastName(receiver)}()` : lastPart(textOf(receiver));
  return `${of}.${expression.name.text}`;
}

function lastName(call: ts.CallExpression): string {
  return lastPart(textOf(call));
}

function lastPart(text: string): string {
  return text.slice(text.lastIndexOf(".") + 1);
}

function nameOf(node: ts.SignatureDeclaration): string | null {
  if (node.name !== undefined) return node.name.getText();
  const { parent } = node;
  return ts.isVariableDeclaration(parent) || ts.isPropertyAssignment(parent) ? parent.name.getText() : null;
}
