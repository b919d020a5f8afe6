import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { parse, parseAllDocuments, stringify } from "yaml";
import { editFolder } from "../../../src/domain/planning/edit-folder.ts";
import type { FieldValues, ManifestObject } from "../../../src/domain/planning/edit-manifest.ts";
import type { ManifestFile } from "../../../src/domain/planning/edit-value.ts";
import { toProblem } from "../../../src/domain/problem.ts";

const deployment = { apiVersion: "apps/v1", kind: "Deployment", namespace: "shop", name: "api" };
const manifest = `# owned by team shop
apiVersion: apps/v1
kind: Deployment
metadata: {name: api, namespace: shop}   # flow
spec:
  replicas:   2 # two are enough
  template:
    spec:
      containers:
        - name: side
          image: 'example.test/side:1'
        - name: "app"
          image: "example.test/app:1" # pinned

          resources: {limits: {memory: 128Mi, cpu: "1"}}
`;
const image = "/spec/template/spec/containers[name=app]/image";
const memory = "/spec/template/spec/containers[name=app]/resources/limits/memory";

const changed = (files: readonly ManifestFile[], object: ManifestObject, fields: FieldValues) =>
  editFolder({ path: "", files, values: [] }, object, fields);
const edited = (text: string, fields: FieldValues, object = deployment) =>
  changed([{ path: "apps/api.yaml", text }], object, fields)[0]?.text ?? null;
function problemOf(work: () => unknown): string {
  try {
    work();
    return "it succeeded";
  } catch (error) {
    return toProblem(error).message;
  }
}

describe("a manifest that is changed in place", () => {
  it("differs in the value alone, whatever stands around it", () => {
    const text = edited(manifest, { [image]: "example.test/app:2", "/spec/replicas": 3, [memory]: "256Mi" });
    expect(text).toBe(
      manifest
        .replace('"example.test/app:1"', '"example.test/app:2"')
        .replace("2 # two", "3 # two")
        .replace("128Mi", "256Mi"),
    );
  });

  it("keeps the line ends of Windows, and other documents of the file", () => {
    const text = `${manifest}---\n${manifest.replace("name: api", "name: web")}`.replaceAll("\n", "\r\n");
    const wanted = text.replace("2 # two", "5 # two");
    expect(edited(text, { "/spec/replicas": 5 })).toBe(wanted);
  });

  it("is found in a List, and in a namespace that whoever applies it adds", () => {
    const text =
      "kind: List\napiVersion: v1\nitems:\n- apiVersion: apps/v1beta9\n  kind: Deployment\n  metadata: {name: api}\n  spec: {replicas: 1}\n";
    expect(edited(text, { "/spec/replicas": 2 })).toBe(text.replace("replicas: 1", "replicas: 2"));
  });

  it.each([
    "yes",
    "012",
    "1e3",
    "null",
    "~",
    "# no comment",
    "a: b",
    "2026-01-01",
    "",
    " x ",
    "0o7",
    "a, b",
    "ä\t☃",
  ])("holds %j as text for readers of YAML 1.1 and 1.2", (value) => {
    const text = edited(
      "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: c, namespace: shop}\ndata: {level: info}\n",
      { "/data/level": value },
      { apiVersion: "v1", kind: "ConfigMap", namespace: "shop", name: "c" },
    );
    for (const version of ["1.1", "1.2"] as const)
      expect(parse(text ?? "", { version })).toMatchObject({ data: { level: value } });
  });

  it("writes a block of lines as a block", () => {
    const text =
      "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: c, namespace: shop}\ndata:\n  app.conf: |\n    a=1\n    b=2\n  # after it\n  other: x\n";
    const object = { apiVersion: "v1", kind: "ConfigMap", namespace: "shop", name: "c" };
    expect(edited(text, { "/data/app.conf": "a=1\n\nb=3\n" }, object)).toBe(
      text.replace("b=2", "\n    b=3").replace("    \n", "\n"),
    );
  });

  it.each([
    [
      "an anchor that others use",
      "a: &r 2\n",
      "replicas: 2",
      "replicas: *r",
      /apps\/api\.yaml:\d+:\d+: .*anchor/,
    ],
    ["a variable", "", "replicas:   2", "replicas: ${REPLICAS}", /api\.yaml:6:\d+: .*variable/],
    ["a default", "", "  replicas:   2 # two are enough\n", "", /does not write \/spec\/replicas/],
    ["a broken file", "", "spec:\n", "spec: [\n", /api\.yaml:\d+:\d+: no YAML/],
    ["a key that stands there twice", "", "  template:", "  replicas: 4\n  template:", /no YAML .*unique/],
  ])("is refused, with its place, for %s", (_, before, from, to, message) => {
    const text =
      before +
      manifest
        .replace("replicas:   2", from.startsWith("replicas: 2") ? "replicas: 2" : "replicas:   2")
        .replace(from, () => to);
    expect(problemOf(() => edited(text, { "/spec/replicas": 3 }))).toMatch(message);
  });

  it("is refused where an anchor holds the value that others repeat", () => {
    const text = manifest.replace("replicas:   2", "replicas: &two 2").replace('cpu: "1"', "cpu: *two");
    expect(problemOf(() => edited(text, { "/spec/replicas": 3 }))).toMatch(/api\.yaml:6:.*anchor/);
  });

  it("is refused when it is written twice, with both places", () => {
    const files = ["a.yaml", "b.yaml"].map((path) => ({ path, text: manifest }));
    expect(problemOf(() => changed(files, deployment, { "/spec/replicas": 3 }))).toMatch(
      /^a\.yaml:6:\d+: .*written twice.* b\.yaml:6:/,
    );
  });

  const scalar = fc.oneof(fc.string(), fc.integer(), fc.boolean(), fc.string({ unit: "binary" }));
  const key = fc.constantFrom("a", "b", "level", "x-y");
  it("says the same as before in all but the value, for whatever is in it and around it", () => {
    fc.assert(
      fc.property(
        fc.dictionary(key, scalar, { minKeys: 1 }),
        scalar,
        fc.boolean(),
        fc.boolean(),
        (data, value, crlf, plain) => {
          const [first = "a"] = Object.keys(data);
          const style = plain ? "PLAIN" : "QUOTE_SINGLE";
          const body = stringify(
            { apiVersion: "v1", kind: "ConfigMap", metadata: { name: "c" }, data },
            { defaultStringType: style },
          );
          const text = crlf ? body.replaceAll("\n", "\r\n") : body;
          const object = { apiVersion: "v1", kind: "ConfigMap", namespace: null, name: "c" };
          let after: string | null;
          try {
            after =
              changed([{ path: "c.yaml", text }], object, { [`/data/${first}`]: value })[0]?.text ?? text;
          } catch (error) {
            // Refusing is always allowed; it must be said, and nothing be written.
            expect(toProblem(error).code).toBe("MANIFEST_NOT_EDITABLE");
            return;
          }
          const before = parse(text) as { data: object };
          expect(parse(after)).toEqual({ ...before, data: { ...before.data, [first]: value } });
          expect(parseAllDocuments(after)).toHaveLength(1);
        },
      ),
      { numRuns: 500 },
    );
  });
});
