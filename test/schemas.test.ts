// The schemas are what editors show to people and what everything else is generated from.
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { Ajv } from "ajv";
import { describe, expect, it } from "vitest";

const root = join(import.meta.dirname, "..");
const names = ["template", "action", "policy", "catalog", "policy-test", "config"];
const schemaOf = (name: string) =>
  JSON.parse(readFileSync(join(root, "schemas", `${name}.schema.json`), "utf8")) as Node;

interface Node {
  readonly title?: string;
  readonly description?: string;
  readonly type?: string;
  readonly examples?: readonly unknown[];
  readonly properties?: Readonly<Record<string, Node>>;
  readonly items?: Node;
  readonly additionalProperties?: unknown;
  readonly definitions?: Readonly<Record<string, Node>>;
}

interface Property {
  readonly path: string;
  readonly node: Node;
}

function propertiesOf(node: Node, path: string): readonly Property[] {
  const own = Object.entries(node.properties ?? {}).map(([key, child]) => ({
    path: `${path}.${key}`,
    node: child,
  }));
  const children = [
    ...own,
    ...(node.items === undefined ? [] : [{ path: `${path}[]`, node: node.items }]),
    ...Object.entries(node.definitions ?? {}).map(([key, child]) => ({ path: `#${key}`, node: child })),
  ];
  return [...own, ...children.flatMap((child) => propertiesOf(child.node, child.path))];
}

function closedObjects(node: Node): boolean {
  const children = [
    ...Object.values(node.properties ?? {}),
    ...Object.values(node.definitions ?? {}),
    ...(node.items ? [node.items] : []),
  ];
  return (
    (node.properties === undefined || node.additionalProperties === false) && children.every(closedObjects)
  );
}

describe.each(names)("schemas/%s.schema.json", (name) => {
  const schema = schemaOf(name);

  it("is draft-07", () => {
    expect(new Ajv({ strict: false }).validateSchema(schema)).toBe(true);
  });

  it("explains every property with a title, a description and an example", () => {
    const properties = propertiesOf(schema, name);
    expect(properties.length).toBeGreaterThan(3);
    const mute = properties.filter(
      ({ node }) => !node.title || !node.description || (node.examples ?? []).length === 0,
    );
    expect(mute.map(({ path }) => path)).toEqual([]);
  });

  it("gives examples that are right", () => {
    const ajv = new Ajv({ strict: false, discriminator: true });
    const wrong = propertiesOf(schema, name).filter(({ node }) => {
      const validate = ajv.compile({ ...node, definitions: schema.definitions });
      return !(node.examples ?? []).every((example) => validate(example));
    });
    expect(wrong.map(({ path }) => path)).toEqual([]);
  });

  it("knows no object with unknown keys", () => {
    expect(closedObjects(schema)).toBe(true);
  });
});

describe("what is generated from the schemas", () => {
  it("is current", () => {
    const output = execFileSync(process.execPath, ["scripts/generate.ts", "--check"], {
      cwd: root,
      encoding: "utf8",
    });
    expect(output).toBe("");
  }, 60_000);
});
