import { describe, expect, it } from "vitest";
import { mergeWrites, refuseForbidden } from "../../src/actions/merge-patch.ts";

describe("a merge patch as single fields", () => {
  const present = { data: { level: "info", old: "x" }, spec: { list: [1, 2], text: "a" } };

  it.each([
    [{ data: { level: "debug" } }, [{ pointer: "/data/level", value: "debug" }]],
    [{ data: { old: null } }, [{ pointer: "/data/old", value: undefined }]],
    [{ spec: { list: [3] } }, [{ pointer: "/spec/list", value: [3] }]],
    [{ spec: { text: { a: 1, b: null } } }, [{ pointer: "/spec/text", value: { a: 1 } }]],
    [{ fresh: { deep: { on: true } } }, [{ pointer: "/fresh/deep/on", value: true }]],
    [{ fresh: {} }, [{ pointer: "/fresh", value: {} }]],
    [{ data: {} }, []],
    [
      { metadata: { annotations: { "example.test/a~b": "c" } } },
      [{ pointer: "/metadata/annotations/example.test~1a~0b", value: "c" }],
    ],
    [JSON.parse('{"data": {"__proto__": "x"}}') as object, [{ pointer: "/data/__proto__", value: "x" }]],
  ])("%j", (patch, writes) => {
    expect(mergeWrites(patch as never, present)).toEqual(writes);
  });

  it.each([
    { metadata: { labels: { tier: "web" }, annotations: { note: null } } },
    { spec: { template: { metadata: { name: "inside a template it names nothing" } } } },
    { data: { status: "a key of data" } },
  ])("may write %j", (patch) => {
    expect(() => refuseForbidden(patch)).not.toThrow();
  });

  it.each([
    { metadata: { namespace: "other" } },
    { metadata: { uid: "x" } },
    { metadata: { resourceVersion: "1" } },
    { metadata: "x" },
    { metadata: { labels: { "gitmend.dev/remediate": "true" } } },
    { metadata: { annotations: { "kubectl.kubernetes.io/last-applied-configuration": "{}" } } },
    { apiVersion: "v2" },
  ])("may not write %j", (patch) => {
    expect(() => refuseForbidden(patch)).toThrow(expect.objectContaining({ code: "PARAMETER_INVALID" }));
  });
});
