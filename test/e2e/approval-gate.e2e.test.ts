// A plan that waits for people, with real processes, a real local forge and signed approvals.
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { ControllerProcess } from "../support/controller-process.ts";
import { eventually } from "../support/eventually.ts";
import { git, sshKey } from "../support/git.ts";
import {
  deployAndBreak,
  type ExecutionView,
  ended,
  openShippedSite,
  rollback,
  type Site,
  startWorld,
  type World,
} from "./world.ts";

const gated = `
name: tests
rules:
  - name: crash-looping
    on: [KubePodCrashLooping]
    event: {type: select-template, params: {template: roll-back}}
  - name: ask
    when: "plan.risk != 'critical'"
    event: {type: require-approval, params: {from: ["team:sre"], approvals: 1, expires: EXPIRES}}
`;
const files = (expires: string) => ({
  "templates/roll-back.yaml": rollback,
  "policies/tests.yaml": gated.replace("EXPIRES", expires),
});

let world: World;
let keys: Readonly<Record<"ana" | "mallory", ReturnType<typeof sshKey>>>;
const running: ControllerProcess[] = [];
beforeAll(async () => {
  world = await startWorld(["approved", "stranger", "rejected", "expired", "killed", "resolved"]);
  keys = {
    ana: sshKey(join(world.folder, "keys"), "ana"),
    mallory: sshKey(join(world.folder, "keys"), "mallory"),
  };
});
afterAll(async () => {
  for (const controller of running) controller.kill("SIGKILL");
  await Promise.all(running.map(({ exited }) => exited));
  await world.stop();
});

async function openGate(namespace: string, expires = "30m"): Promise<Site> {
  await deployAndBreak(world, namespace);
  const approvals = { people: [{ id: "ana", signer: keys.ana.publicKey }], teams: { sre: ["ana"] } };
  return openShippedSite(world, namespace, files(expires), [namespace], { approvals });
}

async function start(site: Site, environment = {}): Promise<ControllerProcess> {
  const controller = await site.start(environment);
  running.push(controller);
  return controller;
}

async function waiting(controller: ControllerProcess): Promise<string> {
  return eventually("the execution waits", async () => {
    const { items } = (await controller.get("/api/v1/executions")) as { items: ExecutionView[] };
    const found = items.find(({ phase }) => phase === "awaiting_approval");
    if (found === undefined) return null;
    const { status } = await fetch(`${controller.url}/api/v1/executions/${found.id}/approval`, {
      headers: { authorization: `Bearer ${controller.token}` },
    });
    return status === 200 ? found.id : null;
  });
}

const changes = (namespace: string) =>
  world.simulation.cluster.effects.count({ manager: "gitmend", namespace });

async function waitAt(namespace: string, expires?: string) {
  const site = await openGate(namespace, expires);
  const controller = await start(site);
  await site.fire(controller);
  const id = await waiting(controller);
  expect(changes(namespace)).toBe(0);
  return { controller, id, site };
}

describe("a plan that waits for approval", () => {
  it("runs once a configured person has signed for it", async () => {
    const { controller, id, site } = await waitAt("approved");
    const approved = await controller.cli("approve", id, "--key", keys.ana.privateKeyFile, "--as", "ana");
    expect(approved).toMatchObject({
      code: 0,
      stdout: expect.stringContaining("approved by ana and merged") as string,
    });
    expect((await ended(controller)).outcome).toBe("succeeded");
    expect(changes("approved")).toBe(1);
    expect((await controller.cli("executions", "show", id)).stdout).toContain("approved by ana");
    await eventually("the approver is on record", () => site.auditLog().includes("Approved-By: ana"));
  });

  it("does not run for somebody else's signature, in whoever's name", async () => {
    const { controller, id } = await waitAt("stranger");
    const forged = await controller.cli("approve", id, "--key", keys.mallory.privateKeyFile, "--as", "ana");
    if (forged.code === 0) expect((await ended(controller)).outcome).toBe("refused");
    const { items } = (await controller.get("/api/v1/executions")) as { items: ExecutionView[] };
    expect(["awaiting_approval", "ended"]).toContain(items[0]?.phase);
    expect(items[0]?.outcome ?? "refused").toBe("refused");
    expect(changes("stranger")).toBe(0);
  });

  it("ends when a person rejects it, and the reason is on record", async () => {
    const { controller, id } = await waitAt("rejected");
    await controller.cli(
      "reject",
      id,
      "--key",
      keys.ana.privateKeyFile,
      "--as",
      "ana",
      "--reason",
      "known release problem",
    );
    expect(await ended(controller)).toMatchObject({ outcome: "rejected" });
    expect((await controller.cli("executions", "show", id)).stdout).toContain("known release problem");
    expect(changes("rejected")).toBe(0);
  });

  it("expires when nobody answers", async () => {
    const { controller } = await waitAt("expired", "3s");
    expect((await ended(controller)).outcome).toBe("expired");
    expect(changes("expired")).toBe(0);
  });

  it("is cancelled when the alert resolves", async () => {
    const { controller, site } = await waitAt("resolved");
    await site.resolve(controller);
    expect((await ended(controller)).outcome).toBe("cancelled");
    expect(changes("resolved")).toBe(0);
  });

  it("is asked for once, although the controller died right after asking", async () => {
    const namespace = "killed";
    const site = await openGate(namespace);
    const first = await start(site, { GITMEND_FAULT: "approval-after-open:kill" });
    await site.fire(first);
    await first.exited;
    const second = await start(site);
    const id = await waiting(second);
    const { repository } = (await second.get(`/api/v1/executions/${id}/approval`)) as { repository: string };
    const branches = git(world.folder, ["--git-dir", repository, "branch", "--list", "gitmend/*"])
      .trim()
      .split("\n");
    expect(branches).toHaveLength(1);
    await second.cli("approve", id, "--key", keys.ana.privateKeyFile, "--as", "ana");
    expect((await ended(second)).outcome).toBe("succeeded");
    expect(changes(namespace)).toBe(1);
  });
});
