// What depends on what, as policies declare it: read, checked for circles, and asked for one target.
import { durationSeconds } from "../duration.ts";
import type { ObjectRef } from "../facts/objects.ts";
import type { Finding } from "../finding.ts";
import type { FindingList } from "../templates/finding-list.ts";
import type { Position } from "../templates/template.ts";
import type { YamlDocument } from "../yaml-findings.ts";
import type { PolicyFile, Dependency as Written } from "./policy.generated.ts";

type Needed = Written["on"];

export interface Dependency {
  /** `policy/dependency`. */
  readonly name: string;
  /** Those that depend on it: `namespace/kind/name`. */
  readonly of: readonly string[];
  readonly on: Needed;
  readonly holdSeconds: number;
  readonly position: Position;
}

export function compileDependencies(
  file: Pick<PolicyFile, "name" | "dependencies">,
  document: YamlDocument,
  list: FindingList,
): readonly Dependency[] {
  const seen = new Set<string>();
  return file.dependencies.map(({ name, of, on, hold }, index) => {
    const path = ["dependencies", index];
    if (seen.has(name))
      list.error(
        [...path, "name"],
        "DUPLICATE_NAME",
        `another dependency of this file is called "${name}" too`,
      );
    seen.add(name);
    const keys = of.names.map((one) => keyOf({ ...of, name: one }));
    if (durationSeconds(hold) === 0)
      list.error([...path, "hold"], "WRONG_VALUE", "0s holds nothing: leave the dependency out");
    return {
      name: `${file.name}/${name}`,
      of: keys,
      on,
      holdSeconds: durationSeconds(hold),
      position: document.position(path),
    };
  });
}

/** Those of a target, in the order of their names. */
export function dependenciesOf(
  { kind, namespace, name }: Pick<ObjectRef, "kind" | "namespace" | "name">,
  dependencies: readonly Dependency[],
): readonly Dependency[] {
  const key = keyOf({ kind, namespace: namespace ?? "", name });
  return dependencies
    .filter(({ of }) => of.includes(key))
    .toSorted((left, right) => (left.name < right.name ? -1 : 1));
}

/** Where everybody waits for somebody else, nobody is repaired: one finding for each dependency that closes a circle. */
export function findCircles(dependencies: readonly Dependency[]): readonly Finding[] {
  const needs = new Map<string, Dependency[]>();
  for (const dependency of dependencies)
    for (const key of dependency.of) needs.set(key, [...(needs.get(key) ?? []), dependency]);
  return dependencies.flatMap((dependency) => {
    const on = keyOf(dependency.on);
    const way = dependency.of.map((key) => wayTo(key, on, needs)).find((found) => found !== null);
    if (way === undefined || way === null) return [];
    const message = `${dependency.name} waits in a circle: ${[...way, way[0]].join(" needs ")}`;
    return [{ ...dependency.position, severity: "error" as const, code: "DEPENDENCY_CIRCLE", message }];
  });
}

/** From what `start` needs back to it: the keys on the way, `goal` first; null: there is none. */
function wayTo(
  goal: string,
  start: string,
  needs: ReadonlyMap<string, readonly Dependency[]>,
): readonly string[] | null {
  const before = new Map<string, string>([[start, goal]]);
  const queue = [start];
  for (const key of queue) {
    if (key === goal) return trace(goal, start, before);
    for (const next of needs.get(key)?.map(({ on }) => keyOf(on)) ?? []) {
      if (before.has(next)) continue;
      before.set(next, key);
      queue.push(next);
    }
  }
  return null;
}

function trace(goal: string, start: string, before: ReadonlyMap<string, string>): readonly string[] {
  const way: string[] = [];
  for (let key = goal; key !== start; key = before.get(key) ?? start) way.unshift(key);
  return start === goal ? [goal] : [goal, start, ...way.slice(0, -1)];
}

function keyOf({
  namespace,
  kind,
  name,
}: Needed | { namespace: string; kind: string; name: string }): string {
  return `${namespace}/${kind}/${name}`;
}

/** `shop/StatefulSet/db`. */
export function neededText({ on }: Dependency): string {
  return keyOf(on);
}
