// What gitmend counts and measures: the names, their labels, and how the controller says it. adapters/telemetry/metrics.ts has the
// help texts and the output.

/** Counters -> the label each takes, with the prefix `gitmend_` in the output. Values of labels are bounded: never names of pods. */
export interface Counters {
  readonly alerts_received_total: "status";
  readonly alerts_suppressed_total: "reason";
  readonly matches_total: "policy" | "template";
  readonly executions_total: "template" | "outcome";
  readonly step_attempts_total: "action" | "result";
  readonly events_appended_total: never;
  readonly lease_losses_total: never;
  readonly approvals_total: "decision";
  readonly audit_commits_total: never;
  readonly assessments_total: "template" | "verdict";
  readonly rollbacks_total: "result";
}

/** Seconds, except for `assessment_score`. */
export interface Histograms {
  readonly webhook_duration_seconds: never;
  readonly catalog_sync_duration_seconds: never;
  readonly planning_duration_seconds: never;
  readonly step_duration_seconds: "action";
  readonly append_duration_seconds: never;
  readonly approval_wait_seconds: never;
  readonly assessment_score: "template";
}

/** Computed when they are scraped. */
export interface Gauges {
  readonly catalog_revision_info: "revision";
  readonly catalog_invalid: never;
  readonly executions_active: "state";
  readonly audit_lag_seconds: never;
  readonly breakers_open: "scope";
  readonly decision_backlog: never;
  readonly api_concurrency: "cluster";
}

export type MetricLabels<Label extends string> = Readonly<Record<Label, string>>;

export interface Metrics {
  count<Name extends keyof Counters>(name: Name, labels: MetricLabels<Counters[Name]>, by?: number): void;
  observe<Name extends keyof Histograms>(
    name: Name,
    value: number,
    labels: MetricLabels<Histograms[Name]>,
  ): void;
}
