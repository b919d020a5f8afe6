// Two controllers over one database. One is frozen while its write is on the way, the other takes over, the first wakes up
// and its write arrives late: the change is made once, and both go on.

import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { ControllerProcess } from "../support/controller-process.ts";
import { eventually } from "../support/eventually.ts";
import { bareRepository, git } from "../support/git.ts";
import { deployHealthy, eventsOf } from "./firings.ts";
import { deployAndBreak, ended, openShippedSite, policy, rollback, startWorld, type World } from "./world.ts";

let world: World;
const running: ControllerProcess[] = [];
beforeAll(async () => {
  world = await startWorld(["frozen", "frozen-fallback", "killed"]);
});
afterAll(async () => {
  for (const controller of running) controller.kill("SIGKILL");
  await Promise.all(running.map(({ exited }) => exited));
  await world.stop();
});

/** Fails once its pods are up; `second` is its fallback. */
const withFallback = {
  "templates/first.yaml": `
name: first
configuration: {cooldown: 1h, fallback: second}
steps:
  - name: scale
    action: {type: kubernetes, action: scale_deployment, parameters: {replicas: 4}}
  - name: settle
    action: {type: monitoring, action: validate_pod_health, parameters: {wait_timeout: 30s, stable_for: 1s}}
  - name: check
    action: {type: kubernetes, action: get_pod_status}
    postconditions: ["size(output) == 0"]
    retry: {attempts: 1}
`,
  "templates/second.yaml": `
name: second
configuration: {cooldown: 1h}
steps:
  - name: scale
    action: {type: kubernetes, action: scale_deployment, parameters: {replicas: 5}}
`,
  "policies/tests.yaml": policy("first"),
};

const theChange = (namespace: string) => ({
  method: "PATCH",
  path: new RegExp(`${namespace}/deployments/api\\?(?!.*dryRun)`),
});

const rollsBack = { "templates/roll-back.yaml": rollback, "policies/tests.yaml": policy("roll-back") };

async function twoReplicas(namespace: string, files: Readonly<Record<string, string>> = rollsBack) {
  const remote = bareRepository(join(world.folder, `${namespace}-audit.git`), "audit");
  const config = { audit_repository: { url: remote } };
  const site = await openShippedSite(world, namespace, files, [namespace], config);
  const first = await site.start({}, "a");
  const second = await site.start({}, "b");
  running.push(first, second);
  return { site, first, second, remote };
}

describe("two replicas", () => {
  it("make a change once when one is frozen for six seconds while its write is on the way", async () => {
    const namespace = "frozen";
    await deployAndBreak(world, namespace);
    const { site, first, second, remote } = await twoReplicas(namespace);
    const write = world.simulation.cluster.faults.add({ ...theChange(namespace), fault: { kind: "hang" } });
    await site.fire(first);
    await write.reached;
    const [owner, other] = (await driving(first)) ? [first, second] : [second, first];
    owner.kill("SIGSTOP");
    const frozenAt = performance.now();
    const execution = await ended(other, 40);
    await eventually("six seconds have passed", () => performance.now() - frozenAt > 6000);
    write.release();
    owner.kill("SIGCONT");
    await eventually("the frozen replica noticed", () => owner.log().includes("the lease was lost"));
    expect(execution.outcome).toBe("succeeded");
    expect(world.simulation.cluster.effects.count({ manager: "gitmend", namespace })).toBe(1);
    expect(world.simulation.cluster.deployment(namespace, "api").healthy).toBe(true);
    await eventually("the record is complete", () =>
      git(remote, ["log", "--format=%b", "audit"]).includes("Outcome: succeeded"),
    );
    expect((await ended(owner)).id).toBe(execution.id);
  });

  it("write a fallback's change once when one is frozen for six seconds in the middle of it", async () => {
    const namespace = "frozen-fallback";
    const [pod = ""] = await deployHealthy(world, namespace);
    const { site, first, second } = await twoReplicas(namespace, withFallback);
    // Scaled and scaled back before it.
    const change = { ...theChange(namespace), skip: 2, fault: { kind: "hang" } } as const;
    const write = world.simulation.cluster.faults.add(change);
    await site.fire(first, pod);
    await write.reached;
    const [owner, other] = (await driving(first)) ? [first, second] : [second, first];
    owner.kill("SIGSTOP");
    const frozenAt = performance.now();
    const execution = await ended(other, 40);
    await eventually("six seconds have passed", () => performance.now() - frozenAt > 6000);
    write.release();
    owner.kill("SIGCONT");
    await eventually("the frozen replica noticed", () => owner.log().includes("the lease was lost"));
    expect(execution.outcome).toBe("succeeded");
    expect(world.simulation.cluster.effects.count({ manager: "gitmend", namespace })).toBe(3);
    expect(world.simulation.cluster.deployment(namespace, "api").wanted).toBe(5);
    const events = await eventsOf(owner, execution);
    expect(events.filter(({ type }) => type === "FallbackChosen")).toHaveLength(1);
  });

  it("take over within five seconds from a replica that was killed", async () => {
    const namespace = "killed";
    await deployAndBreak(world, namespace);
    const { site, first, second } = await twoReplicas(namespace);
    const write = world.simulation.cluster.faults.add({ ...theChange(namespace), fault: { kind: "hang" } });
    await site.fire(first);
    await write.reached;
    const [owner, other] = (await driving(first)) ? [first, second] : [second, first];
    const killedAt = performance.now();
    owner.kill("SIGKILL");
    const patches = () => world.simulation.cluster.effects.count({ manager: "gitmend", namespace });
    await eventually("the other replica made the change", () => patches() === 1, { seconds: 5 });
    expect(performance.now() - killedAt).toBeLessThan(5000);
    write.release();
    expect((await ended(other, 40)).outcome).toBe("succeeded");
    expect(patches()).toBe(1);
  });
});

/** Whether this replica wrote that it decided the firing: whoever decides, drives. */
async function driving(controller: ControllerProcess): Promise<boolean> {
  return controller.log().includes('"result":"committed"');
}
