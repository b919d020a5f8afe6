// A controller dies at every fault point that it comes to, once at each after each event, and another takes over: in approval, steps, undo,
// fallback and `finally`. Everything that stays behind a crash is in PostgreSQL, Git and the cluster, so one execution that is
// taken over again and again goes on from every state that a kill -9 could have left.
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { approveLocally } from "../../src/adapters/forges/local/approve-locally.ts";
import { type Database, openDatabase } from "../../src/adapters/postgres/open-database.ts";
import type { FaultPoint } from "../../src/controller/fault-ports.ts";
import type { CatalogFile } from "../../src/controller/ports.ts";
import type { ExecutionEvent, RecordedEvent } from "../../src/domain/execution/events.ts";
import { newAlert } from "../contracts/store-samples.ts";
import { crashingPod, deployAndBreak, policy, startWorld, type World } from "../e2e/world.ts";
import { eventually } from "../support/eventually.ts";
import { bareRepository } from "../support/git.ts";
import { type HttpService, startHttpService } from "../support/http-service.ts";
import { judgeRecords } from "../support/judge-records.ts";
import { cluster, endOfLease, type Replica, startReplica } from "../support/replica.ts";

/** All that there are: one that is missing here does not compile. Of repairs in Git: set-repair.integration.test.ts. */
const points: Readonly<Record<Exclude<FaultPoint, "repair-after-push">, true>> = {
  "append-before": true,
  "append-after": true,
  "decision-before-commit": true,
  "decision-after-commit": true,
  "objects-claimed": true,
  "step-before-start": true,
  "step-after-start": true,
  "step-after-effect": true,
  "step-before-outcome": true,
  "step-after-outcome": true,
  "undo-after-start": true,
  "undo-after-effect": true,
  "undo-after-outcome": true,
  "ended-before-append": true,
  "ended-after-append": true,
  "record-after-commit": true,
  "record-after-push": true,
  "approval-after-open": true,
  "approval-after-tell": true,
};

/** A step that was cut off before its effect is an attempt that has failed: nobody may run out of them here. */
const again = "retry: {attempts: 20, backoff: 1s}";

/** Scales, fails and is undone; the fallback rolls back; at the end three replicas are left. */
const templates = {
  first: `
name: first
configuration: {cooldown: 1h, fallback: second}
steps:
  - name: scale
    ${again}
    action: {type: kubernetes, action: scale_deployment, parameters: {replicas: {add: 2}}}
  - name: check
    action: {type: kubernetes, action: get_pod_status}
    postconditions: ["size(output) == 0"]
    retry: {attempts: 1}
finally:
  - name: leave-three
    ${again}
    action: {type: kubernetes, action: scale_deployment, parameters: {replicas: 3}}
`,
  second: `
name: second
configuration: {cooldown: 1h}
steps:
  - name: roll-back
    ${again}
    action: {type: kubernetes, action: rollback_deployment, parameters: {revision: last-good, timeout: 60s}}
`,
};
const approvals = `
name: approvals
rules:
  - name: ask
    event: {type: require-approval, params: {from: [bo], expires: 30m, next: [{after: 1s, from: [ana]}]}}
`;
const catalog: readonly CatalogFile[] = [
  ...Object.entries(templates).map(([name, text]) => ({ path: `templates/${name}.yaml`, text })),
  { path: "policies/tests.yaml", text: policy("first") },
  { path: "policies/approvals.yaml", text: approvals },
];

const namespace = "every-point";
let world: World;
let database: Database;
let receiver: HttpService;
const replicas: Promise<Replica>[] = [];
beforeAll(async () => {
  world = await startWorld([namespace]);
  receiver = await startHttpService();
  database = await openDatabase({ url: await world.postgres.createDatabase() });
});
afterAll(async () => {
  for (const opened of await Promise.allSettled(replicas))
    if (opened.status === "fulfilled") await opened.value.kill();
  await database.close();
  await receiver.stop();
  await world.stop();
});

async function recorded(): Promise<readonly RecordedEvent[]> {
  const { rows } = await database.pool.query<{ text: string }>("select text from events order by seq");
  return rows.map(({ text }) => JSON.parse(text) as RecordedEvent);
}

/** A point of their own stands directly behind it. */
const passedOver = ["append-after at StepUndone scale", "append-after at Ended "];

/** Where the execution stands, without which attempt it is at: `StepStarted scale`. */
async function position(): Promise<string> {
  const { rows } = await database.pool.query<{ event: ExecutionEvent }>(
    "select event from events order by seq desc limit 1",
  );
  const event = rows[0]?.event;
  if (event === undefined) return "nothing";
  return `${event.type} ${"step" in event ? event.step : ""}`;
}

it("survives kill -9 at every point, makes every change once and tells the whole story", async () => {
  const died = new Set(passedOver);
  const audit = bareRepository(join(world.folder, "audit.git"));
  const setup = {
    database,
    kubeconfig: world.simulation.kubeconfig,
    catalog,
    // Started again where it was, as a pod is.
    folder: join(world.folder, "replica"),
    config: {
      audit_repository: { url: audit },
      approvals: { people: [{ id: "ana" }, { id: "bo" }] },
      notifications: {
        channels: { pager: { kind: "webhook", url: `${receiver.url}/pager` } },
        default: "pager",
        allow_private: true,
      },
      limits: { gather: "0s" },
    },
    diesAt: async (point: FaultPoint) => {
      const here = `${point} at ${await position()}`;
      if (died.has(here)) return false;
      died.add(here);
      return true;
    },
    onDeath: () => void replicas.push(endOfLease(database).then(() => startReplica(setup))),
  };
  replicas.push(startReplica(setup));
  await deployAndBreak(world, namespace);
  const pod = await crashingPod(world, namespace);
  const labels = { alertname: "KubePodCrashLooping", namespace, pod };
  await database.alerts.receive({
    bodyHash: "h",
    source: "default",
    alerts: [newAlert({ cluster, labels })],
    deadLetters: [],
  });
  /** Says what all of them saw when it takes too long. */
  const soon = <T>(what: string, look: () => Promise<T>) =>
    eventually(what, look, { seconds: 170 }).catch(async (error: unknown) => {
      const logs = (await Promise.all(replicas)).flatMap(({ log }) => log).slice(-40);
      const story = (await recorded()).map((one) => JSON.stringify(one).slice(0, 200));
      throw new Error([String(error), ...logs, ...story, ...died].join("\n"), { cause: error });
    });
  const events = async () => (await recorded()).map(({ event }) => event);
  // Only whoever is asked next approves: until then nothing would count.
  await soon("the next ones are asked", async () =>
    (await events()).find((event) => event.type === "ApproversAdded"),
  );
  const asked = await soon("people are asked", async () =>
    (await events()).find((event) => event.type === "ApprovalRequested"),
  );
  const requested = (await database.pool.query<{ id: string }>("select id::text from executions")).rows;
  await approveLocally({
    repositoryUrl: asked.repository,
    branch: asked.branch,
    base: asked.base,
    file: `approvals/${requested[0]?.id}.yaml`,
    head: asked.head,
    by: "ana",
    at: new Date().toISOString(),
    signingKey: null,
    workDir: world.folder,
    mergeWhen: () => true,
  });
  const ended = await soon("the execution ends", async () =>
    (await events()).find((event) => event.type === "Ended"),
  );
  expect(ended).toMatchObject({ outcome: "succeeded" });
  expect(requested).toHaveLength(1);
  // Scaled, scaled back, rolled back, left at three.
  expect(world.simulation.cluster.effects.count({ manager: "gitmend", namespace })).toBe(4);
  expect((await events()).filter(({ type }) => type === "ApproversAdded")).toHaveLength(1);
  const told = receiver.calls.map(({ headers }) => String(headers["idempotency-key"]));
  expect(new Set(told.filter((key) => key.includes("/approval/next/"))).size).toBe(1);
  const { healthy, wanted } = world.simulation.cluster.deployment(namespace, "api");
  expect({ healthy, wanted }).toEqual({ healthy: true, wanted: 3 });
  const all = await recorded();
  expect(all.map(({ seq }) => seq)).toEqual(all.map((_, index) => index + 1));
  await eventually("the record is published", async () => {
    const { rows } = await database.pool.query("select 1 from audit_outbox where published_at is null");
    return rows.length === 0;
  });
  const records = await eventually("the record is pushed", () => {
    const judged = judgeRecords(audit);
    return judged.lines.get(requested[0]?.id ?? "") === all.length ? judged : null;
  });
  expect(records.complaints).toEqual([]);
  expect(records.subjects.map((subject) => subject.split("(")[0])).toEqual(["plan", "remediate"]);
  const reached = () => new Set([...died].map((here) => here.split(" at ")[0]));
  await eventually("it has died at every point", () =>
    Object.keys(points).every((point) => reached().has(point)),
  ).catch(() => undefined);
  expect(Object.keys(points).filter((point) => !reached().has(point))).toEqual([]);
}, 240_000);
