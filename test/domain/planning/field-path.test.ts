import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { toPointer } from "../../../src/actions/json-pointer.ts";
import { namedPath, valueAtPath } from "../../../src/domain/planning/field-path.ts";

const object = {
  metadata: { annotations: { "example.org/team": "shop" } },
  spec: {
    replicas: 3,
    containers: [{ name: "log" }, { name: "app/x~1", image: "a:1", ports: [80] }],
    twice: [{ name: "same" }, { name: "same", value: 1 }],
  },
};

describe("the path of a field", () => {
  it.each([
    ["/spec/replicas", "/spec/replicas", 3],
    ["/metadata/annotations/example.org~1team", "/metadata/annotations/example.org~1team", "shop"],
    ["/spec/containers/1/image", "/spec/containers[name=app~1x~01]/image", "a:1"],
  ])("%s means the same in a manifest", (pointer, path, value) => {
    expect(namedPath(pointer, object)).toBe(path);
    expect(valueAtPath(path, object)).toBe(value);
  });

  it.each([
    "/spec/containers/1/ports/0",
    "/spec/twice/1/value",
    "/spec/containers/7/image",
    "/spec/a[name=b]",
  ])("is not known where an item has no name of its own: %s", (pointer) => {
    expect(namedPath(pointer, object)).toBeNull();
  });

  it("is nothing where nothing is, and reaches into no prototype", () => {
    for (const path of [
      "/spec/none",
      "/spec/containers[name=none]/image",
      "/constructor/name",
      "/spec/__proto__",
    ])
      expect(valueAtPath(path, object)).toBeUndefined();
  });

  it("finds what the pointer finds, wherever a path is known", () => {
    const name = fc.string({ minLength: 1, maxLength: 6 });
    const names = fc.uniqueArray(name, { minLength: 1, maxLength: 4 });
    const agree = fc.property(name, name, fc.integer(), names, (key, field, value, all) => {
      const items = all.map((one, index) => ({ name: one, [`f${field}`]: value + index }));
      const whole = { [key]: items };
      const paths = all.map((_, index) => namedPath(toPointer([key, String(index), `f${field}`]), whole));
      return paths.every((path, index) => path === null || valueAtPath(path, whole) === value + index);
    });
    expect(() => fc.assert(agree)).not.toThrow();
  });
});
