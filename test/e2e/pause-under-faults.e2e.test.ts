// A pause holds whoever dies: kill -9 of the replica that stands still, of all of them, and a config repository that is away when
// the next one takes over. Nothing is changed while it holds, everything goes on once, and Git has each act once.
import { renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import pg from "pg";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { ControllerProcess } from "../support/controller-process.ts";
import { eventually } from "../support/eventually.ts";
import { bareRepository, git } from "../support/git.ts";
import { deployHealthy, endedIn, eventsOf, executionsIn } from "./firings.ts";
import { openShippedSite, type Site, startWorld, type World } from "./world.ts";

const twoSteps = `
name: two-steps
manual: true
configuration: {cooldown: 1s}
steps:
  - name: settle
    action: {type: monitoring, action: validate_pod_health, parameters: {wait_timeout: 60s, stable_for: 1s}}
  - name: scale
    action: {type: kubernetes, action: scale_deployment, parameters: {replicas: {add: 1}}}
`;
const startArguments = ["start", "two-steps", "--target", "deploy/api", "--reason", "a test", "-n"];
const namespaces = ["taken-over", "nobody", "in-git"];

let world: World;
let site: Site;
let remote: string;
let database: pg.Client;
const running: ControllerProcess[] = [];
beforeAll(async () => {
  world = await startWorld(namespaces);
  remote = bareRepository(join(world.folder, "audit.git"), "audit");
  site = await openShippedSite(world, "site", { "templates/two-steps.yaml": twoSteps }, namespaces, {
    audit_repository: { url: remote },
    config_repository: { url: join(world.folder, "site", "config.git"), interval: "1s" },
  });
  await Promise.all(namespaces.map((namespace) => deployHealthy(world, namespace)));
  await Promise.all([startReplica("a"), startReplica("b")]);
  database = new pg.Client({ connectionString: site.database });
  await database.connect();
});
afterAll(async () => {
  await killAll();
  await database?.end();
  await world?.stop();
});

async function startReplica(name: string): Promise<ControllerProcess> {
  const replica = await site.start({}, name);
  running.push(replica);
  return replica;
}

async function killAll(): Promise<void> {
  const all = running.splice(0);
  for (const controller of all) controller.kill("SIGKILL");
  await Promise.all(all.map(({ exited }) => exited));
}

/** @returns the id, once its first step runs */
async function startIn(namespace: string, controller: ControllerProcess): Promise<string> {
  await eventually("the catalog is in use", () => controller.log().includes("catalog in use"));
  const { code, stderr } = await controller.cli(...startArguments, namespace);
  expect([code, stderr]).toEqual([0, ""]);
  const [{ id } = { id: "" }] = await executionsIn(controller, namespace);
  await recorded(controller, id, "StepStarted");
  return id;
}

const recorded = (controller: ControllerProcess, id: string, type: string) =>
  eventually(type, async () => (await eventsOf(controller, { id })).find((event) => event.type === type));

async function told(controller: ControllerProcess, id: string): Promise<readonly string[]> {
  const shown = ["Paused", "Resumed", "StepStarted", "Ended"];
  return (await eventsOf(controller, { id }))
    .filter(({ type }) => shown.includes(type))
    .map((event) => ("step" in event ? `${event.type} ${event.step}` : event.type));
}
const pausedOnce = ["StepStarted settle", "Paused", "Resumed", "StepStarted scale", "Ended"];

const epochOf = async (id: string): Promise<number> =>
  Number((await database.query("select epoch from executions where id = $1", [id])).rows[0]?.epoch);
const changes = (namespace: string) =>
  world.simulation.cluster.effects.count({ manager: "gitmend", namespace });
const controls = () =>
  git(remote, ["log", "--reverse", "--format=%s", "--grep=^Gitmend-Control: ", "audit"]).split("\n");

describe("a pause", () => {
  it("is kept by the replica that takes over from one that was killed, and ended through another", async () => {
    const [first, second] = running as [ControllerProcess, ControllerProcess];
    const id = await startIn("taken-over", first);
    const paused = await second.cli("pause", "-n", "taken-over", "--reason", "a migration", "--as", "ana");
    expect(paused.stdout).toContain("1 execution stands still");
    await recorded(second, id, "StepSucceeded");
    first.kill("SIGKILL");
    await first.exited;
    running.splice(running.indexOf(first), 1);
    await eventually("the other one has taken over", async () => (await epochOf(id)) === 2);
    const third = await startReplica("a");
    expect([await told(second, id), changes("taken-over")]).toEqual([["StepStarted settle", "Paused"], 0]);
    const resumed = await third.cli("resume", "-n", "taken-over", "--reason", "done", "--as", "bo");
    expect(resumed.stdout).toContain("resumed: namespace taken-over");
    expect((await endedIn(second, "taken-over")).outcome).toBe("succeeded");
    expect([await told(second, id), changes("taken-over")]).toEqual([pausedOnce, 1]);
    await eventually("both acts are published", () => controls().length === 2);
    expect(controls()).toEqual(["control: pause taken-over by ana", "control: resume taken-over by bo"]);
  });

  it("whose time ends while nobody is alive is over when somebody comes, and on record once", async () => {
    const [first] = running as [ControllerProcess];
    const id = await startIn("nobody", first);
    const seconds = 6;
    await post(first, "pause", { namespace: "nobody", seconds, reason: "a moment", by: "ana" });
    await killAll();
    expect(await openPauses(), "they died before its time").toBe(1);
    await eventually("its time is over", async () => (await openPauses()) === 0);
    const next = await startReplica("b");
    expect((await endedIn(next, "nobody")).outcome).toBe("succeeded");
    expect([await told(next, id), changes("nobody")]).toEqual([pausedOnce, 1]);
    expect(await recorded(next, id, "Resumed")).toMatchObject({
      by: "gitmend",
      reason: expect.stringContaining("it was paused until"),
    });
    const ofNobody = () => controls().filter((subject) => subject.includes("pause nobody by ana until"));
    await eventually("it is published", () => ofNobody().length > 0);
    expect(ofNobody()).toHaveLength(1);
  });

  it("of pause.yaml is kept by a replica that cannot read the config repository yet", async () => {
    const [first] = running as [ControllerProcess];
    const [repository, work] = ["config.git", "work"].map((name) => join(world.folder, "site", name)) as [
      string,
      string,
    ];
    const id = await startIn("in-git", first);
    // Until the commit is known.
    await post(first, "pause", { namespace: "in-git", reason: "first by hand" });
    writeFileSync(join(work, "pause.yaml"), "pauses:\n  - {namespace: in-git, reason: an audit, by: bo}\n");
    push(work);
    await eventually("the commit is known", async () =>
      JSON.stringify(await first.get("/api/v1/pauses")).includes("an audit"),
    );
    await post(first, "resume", { namespace: "in-git", reason: "now in Git" });
    await eventually("it stands still for the commit", async () => (await told(first, id)).length === 3);
    await killAll();
    renameSync(repository, `${repository}.away`);
    // It has nothing of it in its cache.
    const next = await startReplica("c");
    await eventually("it has taken over", async () => (await epochOf(id)) === 2);
    await eventually("it has tried to read it", () => next.log().includes("the catalog cannot be kept"));
    expect([(await told(next, id)).slice(1), changes("in-git")]).toEqual([["Paused", "Paused"], 0]);
    renameSync(`${repository}.away`, repository);
    rmSync(join(work, "pause.yaml"));
    push(work);
    expect((await endedIn(next, "in-git")).outcome).toBe("succeeded");
    expect([await told(next, id), changes("in-git")]).toEqual([
      pausedOnce.flatMap((type) => (type === "Paused" ? [type, type] : [type])),
      1,
    ]);
    expect(controls().filter((subject) => subject.includes("in-git"))).toHaveLength(2);
  });
});

async function post(controller: ControllerProcess, path: "pause" | "resume", body: object): Promise<void> {
  const answer = await fetch(`${controller.url}/api/v1/${path}`, {
    method: "POST",
    headers: { authorization: `Bearer ${controller.token}`, "content-type": "application/json" },
    body: JSON.stringify(body),
  });
  expect([answer.status, await answer.text()]).toMatchObject([200, expect.anything()]);
}

async function openPauses(): Promise<number> {
  const { rows } = await database.query<{ count: number }>(
    "select count(*)::integer as count from pauses where ended_at is null and until > now()",
  );
  return rows[0]?.count ?? 0;
}

function push(work: string): void {
  git(work, ["add", "--all"]);
  git(work, ["commit", "--quiet", "--message", "change"]);
  git(work, ["push", "--quiet", "origin", "HEAD:main"]);
}
