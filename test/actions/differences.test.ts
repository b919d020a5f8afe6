import { describe, expect, it } from "vitest";
import { differences } from "../../src/actions/differences.ts";
import { segmentsOf, toPointer, valueAt } from "../../src/actions/json-pointer.ts";

describe("a diff for people", () => {
  it("names the innermost field that changed", () => {
    const before = { spec: { template: { containers: [{ name: "app", image: "api:1" }] }, replicas: 3 } };
    const after = { spec: { template: { containers: [{ name: "app", image: "api:2" }] }, replicas: 3 } };
    expect(differences(before, after)).toEqual([
      { pointer: "/spec/template/containers/0/image", before: "api:1", after: "api:2" },
    ]);
  });

  it("says what was added and what was removed by leaving the other side out", () => {
    expect(differences({ a: 1 }, { b: 2 })).toEqual([
      { pointer: "/a", before: 1 },
      { pointer: "/b", after: 2 },
    ]);
  });

  it("shows a list that grew, and any list of plain values, as one field", () => {
    expect(differences({ args: ["--port", "1"] }, { args: ["--port", "2"] })).toEqual([
      { pointer: "/args", before: ["--port", "1"], after: ["--port", "2"] },
    ]);
    expect(differences([{ a: 1 }], [{ a: 1 }, { a: 2 }])).toEqual([
      { pointer: "", before: [{ a: 1 }], after: [{ a: 1 }, { a: 2 }] },
    ]);
  });

  it("is empty for the same content in another order of keys", () => {
    expect(differences({ a: 1, b: [{ c: null }] }, { b: [{ c: null }], a: 1 })).toEqual([]);
  });
});

describe("a JSON pointer", () => {
  it("escapes slashes and tildes of annotation names, and finds the value again", () => {
    const segments = ["metadata", "annotations", "a~b/c~1d"];
    const pointer = toPointer(segments);
    expect(pointer).toBe("/metadata/annotations/a~0b~1c~01d");
    expect(segmentsOf(pointer)).toEqual(segments);
    expect(valueAt({ metadata: { annotations: { "a~b/c~1d": "x" } } }, pointer)).toBe("x");
  });

  it("finds nothing where there is nothing, inherited members included", () => {
    expect(valueAt({ spec: {} }, "/spec/replicas/deep")).toBeUndefined();
    expect(valueAt({}, "/constructor")).toBeUndefined();
    expect(valueAt({ list: [1] }, "/list/length")).toBeUndefined();
  });
});
