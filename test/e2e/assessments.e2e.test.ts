// Did it help? Real controllers, PostgreSQL and Git; the delay of the templates is a second instead of ten minutes.
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { ControllerProcess } from "../support/controller-process.ts";
import { eventually } from "../support/eventually.ts";
import { deployAndBreak, ended, openSite, rollback, type Site, startWorld, type World } from "./world.ts";

const effectiveness = "effectiveness: {delay: 1s}";
/** Makes a new pod that crashes like the one before it. */
const restart = `
name: restart
configuration: {cooldown: 1h}
${effectiveness}
steps:
  - name: restart
    action: {type: kubernetes, action: restart_pod, parameters: {pod: "{{ subject.name }}", wait_timeout: 2s}}
`;

let world: World;
let controller: ControllerProcess | undefined;
beforeAll(async () => {
  world = await startWorld(["helped", "helpless"]);
}, 120_000);
afterAll(async () => {
  controller?.kill("SIGTERM");
  await controller?.exited;
  await world?.stop();
});

const assessed = (site: Site, verdict: string) =>
  eventually(
    `assessed as ${verdict}`,
    () => {
      const log = site.auditLog();
      return log.includes(`\nAssessment: ${verdict}\n`) ? log : null;
    },
    { seconds: 30 },
  );

describe("an assessment", () => {
  it("waits out the silence of pods that are gone, then says that the remedy helped, in commits of its own", async () => {
    const site = await openSite(world, "helped", `${rollback}${effectiveness}\n`);
    controller = await site.start();
    await deployAndBreak(world, "helped");
    await site.fire(controller);
    const execution = await ended(controller);
    expect(execution.outcome).toBe("succeeded");
    await site.resolve(controller);

    const log = await assessed(site, "effective");
    const subjects = log.split("\n").filter((line) => /^(plan|remediate|assess)\(/.test(line));
    expect(subjects.map((line) => line.replace(/ in \d+s$/, ""))).toEqual([
      "plan(sim/helped/deploy/api): roll-back, starts at once",
      "remediate(sim/helped/deploy/api): roll-back succeeded",
      expect.stringMatching(/^assess\(sim\/helped\/deploy\/api\): roll-back inconclusive/),
      expect.stringMatching(/^assess\(sim\/helped\/deploy\/api\): roll-back inconclusive/),
      "assess(sim/helped/deploy/api): roll-back effective",
    ]);
    const shown = await controller.cli("executions", "events", execution.id);
    expect(shown.stdout).toContain("effective");
    controller.kill("SIGTERM");
    await controller.exited;
  });

  it("says that a restart did not help when its new pod crashes too", async () => {
    const site = await openSite(world, "helpless", restart);
    controller = await site.start();
    await deployAndBreak(world, "helpless");
    await site.fire(controller);
    expect((await ended(controller)).outcome).toBe("succeeded");
    await site.fire(controller);
    const log = await assessed(site, "ineffective");
    expect(log).toMatch(/^assess\(sim\/helpless\/deploy\/api\): restart ineffective/m);
    expect(log).toMatch(/^Found: KubePodCrashLooping fires: sim\/helpless\/pod\/api-/m);
  });
});
