import { describe, expect, it } from "vitest";
import { fieldManager } from "../../src/actions/field-manager.ts";
import type { KubernetesObject } from "../../src/domain/facts/objects.ts";

const object: KubernetesObject = {
  apiVersion: "apps/v1",
  kind: "Deployment",
  metadata: {
    name: "api",
    uid: "u",
    resourceVersion: "1",
    annotations: { note: "x" },
    managedFields: [
      {
        manager: "gitmend",
        time: "2026-01-01T00:02:00Z",
        fieldsV1: {
          // What the API server leaves to who made the map when somebody else has taken over its members.
          "f:metadata": { "f:annotations": {} },
          "f:spec": { "f:minReadySeconds": {} },
        },
      },
      {
        manager: "hpa",
        time: "2026-01-01T00:00:00Z",
        fieldsV1: { "f:spec": { "f:replicas": {} } },
      },
      {
        manager: "ana",
        time: "2026-01-01T00:01:00Z",
        fieldsV1: {
          "f:metadata": { "f:annotations": { "f:note": {} } },
          "f:spec": {
            "f:minReadySeconds": {},
            "f:replicas": {},
            "f:template": {
              "f:spec": { "f:containers": { 'k:{"name":"app"}': { ".": {}, "f:image": {} } } },
            },
          },
        },
      },
      { manager: "kubectl", fieldsV1: { "f:spec": { "f:strategy": {} } } },
    ],
  },
  spec: {
    replicas: 5,
    minReadySeconds: 9,
    strategy: { type: "Recreate" },
    template: { spec: { containers: [{ name: "side" }, { name: "app", image: "api:2", command: ["x"] }] } },
  },
};

describe("who changed a field", () => {
  it("is the latest of its managers", () => {
    expect(fieldManager(object, "/spec/replicas")).toBe("ana");
  });

  it("is any of those who wrote it within one second: times say no more", () => {
    const managedFields = ["ana", "kubectl"].map((manager) => ({
      manager,
      time: "2026-01-01T00:03:00Z",
      fieldsV1: { "f:spec": { "f:replicas": {} } },
    }));
    const written = { ...object, metadata: { ...object.metadata, managedFields } };
    expect(fieldManager(written, "/spec/replicas")).toBe("ana or kubectl");
  });

  it("is somebody else where gitmend is still said to own it too", () => {
    expect(fieldManager(object, "/spec/minReadySeconds")).toBe("ana");
  });

  it("finds an item of a list by the keys that name it", () => {
    expect(fieldManager(object, "/spec/template/spec/containers/1/image")).toBe("ana");
    expect(fieldManager(object, "/spec/template/spec/containers/0/image")).toBeNull();
  });

  it("is not who made the map that the field stands in", () => {
    expect(fieldManager(object, "/metadata/annotations/note")).toBe("ana");
    expect(fieldManager(object, "/metadata/annotations/removed")).toBeNull();
  });

  it("finds a field inside one that is owned as a whole", () => {
    expect(fieldManager(object, "/spec/strategy/type")).toBe("kubectl");
  });

  it("is nobody for a field that nobody owns", () => {
    expect(fieldManager(object, "/spec/paused")).toBeNull();
    expect(fieldManager(object, "/spec/template/spec/containers/1/command")).toBeNull();
  });
});
