// Which object an alert names. Labels lie in known ways: kube-state-metrics and node_exporter put their own pod into
// `pod`, `instance`, `service` and `container`; `job` is the scrape job. What stays ambiguous names nothing.
import type { Alert } from "../facts/alert.ts";
import type { Subject } from "../facts/objects.ts";

/** Workload labels before `pod`: where both stand, `pod` may be the exporter's own. Label -> kind. */
const workloadLabels: readonly (readonly [label: string, kind: string])[] = [
  ["deployment", "Deployment"],
  ["statefulset", "StatefulSet"],
  ["daemonset", "DaemonSet"],
  ["job_name", "Job"],
  ["cronjob", "CronJob"],
  ["replicaset", "ReplicaSet"],
];

/** All labels that say which object an alert is about. */
export const identifyingLabels: readonly string[] = [
  "instance",
  ...["namespace", "pod", "container", "node", ...workloadLabels.map(([label]) => label)].flatMap((label) => [
    label,
    `exported_${label}`,
  ]),
];

/** The kinds of object that `subjectOf` can name, with where their API lives. */
export const subjectApis: Readonly<Record<string, string>> = {
  Deployment: "apps/v1",
  StatefulSet: "apps/v1",
  DaemonSet: "apps/v1",
  ReplicaSet: "apps/v1",
  Job: "batch/v1",
  CronJob: "batch/v1",
  Pod: "v1",
  Node: "v1",
};

/** null: the alert names no object, or not one that can be told for sure. */
export function subjectOf(alert: Pick<Alert, "labels" | "name">): Subject | null {
  const { labels } = alert;
  const namespace = namespaceOf(labels);
  for (const [label, kind] of workloadLabels) {
    const name = labels[`exported_${label}`] ?? labels[label];
    if (name !== undefined && name !== "" && namespace !== null)
      return { kind, namespace, name, container: null };
  }
  return podOf(labels, namespace) ?? nodeOf(labels);
}

/** Where the object of an alert with these labels is. An empty label is an absent one. */
export function namespaceOf(labels: Alert["labels"]): string | null {
  return labels["exported_namespace"] || labels["namespace"] || null;
}

function podOf(labels: Alert["labels"], namespace: string | null): Subject | null {
  const exported = labels["exported_pod"];
  const name = exported ?? labels["pod"];
  if (name === undefined || name === "" || namespace === null) return null;
  if (exported === undefined && isExporter(labels)) return null;
  const container = exported === undefined ? labels["container"] : labels["exported_container"];
  return { kind: "Pod", namespace, name, container: container ?? null };
}

/** With honorLabels the object stands in `pod`; without it, this is the exporter's own pod. */
function isExporter(labels: Alert["labels"]): boolean {
  const pod = labels["pod"] ?? "";
  return ["kube-state-metrics", "node-exporter"].some(
    (exporter) =>
      labels["job"] === exporter && (labels["container"] === exporter || pod.startsWith(`${exporter}-`)),
  );
}

function nodeOf(labels: Alert["labels"]): Subject | null {
  const name = labels["node"] ?? nodeByInstance(labels);
  return name === undefined || name === "" ? null : { kind: "Node", namespace: null, name, container: null };
}

/** kube-prometheus relabels node_exporter's instance to the node's name; `host:port` is an address, not a node. */
function nodeByInstance(labels: Alert["labels"]): string | undefined {
  const instance = labels["instance"];
  return labels["job"] === "node-exporter" && instance?.includes(":") === false ? instance : undefined;
}
