// What expressions see of an alert: the alert itself, and where the object that it names is.
import type { Alert } from "../facts/alert.ts";
import type { Subject } from "../facts/objects.ts";
import type { JsonObject } from "../json.ts";

/** `namespace` and `resource` are the subject's; without a subject the label `namespace`, and null. */
export function alertScope(alert: Alert, subject: Subject | null): JsonObject {
  return {
    name: alert.name,
    labels: alert.labels,
    annotations: alert.annotations,
    severity: alert.severity,
    namespace: subject?.namespace ?? alert.labels["namespace"] ?? null,
    resource: subject?.name ?? null,
    startsAt: alert.startsAt,
    fingerprint: alert.fingerprint,
    cluster: alert.cluster,
  };
}
