import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { parse, stringify } from "yaml";
import { editFolder } from "../../../src/domain/planning/edit-folder.ts";
import type { FieldValues } from "../../../src/domain/planning/edit-manifest.ts";
import { filesNamed } from "../../../src/domain/planning/kustomize-layers.ts";
import { toProblem } from "../../../src/domain/problem.ts";

type Texts = Readonly<Record<string, string>>;

const object = { apiVersion: "apps/v1", kind: "Deployment", namespace: "shop", name: "api" };
const image = "/spec/template/spec/containers[name=app]/image";
const deployment = (name: string, ...images: readonly string[]) => `apiVersion: apps/v1
kind: Deployment
metadata: {name: ${name}}
spec:
  replicas: 2 # two
  template:
    spec:
      containers:
${images.map((one, index) => `      - {name: ${["app", "side"][index]}, image: "${one}"}\n`).join("")}`;
const api = deployment("api", "example.test/app:1");
const patch = (spec: string) =>
  `apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: api}\nspec: ${spec}\n`;
const inline = (text: string, head = "- patch: |-") =>
  `${head}\n${text.trimEnd().replaceAll(/^/gm, "    ")}\n`;
const kustomization = (more: string, resources = "api.yaml") =>
  `# of team shop\nresources: [${resources}]\n${more}`;

/** What changes, by path. */
function edited(texts: Texts, fields: FieldValues, path = "prod"): Texts {
  const files = Object.entries(texts).map(([path, text]) => ({ path, text }));
  const changed = editFolder({ path, files, values: [] }, object, fields);
  return Object.fromEntries(changed.map(({ path, text }) => [path, text]));
}
function refusal(texts: Texts, fields: FieldValues, path = "prod"): string {
  try {
    return `it changed ${JSON.stringify(edited(texts, fields, path))}`;
  } catch (error) {
    const { code, message } = toProblem(error);
    expect(code).toBe("MANIFEST_NOT_EDITABLE");
    return message;
  }
}
/** One kustomization over the Deployment. */
const one = (more: string): Texts => ({
  "prod/kustomization.yaml": kustomization(more),
  "prod/api.yaml": api,
});
const kustomized = (more: string, fields: FieldValues) =>
  edited(one(more), fields)["prod/kustomization.yaml"];

describe("what is applied of a folder", () => {
  const replicas = { "/spec/replicas": 3 };
  it("is all of it without a kustomization, and nothing that was read elsewhere", () => {
    const texts = { "prod/web.yaml": deployment("web"), "prod/sub/api.yaml": api, "base/api.yaml": api };
    expect(Object.keys(edited(texts, replicas))).toEqual(["prod/sub/api.yaml"]);
  });

  it("is what the kustomization of a folder below makes of it", () => {
    const texts = {
      "prod/web.yaml": deployment("web"),
      "prod/sub/kustomization.yaml": kustomization("replicas: [{name: api, count: 5}]\n", "deep"),
      "prod/sub/deep/kustomization.yaml": kustomization(""),
      "prod/sub/deep/api.yaml": api,
    };
    expect(Object.keys(edited(texts, replicas))).toEqual(["prod/sub/kustomization.yaml"]);
    expect(Object.keys(edited(texts, { [image]: "example.test/app:2" }))).toEqual(["prod/sub/deep/api.yaml"]);
  });

  it("is what the kustomization names, and its folders", () => {
    const texts = {
      "prod/kustomization.yaml": kustomization("", "., sub"),
      "prod/api.yaml": api,
      "prod/sub/kustomization.yaml": "resources: [./web.yaml]\n",
      "prod/sub/web.yaml": api.replace("two", "sub"),
    };
    expect(edited(texts, replicas)).toEqual({
      "prod/sub/web.yaml": texts["prod/sub/web.yaml"].replace("2 #", "3 #"),
    });
  });

  it.each([
    ["components: [../debug]", /^prod\/kustomization\.yaml:3:1: "components"/],
    ["configMapGenerator: []", /"configMapGenerator"/],
    ["namePrefix: x-", /"namePrefix"/],
    ["patches: [{path: ../../away.yaml}]", /:3:11: patch \.\.\/\.\.\/away\.yaml is not here/],
    ["patches: [{path: api.yaml, options: {allowNameChange: true}}]", /this patch is not understood/],
    ["patches: [3]", /this patch is not understood/],
    [`patches: [${"3,".repeat(2_001)}]`, /:3:1: "patches" has more than 2000 entries/],
    ["x: &x {<<: {}}", /"x"/],
    ["images:\n- {<<: {}, name: a}", /:4:4: a merge of anchors/],
  ])("is not known for sure with %s", (line, message) => {
    expect(refusal(one(line), replicas)).toMatch(message);
  });

  it("is made by a chart, and the refusal says what to write where", () => {
    const texts = { "prod/Chart.yaml": "name: api\n", "prod/templates/api.yaml": api };
    expect(refusal(texts, replicas)).toMatch(
      /^prod\/Chart\.yaml:1:1: .*values: \[\{path: "prod", kind: Deployment, name: api, field: "\/spec\/replicas", file:/,
    );
  });

  it("may be named without end, and read no further than is sensible", () => {
    const twice = (next: number) => `resources: [l${next}, ./l${next}/]\n`;
    const texts: Record<string, string> = { "prod/kustomization.yaml": twice(0) };
    for (let index = 0; index < 30; index += 1) {
      const folder = `prod${Array.from({ length: index + 1 }, (_, at) => `/l${at}`).join("")}`;
      texts[`${folder}/kustomization.yaml`] = twice(index + 1);
    }
    texts[`prod${Array.from({ length: 31 }, (_, at) => `/l${at}`).join("")}/kustomization.yaml`] =
      "resources: []\n";
    expect(refusal(texts, replicas)).toContain("more than 200 kustomizations");
  });

  it("names what has to be read elsewhere, and never what is outside of the repository", () => {
    const texts = {
      "prod/kustomization.yaml": kustomization(
        "patches: [{path: ../patch.yaml}]",
        "../base, ../../../etc, 'https://x.test/y', own",
      ),
      "prod/own/kustomization.yaml": "resources: [../../more/web.yaml]\n",
      "base/kustomization.yaml": "resources: [../deep]\n",
    };
    const named = filesNamed(
      Object.entries(texts).map(([path, text]) => ({ path, text })),
      "prod",
    );
    expect(named).toEqual(
      expect.arrayContaining(["patch.yaml", "more/web.yaml", "base/kustomization.yaml", "deep"]),
    );
    expect(named.filter((name) => /^prod|\.\.|etc|x\.test/.test(name))).toEqual([]);
  });
});

describe("replicas of a kustomization", () => {
  const entry = "replicas:\n# traffic of autumn\n- name: web\n  count: 9\n- {name: api, count: 5} # five\n";
  it("are changed there, not where they are overwritten", () => {
    expect(edited(one(entry), { "/spec/replicas": 7 })).toEqual({
      "prod/kustomization.yaml": kustomization(entry.replace("count: 5", "count: 7")),
    });
  });

  it("are those of the outer kustomization when both set them", () => {
    const texts = {
      "prod/kustomization.yaml": kustomization("replicas: [{name: api, count: 3}]\n", "sub"),
      "prod/sub/kustomization.yaml": kustomization("replicas: [{name: api, count: 4}]\n"),
      "prod/sub/api.yaml": api,
    };
    expect(edited(texts, { "/spec/replicas": 7 })).toEqual({
      "prod/kustomization.yaml": kustomization("replicas: [{name: api, count: 7}]\n", "sub"),
    });
  });

  it("belong to no other field, kind or name", () => {
    expect(Object.keys(edited(one("replicas: [{name: web, count: 3}]"), { "/spec/replicas": 7 }))).toEqual([
      "prod/api.yaml",
    ]);
    expect(Object.keys(edited(one(entry), { [image]: "example.test/app:2" }))).toEqual(["prod/api.yaml"]);
  });

  it.each([
    ["- {name: api, count: 1}\n- {name: api, count: 2}", /:4:3: .*twice, there and at .*:5:3/],
    ["- {name: api, count: &c 1}\n- {name: web, count: *c}", /:4:25: .*anchor/],
    ["- {name: api, count: 1}\n- {name: api, other: 2}", /:5:3: this entry/],
    ["- {name: api, count: 1, count: 2}", /no YAML .*unique/],
    ["  api: {name: api, count: 1}", /:3:1: "replicas" is no list/],
  ])("are refused as %s", (entries, message) => {
    expect(refusal(one(`replicas:\n${entries}\n`), { "/spec/replicas": 7 })).toMatch(message);
  });

  it("are refused for something that is no count", () => {
    expect(refusal(one(entry), { "/spec/replicas": "7" })).toMatch(/:7:3: 7 is no count/);
  });

  it("are refused when they are another object's, too", () => {
    const texts = {
      "prod/kustomization.yaml": kustomization(entry, "api.yaml, set.yaml"),
      "prod/api.yaml": api,
      "prod/set.yaml": api.replace("kind: Deployment", "kind: StatefulSet"),
    };
    expect(refusal(texts, { "/spec/replicas": 7 })).toMatch(
      /^prod\/kustomization\.yaml:7:3: .*StatefulSet api at prod\/set\.yaml:1:1/,
    );
  });

  it("are refused when what else is named cannot be read", () => {
    const texts = {
      "prod/kustomization.yaml": kustomization(entry, "api.yaml, 'https://x.test/more.yaml'"),
      "prod/api.yaml": api,
    };
    expect(refusal(texts, { "/spec/replicas": 7 })).toContain("https://x.test/more.yaml is not in this");
  });
});

describe("images of a kustomization", () => {
  it.each([
    ["a tag", "{name: example.test/app, newTag: v1}", "example.test/app:v2", ["newTag: v1", "newTag: v2"]],
    [
      "a tag that is a number",
      "{name: example.test/app, newTag: 1.9}",
      "example.test/app:1.10",
      ["1.9", '"1.10"'],
    ],
    ["a tag in quotes", "{name: example.test/app, newTag: '1'}", "example.test/app:2", ["'1'", "'2'"]],
    [
      "a name and a tag",
      "{newName: mirror.test/app, name: example.test/app, newTag: v1}",
      "other.test/app:v2",
      [
        "mirror.test/app, name: example.test/app, newTag: v1",
        "other.test/app, name: example.test/app, newTag: v2",
      ],
    ],
    [
      "a digest",
      "{name: example.test/app, digest: 'sha256:aa'}",
      "example.test/app@sha256:bb",
      ["sha256:aa", "sha256:bb"],
    ],
    [
      "a tag and a digest",
      "{name: example.test/app, newTag: v1, digest: 'sha256:aa'}",
      "example.test/app:v2@sha256:bb",
      ["v1, digest: 'sha256:aa", "v2, digest: 'sha256:bb"],
    ],
  ])("are changed where %s is written", (_, entry, wanted, [from = "", to = ""]) => {
    const more = `images:\n# pinned\n- ${entry} # by hand\n- {name: other, newTag: x}\n`;
    expect(kustomized(more, { [image]: wanted })).toBe(kustomization(more.replace(from, to)));
  });

  it.each([
    [
      "a digest without the wanted one",
      "{name: example.test/app, digest: 'sha256:aa'}",
      "example.test/app:2",
      /:4:3: .*say the digest/,
    ],
    [
      "a tag, and the wanted one has a digest",
      "{name: example.test/app, newTag: '1'}",
      "example.test/app:2@sha256:bb",
      /:4:3: this image sets newTag, which does not make/,
    ],
    [
      "a tag, and the wanted one has none",
      "{name: example.test/app, newTag: '1'}",
      "example.test/app",
      /does not make/,
    ],
    [
      "a tag, and another name is wanted",
      "{name: example.test/app, newTag: '1'}",
      "other.test/app:2",
      /does not make other/,
    ],
    ["a name alone", "{name: example.test/app, newName: x.test/app}", "x.test/app:2", /sets newName, which/],
    [
      "an anchor that others use",
      "{name: example.test/app, newTag: &t a}\n- {name: x, newTag: *t}",
      "example.test/app:2",
      /:4:39: newTag comes from an anchor/,
    ],
    [
      "two entries",
      "{name: example.test/app, newName: x}\n- {name: x, newTag: '3'}",
      "x:4",
      /is set here and at .*:5:3/,
    ],
    [
      "a suffix",
      "{name: example.test/app, newTag: a, tagSuffix: -x}",
      "example.test/app:b",
      /not understood/,
    ],
    [
      "a name that is a pattern",
      "{name: 'example.test/(app|web)', newTag: a}",
      "example.test/app:b",
      /no name that is understood/,
    ],
    ["a key twice", "{name: example.test/app, newTag: a, newTag: b}", "example.test/app:b", /no YAML/],
    ["a text", "example.test/app", "example.test/app:b", /:4:3|no list|not understood/],
  ])("are refused for %s", (_, entry, wanted, message) => {
    expect(refusal(one(`images:\n- ${entry}\n`), { [image]: wanted })).toMatch(message);
  });

  it("are refused when with the wanted name another entry would set it", () => {
    const entries = "images:\n- {name: example.test/app, newName: a, newTag: v1}\n- {name: b, newTag: v1}\n";
    expect(refusal(one(entries), { [image]: "b:v2" })).toMatch(
      /:4:3: with b:v2 here something else would set/,
    );
    expect(refusal(one("images: [{name: b, newTag: v1}]\n"), { [image]: "b:v2" })).toMatch(
      /^prod\/api\.yaml:9:\d+: with b:v2 here/,
    );
  });

  it("are refused as a map", () => {
    expect(refusal(one("images: {name: example.test/app}\n"), { [image]: "x:1" })).toMatch(
      /:3:1: "images" is no list/,
    );
  });

  it("fit as kustomize has it: a dot is any character, other names are others", () => {
    const entry = "images: [{name: example.test/app, newTag: '1'}]\n";
    const written = (text: string, wanted = "example.test/app:3") =>
      Object.keys(
        edited(
          { "prod/kustomization.yaml": kustomization(entry), "prod/api.yaml": deployment("api", text) },
          { [image]: wanted },
        ),
      );
    expect(written("example.test/app:2@sha256:ab")).toEqual(["prod/kustomization.yaml"]);
    expect(written("example.test/app2:2", "example.test/app2:3")).toEqual(["prod/api.yaml"]);
    expect(
      refusal(
        { ...one(entry), "prod/api.yaml": deployment("api", "exampleXtest/app:2") },
        { [image]: "example.test/app:3" },
      ),
    ).toMatch(/does not make/);
  });

  it("are refused when others have the image, too: in another object, container, or patch", () => {
    const entry = "images:\n- {name: example.test/app, newTag: '1'}\n";
    const wanted = { [image]: "example.test/app:3" };
    const with2 = (more: string, texts: Texts) =>
      refusal(
        {
          "prod/kustomization.yaml": kustomization(entry + more, "api.yaml, web.yaml"),
          "prod/api.yaml": api,
          ...texts,
        },
        wanted,
      );
    expect(with2("", { "prod/web.yaml": deployment("web", "example.test/app:9") })).toMatch(
      /^prod\/kustomization\.yaml:4:3: this image is set for Deployment web at prod\/web\.yaml:9:28/,
    );
    expect(
      with2("", {
        "prod/api.yaml": deployment("api", "example.test/app:1", "example.test/app:1"),
        "prod/web.yaml": "",
      }),
    ).toMatch(/Deployment api at prod\/api\.yaml:10:29/);
    const json =
      "patches:\n- target: {kind: Deployment, name: web}\n  patch: |\n    - {op: replace, path: /spec/template/spec/containers/0/image, value: example.test/app}\n";
    expect(with2(json, { "prod/web.yaml": deployment("web", "b") })).toContain(
      "what a patch changes at prod/kustomization.yaml:8:",
    );
  });

  it("reach others through the names of a kustomization within", () => {
    const texts = {
      "prod/kustomization.yaml": kustomization(
        "images: [{name: example.test/app, newTag: '1'}]\n",
        "api.yaml, sub",
      ),
      "prod/api.yaml": api,
      "prod/sub/kustomization.yaml":
        "resources: [web.yaml]\nimages: [{name: old, newName: example.test/app}]\n",
      "prod/sub/web.yaml": deployment("web", "old:1"),
    };
    expect(refusal(texts, { [image]: "example.test/app:3" })).toContain(
      "Deployment web at prod/sub/web.yaml",
    );
  });

  it("do not reach what another kustomization names", () => {
    const texts = {
      "prod/kustomization.yaml": kustomization("", "a, b"),
      "prod/a/kustomization.yaml": kustomization("images: [{name: example.test/app, newTag: '1'}]\n"),
      "prod/a/api.yaml": api,
      "prod/b/kustomization.yaml": "resources: [web.yaml]\n",
      "prod/b/web.yaml": deployment("web", "example.test/app:1"),
    };
    expect(Object.keys(edited(texts, { [image]: "example.test/app:3" }))).toEqual([
      "prod/a/kustomization.yaml",
    ]);
  });

  it("are those of the overlay, for what stands in a base outside of the folder", () => {
    const overlay = kustomization("images:\n- name: example.test/app\n  newTag: v1 # bad\n", "../base");
    const texts = {
      "prod/kustomization.yaml": overlay,
      "base/kustomization.yaml": "resources: [api.yaml]\n",
      "base/api.yaml": api,
    };
    expect(edited(texts, { [image]: "example.test/app:v0" })).toEqual({
      "prod/kustomization.yaml": overlay.replace("v1", "v0"),
    });
    expect(refusal(texts, { "/spec/replicas": 4 })).toMatch(
      /^base\/api\.yaml:5:13: \/spec\/replicas of Deployment api is set here, outside of prod/,
    );
    const doubtful = { ...texts, "base/kustomization.yaml": "resources: [api.yaml]\ncomponents: [x]\n" };
    expect(refusal(doubtful, { [image]: "example.test/app:v0" })).toMatch(
      /^base\/kustomization\.yaml:2:1: "components"/,
    );
    const { "base/api.yaml": _, ...unread } = texts;
    expect(refusal(unread, { [image]: "example.test/app:v0" })).toMatch(/is not known/);
  });
});

describe("patches of a kustomization", () => {
  const replicas = { "/spec/replicas": 7 };
  it("are changed where the last one sets the value", () => {
    const texts = {
      "prod/kustomization.yaml": kustomization("patches:\n- path: a.yaml\n- path: b.yaml\n- path: c.yaml\n"),
      "prod/api.yaml": api,
      "prod/a.yaml": patch("{replicas: 3}"),
      "prod/b.yaml": `# b\n${patch("{replicas: 4} # four")}`,
      "prod/c.yaml": patch("{paused: false}"),
    };
    expect(edited(texts, replicas)).toEqual({ "prod/b.yaml": texts["prod/b.yaml"].replace("4}", "7}") });
  });

  it.each([
    ["inline", `patches:\n${inline(patch("{replicas: 4} # four\n  # more"), "- patch: |- # why")}# after\n`],
    ["inline, with its end kept", `patches:\n${inline(patch("{replicas: 4}"), "- patch: |+")}\n\n# after\n`],
    [
      "inline for a target",
      `patches:\n${inline("kind: x\nmetadata: {name: y}\nspec:\n  replicas: 4", "- target: {kind: Deployment, name: api, group: apps, version: v1}\n  patch: |")}`,
    ],
    [
      "inline in quotes",
      `patches: [{patch: '{apiVersion: apps/v1, kind: Deployment, metadata: {name: api}, spec: {replicas: 4}}'}]\n`,
    ],
    ["of the old key", `patchesStrategicMerge:\n${inline(patch("{replicas: 4}"), "- |-")}`],
    [
      "as an operation",
      `patches:\n${inline("# why\n- op: test\n  path: /spec/paused\n  value: 4\n- op: replace\n  path: /spec/replicas\n  value: 4 # four", "- target: {kind: Deployment, name: api}\n  patch: |-")}`.replace(
        "value: 4\n",
        "value: no\n",
      ),
    ],
    [
      "as an operation in JSON",
      `patches: [{target: {kind: Deployment, name: api}, patch: '[{"op": "add", "path": "/spec/replicas", "value": 4}]'}]\n`,
    ],
  ])("are changed %s, and nothing around it", (_, more) => {
    expect(kustomized(more, replicas)).toBe(kustomization(more.replace(/(replicas: |value"?: )4/, "$17")));
    const windows = more.replaceAll("\n", "\r\n");
    expect(kustomized(windows, replicas)).toBe(
      kustomization(windows.replace(/(replicas: |value"?: )4/, "$17")),
    );
  });

  it("hold what images then change", () => {
    const container = patch("{template: {spec: {containers: [{name: app, image: 'x.test/app:3'}]}}}");
    const more = `images: [{name: x.test/app, newTag: '5'}]\npatches:\n${inline(container)}`;
    expect(kustomized(more, { [image]: "x.test/app:6" })).toBe(kustomization(more.replace("'5'", "'6'")));
  });

  it("of others, or of other fields, change nothing", () => {
    const more = [
      "patches:",
      "- {target: {kind: Service}, patch: '[{op: remove, path: /spec/replicas}]'}",
      "- {target: {kind: Deployment, name: web}, patch: '{spec: {replicas: 4}}'}",
      "- {target: {labelSelector: a=b}, patch: '[{op: add, path: /metadata/labels/x, value: y}]'}",
      "- {target: {kind: Deployment}, patch: '[{op: add, path: /spec/template/spec/containers/-, value: {name: side}}]'}",
      "",
    ].join("\n");
    expect(Object.keys(edited(one(more), replicas))).toEqual(["prod/api.yaml"]);
    expect(Object.keys(edited(one(more), { [image]: "x:1" }))).toEqual(["prod/api.yaml"]);
  });

  const sets = "patch: '{spec: {replicas: 4}}'";
  it.each([
    [
      "a target that is a pattern",
      `{target: {kind: Deployment, name: a.*}, ${sets}}`,
      /:4:3: it is not certain/,
    ],
    ["a target without a name", `{target: {kind: Deployment}, ${sets}}`, /it is not certain/],
    [
      "a target by labels",
      `{target: {kind: Deployment, name: api, labelSelector: a=b}, ${sets}}`,
      /it is not certain/,
    ],
    [
      "a target in a namespace",
      `{target: {kind: Deployment, name: api, namespace: x}, ${sets}}`,
      /it is not certain/,
    ],
    [
      "what takes something away",
      "{patch: '{apiVersion: apps/v1, kind: Deployment, metadata: {name: api}, spec: {$patch: replace}}'}",
      /:4:\d+: \$patch may take away/,
    ],
    [
      "nothing in the place of something",
      "{patch: '{apiVersion: apps/v1, kind: Deployment, metadata: {name: api}, spec: null}'}",
      /may take \/spec\/replicas away/,
    ],
    [
      "a removal",
      "{target: {kind: Deployment, name: api}, patch: '[{op: remove, path: /spec/replicas}]'}",
      /this operation may set/,
    ],
    [
      "an operation on all of it",
      "{target: {kind: Deployment, name: api}, patch: '[{op: replace, path: /spec, value: {}}]'}",
      /this operation may set/,
    ],
    [
      "a move",
      "{target: {kind: Deployment, name: api}, patch: '[{op: move, from: /spec/replicas, path: /x}]'}",
      /this operation may set/,
    ],
    [
      "operations without a target",
      "{patch: '[{op: replace, path: /spec/replicas, value: 1}]'}",
      /needs one target/,
    ],
    ["a text that is no YAML", "{patch: '{'}", /:4:\d+: no YAML/],
    [
      "an anchor",
      "{patch: '{apiVersion: apps/v1, kind: Deployment, metadata: {name: api, generation: &a 4}, spec: {replicas: *a}}'}",
      /anchor/,
    ],
    [
      "a variable",
      "{patch: '{apiVersion: apps/v1, kind: Deployment, metadata: {name: api}, spec: {replicas: \"${R}\"}}'}",
      /variable/,
    ],
  ])("are refused for %s", (_, entry, message) => {
    expect(refusal(one(`patches:\n- ${entry}\n`), replicas)).toMatch(message);
  });

  it("are refused for items by their number, and lists that are replaced", () => {
    const json =
      "patches: [{target: {kind: Deployment, name: api}, patch: '[{op: replace, path: /spec/template/spec/containers/0/image, value: x}]'}]";
    expect(refusal(one(json), { [image]: "x:2" })).toMatch(/this operation may set/);
    const service = {
      apiVersion: "apps/v1",
      kind: "Deployment",
      metadata: { name: "api" },
      spec: { list: [{ id: "b" }] },
    };
    expect(refusal(one(`patches:\n${inline(stringify(service))}`), { "/spec/list[id=a]/x": 2 })).toMatch(
      /away/,
    );
  });

  it("say where they stand in the file, inside of a block too", () => {
    const more = `patches:\n${inline(patch("{replicas: [1]}"))}`;
    expect(refusal(one(more), replicas)).toMatch(/^prod\/kustomization\.yaml:8:22: .*no single value/);
  });

  it("are refused when they are used twice", () => {
    const texts = {
      "prod/kustomization.yaml": kustomization("", "a, b"),
      "prod/a/kustomization.yaml": kustomization("namespace: shop\npatches: [{path: ../p.yaml}]\n"),
      "prod/a/api.yaml": api,
      "prod/b/kustomization.yaml": kustomization("namespace: bank\npatches: [{path: ../p.yaml}]\n"),
      "prod/b/api.yaml": api,
      "prod/p.yaml": patch("{replicas: 4}"),
    };
    expect(refusal(texts, replicas)).toMatch(/^prod\/p\.yaml:4:18: .*is used in 2 places/);
  });
});

describe("a base that two namespaces are made of", () => {
  const texts = {
    "prod/kustomization.yaml": kustomization("", "a, b"),
    "prod/a/kustomization.yaml": kustomization(
      "namespace: shop\nreplicas: [{name: api, count: 3}]\n",
      "../base",
    ),
    "prod/b/kustomization.yaml": kustomization("namespace: bank\n", "../base"),
    "prod/base/kustomization.yaml": kustomization(""),
    "prod/base/api.yaml": api,
  };
  it("has its images set for both by who names both", () => {
    const both = {
      ...texts,
      "prod/kustomization.yaml": kustomization("images: [{name: example.test/app, newTag: x}]\n", "a, b"),
    };
    expect(refusal(both, { [image]: "example.test/app:2" })).toMatch(
      /^prod\/kustomization\.yaml:3:10: .*Deployment api at prod\/base\/api\.yaml:9:28, too/,
    );
  });

  it("is not changed for one of them, but what is said for this one is", () => {
    expect(refusal(texts, { [image]: "example.test/app:2" })).toMatch(
      /^prod\/base\/api\.yaml:9:\d+: .*used in 2 places/,
    );
    expect(Object.keys(edited(texts, { "/spec/replicas": 4 }))).toEqual(["prod/a/kustomization.yaml"]);
  });
});

describe("a change in a kustomization", () => {
  const text = fc.string({
    unit: fc.constantFrom("a", "1", ".", "0", "e", "-", "_", "~", "x"),
    minLength: 1,
    maxLength: 8,
  });
  it("differs in the wanted value alone, whatever stands around it", () => {
    fc.assert(
      fc.property(
        fc.array(fc.record({ name: fc.constantFrom("b", "c/d"), newTag: text }), { maxLength: 3 }),
        fc.nat(3),
        fc.record({ tag: text, now: text, count: fc.nat(50), wanted: fc.nat(50) }),
        fc.boolean(),
        fc.boolean(),
        (others, at, { tag, now, count, wanted }, flow, windows) => {
          const entry = { name: "example.test/app", newTag: now };
          const said = {
            images: [...others.slice(0, at), entry, ...others.slice(at)],
            labels: [{ pairs: { a: "b" } }],
            resources: ["api.yaml"],
            replicas: [{ count, name: "api" }],
          };
          const body = stringify(said, { collectionStyle: flow ? "flow" : "any", lineWidth: 0 });
          const commented = `# first\n${body.replace(/\n/g, " # c\n")}`;
          const before = windows ? commented.replaceAll("\n", "\r\n") : commented;
          const texts = { "prod/kustomization.yaml": before, "prod/api.yaml": api };
          const after =
            edited(texts, { [image]: `example.test/app:${tag}`, "/spec/replicas": wanted })[
              "prod/kustomization.yaml"
            ] ?? before;
          expect(parse(after)).toEqual({
            ...said,
            images: said.images.map((one) => (one === entry ? { ...entry, newTag: tag } : one)),
            replicas: [{ count: wanted, name: "api" }],
          });
          expect(after.match(/#.*|\r?\n/g)).toEqual(before.match(/#.*|\r?\n/g));
        },
      ),
      { numRuns: 300 },
    );
  });
});
