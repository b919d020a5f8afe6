// Plans per second: match + makePlan with facts at hand, 1,000 templates and 10,000 rules, against one plain json-rules-engine
// that holds all rules, in the same run. The tools answer from memory: what is measured is gitmend's own part.
import { Engine } from "json-rules-engine";
import type { ActionTools, ClusterApi } from "../src/actions/action.ts";
import { effects } from "../src/actions/effects.ts";
import { actions } from "../src/actions/registry.ts";
import { makePlan } from "../src/controller/make-plan.ts";
import type { Facts } from "../src/domain/facts/facts.ts";
import type { KubernetesObject, Target } from "../src/domain/facts/objects.ts";
import { compileCatalog } from "../src/domain/policies/compile-catalog.ts";
import { selectTemplate } from "../src/domain/policies/select-template.ts";

const templateCount = 1_000;
const ruleCount = 10_000;
const alertNames = 1_000;
const seconds = Number(process.argv.find((argument) => argument.startsWith("--seconds="))?.slice(10) ?? 5);
const designP99Milliseconds = 10;

function templateText(index: number): string {
  return `name: template-${index}
parameters:
  replicas: {type: integer, default: 3, minimum: 1, maximum: 50}
  reason: {type: string, default: load}
validation: {preconditions: ["target.kind == 'Deployment'"]}
steps:
  - {name: look, action: {action: get_pod_status, parameters: {namespace: "{{ alert.namespace }}", pod: "{{ alert.resource }}"}}}
  - name: scale
    conditions: ["steps['look'].output.restarts >= 3"]
    action: {action: scale_deployment, parameters: {replicas: "{{ params.replicas }}", reason: "{{ params.reason }} of {{ alert.name }}"}}
  - {name: validate, action: {action: validate_pod_health, parameters: {wait_timeout: 5m}}}
finally: [{name: look-again, action: {action: get_pod_status, parameters: {pod: "{{ subject.name }}"}}}]
effectiveness: {checks: [{promql: "sum(rate(errors{namespace={{ promql(target.namespace) }}}[5m]))", expect: "value < 0.05"}]}
`;
}

function ruleOf(index: number) {
  return {
    name: `rule-${index}`,
    priority: 1 + Math.floor(index / alertNames),
    on: [`Alert${index % alertNames}`],
    conditions: {
      all: [
        { fact: "alert", path: "$.labels.namespace", operator: "equal", value: namespaceOf(index) },
        { fact: "target", path: "$.kind", operator: "in", value: ["Deployment", "StatefulSet"] },
      ],
    },
    event: {
      type: "select-template",
      params: { template: `template-${index % templateCount}`, parameters: { replicas: 1 + (index % 20) } },
    },
  };
}

function namespaceOf(index: number): string {
  return `team-${Math.floor(index / alertNames)}`;
}

function compiled() {
  const templates = Array.from({ length: templateCount }, (_, index) => ({
    path: `templates/t${index}.yaml`,
    text: templateText(index),
  }));
  const policies = Array.from({ length: ruleCount / 500 }, (_, file) => ({
    path: `policies/p${file}.json`,
    text: JSON.stringify({
      name: `p${file}`,
      rules: Array.from({ length: 500 }, (__, index) => ruleOf(file * 500 + index)),
    }),
  }));
  const { catalog, findings } = compileCatalog([...templates, ...policies], "main@sha1:0", actions);
  if (catalog === null) throw new Error(JSON.stringify(findings.slice(0, 3)));
  return catalog;
}

function plainEngine(): Engine {
  const engine = new Engine();
  for (let index = 0; index < ruleCount; index += 1) {
    const { on, conditions, event } = ruleOf(index);
    const named = { fact: "alert", path: "$.labels.alertname", operator: "equal", value: on[0] };
    engine.addRule({ conditions: { all: [named, ...conditions.all] }, event });
  }
  return engine;
}

const target: Omit<Target, "namespace"> = {
  cluster: "c",
  apiVersion: "apps/v1",
  kind: "Deployment",
  name: "api",
  uid: "11111111-1111-4111-8111-111111111111",
  resourceVersion: "42",
  labels: { app: "api" },
  annotations: {},
  spec: { replicas: 2 },
  status: { readyReplicas: 2 },
  managedBy: "none",
  manager: null,
};

function factsOf(index: number): Facts {
  const namespace = namespaceOf(index);
  const name = `Alert${index % alertNames}`;
  const subject = { kind: "Pod", namespace, name: "api-0", container: null };
  return {
    alert: {
      cluster: "c",
      fingerprint: "f",
      status: "firing",
      name,
      severity: "warning",
      labels: { alertname: name, namespace, pod: "api-0" },
      annotations: {},
      startsAt: "2026-11-17T10:00:00.000Z",
      endsAt: null,
      source: "s",
      sanitised: false,
    },
    cluster: { name: "c", labels: {} },
    now: "2026-11-17T10:00:00.000Z",
    subject: { available: true, value: subject },
    subjects: { available: true, value: [subject] },
    target: { available: true, value: { ...target, namespace } },
    namespace: { available: true, value: { name: namespace, labels: {} } },
    owner: { available: true, value: { team: null } },
    history: { available: true, value: { attempts: [] } },
  };
}

/** An API that holds one Deployment and takes every patch. */
function memoryTools(): ActionTools {
  const object = (namespace: string | null): KubernetesObject => ({
    apiVersion: target.apiVersion,
    kind: target.kind,
    metadata: {
      name: target.name,
      namespace: namespace ?? "",
      uid: target.uid,
      resourceVersion: target.resourceVersion,
    },
    spec: { replicas: 2 },
  });
  const api = {
    get: async ({ namespace }) => object(namespace),
    list: async () => [],
    patch: async ({ namespace }) => ({ ...object(namespace), spec: { replicas: 5 } }),
  } as Partial<ClusterApi> as ClusterApi;
  return { cluster: () => api } as Partial<ActionTools> as ActionTools;
}

type Measured = (index: number) => Promise<void>;

/** Milliseconds of each, sorted. */
async function measure(work: Measured, forSeconds: number): Promise<readonly number[]> {
  const times: number[] = [];
  const until = performance.now() + forSeconds * 1_000;
  for (let done = 0; performance.now() < until; done += 1) {
    const began = performance.now();
    await work((done * 7_919) % ruleCount);
    times.push(performance.now() - began);
  }
  return times.toSorted((left, right) => left - right);
}

function quantile(times: readonly number[], share: number): number {
  return times[Math.min(times.length - 1, Math.floor(times.length * share))] ?? 0;
}

function print(what: string, times: readonly number[]): void {
  const perSecond = (times.length * 1_000) / times.reduce((sum, time) => sum + time, 0);
  const columns = [
    what.padEnd(44),
    perSecond.toFixed(0).padStart(8),
    quantile(times, 0.5).toFixed(2).padStart(9),
    quantile(times, 0.99).toFixed(2).padStart(9),
  ];
  console.log(columns.join(""));
}

const catalog = compiled();
const engine = plainEngine();
const tools = memoryTools();
const ports = {
  actions: new Map(actions.map((action) => [action.name, action])),
  effects,
  mostReplicaChange: 20,
  missingAccess: async () => null,
};

async function planFor(facts: Facts, name: string, parameters: Readonly<Record<string, number>>) {
  const template = catalog.templates.get(name);
  if (template === undefined || !facts.target.available) throw new Error("no template or no target");
  const request = {
    executionId: "01900000-0000-7000-8000-000000000001",
    template,
    templates: catalog.templates,
    parameters,
    facts,
    target: facts.target.value,
  };
  const { plan, previews } = await makePlan(request, tools, ports);
  if (plan.steps.length !== 4 || previews.length !== 1) throw new Error("this is not the plan");
}

const ours: Measured = async (index) => {
  const facts = factsOf(index);
  const selection = await selectTemplate(facts, catalog);
  if (selection.kind !== "match") throw new Error("a rule that must match did not");
  await planFor(facts, selection.template, selection.parameters as Record<string, number>);
};

const plain: Measured = async (index) => {
  const facts = factsOf(index);
  const known = { alert: facts.alert, target: facts.target.available ? facts.target.value : null };
  const { events } = await engine.run(known);
  const [event] = events;
  if (event?.params === undefined) throw new Error("a rule that must match did not");
  await planFor(
    facts,
    String(event.params["template"]),
    event.params["parameters"] as Record<string, number>,
  );
};

console.log(`${templateCount} templates, ${ruleCount} rules`);
const first = performance.now();
await ours(0);
console.log(`the first plan of all: ${(performance.now() - first).toFixed(1)} ms`);
console.log(`${"".padEnd(44)} plans/s   p50 ms   p99 ms`);
const measured = await measure(ours, seconds);
print("gitmend, match and plan", measured);
print("one plain json-rules-engine and the same plan", await measure(plain, seconds));
const p99 = quantile(measured, 0.99);
console.log(`p99 ${p99.toFixed(2)} ms; the design asks for less than ${designP99Milliseconds} ms`);
