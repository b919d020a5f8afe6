// Executions that act as the account of their folder's scope: the whole controller on real PostgreSQL against a simulated API server
// that honours impersonation. Nothing of such an execution is written by gitmend's own account, whatever happens to it.
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Database, openDatabase } from "../../src/adapters/postgres/open-database.ts";
import type { FaultPoint } from "../../src/controller/fault-ports.ts";
import type { CatalogFile } from "../../src/controller/ports.ts";
import type { ExecutionEvent } from "../../src/domain/execution/events.ts";
import { newAlert } from "../contracts/store-samples.ts";
import { crashingPod, deployAndBreak, startWorld, type World } from "../e2e/world.ts";
import { eventually } from "../support/eventually.ts";
import { bareRepository } from "../support/git.ts";
import { cluster, endOfLease, type Replica, startReplica } from "../support/replica.ts";

let world: World;
const namespaces = ["acts", "undoes", "lacks", "stranger", "taken"];
beforeAll(async () => {
  world = await startWorld(namespaces);
});
afterAll(() => world.stop());

const scale = `
steps:
  - name: scale
    action: {action: scale_deployment, parameters: {replicas: 3}}
`;
const thenFail = `${scale}
  - name: check
    action: {action: get_pod_status}
    postconditions: ["size(output) == 0"]
    retry: {attempts: 1}
`;

const user = (namespace: string) => `system:serviceaccount:${namespace}:bot`;
const scopeOf = (namespace: string, as: object | null = { service_account: `${namespace}/bot` }) => ({
  path: `teams/${namespace}`,
  namespaces: [namespace],
  ...(as === null ? {} : { run_as: as }),
});

interface Played {
  readonly events: readonly ExecutionEvent[];
  readonly end: Extract<ExecutionEvent, { type: "Ended" }>;
}

/** One incident to its end. `after`: gitmend.yaml of the replica that comes when the first one has died at `dies`. */
async function played(
  namespace: string,
  steps: string,
  given: { readonly dies?: FaultPoint; readonly after?: readonly object[] } = {},
): Promise<Played> {
  const database = await openDatabase({ url: await world.postgres.createDatabase() });
  await deployAndBreak(world, namespace);
  const pod = await crashingPod(world, namespace);
  const rule = `{name: r, on: [KubePodCrashLooping], event: {type: select-template, params: {template: ${namespace}}}}`;
  const catalog: readonly CatalogFile[] = [
    {
      path: `teams/${namespace}/templates/t.yaml`,
      text: `name: ${namespace}${steps}configuration: {cooldown: 1h}\n`,
    },
    { path: `teams/${namespace}/policies/p.yaml`, text: `name: p\nrules: [${rule}]\n` },
  ];
  const replicas: Promise<Replica>[] = [];
  let died = false;
  const setup = (scopes: readonly object[]) => ({
    database,
    kubeconfig: world.simulation.kubeconfig,
    catalog,
    folder: join(world.folder, namespace),
    config: {
      audit_repository: { url: bareRepository(join(world.folder, `${namespace}-${replicas.length}.git`)) },
      limits: { gather: "0s" },
      live: [{ max_risk: "high" }],
      scopes,
    },
    diesAt: async (point: FaultPoint) => {
      if (died || point !== given.dies) return false;
      died = true;
      return true;
    },
    onDeath: () =>
      void replicas.push(endOfLease(database).then(() => startReplica(setup(given.after ?? scopes)))),
  });
  try {
    replicas.push(startReplica(setup([scopeOf(namespace)])));
    const alerts = [newAlert({ cluster, labels: { alertname: "KubePodCrashLooping", namespace, pod } })];
    await database.alerts.receive({ bodyHash: "h", source: "default", alerts, deadLetters: [] });
    const ended = async () => {
      const events = await eventsOf(database);
      const end = events.find((event) => event.type === "Ended");
      return end?.type === "Ended" ? { events, end } : null;
    };
    return await eventually("it has come to its end", ended, { seconds: 60 }).catch(
      async (error: unknown) => {
        const logs = (await Promise.all(replicas)).flatMap(({ log }) => log).slice(-30);
        const events = (await eventsOf(database)).map((one) => JSON.stringify(one));
        throw new Error([String(error), ...logs, ...events].join("\n"));
      },
    );
  } finally {
    for (const replica of await Promise.allSettled(replicas))
      if (replica.status === "fulfilled") await replica.value.kill();
    await database.close();
  }
}

async function eventsOf({ pool }: Database): Promise<readonly ExecutionEvent[]> {
  const { rows } = await pool.query<{ event: ExecutionEvent }>("select event from events order by seq");
  return rows.map(({ event }) => event);
}

/** Who wrote what of gitmend's in a namespace. */
const written = (namespace: string) =>
  world.simulation.cluster.effects
    .of({ manager: "gitmend", namespace })
    .map(({ as = "gitmend", verb, kind }) => `${as} ${verb} ${kind}`);

const everything = (namespace: string) => [{ verbs: ["*"], resources: ["*"], namespaces: [namespace] }];

describe("an execution of a folder with run_as", () => {
  it("writes as that account alone, its Events included", async () => {
    world.simulation.cluster.allow(user("acts"), everything("acts"));
    const { events, end } = await played("acts", scale);
    expect(end.outcome).toBe("succeeded");
    const planned = events.find((event) => event.type === "Planned");
    expect(planned?.type === "Planned" ? planned.plan.scopes : null).toMatchObject([
      { path: "teams/acts", runAs: { user: user("acts"), groups: [] } },
    ]);
    expect(new Set(written("acts"))).toEqual(
      new Set([`${user("acts")} patch Deployment`, `${user("acts")} create Event`]),
    );
  }, 90_000);

  it("takes back as that account what it did, also when another replica has to", async () => {
    world.simulation.cluster.allow(user("undoes"), everything("undoes"));
    const { end } = await played("undoes", thenFail, { dies: "undo-after-start" });
    expect(end.outcome).toBe("rolled_back");
    const patches = written("undoes").filter((line) => line.endsWith("Deployment"));
    expect(patches).toEqual([`${user("undoes")} patch Deployment`, `${user("undoes")} patch Deployment`]);
  }, 90_000);

  it("is stopped by what that account may not do, and says who lacks what", async () => {
    world.simulation.cluster.allow(user("lacks"), [
      { verbs: ["get", "list"], resources: ["*"], namespaces: ["lacks"] },
    ]);
    const { events, end } = await played("lacks", scale);
    expect(end.outcome).toBe("failed");
    const failed = events.find((event) => event.type === "StepFailed");
    expect(failed).toMatchObject({
      code: "ACCESS_MISSING",
      message: expect.stringContaining(
        "service account lacks/bot may not patch deployments.apps in namespace lacks",
      ),
    });
    expect(written("lacks")).toEqual([]);
  }, 90_000);
});

describe("an account that gitmend may not act as", () => {
  it("is nobody's reason to act as itself: nothing is planned, and the decision says why", async () => {
    const { kubeconfig } = world.simulation;
    const database = await openDatabase({ url: await world.postgres.createDatabase() });
    await deployAndBreak(world, "stranger");
    const pod = await crashingPod(world, "stranger");
    const rule =
      "{name: r, on: [KubePodCrashLooping], event: {type: select-template, params: {template: s}}}";
    const replica = await startReplica({
      database,
      kubeconfig,
      catalog: [
        { path: "teams/stranger/templates/t.yaml", text: `name: s${scale}` },
        { path: "teams/stranger/policies/p.yaml", text: `name: p\nrules: [${rule}]\n` },
      ],
      folder: join(world.folder, "stranger"),
      config: {
        limits: { gather: "0s" },
        live: [{ max_risk: "high" }],
        scopes: [scopeOf("stranger")],
      },
      diesAt: async () => false,
      onDeath: () => undefined,
    });
    const alerts = [
      newAlert({ cluster, labels: { alertname: "KubePodCrashLooping", namespace: "stranger", pod } }),
    ];
    await database.alerts.receive({ bodyHash: "h", source: "default", alerts, deadLetters: [] });
    const reason = await eventually("it was tried", async () => {
      const { rows } = await database.pool.query<{ reasons: readonly string[] }>(
        "select reasons from decisions order by id",
      );
      return rows[0]?.reasons.join();
    });
    expect(reason).toContain(
      "as service account stranger/bot: the API server answered 403 Forbidden: gitmend's own account may not impersonate it",
    );
    expect(written("stranger")).toEqual([]);
    await replica.kill();
    await database.close();
  }, 60_000);
});

describe("a run_as that is taken away while an execution is under way", () => {
  it("ends with people being told: what was begun is neither finished nor taken back by another account", async () => {
    world.simulation.cluster.allow(user("taken"), everything("taken"));
    const { end } = await played("taken", thenFail, {
      dies: "undo-after-start",
      after: [scopeOf("taken", null)],
    });
    expect(end).toMatchObject({ outcome: "rollback_incomplete", escalated: true });
    const patches = written("taken").filter((line) => line.endsWith("Deployment"));
    expect(patches).toEqual([`${user("taken")} patch Deployment`]);
  }, 90_000);
});
