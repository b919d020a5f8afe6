// A step has handed its work to somebody else, and the controller dies: whoever takes over finds the Job or the request by its key
// and goes on waiting. Nothing is submitted twice, and what still runs is ended when everything is taken back.
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Database, openDatabase } from "../../src/adapters/postgres/open-database.ts";
import type { FaultPoint } from "../../src/controller/fault-ports.ts";
import type { CatalogFile } from "../../src/controller/ports.ts";
import type { ExecutionEvent, RecordedEvent } from "../../src/domain/execution/events.ts";
import { newAlert } from "../contracts/store-samples.ts";
import { crashingPod, deployAndBreak, policy, startWorld, type World } from "../e2e/world.ts";
import { eventually } from "../support/eventually.ts";
import { type HttpService, startHttpService } from "../support/http-service.ts";
import { cluster, endOfLease, type Replica, startReplica } from "../support/replica.ts";

const again = "retry: {attempts: 20, backoff: 1s}";
const maintain = `
name: maintain
description: Opens a maintenance window.
risk: low
parameters: {service: {type: string}}
http_request: {endpoint: status, path: "/windows/{{ effect.key }}", body: {service: "{{ params.service }}"}}
probe: {http_request: {endpoint: status, path: "/windows/{{ effect.key }}"}, expect: status == 200}
undo: {http_request: {endpoint: status, method: DELETE, path: "/windows/{{ effect.key }}"}}
`;
const template = `
name: elsewhere
configuration: {cooldown: 1h}
steps:
  - name: window
    ${again}
    action: {type: custom, action: maintain, parameters: {service: "{{ alert.namespace }}"}}
  - name: scan
    ${again}
    action: {type: kubernetes, action: run_job, parameters: {image: "example.test/scan:1", cpu: 100m, memory: 64Mi}}
  - name: never-ends
    ${again}
    action: {type: kubernetes, action: run_job, parameters: {image: "example.test/does-not-exist:1", cpu: 100m, memory: 64Mi, timeout: 2s}}
`;
const catalog: readonly CatalogFile[] = [
  { path: "actions/maintain.yaml", text: maintain },
  { path: "templates/elsewhere.yaml", text: template },
  { path: "policies/tests.yaml", text: policy("elsewhere") },
];
const namespace = "elsewhere";
let world: World;
let database: Database;
let status: HttpService;
const replicas: Promise<Replica>[] = [];

beforeAll(async () => {
  world = await startWorld([namespace]);
  status = await startHttpService();
  database = await openDatabase({ url: await world.postgres.createDatabase() });
});
afterAll(async () => {
  for (const opened of await Promise.allSettled(replicas))
    if (opened.status === "fulfilled") await opened.value.kill();
  await database.close();
  await status.stop();
  await world.stop();
});

/** Of the last execution. */
async function events(): Promise<readonly ExecutionEvent[]> {
  const { rows } = await database.pool.query<{ text: string }>(
    "select text from events where execution_id = (select max(id::text)::uuid from executions) order by seq",
  );
  return rows.map(({ text }) => (JSON.parse(text) as RecordedEvent).event);
}

describe("work that others do", () => {
  it("is submitted once whenever the controller dies, and taken back by its own means", async () => {
    const died = new Set<string>();
    const deadly: ReadonlySet<FaultPoint> = new Set([
      "step-after-start",
      "step-after-effect",
      "undo-after-effect",
    ]);
    const setup = {
      database,
      kubeconfig: world.simulation.kubeconfig,
      catalog,
      folder: join(world.folder, "replica"),
      config: { http: { endpoints: { status: { url: status.url } } }, limits: { gather: "0s" } },
      diesAt: async (point: FaultPoint) => {
        const last = (await events()).at(-1);
        const here = `${point} at ${last?.type} ${last !== undefined && "step" in last ? last.step : ""}`;
        if (!deadly.has(point) || died.has(here)) return false;
        died.add(here);
        return true;
      },
      onDeath: () => void replicas.push(endOfLease(database).then(() => startReplica(setup))),
    };
    replicas.push(startReplica(setup));
    await deployAndBreak(world, namespace);
    const pod = await crashingPod(world, namespace);
    const labels = { alertname: "KubePodCrashLooping", namespace, pod };
    const alerts = [newAlert({ cluster, labels })];
    await database.alerts.receive({ bodyHash: "h", source: "default", alerts, deadLetters: [] });
    const ended = await eventually(
      "the execution ends",
      async () => (await events()).find((event) => event.type === "Ended"),
      { seconds: 110 },
    ).catch(async (error: unknown) => {
      const logs = (await Promise.all(replicas)).flatMap(({ log }) => log).slice(-30);
      const story = (await events()).map((one) => JSON.stringify(one).slice(0, 200));
      throw new Error([String(error), ...logs, ...story, ...died].join("\n"), { cause: error });
    });
    expect(ended).toMatchObject({ outcome: "rolled_back" });
    expect(died.size).toBeGreaterThanOrEqual(7);

    const jobs = world.simulation.cluster.effects.of({ manager: "gitmend", kind: "Job", verb: "create" });
    expect(jobs).toHaveLength(2);
    expect(status.calls.filter(({ method }) => method === "POST")).toHaveLength(1);
    // The window is closed again, and nothing of it is left.
    expect(status.documents.size).toBe(0);
    const story = await events();
    const of = (type: ExecutionEvent["type"], step: string) =>
      story.filter((event) => event.type === type && "step" in event && event.step === step);
    expect(of("StepSucceeded", "scan")).toMatchObject([{ output: { exit_code: 0, reason: "Completed" } }]);
    expect(of("StepFailed", "never-ends").at(-1)).toMatchObject({ code: "RUN_FAILED", changed: true });
    expect(of("StepUndone", "window")).toHaveLength(1);
    expect(of("StepUndone", "scan")).toMatchObject([{ note: expect.stringContaining("it runs no longer") }]);
  }, 120_000);

  it("is ended when a person cancels the execution while it runs", async () => {
    const quiet = { diesAt: async () => false, onDeath: () => undefined };
    for (const opened of await Promise.all(replicas)) await opened.kill();
    await endOfLease(database);
    const waiting =
      "{action: run_job, parameters: {image: 'example.test/does-not-exist:1', cpu: 100m, memory: 64Mi}}";
    const files = [
      { path: "templates/t.yaml", text: `name: waiting\nsteps:\n  - name: wait\n    action: ${waiting}\n` },
      { path: "policies/tests.yaml", text: policy("waiting") },
    ];
    const other = "cancelled";
    const { kubeconfig, cluster: simulated } = world.simulation;
    replicas.push(
      startReplica({
        database,
        kubeconfig,
        catalog: files,
        folder: join(world.folder, "second"),
        config: { limits: { gather: "0s" } },
        ...quiet,
      }),
    );
    await deployAndBreak(world, other);
    const labels = {
      alertname: "KubePodCrashLooping",
      namespace: other,
      pod: await crashingPod(world, other),
    };
    const alerts = [newAlert({ cluster, labels, fingerprint: "f-other" })];
    await database.alerts.receive({ bodyHash: "i", source: "default", alerts, deadLetters: [] });
    await eventually("the Job's pod is there", () =>
      simulated.pods(other).some(({ metadata }) => metadata.name.startsWith("gitmend-")),
    );
    const { rows } = await database.pool.query<{ id: string }>("select max(id::text) as id from executions");
    const cancel = { type: "cancel", by: "ana", reason: "wrong alert", keep: false } as const;
    await database.executions.send(rows[0]?.id ?? "", cancel);
    const ended = await eventually("the execution ends", async () =>
      (await events()).find(({ type }) => type === "Ended"),
    );
    expect(ended).toMatchObject({ outcome: "cancelled" });
    expect(simulated.list("jobs", other)).toEqual([]);
    expect((await events()).find(({ type }) => type === "StepUndone")).toMatchObject({
      note: expect.stringMatching(/^stopped; /),
    });
  });
});
