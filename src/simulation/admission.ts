// What the API server does to an object before it is stored: defaults, then validation with the real server's words.
import { isMap, type Json, type JsonMap, sameJson } from "./objects.ts";
import { amount } from "./quantities.ts";
import type { Resource } from "./resources.ts";
import { selectorMatches } from "./selectors.ts";
import { badRequest, type FieldError, invalid } from "./status-error.ts";

const map = (value: Json | undefined): JsonMap => (isMap(value) ? value : {});
const list = (value: Json | undefined): JsonMap[] => (Array.isArray(value) ? value.filter(isMap) : []);

// ---- defaults -----------------------------------------------------------------------------------------------------

function defaultPodSpec(spec: JsonMap): JsonMap {
  return {
    restartPolicy: "Always",
    terminationGracePeriodSeconds: 30,
    dnsPolicy: "ClusterFirst",
    securityContext: {},
    schedulerName: "default-scheduler",
    ...spec,
    containers: list(spec.containers).map((container) => ({
      resources: {},
      terminationMessagePath: "/dev/termination-log",
      terminationMessagePolicy: "File",
      imagePullPolicy: "IfNotPresent",
      ...container,
    })),
  };
}

function defaultWorkloadSpec(spec: JsonMap): JsonMap {
  const template = map(spec.template);
  // The real server's typed round trip leaves this null in every template that it serves.
  const metadata = { creationTimestamp: null, ...map(template.metadata) };
  return {
    replicas: 1,
    ...spec,
    template: { ...template, metadata, spec: defaultPodSpec(map(template.spec)) },
  };
}

function defaultDeploymentSpec(spec: JsonMap): JsonMap {
  const strategy = map(spec.strategy);
  const type = strategy.type ?? "RollingUpdate";
  const rollingUpdate = { maxSurge: "25%", maxUnavailable: "25%", ...map(strategy.rollingUpdate) };
  return {
    ...defaultWorkloadSpec(spec),
    strategy: type === "RollingUpdate" ? { type, rollingUpdate } : { ...strategy, type },
    revisionHistoryLimit: spec.revisionHistoryLimit ?? 10,
    progressDeadlineSeconds: spec.progressDeadlineSeconds ?? 600,
  };
}

/** The server gives a Job its own selector, so that no other pods are taken for its pods. */
function defaultJobSpec(spec: JsonMap, metadata: JsonMap): JsonMap {
  const template = map(spec.template);
  const given = map(template.metadata);
  const own = { "controller-uid": metadata.uid ?? "", "job-name": metadata.name ?? "" };
  return {
    backoffLimit: 6,
    completions: 1,
    parallelism: 1,
    selector: { matchLabels: { "controller-uid": metadata.uid ?? "" } },
    ...spec,
    template: {
      ...template,
      metadata: { creationTimestamp: null, ...given, labels: { ...map(given.labels), ...own } },
      spec: defaultPodSpec(map(template.spec)),
    },
  };
}

/** The object with what a client may leave out. */
export function withDefaults({ kind }: Resource, object: JsonMap): JsonMap {
  const spec = map(object.spec);
  switch (kind) {
    case "Deployment":
      return { status: {}, ...object, spec: defaultDeploymentSpec(spec) };
    case "ReplicaSet":
      return { status: { replicas: 0 }, ...object, spec: defaultWorkloadSpec(spec) };
    case "StatefulSet": {
      const workload = { podManagementPolicy: "OrderedReady", ...defaultWorkloadSpec(spec) };
      return { status: { replicas: 0 }, ...object, spec: workload };
    }
    case "PersistentVolumeClaim":
      return { status: { phase: "Pending" }, ...object, spec };
    case "Job":
      return { status: {}, ...object, spec: defaultJobSpec(spec, map(object.metadata)) };
    case "Pod":
      return { status: { phase: "Pending" }, ...object, spec: defaultPodSpec(spec) };
    case "Node":
      return { status: { conditions: [] }, ...object, spec };
    case "CustomResourceDefinition":
      return { ...object, status: { conditions: [{ type: "Established", status: "True" }] } };
    default:
      return object;
  }
}

// ---- validation ---------------------------------------------------------------------------------------------------

const wrong = (field: string, value: Json | undefined, why: string): FieldError => ({
  reason: "FieldValueInvalid",
  field,
  message: `Invalid value: ${JSON.stringify(value ?? null)}: ${why}`,
});
const missing = (field: string): FieldError => ({
  reason: "FieldValueRequired",
  field,
  message: "Required value",
});
const forbidden = (field: string, why: string): FieldError => ({
  reason: "FieldValueForbidden",
  field,
  message: `Forbidden: ${why}`,
});

const dnsName = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/;
const labelValue = /^(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?$/;
const quantity = /^[+-]?\d+(\.\d+)?([eE][+-]?\d+|[EPTGMK]i|[numkMGTPE])?$/;
const immutable = "field is immutable";

function checkMetadata(metadata: JsonMap): FieldError[] {
  const name = metadata.name;
  const labels = Object.entries(map(metadata.labels));
  return [
    ...(typeof name === "string" && name.length <= 253 && dnsName.test(name)
      ? []
      : [
          wrong(
            "metadata.name",
            name,
            "a lowercase RFC 1123 subdomain must consist of lower case characters",
          ),
        ]),
    ...labels
      .filter(([, value]) => typeof value !== "string" || value.length > 63 || !labelValue.test(value))
      .map(([, value]) =>
        wrong(
          "metadata.labels",
          value,
          "a valid label must be an empty string or consist of alphanumeric characters",
        ),
      ),
  ];
}

/** Wrong JSON types never reach validation: the server cannot read such an object. */
function checkTypes(resource: Resource, object: JsonMap): void {
  const annotations = Object.entries(map(map(object.metadata).annotations));
  const bad = annotations.find(([, value]) => typeof value !== "string");
  if (bad)
    throw badRequest(
      `${resource.kind} in version "${resource.version}" cannot be handled: annotation ${bad[0]} is no string`,
    );
  const replicas = map(object.spec).replicas;
  if (replicas !== undefined && !Number.isInteger(replicas)) {
    throw badRequest(
      `${resource.kind} in version "${resource.version}" cannot be handled: spec.replicas is no integer`,
    );
  }
}

function isQuantity(value: Json | undefined): boolean {
  return typeof value === "number" || (typeof value === "string" && quantity.test(value));
}

function checkContainer(container: JsonMap, at: string): FieldError[] {
  const errors: FieldError[] = [];
  if (typeof container.name !== "string" || container.name === "") errors.push(missing(`${at}.name`));
  else if (!dnsName.test(container.name))
    errors.push(wrong(`${at}.name`, container.name, "must be a DNS label"));
  if (typeof container.image !== "string" || container.image === "") errors.push(missing(`${at}.image`));
  const { requests, limits } = map(container.resources);
  for (const [key, value] of [...Object.entries(map(requests)), ...Object.entries(map(limits))]) {
    if (!isQuantity(value)) throw badRequest(`quantities must match the regular expression: ${key}`);
  }
  for (const [key, value] of Object.entries(map(requests))) {
    const limit = map(limits)[key];
    if (limit !== undefined && amount(value) > amount(limit))
      errors.push(wrong(`${at}.resources.requests`, value, `must be less than or equal to ${key} limit`));
  }
  return errors;
}

function checkPodSpec(spec: JsonMap, at: string): FieldError[] {
  const containers = list(spec.containers);
  if (containers.length === 0) return [missing(`${at}.containers`)];
  const names = containers.map((one) => one.name);
  const twice = containers.flatMap((one, index): FieldError[] =>
    names.indexOf(one.name) === index
      ? []
      : [
          {
            reason: "FieldValueDuplicate",
            field: `${at}.containers[${index}].name`,
            message: "Duplicate value",
          },
        ],
  );
  return [...containers.flatMap((one, index) => checkContainer(one, `${at}.containers[${index}]`)), ...twice];
}

function checkWorkload(spec: JsonMap, old: JsonMap | null): FieldError[] {
  const errors: FieldError[] = [];
  const template = map(spec.template);
  if (Number(spec.replicas) < 0) {
    errors.push(wrong("spec.replicas", spec.replicas, "must be greater than or equal to 0"));
  }
  const labels = map(map(template.metadata).labels) as Record<string, string>;
  if (!isMap(spec.selector)) errors.push(missing("spec.selector"));
  else if (!selectorMatches(spec.selector, labels)) {
    errors.push(
      wrong("spec.template.metadata.labels", labels, "`selector` does not match template `labels`"),
    );
  }
  if (old !== null && !sameJson(old.selector, spec.selector)) {
    errors.push(wrong("spec.selector", spec.selector, immutable));
  }
  return [...errors, ...checkPodSpec(map(template.spec), "spec.template.spec")];
}

function checkJob(spec: JsonMap): FieldError[] {
  const template = map(map(spec.template).spec);
  const policy = template.restartPolicy;
  const wrongPolicy =
    policy === "Never" || policy === "OnFailure"
      ? []
      : [
          {
            reason: "FieldValueInvalid",
            field: "spec.template.spec.restartPolicy",
            message: `Unsupported value: ${JSON.stringify(policy)}: supported values: "OnFailure", "Never"`,
          } as const,
        ];
  return [...checkPodSpec(template, "spec.template.spec"), ...wrongPolicy];
}

function checkPodUpdate(spec: JsonMap, old: JsonMap): FieldError[] {
  const fixed = (one: JsonMap) => {
    const { activeDeadlineSeconds: _deadline, tolerations: _tolerations, ...rest } = one;
    return { ...rest, containers: list(one.containers).map(({ image: _image, ...container }) => container) };
  };
  if (sameJson(fixed(spec), fixed(old))) return [];
  return [forbidden("spec", "pod updates may not change fields other than `spec.containers[*].image`")];
}

function nameOf(object: JsonMap): string {
  const { name } = map(object.metadata);
  return typeof name === "string" ? name : "";
}

/** `old` null: a creation. @throws StatusError 422 with all causes, 400 for values of the wrong type. */
export function validate(resource: Resource, object: JsonMap, old: JsonMap | null): void {
  checkTypes(resource, object);
  const spec = map(object.spec);
  const oldSpec = old === null ? null : map(old.spec);
  // The real server checks neither names nor labels of core/v1 Events.
  const errors = resource.kind === "Event" ? [] : checkMetadata(map(object.metadata));
  if (["Deployment", "ReplicaSet", "StatefulSet"].includes(resource.kind))
    errors.push(...checkWorkload(spec, oldSpec));
  if (resource.kind === "Job") errors.push(...checkJob(spec));
  if (resource.kind === "Pod") {
    errors.push(...checkPodSpec(spec, "spec"), ...(oldSpec === null ? [] : checkPodUpdate(spec, oldSpec)));
  }
  if (errors.length > 0) throw invalid(resource.kind, resource.group, nameOf(object), errors);
}
