// Two controllers over one database. One is frozen while its write is on the way, the other takes over, the first wakes up
// and its write arrives late: the change is made once, and both go on.

import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { ControllerProcess } from "../support/controller-process.ts";
import { eventually } from "../support/eventually.ts";
import { bareRepository, git } from "../support/git.ts";
import { deployAndBreak, ended, openSite, rollback, startWorld, type World } from "./world.ts";

let world: World;
const running: ControllerProcess[] = [];
beforeAll(async () => {
  world = await startWorld(["frozen", "killed"]);
});
afterAll(async () => {
  for (const controller of running) controller.kill("SIGKILL");
  await Promise.all(running.map(({ exited }) => exited));
  await world.stop();
});

const theChange = (namespace: string) => ({
  method: "PATCH",
  path: new RegExp(`${namespace}/deployments/api\\?(?!.*dryRun)`),
});

async function twoReplicas(namespace: string) {
  const remote = bareRepository(join(world.folder, `${namespace}-audit.git`), "audit");
  const site = await openSite(world, namespace, rollback, { audit_repository: { url: remote } });
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
