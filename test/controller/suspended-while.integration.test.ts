// A target that Flux owns, and a remedy that suspends Flux while it works: whatever becomes of the controller meanwhile, Flux runs
// again at the end. What only says that Flux owns it is neither suspended nor changed.
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Database, openDatabase } from "../../src/adapters/postgres/open-database.ts";
import type { FaultPoint } from "../../src/controller/fault-ports.ts";
import type { CatalogFile } from "../../src/controller/ports.ts";
import type { ExecutionEvent } from "../../src/domain/execution/events.ts";
import { newAlert } from "../contracts/store-samples.ts";
import { crashingPod, deployAndBreak, policy, startWorld, type World } from "../e2e/world.ts";
import { eventually } from "../support/eventually.ts";
import { startFlux } from "../support/flux.ts";
import { bareRepository } from "../support/git.ts";
import { cluster, endOfLease, type Replica, startReplica } from "../support/replica.ts";

const owner = ["kind", "namespace", "name"]
  .map((field) => `${field}: "{{ target.manager.object.${field} }}"`)
  .join(", ");
/** Scales while Flux rests; `more` may fail. */
const template = (name: string, more = "") => `
name: ${name}
configuration: {cooldown: 1h}
steps:
  - name: suspend
    retry: {attempts: 20, backoff: 1s}
    action: {type: kubernetes, action: suspend_gitops, parameters: {${owner}}}
  - name: scale
    retry: {attempts: 20, backoff: 1s}
    action: {type: kubernetes, action: scale_deployment, parameters: {replicas: 3}}
${more}
finally:
  - name: resume
    retry: {attempts: 20, backoff: 1s}
    action: {type: kubernetes, action: resume_gitops, parameters: {${owner}}}
`;
const fails = `
  - name: check
    action: {type: kubernetes, action: get_pod_status}
    postconditions: ["size(output) == 0"]
    retry: {attempts: 1}
`;
const noApproval = `
name: allowed
rules:
  - name: allow
    event: {type: waive-approval, params: {max_risk: high, reason: "tests"}}
`;

/** Between what is recorded and what is done; every other point is fault-points.integration.test.ts's. */
const deadly: ReadonlySet<FaultPoint> = new Set([
  "step-after-start",
  "step-after-effect",
  "step-after-outcome",
]);

let world: World;
const namespaces = ["dies", "undone", "claimed"];
beforeAll(async () => {
  world = await startWorld(namespaces);
});
afterAll(() => world.stop());

interface Played {
  readonly events: readonly ExecutionEvent[];
  readonly deaths: number;
  readonly flux: Awaited<ReturnType<typeof startFlux>>;
}

/** One incident to its end. `dies`: once at each deadly point after each event while anything is suspended. */
async function played(
  namespace: string,
  text: string,
  { lists = true, dies = false }: { readonly lists?: boolean; readonly dies?: boolean },
): Promise<Played> {
  const database = await openDatabase({ url: await world.postgres.createDatabase() });
  const { kubeconfig } = world.simulation;
  await deployAndBreak(world, namespace);
  const pod = await crashingPod(world, namespace);
  const flux = await startFlux(kubeconfig, { namespace, deployment: "api", replicas: 2 }, lists);
  const name = /name: (\S+)/.exec(text)?.[1] ?? "";
  const catalog: readonly CatalogFile[] = [
    { path: `templates/${name}.yaml`, text },
    { path: "policies/tests.yaml", text: policy(name) },
    { path: "policies/allowed.yaml", text: noApproval },
  ];
  const died = new Set<string>();
  const replicas: Promise<Replica>[] = [];
  const setup = {
    database,
    kubeconfig,
    catalog,
    folder: join(world.folder, namespace),
    config: {
      audit_repository: { url: bareRepository(join(world.folder, `${namespace}-audit.git`)) },
      limits: { gather: "0s" },
      live: [{ max_risk: "high" }],
    },
    diesAt: async (point: FaultPoint) => {
      if (!dies || !deadly.has(point) || (await flux.kustomization()).spec.suspend !== true) return false;
      const here = `${point} at ${await position(database)}`;
      if (died.has(here)) return false;
      died.add(here);
      return true;
    },
    onDeath: () => void replicas.push(endOfLease(database).then(() => startReplica(setup))),
  };
  try {
    replicas.push(startReplica(setup));
    const labels = { alertname: "KubePodCrashLooping", namespace, pod };
    const alerts = [newAlert({ cluster, labels })];
    await database.alerts.receive({ bodyHash: "h", source: "default", alerts, deadLetters: [] });
    const outcome = async () => {
      const events = await eventsOf(database);
      const last = events.find((event) => event.type === "Ended");
      return last === undefined ? null : events;
    };
    const events = await eventually("it has come to its end", outcome, { seconds: 100 }).catch(
      async (error: unknown) => {
        const logs = (await Promise.all(replicas)).flatMap(({ log }) => log).slice(-30);
        throw new Error(
          [String(error), ...logs, ...(await eventsOf(database)).map((one) => JSON.stringify(one))].join(
            "\n",
          ),
        );
      },
    );
    return { events, deaths: died.size, flux };
  } finally {
    for (const replica of await Promise.allSettled(replicas))
      if (replica.status === "fulfilled") await replica.value.kill();
    await flux.stop();
    await database.close();
  }
}

async function eventsOf({ pool }: Database): Promise<readonly ExecutionEvent[]> {
  const { rows } = await pool.query<{ event: ExecutionEvent }>("select event from events order by seq");
  return rows.map(({ event }) => event);
}

async function position(database: Database): Promise<string> {
  const event = (await eventsOf(database)).at(-1);
  return event === undefined ? "nothing" : `${event.type} ${"step" in event ? event.step : ""}`;
}

const effectsOn = (namespace: string, kind: string) =>
  world.simulation.cluster.effects.count({ manager: "gitmend", namespace, kind });

describe("a remedy that suspends Flux while it works", () => {
  it("leaves Flux running, though the controller dies again and again in between", async () => {
    const { events, deaths, flux } = await played("dies", template("dies"), { dies: true });
    expect(events.at(-1)).toMatchObject({ type: "Ended", outcome: "succeeded" });
    expect(deaths).toBeGreaterThanOrEqual(6);
    const { spec, metadata } = await flux.kustomization();
    expect(spec.suspend).toBeUndefined();
    expect(metadata.annotations).not.toHaveProperty("gitmend.dev/suspended");
    expect(effectsOn("dies", "Kustomization")).toBe(2);
    expect(effectsOn("dies", "Deployment")).toBe(1);
  }, 120_000);

  it("leaves Flux running when it fails and is undone: nothing of it was reverted under its hands", async () => {
    const { events, flux } = await played("undone", template("undone", fails), {});
    expect(events.at(-1)).toMatchObject({ type: "Ended", outcome: "rolled_back" });
    expect(flux.reverts()).toBe(0);
    expect((await flux.kustomization()).spec.suspend).toBeUndefined();
    expect(world.simulation.cluster.deployment("undone", "api").wanted).toBe(2);
  }, 120_000);

  it("does nothing on the word of a label: what Flux does not list is neither suspended nor changed", async () => {
    const { events, flux } = await played("claimed", template("claimed"), { lists: false });
    expect(events.at(-1)).toMatchObject({
      type: "Ended",
      outcome: "refused",
      escalated: true,
      reason: expect.stringContaining("Kustomization claimed/apps, which does not list it"),
    });
    expect((await flux.kustomization()).spec.suspend).toBeUndefined();
    expect(effectsOn("claimed", "Kustomization")).toBe(0);
    expect(effectsOn("claimed", "Deployment")).toBe(0);
  }, 120_000);
});
