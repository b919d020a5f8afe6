// The alerts that kube-prometheus would fire for what it sees in a cluster, as Alertmanager (webhook version 4) sends
// them: KubePodCrashLooping and KubeDeploymentRolloutStuck. Evaluated whenever the caller asks, like a rule group.
import type { ApiObject, Deployment, Pod } from "./objects.ts";

export interface AlertRules {
  /** Label `severity` of all alerts. Default critical. */
  readonly severity?: string;
  /** How long a condition must hold. Default 1 (kube-prometheus: 900). */
  readonly forSeconds?: number;
  /** How long a crash loop is remembered after its last sight. Default 2 (kube-prometheus: 300). */
  readonly lookbackSeconds?: number;
  readonly receiver?: string;
  readonly externalUrl?: string;
  /** Added to every alert, as Prometheus' external_labels. */
  readonly externalLabels?: Readonly<Record<string, string>>;
}

export interface WebhookAlert {
  readonly status: "firing" | "resolved";
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
  readonly startsAt: string;
  /** `0001-01-01T00:00:00Z` while firing. */
  readonly endsAt: string;
  readonly generatorURL: string;
  readonly fingerprint: string;
}

export interface WebhookPayload {
  readonly version: "4";
  readonly groupKey: string;
  readonly truncatedAlerts: number;
  readonly status: "firing" | "resolved";
  readonly receiver: string;
  readonly groupLabels: Readonly<Record<string, string>>;
  readonly commonLabels: Readonly<Record<string, string>>;
  readonly commonAnnotations: Readonly<Record<string, string>>;
  readonly externalURL: string;
  readonly alerts: readonly WebhookAlert[];
}

/** What is looked at: a simulated cluster's control object fits, and so does anything read from a real API server. */
export interface ObservedCluster {
  list(plural: "pods" | "deployments"): readonly ApiObject[];
  /** Milliseconds since the epoch. */
  now(): number;
}

export interface AlertWatch {
  /** Looks once. Gives one payload for each group (alert name, namespace) in which an alert began or ended. */
  poll(): readonly WebhookPayload[];
  /** All groups with firing alerts, as Alertmanager's repeat interval sends them again. */
  repeat(): readonly WebhookPayload[];
  firing(): readonly WebhookAlert[];
}

interface Sight {
  readonly labels: Readonly<Record<string, string>>;
  readonly summary: string;
}

interface Tracked extends Sight {
  readonly since: number;
  lastSeen: number;
  startsAt: number | null;
}

const neverEnds = "0001-01-01T00:00:00Z";
const time = (milliseconds: number) => new Date(milliseconds).toISOString();

/** The condition of each rule, as it holds at this moment. */
function observe(cluster: ObservedCluster): Sight[] {
  return [
    ...(cluster.list("pods") as Pod[]).flatMap(crashLoops),
    ...(cluster.list("deployments") as Deployment[]).flatMap(stuckRollout),
  ];
}

const scraped = { job: "kube-state-metrics", instance: "10.244.0.9:8080" };

function crashLoops({ metadata, status }: Pod): Sight[] {
  const { namespace = "", name } = metadata;
  return (status.containerStatuses ?? [])
    .filter(({ state }) => state.waiting?.reason === "CrashLoopBackOff")
    .map(({ name: container }) => ({
      labels: {
        alertname: "KubePodCrashLooping",
        namespace,
        pod: name,
        container,
        reason: "CrashLoopBackOff",
        ...scraped,
      },
      summary: "Pod is crash looping.",
    }));
}

function stuckRollout({ metadata, status }: Deployment): Sight[] {
  const { namespace = "", name: deployment } = metadata;
  const stuck = status.conditions?.find((one) => one.type === "Progressing" && one.status === "False");
  if (stuck === undefined) return [];
  const labels = {
    alertname: "KubeDeploymentRolloutStuck",
    namespace,
    deployment,
    condition: "Progressing",
    reason: stuck.reason ?? "",
    status: "false",
    ...scraped,
  };
  return [{ labels, summary: "Deployment rollout is not progressing." }];
}

export function watchAlerts(cluster: ObservedCluster, rules: AlertRules = {}): AlertWatch {
  const { severity = "critical", forSeconds = 1, lookbackSeconds = 2, externalLabels = {} } = rules;
  const tracked = new Map<string, Tracked>();
  const asAlert = (key: string, alert: Tracked, endsAt: number | null): WebhookAlert => ({
    status: endsAt === null ? "firing" : "resolved",
    labels: alert.labels,
    annotations: { summary: alert.summary },
    startsAt: time(alert.startsAt ?? alert.since),
    endsAt: endsAt === null ? neverEnds : time(endsAt),
    generatorURL: `http://prometheus.test/graph?g0.expr=${alert.labels.alertname}`,
    fingerprint: key,
  });
  const firing = () =>
    [...tracked]
      .filter(([, alert]) => alert.startsAt !== null)
      .map(([key, alert]) => asAlert(key, alert, null));
  /** Takes up what is seen now. */
  const remember = (now: number) => {
    for (const { labels: seen, summary } of observe(cluster)) {
      const labels = { ...seen, severity, ...externalLabels };
      const key = fingerprint(labels);
      const alert = tracked.get(key) ?? { labels, summary, since: now, lastSeen: now, startsAt: null };
      alert.lastSeen = now;
      tracked.set(key, alert);
    }
  };
  const lookback = ({ labels }: Tracked) =>
    labels.alertname === "KubePodCrashLooping" ? lookbackSeconds * 1000 : 0;
  return {
    firing,
    repeat: () => grouped(firing(), rules),
    poll: () => {
      const now = cluster.now();
      remember(now);
      const news: WebhookAlert[] = [];
      for (const [key, alert] of tracked) {
        if (now > alert.lastSeen + lookback(alert)) {
          tracked.delete(key);
          if (alert.startsAt !== null) news.push(asAlert(key, alert, now));
        } else if (alert.startsAt === null && now - alert.since >= forSeconds * 1000) {
          alert.startsAt = now;
          news.push(asAlert(key, alert, null));
        }
      }
      const touched = new Set(news.map(groupKey));
      const resolved = news.filter(({ status }) => status === "resolved");
      return grouped([...firing().filter((alert) => touched.has(groupKey(alert))), ...resolved], rules);
    },
  };
}

const groupLabels = ({ labels }: WebhookAlert) => ({
  alertname: labels.alertname ?? "",
  namespace: labels.namespace ?? "",
});
const groupKey = (alert: WebhookAlert) => {
  const { alertname, namespace } = groupLabels(alert);
  return `{}:{alertname="${alertname}", namespace="${namespace}"}`;
};

function grouped(alerts: readonly WebhookAlert[], rules: AlertRules): WebhookPayload[] {
  const groups = Map.groupBy(alerts, groupKey);
  return [...groups].map(([key, members]) => ({
    version: "4",
    groupKey: key,
    truncatedAlerts: 0,
    status: members.some(({ status }) => status === "firing") ? "firing" : "resolved",
    receiver: rules.receiver ?? "gitmend",
    groupLabels: groupLabels(members[0]!),
    commonLabels: common(members.map(({ labels }) => labels)),
    commonAnnotations: common(members.map(({ annotations }) => annotations)),
    externalURL: rules.externalUrl ?? "http://alertmanager.test",
    alerts: members,
  }));
}

function common(maps: readonly Readonly<Record<string, string>>[]): Record<string, string> {
  const [first = {}, ...others] = maps;
  return Object.fromEntries(
    Object.entries(first).filter(([key, value]) => others.every((other) => other[key] === value)),
  );
}

/** Prometheus' label set fingerprint: FNV-1a, 64 bits, over the sorted names and values, each ended by 0xff. */
export function fingerprint(labels: Readonly<Record<string, string>>): string {
  let hash = 0xcbf29ce484222325n;
  const add = (byte: number) => {
    hash = ((hash ^ BigInt(byte)) * 0x100000001b3n) & 0xffffffffffffffffn;
  };
  for (const name of Object.keys(labels).toSorted()) {
    for (const text of [name, labels[name] ?? ""]) {
      for (const byte of Buffer.from(text, "utf8")) add(byte);
      add(0xff);
    }
  }
  return hash.toString(16).padStart(16, "0");
}
