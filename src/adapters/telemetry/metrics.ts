// The controller's Metrics as Prometheus reads them. The table below is the whole list: names, labels and help texts.
// Gauges have no memory: they are asked for when somebody scrapes, and one that cannot be had is left out of that scrape.
import { Counter, Gauge, Histogram, Registry } from "prom-client";
import type { Counters, Gauges, Histograms, Metrics } from "../../controller/metrics.ts";

interface CounterEntry<Label extends string> {
  readonly help: string;
  readonly labels: readonly Label[];
}

interface HistogramEntry<Label extends string> extends CounterEntry<Label> {
  readonly buckets: readonly number[];
}

const calls = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];
const steps = [0.1, 0.5, 1, 5, 15, 30, 60, 120, 300, 600, 1_800];
const people = [10, 30, 60, 120, 300, 600, 1_200, 1_800, 3_600, 14_400];

const counters: { readonly [Name in keyof Counters]: CounterEntry<Counters[Name]> } = {
  alerts_received_total: { help: "Alerts in accepted deliveries.", labels: ["status"] },
  alerts_suppressed_total: { help: "Alerts that started nothing, by the reason.", labels: ["reason"] },
  matches_total: {
    help: "Alerts that a rule of a policy gave to a template.",
    labels: ["policy", "template"],
  },
  executions_total: { help: "Executions that have ended.", labels: ["template", "outcome"] },
  step_attempts_total: { help: "Attempts of steps that have ended.", labels: ["action", "result"] },
  events_appended_total: { help: "Events that have become durable.", labels: [] },
  lease_losses_total: { help: "Leases that this replica has lost.", labels: [] },
  approvals_total: { help: "Decided requests for an approval.", labels: ["decision"] },
  audit_commits_total: { help: "Commits written to the audit repository.", labels: [] },
  assessments_total: { help: "Assessments of whether a remedy helped.", labels: ["template", "verdict"] },
  rollbacks_total: { help: "Executions that took back what they had changed.", labels: ["result"] },
};

const histograms: { readonly [Name in keyof Histograms]: HistogramEntry<Histograms[Name]> } = {
  webhook_duration_seconds: {
    help: "Time to answer a delivery, the commit included.",
    labels: [],
    buckets: calls,
  },
  catalog_sync_duration_seconds: {
    help: "Time of one look at the config repository.",
    labels: [],
    buckets: calls,
  },
  planning_duration_seconds: {
    help: "Time to decide a firing: facts, selection, plan, dry-run, gate.",
    labels: [],
    buckets: calls,
  },
  step_duration_seconds: {
    help: "Time of an attempt of a step, its waits included.",
    labels: ["action"],
    buckets: steps,
  },
  append_duration_seconds: { help: "Time until events are durable.", labels: [], buckets: calls },
  approval_wait_seconds: {
    help: "Time from a request for an approval to its decision.",
    labels: [],
    buckets: people,
  },
  assessment_score: {
    help: "Assessments with a verdict: 1 effective, 0 ineffective; the mean is the share that helped.",
    labels: ["template"],
    buckets: [0, 1],
  },
};

const gauges: { readonly [Name in keyof Gauges]: CounterEntry<Gauges[Name]> } = {
  catalog_revision_info: { help: "1 for the revision of the catalog in use.", labels: ["revision"] },
  catalog_invalid: { help: "1 while the newest commit of the config branch is not valid.", labels: [] },
  executions_active: { help: "Executions that have not ended, of all replicas.", labels: ["state"] },
  breakers_open: { help: "Breakers that stop remedies until a person resets them.", labels: ["scope"] },
  decision_backlog: { help: "Firings that wait for a decision, as far as this replica knows.", labels: [] },
  audit_lag_seconds: {
    help: "Age of the oldest record that is not in the audit repository yet.",
    labels: [],
  },
  api_concurrency: {
    help: "Requests to the API server that this replica may have under way at once.",
    labels: ["cluster"],
  },
};

export interface GaugeSample {
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

/** What each gauge reads when it is scraped. */
export type GaugeReaders = {
  readonly [Name in keyof Gauges]: () => Promise<readonly GaugeSample[]> | readonly GaugeSample[];
};

export interface MetricsRegistry extends Metrics {
  readonly contentType: string;
  /** The text of one scrape. A gauge whose reader fails is missing from it. */
  scrape(readers: GaugeReaders): Promise<string>;
}

export function createMetrics(): MetricsRegistry {
  const registry = new Registry();
  const named = ([name, { help, labels }]: [string, CounterEntry<string>]) => ({
    name: `gitmend_${name}`,
    help,
    labelNames: [...labels],
    registers: [registry],
  });
  const counted = new Map(Object.entries(counters).map((entry) => [entry[0], new Counter(named(entry))]));
  const observed = new Map(
    Object.entries(histograms).map((entry) => [
      entry[0],
      new Histogram({ ...named(entry), buckets: [...entry[1].buckets] }),
    ]),
  );
  const gauged = Object.entries(gauges).map((entry) => [entry[0], new Gauge(named(entry))] as const);
  return {
    contentType: registry.contentType,
    count: (name, labels, by = 1) => counted.get(name)?.inc({ ...labels }, by),
    observe: (name, value, labels) => observed.get(name)?.observe({ ...labels }, value),
    async scrape(readers) {
      await Promise.all(gauged.map(([name, gauge]) => read(gauge, name as keyof Gauges, readers)));
      return registry.metrics();
    },
  };
}

async function read(gauge: Gauge, name: keyof Gauges, readers: GaugeReaders): Promise<void> {
  const samples = await Promise.resolve()
    .then(readers[name])
    .catch((): readonly GaugeSample[] => []);
  gauge.reset();
  // A gauge without labels would read 0 now, which is a value like any other.
  if (gauges[name].labels.length === 0) gauge.remove();
  for (const { labels, value } of samples) gauge.set({ ...labels }, value);
}
