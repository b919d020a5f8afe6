// The three patch formats of the simulated API server.
import { describe, expect, it } from "vitest";
import { fingerprint } from "../../src/simulation/alerts.ts";
import { changedFields } from "../../src/simulation/changed-fields.ts";
import { jsonPatch, mergePatch, strategicMerge } from "../../src/simulation/patches.ts";
import { parseFieldSelector, parseLabelSelector } from "../../src/simulation/selectors.ts";

describe("a JSON patch", () => {
  const document = { list: [1, 2, 3], map: { "a/b": "x", "~": "y" } };

  it("adds, replaces, removes, moves, copies and tests, with escaped keys", () => {
    const patched = jsonPatch(document, [
      { op: "test", path: "/map/a~1b", value: "x" },
      { op: "replace", path: "/map/~0", value: "z" },
      { op: "add", path: "/list/1", value: 9 },
      { op: "add", path: "/list/-", value: 8 },
      { op: "remove", path: "/list/0" },
      { op: "copy", from: "/list/0", path: "/first" },
      { op: "move", from: "/map/a~1b", path: "/moved" },
    ]);
    expect(patched).toEqual({ list: [9, 2, 3, 8], map: { "~": "z" }, first: 9, moved: "x" });
    expect(document).toEqual({ list: [1, 2, 3], map: { "a/b": "x", "~": "y" } });
  });

  it.each([
    { op: "replace", path: "/none", value: 1 },
    { op: "remove", path: "/map/none" },
    { op: "add", path: "/none/below", value: 1 },
    { op: "add", path: "/list/7", value: 1 },
    { op: "test", path: "/list/0", value: 2 },
    { op: "jump", path: "/list" },
    { op: "add", path: "no-slash", value: 1 },
    { op: "replace", path: "/constructor", value: 1 },
  ])("that cannot be applied is refused: $op $path", (operation) => {
    expect(() => jsonPatch(document, [operation])).toThrow(/the server rejected our request/);
  });
});

describe("a merge patch", () => {
  it("sets, removes by null and replaces lists", () => {
    const patched = mergePatch({ a: { b: 1, c: 2 }, l: [1, 2] }, { a: { b: null, d: 3 }, l: [3] });
    expect(patched).toEqual({ a: { c: 2, d: 3 }, l: [3] });
  });
});

describe("a strategic merge patch", () => {
  it("joins containers by name, deletes by directive and replaces other lists", () => {
    const spec = {
      containers: [
        { name: "a", image: "1", args: ["x"] },
        { name: "b", image: "1" },
      ],
    };
    const patch = {
      containers: [
        { name: "a", image: "2", args: ["y"] },
        { name: "b", $patch: "delete" },
        { name: "c", image: "3" },
      ],
    };
    expect(strategicMerge(spec, patch)).toEqual({
      containers: [
        { name: "a", image: "2", args: ["y"] },
        { name: "c", image: "3" },
      ],
    });
  });
});

describe("a selector", () => {
  const object = (labels: Record<string, string>) => ({
    apiVersion: "v1",
    kind: "Pod",
    metadata: { name: "x", uid: "", resourceVersion: "", creationTimestamp: "", labels },
    spec: { nodeName: "n1" },
  });

  it.each([
    ["app=api", true],
    ["app==api,tier!=web", true],
    ["app!=api", false],
    ["tier in (web, db)", false],
    ["app in (web, api),tier notin (web)", true],
    ["app", true],
    ["!app", false],
    ["", true],
  ])("by label: %s", (text, expected) => {
    expect(parseLabelSelector(text)(object({ app: "api" }))).toBe(expected);
  });

  it("by field knows the fields of the kind only", () => {
    expect(parseFieldSelector("pods", "spec.nodeName=n1,metadata.name=x")(object({}))).toBe(true);
    expect(parseFieldSelector("pods", "spec.nodeName!=n1")(object({}))).toBe(false);
    expect(() => parseFieldSelector("deployments", "spec.nodeName=n1")).toThrow(/field label not supported/);
  });
});

describe("the fields that a write changed", () => {
  it("are the leaves that differ; server fields are none", () => {
    const before = {
      metadata: { resourceVersion: "1", labels: { a: "1" } },
      spec: { list: [1], replicas: 1 },
    };
    const after = {
      metadata: { resourceVersion: "2", labels: { a: "1", "b/c": "2" } },
      spec: { list: [1, 2], replicas: 2 },
    };
    expect(changedFields(before, after)).toEqual(["/metadata/labels/b~1c", "/spec/list", "/spec/replicas"]);
  });
});

describe("a fingerprint", () => {
  it("is Prometheus' own", () => {
    // Values of prometheus/common's model.LabelSet tests.
    expect(fingerprint({})).toBe("cbf29ce484222325");
    expect(fingerprint({ name: "garland, briggs", fear: "love is not enough" })).toBe(
      5799056148416392346n.toString(16),
    );
  });
});
