import { describe, expect, it } from "vitest";
import { subjectOf } from "../../../src/domain/intake/subject-of.ts";

const subject = (labels: Record<string, string>) => subjectOf({ name: "Some", labels });

describe("the object that an alert names", () => {
  it("is the pod of a crash-loop alert, with its container", () => {
    expect(subject({ namespace: "shop", pod: "api-1", container: "app" })).toEqual({
      kind: "Pod",
      namespace: "shop",
      name: "api-1",
      container: "app",
    });
  });
  it("is the workload, not the exporter's pod beside it", () => {
    expect(
      subject({
        namespace: "shop",
        deployment: "api",
        pod: "kube-state-metrics-1",
        job: "kube-state-metrics",
      }),
    ).toMatchObject({ kind: "Deployment", name: "api" });
  });
  it("is the exported object when labels are not honoured", () => {
    const labels = {
      namespace: "monitoring",
      pod: "kube-state-metrics-1",
      exported_namespace: "shop",
      exported_pod: "api-1",
      job: "kube-state-metrics",
    };
    expect(subject(labels)).toMatchObject({ kind: "Pod", namespace: "shop", name: "api-1" });
  });
  it("is nothing when only the exporter's own pod is named", () => {
    expect(
      subject({
        namespace: "monitoring",
        pod: "kube-state-metrics-1",
        container: "kube-state-metrics",
        job: "kube-state-metrics",
      }),
    ).toBeNull();
  });
  it("is the Kubernetes Job, not the scrape job", () => {
    expect(subject({ namespace: "shop", job: "kube-state-metrics", job_name: "backup-1" })).toMatchObject({
      kind: "Job",
      name: "backup-1",
    });
    expect(subject({ namespace: "shop", job: "backup" })).toBeNull();
  });
  it("is the node, by its label or by node_exporter's relabelled instance", () => {
    expect(subject({ node: "node-1" })).toEqual({
      kind: "Node",
      namespace: null,
      name: "node-1",
      container: null,
    });
    expect(subject({ job: "node-exporter", instance: "node-1" })).toMatchObject({
      kind: "Node",
      name: "node-1",
    });
    expect(subject({ job: "node-exporter", instance: "10.0.0.1:9100" })).toBeNull();
    expect(subject({ job: "app", instance: "node-1" })).toBeNull();
  });
  it("is nothing without a namespace for what needs one", () => {
    expect(subject({ pod: "api-1" })).toBeNull();
    expect(subject({ deployment: "api" })).toBeNull();
  });
});
