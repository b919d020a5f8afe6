import { Ajv } from "ajv";
import { describe, expect, it } from "vitest";
import { actions, findAction } from "../../src/actions/registry.ts";
import { isObject, type JsonObject } from "../../src/domain/json.ts";

const properties = (schema: JsonObject): Readonly<Record<string, JsonObject>> =>
  isObject(schema.properties) ? (schema.properties as Record<string, JsonObject>) : {};
const ajv = new Ajv({ strict: true, allowUnionTypes: true, allErrors: true });

const specified = [
  "get_pod_status",
  "collect_logs",
  "check_logs",
  "collect_events",
  "restart_pod",
  "rollback_pod_restart",
  "validate_pod_health",
  "validate_fields",
  "check_conditions",
  "collect_metrics",
  "scale_deployment",
  "rollback_deployment",
  "restart_deployment",
  "increase_resources",
  "patch_resource",
  "cordon_node",
  "uncordon_node",
  "untaint_node",
  "drain_node",
  "recreate_claim",
  "restore_role_binding",
  "notify_team",
  "suspend_gitops",
  "resume_gitops",
  "reconcile_flux",
  "sync_argo_application",
  "rollback_helm_release",
  "run_job",
  "run_argo_workflow",
  "run_tekton_pipeline",
  "run_awx_job",
  "git_patch_manifest",
  "git_revert_commit",
];
/** Inputs as the specification's project writes them, after its names have been translated. */
const written: readonly (readonly [string, JsonObject])[] = [
  [
    "scale_deployment",
    { namespace: "shop", name: "api", replicas: 5, reason: "load", rollback_on_failure: true },
  ],
  ["scale_replicas", { namespace: "shop", name: "api", replicas: { add: 2, max: 20 } }],
  [
    "restart_pod",
    { namespace: "shop", name: "api-0", resource_type: "pod", grace_period_seconds: 0, reason: "x" },
  ],
  [
    "rollback_deployment",
    { namespace: "shop", name: "api", revision: 3, wait_for_ready: true, timeout: "5m" },
  ],
  ["cordon_node", { node_name: "node-1", reason: "maintenance" }],
  [
    "untaint_node",
    { node_name: "node-1", key: "maintenance", effect: "NoSchedule", verify_health: true, reason: "x" },
  ],
  ["uncordon_node", { node_name: "node-1", verify_health: true, reason: "done" }],
  [
    "increase_resources",
    { namespace: "shop", name: "api", resource_type: "deployment", memory: "512Mi", container_name: "app" },
  ],
  [
    "increase_resources",
    { namespace: "shop", name: "db", resource_type: "statefulset", cpu: { add: "250m" } },
  ],
  ["IncreaseMemoryLimits", { memory: { factor: 1.5, max: "4Gi" }, container: null }],
  [
    "drain_node",
    {
      node_name: "node-1",
      grace_period_seconds: 300,
      ignore_daemonsets: true,
      delete_local_data: false,
      force: false,
      reason: "maintenance",
    },
  ],
  [
    "patch_resource",
    { namespace: "shop", kind: "ConfigMap", name: "api", patch: { data: { level: "debug" } } },
  ],
  ["get_pod_status", { namespace: "shop", pod: "api-0" }],
  ["restart_pod", { namespace: "shop", pod: "api-0" }],
  ["validate_pod_health", { namespace: "shop", pod: "api-0", wait_timeout: "5m" }],
  ["validate_pod_health", { wait_timeout: "5m" }],
  ["check_logs", { namespace: "shop", name: "api-0" }],
  ["check_logs", { pattern: "(?i)timeout", container_name: "app", tail_lines: 100 }],
  ["check_logs", { patterns: ["OutOfMemory", "connection refused"] }],
  ["collect_metrics", { queries: ["up", "sum(rate(http_requests_total[5m]))"] }],
  ["collect_metrics", { query: "up" }],
  ["notify_only", { message: "look", namespace: "shop", severity: "critical" }],
];

describe("the catalogue of actions", () => {
  it("has what the specification names", () => {
    expect(actions.map(({ name }) => name).toSorted()).toEqual(specified.toSorted());
  });

  it("gives every name and alias to one action only", () => {
    const names = actions.flatMap(({ name, aliases }) => [name, ...aliases]);
    expect(new Set(names).size).toBe(names.length);
    expect(findAction("scale_replicas")?.name).toBe("scale_deployment");
    expect(findAction("rm_rf")).toBeNull();
  });

  it.each(written)("takes the parameters of %s as people write them: %j", (name, parameters) => {
    const action = findAction(name)!;
    const input = Object.fromEntries(
      Object.entries(parameters).map(([key, value]) => [action.parameterAliases[key] ?? key, value]),
    );
    const validate = ajv.compile(action.input);
    expect(validate(input), JSON.stringify(validate.errors)).toBe(true);
  });

  it.each([
    ["restart_pod", { pod: "api-0; rm -rf /" }],
    ["restart_pod", { pod: "../secrets/x" }],
    ["restart_pod", { pod: "api-0", resource_type: "deployment" }],
    ["scale_deployment", { deployment: "api" }],
    ["scale_deployment", { replicas: -1 }],
    ["scale_deployment", { replicas: { add: 1, factor: 2 } }],
    ["rollback_deployment", { revision: "newest" }],
    ["rollback_deployment", { timeout: "soon" }],
    ["rollback_deployment", { timeout: "" }],
    ["cordon_node", { node: "node-1", force: true }],
    ["drain_node", { node: "node-1", grace_period_seconds: 3601 }],
    ["drain_node", { node: "../../etc" }],
    ["untaint_node", { node: "node-1" }],
    ["increase_resources", { memory: "lots" }],
    ["increase_resources", { memory: { factor: 0.5 } }],
    ["increase_resources", { memory: { factor: 2, add: "1Gi" } }],
    ["increase_resources", { kind: "Job", memory: "1Gi" }],
    ["patch_resource", { kind: "Deployment", name: "api" }],
    ["patch_resource", { kind: "Deployment", name: "api", patch: {} }],
    ["patch_resource", { kind: "Secret", name: "api", patch: { data: {} } }],
    ["patch_resource", { kind: "ClusterRole", name: "api", patch: { rules: [] } }],
    ["patch_resource", { kind: "CustomResourceDefinition", name: "api", patch: { spec: {} } }],
    ["collect_metrics", {}],
    ["collect_metrics", { queries: [] }],
    ["notify_team", {}],
  ])("refuses %s with %j", (name, input) => {
    expect(ajv.compile(findAction(name)!.input)(input)).toBe(false);
  });
});

describe.each(actions.map((action) => [action.name, action] as const))("%s", (_, action) => {
  it("has schemas that compile, know nothing else, and describe every parameter", () => {
    expect(() => ajv.compile(action.input)).not.toThrow();
    expect(() => ajv.compile(action.output)).not.toThrow();
    expect(action.input.additionalProperties).toBe(false);
    for (const [name, schema] of Object.entries(properties(action.input))) {
      expect(schema.description, name).toMatch(/^[A-Z].*\.$/s);
    }
  });

  it("speaks of parameters that exist: identity, text, aliases, wait", () => {
    const known = Object.keys(properties(action.input));
    const wait = action.waitParameter === null ? [] : [action.waitParameter];
    expect(known).toEqual(
      expect.arrayContaining([
        ...action.identity,
        ...action.text,
        ...Object.values(action.parameterAliases),
        ...wait,
      ]),
    );
    for (const alias of Object.keys(action.parameterAliases)) expect(known).not.toContain(alias);
    expect(action.identity.filter((name) => action.text.includes(name))).toEqual([]);
    expect(known).toContain("reason");
  });

  it("says how it is undone by something that exists, or why it is not", () => {
    const { undo } = action;
    const answer =
      undo.how === "action" ? findAction(undo.action)?.name : undo.how === "nothing" ? undo.why : undo.how;
    expect(answer).toMatch(undo.how === "nothing" ? /.{10,}/ : /^(restore|[a-z_]+)$/);
    if (!action.changes) expect(undo).toEqual({ how: "nothing", why: "it only reads" });
  });

  it("asks for write permissions only when it changes something", () => {
    const verbs = new Set(action.rbac.flatMap((rule) => rule.verbs));
    const writes = ["create", "patch", "update", "delete"].filter((verb) => verbs.has(verb as "patch"));
    expect(writes.length > 0).toBe(action.changes && action.type === "kubernetes");
  });

  it("previews any input, half-filled ones included, in one line and always the same", () => {
    const input = Object.freeze({
      namespace: "shop",
      pod: "api-0",
      deployment: "api",
      node: "node-1",
      replicas: 3,
      message: "m",
    });
    const line = action.preview(input);
    expect(line).toMatch(/^\S[^\n]{10,}$/);
    expect(line).not.toMatch(/undefined|null|NaN|\[object/);
    expect(action.preview(input)).toBe(line);
    expect(() => action.preview({})).not.toThrow();
  });
});
