// What depends on what: whose dependencies a target has, and which declarations must not get into a catalog.
import { describe, expect, it } from "vitest";
import { compileCatalog } from "../../../src/domain/policies/compile-catalog.ts";
import { dependenciesOf } from "../../../src/domain/policies/dependencies.ts";

function compile(...dependencies: readonly string[]) {
  const text = `name: p\ndependencies:\n${dependencies.map((one) => `  - ${one}\n`).join("")}`;
  const { catalog, findings } = compileCatalog([{ path: "policies/p.yaml", text }], "main@sha1:0", []);
  return { catalog, lines: findings.map(({ line, code, message }) => `${line} ${code} ${message}`) };
}

const needs = (name: string, of: string, on: string, rest = "") =>
  `{name: ${name}, of: {namespace: shop, kind: Deployment, names: [${of}]}, on: {namespace: shop, kind: Deployment, name: ${on}}${rest}}`;

describe("a dependency", () => {
  it("is one of those whom it names, in their namespace and of their kind", () => {
    const dependencies = compile(needs("db", "cart, checkout", "db")).catalog?.dependencies ?? [];
    const of = (kind: string, namespace: string, name: string) =>
      dependenciesOf({ kind, namespace, name }, dependencies).map((one) => one.name);
    expect(of("Deployment", "shop", "cart")).toEqual(["p/db"]);
    expect(of("Deployment", "shop", "checkout")).toEqual(["p/db"]);
    expect(of("Deployment", "shop", "db")).toEqual([]);
    expect(of("StatefulSet", "shop", "cart")).toEqual([]);
    expect(of("Deployment", "till", "cart")).toEqual([]);
  });

  it("holds for fifteen minutes unless it says otherwise", () => {
    const { catalog } = compile(needs("a", "x", "y"), needs("b", "x", "z", ", hold: 2m"));
    expect(catalog?.dependencies.map(({ holdSeconds }) => holdSeconds)).toEqual([900, 120]);
  });

  it("may make a chain, and several may need the same", () => {
    expect(compile(needs("a", "cart, till", "db"), needs("b", "db", "disk")).lines).toEqual([]);
  });
});

describe("dependencies that must not get into a catalog", () => {
  it.each([
    [
      "itself",
      [needs("a", "x", "x")],
      /^3 DEPENDENCY_CIRCLE p\/a waits in a circle: shop\/Deployment\/x needs shop\/Deployment\/x$/,
    ],
    [
      "two of each other",
      [needs("a", "x", "y"), needs("b", "y", "x")],
      /^3 DEPENDENCY_CIRCLE p\/a waits in a circle: shop\/Deployment\/x needs shop\/Deployment\/y needs shop\/Deployment\/x$/,
    ],
    [
      "three in a circle",
      [needs("a", "x", "y"), needs("b", "y", "z"), needs("c", "z", "x")],
      /^4 DEPENDENCY_CIRCLE p\/b waits in a circle: shop\/Deployment\/y needs shop\/Deployment\/z needs shop\/Deployment\/x needs shop\/Deployment\/y$/,
    ],
    [
      "the same name twice",
      [needs("a", "x", "y"), needs("a", "z", "y")],
      /^4 DUPLICATE_NAME another dependency/,
    ],
    ["no time at all", [needs("a", "x", "y", ", hold: 0s")], /^3 WRONG_VALUE 0s holds nothing/],
  ])("%s", (_, dependencies, expected) => {
    const { catalog, lines } = compile(...dependencies);
    expect(catalog).toBeNull();
    expect(lines.some((line) => expected.test(line)) || lines).toBe(true);
  });

  it("a policy that says nothing", () => {
    const { findings } = compileCatalog([{ path: "policies/p.yaml", text: "name: p\n" }], "main@sha1:0", []);
    expect(findings.map(({ message }) => message)).toEqual(["a policy needs rules, dependencies, or both"]);
  });

  it("a circle of a thousand, in a moment", () => {
    const many = Array.from({ length: 1_000 }, (_, index) =>
      needs(`d${index}`, `o${index}`, `o${(index + 1) % 1_000}`),
    );
    expect(compile(...many).catalog).toBeNull();
  });
});
