// The facts of a decision as they are kept: enough to explain it later, nothing that could hold a secret (no specs).
import type { Fact, Facts } from "../domain/facts/facts.ts";
import type { Json, JsonObject } from "../domain/json.ts";

export function summariseFacts(facts: Facts): JsonObject {
  const { cluster, now, subject, subjects, target, namespace, owner, history } = facts;
  return {
    now,
    cluster: { name: cluster.name, labels: cluster.labels },
    subject: summary(subject, (value) => value as Json),
    subjects: summary(subjects, (value) => value as unknown as Json),
    target: summary(target, (value) =>
      value === null
        ? null
        : {
            kind: value.kind,
            namespace: value.namespace,
            name: value.name,
            uid: value.uid,
            resourceVersion: value.resourceVersion,
            labels: value.labels,
            managedBy: value.managedBy,
            ...(value.managedByWhy === undefined ? {} : { managedByWhy: value.managedByWhy }),
            ...(value.manager === null ? {} : { manager: value.manager as unknown as Json }),
          },
    ),
    namespace: summary(namespace, (value) => value as Json),
    owner: summary(owner, (value) => value as unknown as Json),
    history: summary(history, (value) => value.attempts as unknown as Json),
  };
}

function summary<T>(fact: Fact<T>, keep: (value: T) => Json): Json {
  return fact.available ? keep(fact.value) : { unavailable: fact.why };
}
