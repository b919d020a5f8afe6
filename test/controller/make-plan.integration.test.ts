// Facts and plans against a Kubernetes API over HTTP: what is read, what the dry-runs say, and what stops a plan.
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { effects } from "../../src/actions/effects.ts";
import { actions } from "../../src/actions/registry.ts";
import { connectCluster } from "../../src/adapters/kubernetes/cluster-api.ts";
import { type FactPorts, gatherFacts } from "../../src/controller/gather-facts.ts";
import { type MadePlan, makePlan } from "../../src/controller/make-plan.ts";
import type { Alert } from "../../src/domain/facts/alert.ts";
import type { FetchedFact } from "../../src/domain/facts/facts.ts";
import type { KubernetesObject } from "../../src/domain/facts/objects.ts";
import { compileCatalog } from "../../src/domain/policies/compile-catalog.ts";
import { startSimulatedCluster } from "../../src/simulation/start-simulated-cluster.ts";
import { type GivenCluster, givenCluster } from "../actions/given-cluster.ts";
import { givenAlert } from "../fixtures/facts.ts";
import { eventually } from "../support/eventually.ts";
import { rawAdmin } from "../support/kube-control-plane.ts";

let given: GivenCluster;
let stop: () => Promise<void>;

beforeAll(async () => {
  const simulation = await startSimulatedCluster();
  const connection = connectCluster({ name: "test", kubeconfigText: simulation.kubeconfig });
  given = await givenCluster({
    cluster: "test",
    api: (signal) => connection.api(signal),
    admin: rawAdmin(simulation.kubeconfig),
    simulated: simulation.cluster,
    restricted: async () => ({ api: connection.api(new AbortController().signal), close: async () => {} }),
    stop: () => simulation.stop(),
  });
  stop = async () => {
    await connection.close();
    await simulation.stop();
  };
});
afterAll(() => stop());

const alertOf = (pod: KubernetesObject, name = "KubePodCrashLooping"): Alert =>
  givenAlert({
    cluster: "test",
    name,
    fingerprint: pod.metadata.uid,
    labels: { alertname: name, namespace: given.namespace, pod: pod.metadata.name, container: "app" },
  });

/** @param open what fires besides the alert itself */
function ports(open: readonly Alert[] = []): FactPorts {
  return {
    alerts: { history: async () => ({ attempts: [] }), openAlike: async () => open },
    clusters: { names: ["test"], labels: () => ({ env: "prod" }), tools: () => given.tools },
    clock: { now: () => "2026-11-17T10:00:00.000Z" },
    ownerLabel: "team",
  };
}

const facts = (alert: Alert, needed: readonly FetchedFact[], open: readonly Alert[] = []) =>
  gatherFacts(alert, new Set(needed), given.tools, ports(open));

describe("the subjects of an incident", () => {
  it("are the objects of all firings that belong to its target, its own first, each once", async () => {
    await given.deployed("many", 3);
    await given.deployed("other", 1);
    const pods = await given.podsOf("many");
    const [first, second, third] = pods as [KubernetesObject, KubernetesObject, KubernetesObject];
    const [stranger] = (await given.podsOf("other")) as [KubernetesObject];
    const sidecar = { ...alertOf(third), fingerprint: "f2" };
    const gone = { ...alertOf(third), labels: { ...alertOf(third).labels, pod: "many-gone" } };
    const open = [alertOf(third), sidecar, alertOf(stranger), gone, alertOf(second)];
    const { subjects } = await facts(alertOf(first), ["subjects"], open);
    const names = subjects.available ? subjects.value.map(({ name }) => name) : [];
    expect(names).toEqual([first, third, second].map(({ metadata }) => metadata.name));
  });

  it("are not asked for by a template that reads none", async () => {
    await given.deployed("quiet", 1);
    const [pod] = (await given.podsOf("quiet")) as [KubernetesObject];
    expect((await facts(alertOf(pod), [])).subjects.available).toBe(false);
  });

  it("are unknown while the target is", async () => {
    const away = { ...given.tools, cluster: () => given.subject.api(AbortSignal.abort()) };
    const [pod] = (await given.podsOf("quiet")) as [KubernetesObject];
    const { target, subjects, owner } = await gatherFacts(
      alertOf(pod),
      new Set(["subjects", "owner"]),
      away,
      ports(),
    );
    expect([target.available, subjects.available, owner.available]).toEqual([false, false, false]);
  });
});

describe("the owner of a target", () => {
  it("is what the target says, a label before an annotation, else what its namespace says", async () => {
    const deployment = await given.deployed("owned", 1);
    const [pod] = (await given.podsOf("owned")) as [KubernetesObject];
    const owner = async () => {
      const found = (await facts(alertOf(pod), ["owner"])).owner;
      return found.available ? found.value.team : found.why;
    };
    expect(await owner()).toBeNull();
    const namespace = { ...given.ref("Node", given.namespace), kind: "Namespace" };
    await given.changeAs("kubectl", namespace, { metadata: { annotations: { team: "platform" } } });
    expect(await owner()).toBe("platform");
    const target = given.ref("Deployment", deployment.metadata.name);
    await given.changeAs("kubectl", target, { metadata: { annotations: { team: "payments" } } });
    expect(await owner()).toBe("payments");
    await given.changeAs("kubectl", target, { metadata: { labels: { team: "checkout" } } });
    expect(await owner()).toBe("checkout");
  });
});

const byName = new Map(actions.map((action) => [action.name, action]));

/** The plan of the first template. */
async function planned(alert: Alert, open: readonly Alert[], ...texts: readonly string[]): Promise<MadePlan> {
  const files = texts.map((text, index) => ({ path: `templates/t${index}.yaml`, text }));
  const { catalog, findings } = compileCatalog(files, "main@sha1:0", actions);
  if (catalog === null) throw new Error(JSON.stringify(findings));
  const [template] = catalog.templates.values();
  if (template === undefined) throw new Error("no template");
  const known = await facts(alert, [...(catalog.templateFacts.get(template.name) ?? [])], open);
  const target = known.target.available ? known.target.value : null;
  const request = {
    executionId: "01900000-0000-7000-8000-000000000001",
    template,
    templates: catalog.templates,
    parameters: {},
    facts: known,
    target,
  };
  const checks = { mostReplicaChange: 20, missingAccess: async () => null };
  return makePlan(request, given.tools, { actions: byName, effects, ...checks });
}

const rollBack = "name: roll-back\nsteps: [{name: undo, action: {action: rollback_deployment}}]\n";
const scaleUp = `name: scale-up
steps: [{name: scale, action: {action: scale_deployment, parameters: {replicas: {add: 2, max: 20}}}}]
configuration: {fallback: roll-back}
`;

describe("a plan with a fallback", () => {
  it("holds both, absolute, each with a diff of the present, and touches what either touches", async () => {
    await given.deployed("two-ways", 2);
    await given.broken("two-ways");
    const [pod] = (await given.podsOf("two-ways")) as [KubernetesObject];
    const { plan, previews } = await planned(alertOf(pod), [], scaleUp, rollBack);
    expect(plan.steps[0]?.call.input["replicas"]).toBe(4);
    expect(plan.fallback?.steps[0]).toMatchObject({
      name: "fallback/undo",
      call: { input: { revision: 1 } },
    });
    expect(plan).toMatchObject({ risk: "medium", fallbackImpossible: null });
    expect(plan.touches.actions).toEqual(["scale_deployment", "rollback_deployment"]);
    expect(previews.map(({ step, source }) => [step, source])).toEqual([
      ["scale", "server"],
      ["fallback/undo", "server"],
    ]);
    expect(JSON.stringify(previews[1]?.changes)).toContain("example.test/app:1.0.0");
  });

  it("says why it has none when there is nothing to roll back to, and goes on without", async () => {
    await given.deployed("first-release", 1);
    const [pod] = (await given.podsOf("first-release")) as [KubernetesObject];
    const { plan, previews } = await planned(alertOf(pod), [], scaleUp, rollBack);
    expect(plan.fallback).toBeNull();
    expect(plan.fallbackImpossible).toMatch(/^roll-back: /);
    expect(plan.risk).toBe("low");
    expect(previews.map(({ step }) => step)).toEqual(["scale"]);
  });

  it("is tried again later when the API does not answer", async () => {
    const [pod] = (await given.podsOf("first-release")) as [KubernetesObject];
    const fault = given.subject.simulated?.faults.add({
      method: "GET",
      path: /replicasets\?/,
      times: Number.POSITIVE_INFINITY,
      fault: { kind: "status", code: 503 },
    });
    await expect(planned(alertOf(pod), [], scaleUp, rollBack)).rejects.toMatchObject({ retryable: true });
    expect(fault?.hits()).toBeGreaterThan(0);
    fault?.remove();
  });
});

describe("a plan that the safety rules would refuse", () => {
  it("says so beside the diff, with what is missing; the rules are asked again before the change", async () => {
    await given.deployed("full", 2);
    const [pod] = (await given.podsOf("full")) as [KubernetesObject];
    expect((await planned(alertOf(pod), [], scaleUp, rollBack)).previews[0]).not.toHaveProperty("refused");
    const { code } = await given.subject.admin(
      "POST",
      `/api/v1/namespaces/${given.namespace}/resourcequotas`,
      {
        apiVersion: "v1",
        kind: "ResourceQuota",
        metadata: { name: "small" },
        spec: { hard: { pods: "1" } },
      },
    );
    expect(code).toBe(201);
    await eventually("the quota is counted", async () => {
      const [quota] = await given.api.list({
        apiVersion: "v1",
        kind: "ResourceQuota",
        namespace: given.namespace,
      });
      return quota?.status?.["used"];
    });
    const { previews } = await planned(alertOf(pod), [], scaleUp, rollBack);
    expect(previews).toMatchObject([
      {
        source: "server",
        refused: expect.stringContaining("small leaves 0 of 1 pods, and 2 new pods of") as string,
      },
    ]);
    expect(previews[0]?.changes).not.toEqual([]);
    await given.subject.admin("DELETE", `/api/v1/namespaces/${given.namespace}/resourcequotas/small`);
  });
});

describe("a plan whose step may be adapted", () => {
  const bounded = (add: number) => `name: grow
steps:
  - name: scale
    action: {action: scale_deployment, parameters: {replicas: {add: ${add}}}}
    adapt: {replicas: {minimum: 2, maximum: 5, promql: 'load{namespace={{ promql(target.namespace) }}}', target: 0.7}}
`;

  it("shows the range and what comes of it without a measure; people approve both", async () => {
    await given.deployed("grow", 2);
    const [pod] = (await given.podsOf("grow")) as [KubernetesObject];
    const { plan, previews } = await planned(alertOf(pod), [], bounded(8));
    const promql = `load{namespace="${given.namespace}"}`;
    expect(plan.steps[0]?.adapt).toEqual({
      replicas: { minimum: 2, maximum: 5, measure: { promql, target: 0.7 } },
    });
    expect(previews[0]?.summary).toMatch(
      /to 10 replicas; replicas 2 to 5, by the load that is measured then$/,
    );
    expect(previews[0]?.changes).toMatchObject([{ pointer: "/spec/replicas", before: 2, after: 5 }]);
    const wider = await planned(alertOf(pod), [], bounded(8).replace("maximum: 5", "maximum: 6"));
    expect(wider.plan.digest).not.toBe(plan.digest);
  });
});

describe("what a plan touches, and so claims", () => {
  const scale = (deployment: string) =>
    `{action: scale_deployment, parameters: {deployment: ${deployment}, replicas: 2}}`;
  const every = `name: every-path
steps:
  - name: scale
    action: ${scale("by-step")}
    alternatives: [${scale("by-alternative")}]
    rollback: ${scale("by-undo")}
  - {name: drain, action: {action: drain_node, parameters: {node: node-2}}}
finally: [{name: back, action: ${scale("at-the-end")}}]
configuration: {fallback: second}
`;
  const second = `name: second
steps: [{name: scale, action: ${scale("by-fallback")}, alternatives: [${scale("by-its-alternative")}]}]
`;

  it("is every object that any of its paths may change, the pods of a drain too", async () => {
    await given.deployed("every-path", 2);
    const names = ["by-step", "by-alternative", "by-undo", "at-the-end", "by-fallback", "by-its-alternative"];
    for (const name of names) await given.deployed(name, 1);
    const [pod] = (await given.podsOf("every-path")) as [KubernetesObject];
    const { plan } = await planned(alertOf(pod), [], every, second);
    const touched = plan.touches.objects.map(({ kind, name }) => `${kind} ${name}`);
    const drained = plan.steps[1]?.call.input["pods"] as readonly { readonly name: string }[];
    expect(drained.length).toBeGreaterThan(0);
    expect(touched.toSorted()).toEqual(
      [
        ...names.map((name) => `Deployment ${name}`),
        "Node node-2",
        ...drained.map(({ name }) => `Pod ${name}`),
      ].toSorted(),
    );
    expect(plan.steps[0]?.touches?.map((key) => key.split("/").at(-1))).toEqual(names.slice(0, 3));
  });
});

describe("a plan with a step for each subject and something to do finally", () => {
  const text = `name: all-pods
steps:
  - name: restart
    for_each: subjects
    action: {action: restart_pod, parameters: {pod: "{{ subject.name }}"}}
finally:
  - {name: back, action: {action: uncordon_node, parameters: {node: node-1}}}
  - {name: look, action: {action: get_pod_status}}
validation: {success: ["steps['restart'].output.all(one, one != null)"]}
`;

  it("shows every change that it may make, also what cannot be tried yet", async () => {
    await given.deployed("all-pods", 2);
    const [first, second] = (await given.podsOf("all-pods")) as [KubernetesObject, KubernetesObject];
    const node = given.ref("Node", "node-1");
    await given.changeAs("kubectl", node, { spec: { unschedulable: true } });
    const { plan, previews } = await planned(alertOf(first), [alertOf(second)], text);
    expect(previews.map(({ step, source }) => [step, source])).toEqual([
      ["restart[0]", "server"],
      ["restart[1]", "server"],
      ["finally/back", "server"],
    ]);
    expect(previews[2]?.changes).toMatchObject([{ pointer: "/spec/unschedulable" }]);
    const workload = `test/apps/Deployment/${given.namespace}/all-pods`;
    const restarts = plan.steps.filter(({ changes }) => changes);
    expect(restarts.map(({ touches = [] }) => touches)).toEqual(
      [first, second].map(({ metadata }) => [`test//Pod/${given.namespace}/${metadata.name}`, workload]),
    );
    expect(plan.touches.objects.map(({ kind, name }) => `${kind} ${name}`)).toEqual([
      `Pod ${first.metadata.name}`,
      `Pod ${second.metadata.name}`,
      "Node node-1",
    ]);
  });

  it("is not stopped by what only the end makes possible", async () => {
    const [first] = (await given.podsOf("all-pods")) as [KubernetesObject];
    const gone = text.replace("node-1", "node-that-comes-later");
    const { previews } = await planned(alertOf(first), [], gone);
    expect(previews.at(-1)).toMatchObject({ step: "finally/back", source: "estimated", changes: [] });
  });
});
