import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { parse, stringify } from "yaml";
import { editFolder } from "../../../src/domain/planning/edit-folder.ts";
import type { FieldValues } from "../../../src/domain/planning/edit-manifest.ts";
import type { MappedValue } from "../../../src/domain/planning/mapped-values.ts";
import { toProblem } from "../../../src/domain/problem.ts";

const object = { apiVersion: "apps/v1", kind: "Deployment", namespace: "shop", name: "api" };
const image = "/spec/template/spec/containers[name=app]/image";
const replicas: MappedValue = {
  path: "charts/api",
  kind: "Deployment",
  name: "api",
  namespaces: null,
  field: "/spec/replicas",
  file: "env/prod.yaml",
  at: "/replicaCount",
};
const parts = { repository: "/image/repository", tag: "/image/tag", digest: null };
const ofImage: MappedValue = { ...replicas, field: image, at: parts };
const values = `# of production
replicaCount: 2 # enough
image:
  repository: example.test/app
  tag: 1.9   # a number
  digest: ""
`;
const chart = {
  "charts/api/Chart.yaml": "name: api\n",
  "charts/api/values.yaml": "replicaCount: 1\n",
  "charts/api/templates/deployment.yaml": "spec: {replicas: {{ .Values.replicaCount }}}\n",
};

function edited(text: string, fields: FieldValues, ...map: readonly MappedValue[]): string | null {
  const texts = { ...chart, "env/prod.yaml": text };
  const files = Object.entries(texts).map(([path, one]) => ({ path, text: one }));
  const changed = editFolder({ path: "charts/api", files, values: map }, object, fields);
  expect(changed.map(({ path }) => path)).toEqual(changed.length === 0 ? [] : ["env/prod.yaml"]);
  return changed[0]?.text ?? null;
}
function refusal(text: string, fields: FieldValues, ...map: readonly MappedValue[]): string {
  try {
    return `it wrote ${edited(text, fields, ...map)}`;
  } catch (error) {
    const { code, message } = toProblem(error);
    expect(code).toBe("MANIFEST_NOT_EDITABLE");
    return message;
  }
}

describe("a value that gitmend.yaml maps", () => {
  it("is changed in its file, with the parts of an image each where it is", () => {
    const fields = { "/spec/replicas": 5, [image]: "mirror.test/app:1.10" };
    expect(edited(values, fields, replicas, ofImage)).toBe(
      values
        .replace("Count: 2", "Count: 5")
        .replace("example.test/app", "mirror.test/app")
        .replace("1.9 ", '"1.10" '),
    );
  });

  it("has a digest where the map says so", () => {
    const map = { ...ofImage, at: { ...parts, digest: "/image/digest" } };
    expect(edited(values, { [image]: "example.test/app:2@sha256:ab" }, map)).toBe(
      values.replace("1.9 ", '"2" ').replace('digest: ""', 'digest: "sha256:ab"'),
    );
    expect(edited(values, { [image]: "example.test/app:v2" }, map)).toBe(values.replace("1.9 ", "v2 "));
    const pinned = values.replace('""', "sha256:aa");
    expect(refusal(pinned, { [image]: "example.test/app:v2" }, map)).toMatch(
      /^env\/prod\.yaml:6:11: .*say the digest of example\.test\/app:v2, too/,
    );
    expect(edited(values.replace(/ {2}digest.*\n/, ""), { [image]: "example.test/app:v2" }, map)).toContain(
      "v2",
    );
  });

  it("may be one of a HelmRelease, in a file of several objects", () => {
    const text = `kind: HelmRepository\nspec: {}\n---\nkind: HelmRelease\nspec:\n  values: {replicaCount: 2} # two\n`;
    const map = { ...replicas, at: "/spec/values/replicaCount" };
    expect(edited(text, { "/spec/replicas": 3 }, map)).toBe(text.replace("Count: 2", "Count: 3"));
    expect(refusal(`${text}---\n${text}`, { "/spec/replicas": 3 }, map)).toMatch(
      /^env\/prod\.yaml:6:26: .*written twice, there and at env\/prod\.yaml:13:26/,
    );
  });

  it.each([
    ["a kind", { kind: "StatefulSet" }],
    ["a name", { name: "web-*" }],
    ["a field", { field: "/spec/paused" }],
    ["a folder", { path: "charts" }],
    ["a namespace", { namespaces: ["bank-*"] }],
  ])("is nobody else's: %s that is another's is refused, with what to add", (_, other) => {
    expect(refusal(values, { "/spec/replicas": 3 }, { ...replicas, ...other })).toMatch(
      /^charts\/api\/Chart\.yaml:1:1: a Helm chart .* `sources` of gitmend\.yaml: values: \[\{path: "charts\/api"/,
    );
  });

  it("is asked for with the parts of an image", () => {
    expect(refusal(values, { [image]: "example.test/app:2" })).toContain(
      "at: {repository: <path in it>, tag:",
    );
  });

  it("is that of the namespace, and one alone", () => {
    const staging = { ...replicas, namespaces: ["staging"], file: "charts/api/values.yaml" };
    const own = { ...replicas, name: "*", namespaces: ["sh?p"] };
    expect(edited(values, { "/spec/replicas": 3 }, staging, own)).toContain("Count: 3");
    expect(refusal(values, { "/spec/replicas": 3 }, replicas, own)).toMatch(
      /^2 `values` of this source in gitmend\.yaml are for \/spec\/replicas of Deployment api/,
    );
  });

  it.each([
    ["a file that is not there", values, replicas, { file: "env/away.yaml" }, "7", /^env\/away\.yaml, which/],
    [
      "a value that is not written",
      values,
      replicas,
      { at: "/count" },
      7,
      /^env\/prod\.yaml:1:1: \/count, which/,
    ],
    ["a map", values, replicas, { at: "/image" }, 7, /^env\/prod\.yaml:4:3: .*no single value/],
    ["a template", "replicaCount: {{ .x }}\n", replicas, {}, 7, /env\/prod\.yaml:1:\d+/],
    ["a variable", 'replicaCount: "${N}"\n', replicas, {}, 7, /:1:15: .*variable/],
    ["an anchor", "a: &a 2\nreplicaCount: *a\n", replicas, {}, 7, /:2:15: .*anchor/],
    ["a merge", "a: &a {n: 2}\nb: {<<: *a}\n", replicas, { at: "/b/n" }, 7, /:2:4: .*anchor/],
    [
      "a key that stands there twice",
      "replicaCount: 1\nreplicaCount: 2\n",
      replicas,
      {},
      7,
      /no YAML .*unique/,
    ],
    ["an image without a tag", values, ofImage, {}, "example.test/app", /says no tag/],
    ["a digest that has no place", values, ofImage, {}, "app:1@sha256:ab", /values: at\.digest/],
    [
      "an image that is a text",
      "image: app:1\n",
      ofImage,
      {},
      "app:2",
      /repository, which .* is not written/,
    ],
    ["aliases without end", bomb(), replicas, {}, 7, /cannot be written as it is laid out/],
  ])("is refused for %s", (_, text, map, more, value, message) => {
    expect(refusal(text, { [map.field]: value }, { ...map, ...more })).toMatch(message);
  });

  it("is found at once in a file of very many keys", () => {
    const filler = Array.from({ length: 30_000 }, (_, index) => `k${index}:\n`).join("");
    const text = `${filler}${values}`;
    expect(edited(text, { "/spec/replicas": 5 }, replicas)).toBe(text.replace("Count: 2", "Count: 5"));
  }, 20_000);

  const scalar = fc.oneof(fc.string(), fc.integer(), fc.boolean());
  const part = fc.stringMatching(/^[a-zA-Z0-9_][\w.-]{0,12}$/);
  it("says the same as before in all but the value, for whatever is around it", () => {
    fc.assert(
      fc.property(
        fc.dictionary(fc.constantFrom("a", "b", "name", "tags"), scalar),
        fc.oneof(part, fc.integer(), fc.double({ noNaN: true, noDefaultInfinity: true })),
        part,
        fc.boolean(),
        (around, now, wanted, flow) => {
          const said = { ...around, image: { repository: "x", ...around, tag: now } };
          const text = `# c\n${stringify(said, { collectionStyle: flow ? "flow" : "any" })}`;
          const after = edited(text, { [image]: `x:${wanted}` }, ofImage) ?? text;
          for (const version of ["1.1", "1.2"] as const) {
            const before = parse(text, { version }) as typeof said;
            expect(parse(after, { version })).toEqual({ ...before, image: { ...before.image, tag: wanted } });
          }
        },
      ),
      { numRuns: 300 },
    );
  });
});

function bomb(): string {
  const lines = Array.from({ length: 12 }, (_, index) =>
    index === 0
      ? "l0: &l0 [x]"
      : `l${index}: &l${index} [${Array(9)
          .fill(`*l${index - 1}`)
          .join(", ")}]`,
  );
  return `${lines.join("\n")}\nreplicaCount: 2\n`;
}
