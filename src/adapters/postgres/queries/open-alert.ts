// An open firing's row as the alert that was delivered.
import type { Alert } from "../../../domain/facts/alert.ts";

/** Of table `alerts` under the name `a`. */
export const openAlertColumns =
  "a.cluster, a.fingerprint, a.name, a.severity, a.labels, a.annotations, a.source, a.sanitised, a.starts_at";

export interface OpenAlertRow {
  readonly cluster: string;
  readonly fingerprint: string;
  readonly name: string;
  readonly severity: string;
  readonly labels: Alert["labels"];
  readonly annotations: Alert["annotations"];
  readonly source: string;
  readonly sanitised: boolean;
  readonly starts_at: Date;
}

export function openAlert(row: OpenAlertRow): Alert {
  const { cluster, fingerprint, name, severity, labels, annotations, source, sanitised } = row;
  const startsAt = row.starts_at.toISOString();
  return {
    cluster,
    fingerprint,
    status: "firing",
    name,
    severity,
    labels,
    annotations,
    startsAt,
    endsAt: null,
    source,
    sanitised,
  };
}
