// What goes wrong around the one changing call, beyond a bad answer: no answer at all, another writer at the same moment, an API
// server that is away when the decision is due, a rollback that meets somebody else's change. Judged by what the cluster holds.
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { FaultRule } from "../../src/simulation/faults.ts";
import type { ControllerProcess } from "../support/controller-process.ts";
import { eventually } from "../support/eventually.ts";
import {
  changeIn,
  deliver,
  deployHealthy,
  editDeployment,
  endedIn,
  eventsOf,
  executionsIn,
  firing,
} from "./firings.ts";
import { openShippedSite, startWorld, type World } from "./world.ts";

const scale = (name: string, options: string, after = "") => `
name: ${name}
configuration: {cooldown: 1h}
steps:
  - name: scale
    action: {type: kubernetes, action: scale_deployment, parameters: {replicas: {add: 2}}}
    ${options}
${after}`;

const templates: Readonly<Record<string, string>> = {
  patient: scale("patient", "timeout: 2s"),
  once: scale("once", "timeout: 1s\n    retry: {attempts: 1}"),
  "look-first": `
name: look-first
configuration: {cooldown: 1h}
steps:
  - name: look
    action: {type: kubernetes, action: get_pod_status}
  - name: scale
    action: {type: kubernetes, action: scale_deployment, parameters: {replicas: {add: 2}}}
`,
  "then-fail": scale(
    "then-fail",
    "timeout: 10s",
    `  - name: prove
    action: {type: monitoring, action: validate_pod_health, parameters: {wait_timeout: 2s, stable_for: 60s}}
    retry: {attempts: 1}
`,
  ),
};
const rule = (name: string) => `
  - name: ${name}
    on: [${name}]
    event: {type: select-template, params: {template: ${name}}}`;

const namespaces = [
  "silent",
  "silent-once",
  "silent-cancelled",
  "other-writer",
  "other-field",
  "reads",
  "away",
  "incomplete",
];

let world: World;
let controller: ControllerProcess;
beforeAll(async () => {
  world = await startWorld(namespaces);
  const catalog = {
    ...Object.fromEntries(
      Object.entries(templates).map(([name, text]) => [`templates/${name}.yaml`, text] as const),
    ),
    "policies/tests.yaml": `name: tests\nrules:${Object.keys(templates).map(rule).join("")}\n`,
  };
  controller = await (await openShippedSite(world, "writes", catalog, namespaces)).start();
});
afterAll(async () => {
  controller?.kill("SIGKILL");
  await controller?.exited;
  await world.stop();
});

const add = (fault: FaultRule) => world.simulation.cluster.faults.add(fault);
const wanted = (namespace: string) => world.simulation.cluster.deployment(namespace, "api").wanted;
const changes = (namespace: string) =>
  world.simulation.cluster.effects.count({ manager: "gitmend", namespace });

async function fire(alertname: string, namespace: string): Promise<void> {
  const [pod = ""] = await deployHealthy(world, namespace);
  await deliver(controller, firing(alertname, namespace, pod));
}

describe("a change that is not answered within the step's time", () => {
  it.concurrent("is not made a second time when it arrives late", async () => {
    add({ ...changeIn("silent"), fault: { kind: "hang" } });
    await fire("patient", "silent");
    expect(await endedIn(controller, "silent")).toMatchObject({ outcome: "succeeded" });
    expect([wanted("silent"), changes("silent")]).toEqual([4, 1]);
  });

  it.concurrent("leaves the cluster as the outcome says, when there is no further attempt", async () => {
    add({ ...changeIn("silent-once"), fault: { kind: "hang" } });
    await fire("once", "silent-once");
    const { outcome } = await endedIn(controller, "silent-once");
    expect(wanted("silent-once")).toBe(outcome === "succeeded" ? 4 : 2);
  });

  it.concurrent("is taken back when it arrives while the execution is being cancelled", async () => {
    const write = add({ ...changeIn("silent-cancelled"), fault: { kind: "hang" } });
    await fire("look-first", "silent-cancelled");
    await write.reached;
    const [execution] = await executionsIn(controller, "silent-cancelled");
    const answer = await controller.cli("executions", "cancel", execution?.id ?? "", "--reason", "stop it");
    expect(answer.code).toBe(0);
    expect(await endedIn(controller, "silent-cancelled")).toMatchObject({ outcome: "cancelled" });
    expect(wanted("silent-cancelled")).toBe(2);
  });
});

describe("somebody else who writes at the same moment", () => {
  it.concurrent("keeps the value that they wrote into the field that the step was to change", async () => {
    const namespace = "other-writer";
    const write = add({ ...changeIn(namespace), fault: { kind: "hang" } });
    await fire("look-first", namespace);
    await write.reached;
    editDeployment(world, namespace, (spec) => (spec["replicas"] = 7));
    write.release();
    const execution = await endedIn(controller, namespace);
    expect(execution).toMatchObject({ outcome: "failed", escalated: true });
    expect([wanted(namespace), changes(namespace)]).toEqual([7, 0]);
    const failures = (await eventsOf(controller, execution)).filter(({ type }) => type === "StepFailed");
    expect(failures.at(-1)).toMatchObject({
      code: "FIELD_CHANGED_SINCE",
      message: expect.stringContaining("/spec/replicas") as string,
    });
  });

  it.concurrent("does not stop the step when they wrote another field", async () => {
    const namespace = "other-field";
    const write = add({ ...changeIn(namespace), fault: { kind: "hang" } });
    await fire("look-first", namespace);
    await write.reached;
    editDeployment(world, namespace, (spec) => (spec["minReadySeconds"] = 1));
    write.release();
    expect(await endedIn(controller, namespace)).toMatchObject({ outcome: "succeeded" });
    expect([wanted(namespace), changes(namespace)]).toEqual([4, 1]);
  });

  it.concurrent("keeps it when a rollback meets it, and people are told what stands there", async () => {
    const namespace = "incomplete";
    await fire("then-fail", namespace);
    await world.simulation.cluster.until("scaled", () => wanted(namespace) === 4, 20);
    editDeployment(world, namespace, (spec) => (spec["replicas"] = 7));
    const execution = await endedIn(controller, namespace);
    expect(execution).toMatchObject({ outcome: "rollback_incomplete", escalated: true });
    expect([wanted(namespace), changes(namespace)]).toEqual([7, 1]);
    const events = await eventsOf(controller, execution);
    expect(events.filter(({ type }) => type === "UndoFailed")).toMatchObject([
      {
        step: "scale",
        retryable: false,
        details: { field: "/spec/replicas", found: 7, expected: 4, manager: "kubectl" },
      },
    ]);
    const shown = await controller.cli("executions", "show", execution.id);
    expect(shown.stdout).toMatch(/Deployment api was changed since:\s+\/spec\/replicas by\s+kubectl/);
  });
});

describe("an API server that cannot be read", () => {
  it.concurrent("is asked again by a step that reads", async () => {
    const namespace = "reads";
    const reads = add({
      method: "GET",
      path: new RegExp(`${namespace}/pods`),
      skip: 1,
      times: 3,
      fault: { kind: "status", code: 500 },
    });
    await fire("look-first", namespace);
    expect(await endedIn(controller, namespace)).toMatchObject({ outcome: "succeeded" });
    expect([reads.hits(), changes(namespace)]).toEqual([3, 1]);
  });

  it.concurrent("leaves the alert undecided; it is decided when the server is back", async () => {
    const namespace = "away";
    const path = new RegExp(`/namespaces/${namespace}/`);
    const [pod = ""] = await deployHealthy(world, namespace);
    const away = add({ path, times: Number.POSITIVE_INFINITY, fault: { kind: "reset" } });
    const alert = firing("look-first", namespace, pod);
    await deliver(controller, alert);
    await eventually("it is undecided", () =>
      controller
        .log()
        .split("\n")
        .some((line) => line.includes(alert.fingerprint) && line.includes('"undecided"')),
    );
    expect(await executionsIn(controller, namespace)).toEqual([]);
    away.remove();
    expect(await endedIn(controller, namespace)).toMatchObject({ outcome: "succeeded" });
    expect(changes(namespace)).toBe(1);
  });
});
