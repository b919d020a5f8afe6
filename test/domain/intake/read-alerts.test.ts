import { describe, expect, it } from "vitest";
import { labelFingerprint } from "../../../src/domain/intake/label-fingerprint.ts";
import { type AlertSource, readAlerts } from "../../../src/domain/intake/read-alerts.ts";

const oneCluster: AlertSource = { name: "default", clusters: ["prod-eu"], clusterLabel: "cluster" };
const twoClusters: AlertSource = { name: "hub", clusters: ["prod-eu", "prod-us"], clusterLabel: "cluster" };

const alert = (changes: object = {}, labels: object = {}) => ({
  status: "firing",
  labels: {
    alertname: "KubePodCrashLooping",
    namespace: "shop",
    pod: "api-0",
    severity: "warning",
    ...labels,
  },
  annotations: { summary: "api-0 is crash looping" },
  startsAt: "2026-11-17T10:00:00.123456789+01:00",
  endsAt: "0001-01-01T00:00:00Z",
  generatorURL: "http://prometheus/graph",
  fingerprint: "6eea59fa4b0c5f4a",
  ...changes,
});
const payload = (...alerts: unknown[]) => ({
  version: "4",
  status: "firing",
  notification_reason: "new",
  alerts,
});
const only = (entry: unknown, source = oneCluster) => readAlerts(payload(entry), source);
const reason = (entry: unknown, source = oneCluster) => {
  const read = only(entry, source);
  expect(read.alerts).toEqual([]);
  expect(read.deadLetters).toHaveLength(1);
  return read.deadLetters[0]!.reason;
};

describe("a webhook body from Alertmanager", () => {
  it("gives normalised alerts with times in UTC", () => {
    expect(only(alert()).alerts).toEqual([
      {
        cluster: "prod-eu",
        fingerprint: "6eea59fa4b0c5f4a",
        status: "firing",
        name: "KubePodCrashLooping",
        severity: "warning",
        labels: { alertname: "KubePodCrashLooping", namespace: "shop", pod: "api-0", severity: "warning" },
        annotations: { summary: "api-0 is crash looping" },
        startsAt: "2026-11-17T09:00:00.123Z",
        endsAt: null,
        source: "default",
        sanitised: false,
      },
    ]);
  });

  it("is decided on each alert's own status, never the top-level one", () => {
    const read = readAlerts(
      payload(alert(), alert({ status: "resolved", endsAt: "2026-11-17T10:05:00Z" })),
      oneCluster,
    );
    expect(read.alerts.map(({ status, endsAt }) => [status, endsAt])).toEqual([
      ["firing", null],
      ["resolved", "2026-11-17T10:05:00.000Z"],
    ]);
  });

  it("tells how many alerts Alertmanager left out", () => {
    expect(readAlerts({ ...payload(alert()), truncatedAlerts: 3 }, oneCluster).truncated).toBe(3);
    expect(readAlerts({ ...payload(alert()), truncatedAlerts: "many" }, oneCluster).truncated).toBe(0);
  });

  it.each([
    ["text", "hello"],
    ["a list", [alert()]],
    ["null", null],
    ["no version", { alerts: [] }],
    ["another version", { version: "3", alerts: [] }],
    ["a version as number", { version: 4, alerts: [] }],
    ["no alerts", { version: "4" }],
    ["alerts that are no list", { version: "4", alerts: { 0: alert() } }],
    ["inherited alerts", Object.assign(Object.create({ alerts: [alert()] }), { version: "4" })],
  ])("is refused for good when it is %s", (_, body) => {
    expect(() => readAlerts(body, oneCluster)).toThrow(expect.objectContaining({ code: "PAYLOAD_INVALID" }));
  });

  it("may be empty", () => {
    expect(readAlerts(payload(), oneCluster)).toEqual({ alerts: [], deadLetters: [], truncated: 0 });
  });
});

describe("one unreadable alert", () => {
  it("is kept with its reason, and the others go on", () => {
    const alerts = Array.from({ length: 100 }, (_, index) =>
      index === 41 ? alert({ labels: 7 }) : alert({ fingerprint: `f${index}` }),
    );
    const read = readAlerts(payload(...alerts), oneCluster);
    expect(read.alerts).toHaveLength(99);
    expect(read.deadLetters).toEqual([
      {
        reason: "LABELS_INVALID: labels is not an object of strings",
        body: expect.objectContaining({ labels: 7 }),
      },
    ]);
  });

  it.each([
    ["it is no object", "boom", /^ALERT_INVALID/],
    ["its status is unknown", alert({ status: "suppressed" }), /^STATUS_INVALID: status "suppressed"/],
    ["it has no status of its own", alert({ status: undefined }), /^STATUS_INVALID: status \(missing\)/],
    ["a label is no string", alert({}, { replica: 3 }), /^LABELS_INVALID/],
    ["it has no name", alert({ labels: { pod: "api-0" } }), /^LABELS_INVALID: the label alertname/],
    ["its annotations are a list", alert({ annotations: ["x"] }), /^ANNOTATIONS_INVALID/],
    ["its start is no time", alert({ startsAt: "yesterday" }), /^STARTS_AT_INVALID: "yesterday"/],
    ["its start is an impossible time", alert({ startsAt: "2026-13-40T10:00:00Z" }), /^STARTS_AT_INVALID/],
    ["it never started", alert({ startsAt: "0001-01-01T00:00:00Z" }), /^STARTS_AT_INVALID/],
    ["it was resolved at no time", alert({ status: "resolved" }), /^ENDS_AT_INVALID/],
    ["its fingerprint is an object", alert({ fingerprint: {} }), /^FINGERPRINT_INVALID/],
    ["its fingerprint holds a path", alert({ fingerprint: "../../x" }), /^FINGERPRINT_INVALID/],
  ])("says so when %s", (_, entry, expected) => {
    expect(reason(entry)).toMatch(expected);
  });

  it.each([
    ["namespace", "shop/../kube-system"],
    ["namespace", "a.b"],
    ["pod", "api 0"],
    ["pod", "API-0"],
    ["deployment", "api?x=1"],
    ["node", "-node"],
    ["node", "a".repeat(254)],
    ["exported_pod", "api%2f0"],
  ])("names an object that is no DNS name: %s=%s", (label, value) => {
    expect(reason(alert({}, { [label]: value }))).toMatch(new RegExp(`^NAME_INVALID: the label ${label} `));
  });

  it("keeps a body that is nested deeper than a stack, and one with NUL, storable", () => {
    const deep = JSON.parse(`${'{"a":'.repeat(50_000)}1${"}".repeat(50_000)}`);
    const read = readAlerts(payload(deep, { "a\0": "b\ud800" }), oneCluster);
    expect(JSON.stringify(read.deadLetters[0]!.body)).toContain("nested too deeply");
    expect(read.deadLetters[1]!.body).toEqual({ "a\uFFFD": "b\uFFFD" });
  });
});

describe("the names in an alert", () => {
  it("may be dotted for pods and nodes, and empty labels count as absent", () => {
    const read = only(alert({}, { node: "ip-10-0-0-1.eu.internal", pod: "web.0", deployment: "" }));
    expect(read.alerts).toHaveLength(1);
  });

  it("are read as own properties only", () => {
    const labels = JSON.parse('{"alertname":"A","__proto__":"evil","constructor":"x"}');
    const [read] = only(alert({ labels })).alerts;
    expect(Object.keys(read!.labels)).toEqual(["alertname", "__proto__", "constructor"]);
    expect(Object.getPrototypeOf(read!.labels)).toBe(Object.prototype);
    expect(read!.severity).toBe("");
  });

  it("lose NUL and lone surrogates, keep every other character, and the alert says so", () => {
    const [broken] = only(alert({ annotations: { summary: "a\0b\ud83d ✓ 🙂" } })).alerts;
    expect(broken!.annotations["summary"]).toBe("a\uFFFDb\uFFFD ✓ 🙂");
    expect(broken!.sanitised).toBe(true);
    const [whole] = only(alert({ annotations: { summary: "日本 🙂 \u202e" } })).alerts;
    expect(whole!.sanitised).toBe(false);
    expect(whole!.annotations["summary"]).toBe("日本 🙂 \u202e");
  });
});

describe("an alert that is larger than anybody writes one", () => {
  const labels = (count: number) =>
    Object.fromEntries(Array.from({ length: count }, (_, index) => [`label_${index}`, "x"]));

  it.each([
    ["a name", alert({}, { alertname: "A".repeat(501) }), /^LABELS_TOO_LARGE: alertname has more than 500/],
    [
      "a label",
      alert({}, { path: "x".repeat(2_001) }),
      /^LABELS_TOO_LARGE: the label "path" has more than 2000/,
    ],
    ["a label's name", alert({}, { ["x".repeat(2_001)]: "" }), /^LABELS_TOO_LARGE: the label "x{99}… has/],
    ["too many labels", alert({}, labels(100)), /^LABELS_TOO_LARGE: 104 labels, at most 100 are read/],
  ])("says so when it is %s: labels identify it and cannot be cut", (_, entry, expected) => {
    expect(reason(entry)).toMatch(expected);
  });

  it("keeps labels of any usual size", () => {
    const large = alert({ labels: { alertname: "A".repeat(500), ...labels(98), path: "x".repeat(2_000) } });
    expect(Object.keys(only(large).alerts[0]!.labels)).toHaveLength(100);
  });

  it("loses the end of a long annotation and the last of very many, and says so", () => {
    const annotations = { logs: `${"y".repeat(15_999)}🙂 and so on`, ...labels(120) };
    const [read] = only(alert({ annotations })).alerts;
    expect(read!.annotations["logs"]).toBe(`${"y".repeat(15_999)}\uFFFD… (cut)`);
    expect(Object.keys(read!.annotations)).toHaveLength(100);
    expect(read!.sanitised).toBe(true);
  });
});

describe("the cluster of an alert", () => {
  it("is the source's only one, whatever the label says", () => {
    expect(only(alert({}, { cluster: "elsewhere" })).alerts[0]!.cluster).toBe("prod-eu");
  });

  it("is the label when the source may speak for it", () => {
    expect(only(alert({}, { cluster: "prod-us" }), twoClusters).alerts[0]!.cluster).toBe("prod-us");
  });

  it.each([
    ["names one that the source may not speak for", { cluster: "staging" }],
    ["is missing", {}],
    ["is a name that every object has", { cluster: "constructor" }],
  ])("is not allowed when the label %s", (_, labels) => {
    expect(reason(alert({}, labels), twoClusters)).toMatch(/^CLUSTER_NOT_ALLOWED: .*prod-eu, prod-us/);
  });
});

describe("the namespaces of a source", () => {
  const shop: AlertSource = { ...oneCluster, namespaces: ["shop", "team-*"] };

  it.each([
    ["a name of the list", { namespace: "shop" }],
    ["a glob of the list", { namespace: "team-a", pod: "api-0" }],
    [
      "the exported one, where the exporter's own stands beside it",
      { namespace: "x", exported_namespace: "shop" },
    ],
    ["the plain one, where the exported one is empty", { namespace: "shop", exported_namespace: "" }],
  ])("let %s pass", (_, labels) => {
    expect(only(alert({ labels: { alertname: "A", ...labels } }), shop).alerts).toHaveLength(1);
  });

  it.each([
    ["another namespace", { namespace: "kube-system", pod: "dns-0" }],
    [
      "the exported one of another",
      { namespace: "shop", exported_namespace: "kube-system", exported_pod: "dns-0" },
    ],
    ["no namespace", {}],
    ["an empty namespace", { namespace: "" }],
    ["a node, although the exporter's namespace is allowed", { namespace: "shop", node: "worker-1" }],
  ])("make a dead letter of %s", (_, labels) => {
    expect(reason(alert({ labels: { alertname: "A", ...labels } }), shop)).toMatch(
      /^NAMESPACE_NOT_ALLOWED: .*; default speaks for shop, team-\*$/,
    );
  });

  it("let everything pass with a star, what is in none too", () => {
    const all = { ...shop, namespaces: ["*"] };
    expect(only(alert({ labels: { alertname: "A", node: "worker-1" } }), all).alerts).toHaveLength(1);
  });
});

describe("the fingerprint", () => {
  it("is computed as Prometheus does when the sender leaves it out", () => {
    expect(labelFingerprint({})).toBe("cbf29ce484222325");
    expect(labelFingerprint({ name: "garland, briggs", fear: "love is not enough" })).toBe(
      "507a62d79ee76c9a",
    );
    const [computed] = only(alert({ fingerprint: undefined })).alerts;
    expect(computed!.fingerprint).toBe(labelFingerprint(computed!.labels));
    expect(only(alert({ fingerprint: "" })).alerts[0]!.fingerprint).toBe(computed!.fingerprint);
  });
});

describe("a flood", () => {
  it("of 10,000 alerts without fingerprints is read, each with a fingerprint of its own", () => {
    const flood = payload(
      ...Array.from({ length: 10_000 }, (_, index) => alert({ fingerprint: "" }, { pod: `api-${index}` })),
    );
    const { alerts, deadLetters } = readAlerts(flood, oneCluster);
    expect(new Set(alerts.map(({ fingerprint }) => fingerprint)).size).toBe(10_000);
    expect(deadLetters).toEqual([]);
  });

  it("of what no one can read is kept up to 10,000, and the rest is counted", () => {
    const { alerts, deadLetters } = readAlerts(payload(...Array(10_003).fill({}), alert()), oneCluster);
    expect(alerts).toHaveLength(1);
    expect(deadLetters).toHaveLength(10_001);
    expect(deadLetters.at(-1)?.reason).toMatch(/^TOO_MANY: 3 more alerts/);
  });
});
