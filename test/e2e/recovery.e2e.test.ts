// What follows when a remedy does not work, or should not go on: the fallback, `finally`, a freeze that is merged meanwhile,
// and the question ten minutes later (seconds here) whether it helped.
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { ControllerProcess } from "../support/controller-process.ts";
import { eventually } from "../support/eventually.ts";
import { sshKey, workCopy } from "../support/git.ts";
import { deliver, deployHealthy, editDeployment, endedIn, eventsOf, firing, resolved } from "./firings.ts";
import {
  deployAndBreak,
  type ExecutionView,
  ended,
  openShippedSite,
  openSite,
  policy,
  rollback,
  type Site,
  startWorld,
  type World,
} from "./world.ts";

let world: World;
const running: ControllerProcess[] = [];
beforeAll(async () => {
  world = await startWorld(["fallback", "takeover", "finally", "each", "freeze", "helped", "useless"]);
});
afterAll(async () => {
  for (const controller of running) controller.kill("SIGKILL");
  await Promise.all(running.map(({ exited }) => exited));
  await world.stop();
});

async function start(site: Site, environment = {}): Promise<ControllerProcess> {
  const controller = await site.start(environment);
  running.push(controller);
  return controller;
}

const scaleFirst = `
name: scale-first
configuration: {cooldown: 1h, fallback: roll-back}
steps:
  - name: scale
    action: {type: kubernetes, action: scale_deployment, parameters: {replicas: {add: 1}}}
  - name: verify
    action: {type: monitoring, action: validate_pod_health, parameters: {wait_timeout: 2s, stable_for: 1s}}
    retry: {attempts: 1}
`;
const withFallback = {
  "templates/scale-first.yaml": scaleFirst,
  "templates/roll-back.yaml": rollback,
  "policies/tests.yaml": policy("scale-first"),
};
const patches = (namespace: string) =>
  world.simulation.cluster.effects.count({ manager: "gitmend", namespace, kind: "Deployment" });
const replicas = (namespace: string) =>
  (
    world.simulation.cluster.get("deployments", namespace, "api") as
      | { spec?: { replicas?: number } }
      | undefined
  )?.spec?.replicas;

describe("a remedy that does not help", () => {
  it("is taken back, and its fallback is tried once", async () => {
    const namespace = "fallback";
    await deployAndBreak(world, namespace);
    const site = await openShippedSite(world, namespace, withFallback, [namespace]);
    const controller = await start(site);
    await site.fire(controller);
    expect(await ended(controller)).toMatchObject({ outcome: "succeeded" });
    expect(world.simulation.cluster.deployment(namespace, "api").healthy).toBe(true);
    expect(replicas(namespace)).toBe(2);
    expect(patches(namespace)).toBe(3); // scaled, scaled back, rolled back
    const [view] = ((await controller.get("/api/v1/executions")) as { items: ExecutionView[] }).items;
    const events = await eventsOf(controller, { id: view?.id ?? "" });
    expect(events.filter(({ type }) => type === "FallbackChosen")).toHaveLength(1);
    const shown = (await controller.cli("executions", "show", view?.id ?? "")).stdout;
    expect(shown).toContain("fallback");
  });

  it("is gone on with by whoever takes over in the middle of the fallback", async () => {
    const namespace = "takeover";
    await deployAndBreak(world, namespace);
    const site = await openShippedSite(world, namespace, withFallback, [namespace]);
    // The second change of the execution is the fallback's.
    const first = await start(site, { GITMEND_FAULT: "step-after-effect:kill:2" });
    await site.fire(first);
    await first.exited;
    const second = await start(site);
    expect(await ended(second)).toMatchObject({ outcome: "succeeded" });
    expect(patches(namespace)).toBe(3);
  });
});

describe("what a template does at the end", () => {
  it("is done after a failure too, once, and stays", async () => {
    const namespace = "finally";
    const template = `
name: scale-and-fail
configuration: {cooldown: 1h}
steps:
  - name: scale
    action: {type: kubernetes, action: scale_deployment, parameters: {replicas: 4}}
  - name: check
    action: {type: kubernetes, action: get_pod_status}
    postconditions: ["output.exists == false"]
    retry: {attempts: 1}
finally:
  - name: leave-three
    action: {type: kubernetes, action: scale_deployment, parameters: {replicas: 3}}
`;
    await deployAndBreak(world, namespace);
    const site = await openSite(world, namespace, template);
    const controller = await start(site);
    await site.fire(controller);
    expect(await ended(controller)).toMatchObject({ outcome: "rolled_back" });
    expect(replicas(namespace)).toBe(3);
    expect(patches(namespace)).toBe(3); // scaled, scaled back, left at three
  });
});

describe("a step for each subject", () => {
  it("restarts every pod that an alert names, and no other", async () => {
    const namespace = "each";
    const template = `
name: restart-each
configuration: {cooldown: 1h}
steps:
  - name: restart
    for_each: subjects
    action: {type: kubernetes, action: restart_pod, parameters: {pod: "{{ subject.name }}"}}
  - name: count
    action: {type: kubernetes, action: get_pod_status}
    conditions: ["size(steps.restart.output) == 2"]
`;
    const { cluster } = world.simulation;
    await deployHealthy(world, namespace, 3);
    // All at once: a rolling update would keep the old pods.
    editDeployment(world, namespace, (spec) => (spec["strategy"] = { type: "Recreate" }));
    cluster.breakDeployment(namespace, "api", "crash");
    const bad = await eventually("three pods crash", () => {
      const pods = cluster
        .pods(namespace)
        .filter(({ status }) => (status.containerStatuses?.length ?? 0) > 0);
      const waiting = pods.filter(({ status }) =>
        status.containerStatuses?.some(({ state }) => state.waiting?.reason === "CrashLoopBackOff"),
      );
      return waiting.length === 3 ? waiting.map(({ metadata }) => metadata.name) : null;
    });
    const site = await openSite(world, namespace, template);
    const controller = await start(site);
    const named = bad.slice(0, 2);
    await deliver(controller, ...named.map((pod) => firing("KubePodCrashLooping", namespace, pod)));
    const execution = await endedIn(controller, namespace);
    expect(execution.outcome).toBe("succeeded");
    const deleted = cluster.effects.of({ manager: "gitmend", namespace, kind: "Pod" });
    expect(deleted).toHaveLength(2);
    const events = await eventsOf(controller, execution);
    const succeeded = events.flatMap((event) => (event.type === "StepSucceeded" ? [event.step] : []));
    expect(succeeded.toSorted()).toEqual(["count", "restart[0]", "restart[1]"]);
  });
});

describe("a freeze that is merged while a plan waits", () => {
  it("stops it, although people have approved it", async () => {
    const namespace = "freeze";
    const ana = sshKey(join(world.folder, "keys"), "ana");
    const asks = `${policy("roll-back")}
  - name: ask
    event: {type: require-approval, params: {approvals: 1, expires: 30m}}
`;
    const files = { "templates/roll-back.yaml": rollback, "policies/tests.yaml": asks };
    await deployAndBreak(world, namespace);
    const approvals = { people: [{ id: "ana", signer: ana.publicKey }], teams: { sre: ["ana"] } };
    const site = await openShippedSite(world, namespace, files, [namespace], {
      approvals,
      config_repository: { url: join(world.folder, namespace, "config.git"), interval: "1s" },
    });
    const controller = await start(site);
    await site.fire(controller);
    const id = await eventually("it waits", async () => {
      const { items } = (await controller.get("/api/v1/executions")) as { items: ExecutionView[] };
      return items.find(({ phase }) => phase === "awaiting_approval")?.id;
    });
    const freeze = `
name: freeze
rules:
  - name: december
    event: {type: deny, params: {reason: "change freeze"}}
`;
    const work = workCopy(
      join(world.folder, namespace, "freeze"),
      join(world.folder, namespace, "config.git"),
    );
    const commit = work.push({ ...files, "policies/freeze.yaml": freeze }, { force: true });
    await eventually("the freeze is in use", async () =>
      ((await controller.get("/api/v1/catalog")) as { revision: string }).revision.endsWith(commit),
    );
    await controller.cli("approve", id, "--key", ana.privateKeyFile, "--as", "ana");
    expect(await ended(controller)).toMatchObject({ outcome: "refused" });
    expect(patches(namespace)).toBe(0);
    expect((await controller.cli("executions", "show", id)).stdout).toContain("change freeze");
  });
});

describe("whether it helped", () => {
  const soon = (template: string) => `${template}effectiveness: {delay: 6s}\n`;
  const assessed = (controller: ControllerProcess) =>
    eventually(
      "it is assessed",
      async () => {
        const { items } = (await controller.get("/api/v1/executions")) as { items: ExecutionView[] };
        const events = items[0] === undefined ? [] : await eventsOf(controller, items[0]);
        return events.find(({ type }) => type === "AssessmentMade");
      },
      { seconds: 30 },
    );

  it("is yes when the alert is silent and the target healthy, and stands in the record", async () => {
    const namespace = "helped";
    await deployAndBreak(world, namespace);
    const site = await openSite(world, namespace, soon(rollback));
    const controller = await start(site);
    const alert = { ...firing("KubePodCrashLooping", namespace, ""), labels: byDeployment(namespace) };
    await deliver(controller, alert);
    expect(await ended(controller)).toMatchObject({ outcome: "succeeded" });
    await deliver(controller, resolved(alert));
    expect(await assessed(controller)).toMatchObject({ verdict: "effective", again: null });
    await eventually("the record says so", () => site.auditLog().includes("assess("));
  });

  it("is no when the alert goes on", async () => {
    const namespace = "useless";
    await deployAndBreak(world, namespace);
    const useless = soon(`
name: scale
configuration: {cooldown: 1h}
steps:
  - name: scale
    action: {type: kubernetes, action: scale_deployment, parameters: {replicas: {add: 1}}}
`);
    const site = await openSite(world, namespace, useless);
    const controller = await start(site);
    await site.fire(controller);
    expect(await ended(controller)).toMatchObject({ outcome: "succeeded" });
    expect(await assessed(controller)).toMatchObject({ verdict: "ineffective" });
  });

  const byDeployment = (namespace: string) => ({
    alertname: "KubePodCrashLooping",
    namespace,
    deployment: "api",
    severity: "warning",
  });
});
