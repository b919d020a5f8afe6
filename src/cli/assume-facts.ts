// The facts of an alert where no cluster is asked: what a policy test or the options of a command give, and nothing else.
import type { Alert } from "../domain/facts/alert.ts";
import type { Facts } from "../domain/facts/facts.ts";
import type { Manager, Subject, Target } from "../domain/facts/objects.ts";
import type { Count, Usage } from "../domain/facts/usage.ts";
import { plusSeconds } from "../domain/instant.ts";
import { subjectApis, subjectOf } from "../domain/intake/subject-of.ts";
import type { Given } from "../domain/policy-tests/policy-test.generated.ts";

export type Assumptions = Given & { readonly now: string };

/** @param given what is left out is assumed as the schema of policy tests says */
export function assumeFacts(alert: Alert, given: Assumptions): Facts {
  const subject = given.subject === undefined ? subjectOf(alert) : subjectFrom(given.subject);
  const subjects = given.subjects?.map(subjectFrom) ?? [subject];
  const namespace = subject?.namespace ?? null;
  const attempts = given.history?.attempts ?? [];
  const known = <T>(value: T) => ({ available: true, value }) as const;
  return {
    alert,
    now: plusSeconds(given.now, 0),
    cluster: { name: alert.cluster, labels: given.cluster?.labels ?? {} },
    subject: known(subject),
    subjects: known(subjects.filter((one) => one !== null)),
    target: known(assumeTarget(alert, subject, given.target)),
    namespace: known(namespace === null ? null : { name: namespace, labels: given.namespace?.labels ?? {} }),
    owner: known({ team: given.owner?.team ?? null }),
    history: known({
      attempts: attempts
        .map(({ at, template = "", outcome = null }) => ({ at: plusSeconds(at, 0), template, outcome }))
        .toSorted((left, right) => (left.at > right.at ? -1 : 1)),
    }),
  };
}

function subjectFrom(given: NonNullable<Given["subject"]>): Subject;
function subjectFrom(given: Given["subject"]): Subject | null;
function subjectFrom(given: Given["subject"]): Subject | null {
  if (given === null || given === undefined) return null;
  const { kind, namespace = null, name, container = null } = given;
  return { kind, namespace, name, container };
}

/** What is left out is nothing under way. */
export function assumeUsage({ usage = {} }: Assumptions): Usage {
  const count = ({ running = 0, starts = 0 }: Partial<Count> = {}): Count => ({ running, starts });
  const { global, cluster, namespace, target, template } = usage;
  return {
    global: count(global),
    cluster: count(cluster),
    namespace: count(namespace),
    target: count(target),
    template: count(template),
  };
}

/** Without one the subject itself: then nothing but its name is known. */
function assumeTarget(alert: Alert, subject: Subject | null, given: Given["target"]): Target | null {
  const object: NonNullable<Given["target"]> | null = given === undefined ? subject : given;
  if (object === null) return null;
  const { kind, name, labels = {}, annotations = {}, spec = {}, status = {}, managedBy = "none" } = object;
  const { apiVersion = subjectApis[kind] ?? "v1", namespace = subject?.namespace ?? null } = object;
  const read = { uid: "assumed", resourceVersion: "0", labels, annotations, spec, status, managedBy };
  const manager = assumeManager(object.manager, alert.cluster);
  return { cluster: alert.cluster, apiVersion, kind, namespace, name, ...read, manager };
}

type GivenManager = NonNullable<NonNullable<Given["target"]>["manager"]>;

/** What is left out is as it is when both ends agree. */
function assumeManager(given: GivenManager | undefined, cluster: string): Manager | null {
  if (given === undefined) return null;
  const { kind, object, confirmed = true, suspended = false, source = null } = given;
  const { apiVersion = "v1", namespace = null } = object;
  const ref = { cluster, apiVersion, kind: object.kind, namespace, name: object.name };
  const found = source === null ? null : { follows: null, revision: null, path: "", ...source };
  return { kind, object: ref, confirmed, source: found, suspended, manager: null };
}
