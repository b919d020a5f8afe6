// What an Alertmanager says, normalised. Types only.

/** One alert of one delivery. Identity of its firing: cluster (from the source that delivered it) + fingerprint. */
export interface Alert {
  readonly cluster: string;
  readonly fingerprint: string;
  readonly status: "firing" | "resolved";
  /** The label `alertname`. */
  readonly name: string;
  /** The label `severity`, or "" when there is none. */
  readonly severity: string;
  readonly labels: Readonly<Record<string, string>>;
  /** Data only: nothing evaluates them and they choose no object. */
  readonly annotations: Readonly<Record<string, string>>;
  /** ISO 8601, UTC. */
  readonly startsAt: string;
  /** ISO 8601, UTC; null while firing. */
  readonly endsAt: string | null;
  /** The configured Alertmanager that delivered it. */
  readonly source: string;
  /** NUL or lone surrogates were replaced by U+FFFD, or long annotations were cut. */
  readonly sanitised: boolean;
}

/** What an execution remembers of an alert. */
export type AlertReference = Pick<
  Alert,
  "cluster" | "fingerprint" | "name" | "severity" | "labels" | "startsAt"
>;
