// The controller dies while the glass is broken: a replica that dies at once (replica.ts), real PostgreSQL, real ssh-keygen, a
// forge whose request is open, and channels of which one may be away. It is lifted once, told everywhere, and never used twice.
import { execFileSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { type Database, openDatabase } from "../../src/adapters/postgres/open-database.ts";
import { openEmergency } from "../../src/app-emergency.ts";
import { readConfig } from "../../src/config/read-config.ts";
import type { FaultPoint } from "../../src/controller/fault-ports.ts";
import { fold } from "../../src/domain/execution/evolve.ts";
import { type LiftStatement, liftNamespace, statementText } from "../../src/domain/gate/break-glass.ts";
import { type BreakGlassPorts, liftApprovals, liftView } from "../../src/server/break-glass.ts";
import { newAlert } from "../contracts/store-samples.ts";
import { crashingPod, deployAndBreak, policy, startWorld, type World } from "../e2e/world.ts";
import { eventually } from "../support/eventually.ts";
import { type SshKey, sshKey } from "../support/git.ts";
import { startGitea, type TestGitea } from "../support/gitea.ts";
import { type HttpService, startHttpService } from "../support/http-service.ts";
import { cluster, endOfLease, type Replica, startReplica } from "../support/replica.ts";

const namespaces = ["unrecorded", "recorded", "told", "opened", "twice", "away", "changed", "merged"];
const catalog = [
  {
    path: "templates/scale.yaml",
    text: `
name: scale
configuration: {cooldown: 1h}
steps:
  - name: scale
    approval: required
    retry: {attempts: 20, backoff: 1s}
    action: {type: kubernetes, action: scale_deployment, parameters: {replicas: {add: 2}}}
`,
  },
  { path: "policies/tests.yaml", text: policy("scale") },
];

let world: World;
let database: Database;
let gitea: TestGitea;
let receiver: HttpService;
let key: SshKey;
let config: Record<string, unknown>;
let ports: BreakGlassPorts;
const replicas: Promise<Replica>[] = [];

beforeAll(async () => {
  world = await startWorld(namespaces);
  database = await openDatabase({ url: await world.postgres.createDatabase() });
  gitea = await startGitea();
  receiver = await startHttpService();
  key = sshKey(world.folder, "ana");
  const file = join(world.folder, "forge-token");
  writeFileSync(file, gitea.token);
  const channel = (path: string) => ({ kind: "webhook", url: `${receiver.url}/${path}` });
  config = {
    approvals: {
      people: [{ id: "ana", signer: key.publicKey, gitea: ["ana-x"] }],
      emergency: ["ana"],
      forge: { type: "gitea", url: gitea.url, repository: gitea.repository, token: { file } },
    },
    notifications: {
      channels: { pager: channel("pager"), chat: channel("chat") },
      default: "pager",
      allow_private: true,
    },
    limits: { gather: "0s" },
  };
  const read = readConfig(JSON.stringify({ ...config, clusters: [] }), "gitmend.yaml", {}).config;
  if (read === null) throw new Error("the configuration is wrong");
  const log = { info: () => undefined, warn: () => undefined, error: () => undefined };
  const emergency = openEmergency(read, { now: () => new Date().toISOString() });
  ports = { executions: database.executions, log, emergency };
});
afterEach(async () => {
  receiver.fault = () => null;
  await killAll();
});
afterAll(async () => {
  await database.close();
  await gitea.stop();
  await receiver.stop();
  await world.stop();
});

async function killAll(): Promise<void> {
  for (const opened of await Promise.allSettled(replicas.splice(0)))
    if (opened.status === "fulfilled") await opened.value.kill();
  await endOfLease(database);
}

const stateOf = async (id: string) => fold(await database.executions.events(id));
const ended = (id: string) =>
  eventually("it has ended", async () => {
    const state = await stateOf(id);
    return state.phase === "ended" ? state : null;
  });

/** Dies once where `dies` says so, and is started again. */
function controller(dies: (point: FaultPoint) => Promise<boolean> = async () => false): {
  readonly deaths: () => number;
} {
  let deaths = 0;
  const setup = {
    database,
    kubeconfig: world.simulation.kubeconfig,
    catalog,
    folder: join(world.folder, "replica"),
    config,
    diesAt: async (point: FaultPoint) => {
      if (deaths > 0 || !(await dies(point))) return false;
      deaths += 1;
      return true;
    },
    onDeath: () => void replicas.push(endOfLease(database).then(() => startReplica(setup))),
  };
  replicas.push(startReplica(setup));
  return { deaths: () => deaths };
}

/** @returns the id of what waits there, with or without an open request */
async function waiting(namespace: string, asked = true): Promise<string> {
  await deployAndBreak(world, namespace);
  const labels = {
    alertname: "KubePodCrashLooping",
    namespace,
    pod: await crashingPod(world, namespace),
  };
  const alerts = [newAlert({ cluster, labels, fingerprint: namespace })];
  await database.alerts.receive({ bodyHash: namespace, source: "default", alerts, deadLetters: [] });
  return eventually("it waits for people", async () => {
    const { rows } = await database.pool.query<{ id: string }>(
      "select id::text from executions where target_namespace = $1 and phase = 'awaiting_approval'",
      [namespace],
    );
    const [row] = rows;
    return row !== undefined && (!asked || (await stateOf(row.id)).approval !== null) ? row.id : null;
  });
}

async function signed(id: string): Promise<{ statement: LiftStatement; signature: string }> {
  const { execution, digest, at, until } = liftView(id, await stateOf(id), new Date().toISOString());
  const statement = { execution, digest, at, until, by: "ana", reason: "the shop is down" };
  const args = ["-Y", "sign", "-f", key.privateKeyFile, "-n", liftNamespace];
  const input = statementText(statement);
  return {
    statement,
    signature: execFileSync("ssh-keygen", args, { input, stdio: ["pipe", "pipe", "ignore"] }).toString(),
  };
}

const branchOf = (id: string) => `gitmend/${id.slice(-12)}`;
const toldOn = (id: string, path: string) =>
  receiver.calls.filter(
    ({ url, headers }) => url.endsWith(path) && headers["idempotency-key"] === `${id}/break-glass`,
  );
const lifts = async (id: string) =>
  (await database.executions.events(id)).filter(({ event }) => event.type === "ApprovalLifted").length;
const changesIn = (namespace: string) =>
  world.simulation.cluster.effects.count({ manager: "gitmend", namespace });

/** Whatever died, this is how it has to be afterwards. */
async function expectAllOfIt(id: string, namespace: string): Promise<void> {
  expect((await ended(id)).outcome).toBe("succeeded");
  expect([await lifts(id), changesIn(namespace)]).toEqual([1, 1]);
  await eventually("every channel was told", () =>
    ["/pager", "/chat"].every((path) => toldOn(id, path).length > 0),
  );
  await eventually("its target shows it, once", () => {
    const events = world.simulation.cluster.list("events", namespace) as unknown as { reason: string }[];
    return events.filter(({ reason }) => reason === "RemediationBreakGlass").length === 1;
  });
  const [pull, ...others] = gitea.model.pullsOf(branchOf(id));
  expect([pull?.state, pull?.closedBy, others]).toEqual(["closed", gitea.bot, []]);
  const { rows } = await database.pool.query("select 1 from commands where execution_id = $1::uuid", [id]);
  expect(rows).toEqual([]);
}

/** The request says in one comment, and in its status, that nobody is waited for. */
function expectRequestTold(id: string): void {
  const branch = branchOf(id);
  expect(gitea.model.commentsOf(branch).map(({ body }) => body)).toEqual([
    expect.stringMatching(/^\*\*Not waited for\*\*: break-glass by ana: the shop is down\./),
  ]);
  const head = gitea.model.pullsOf(branch).at(-1)?.head;
  expect(gitea.model.statuses.findLast(({ sha }) => sha === head)).toMatchObject({
    state: "failure",
    context: "gitmend/approval",
    description: "not approved: break-glass by ana: the shop is down",
  });
}

describe("a controller that dies while the glass is broken", () => {
  it.each([
    ["before it is written down", "unrecorded", "append-before", "ApprovalRequested"],
    ["directly after it", "recorded", "append-after", "ApprovalLifted"],
    ["when it has shown it on the request", "told", "approval-after-tell", "ApprovalLifted"],
  ] as const)(
    "%s: another goes on, and nothing is lost or done twice",
    async (_what, namespace, at, last) => {
      let armed = false;
      const { deaths } = controller(async (point) => {
        if (!armed || point !== at) return false;
        const { rows } = await database.pool.query<{ seen: boolean }>(
          "select bool_or(type = $1::text) as seen from events join executions on id = execution_id where outcome is null",
          [last],
        );
        return rows[0]?.seen === true;
      });
      const id = await waiting(namespace);
      const lift = await signed(id);
      armed = true;
      expect(await liftApprovals(id, lift, ports)).toMatchObject({ lifted: true });
      await expectAllOfIt(id, namespace);
      expect(deaths()).toBe(1);
      expectRequestTold(id);
      await expect(liftApprovals(id, lift, ports)).rejects.toMatchObject({ code: "APPROVAL_INVALID" });
      expect(changesIn(namespace)).toBe(1);
    },
    60_000,
  );

  it("when the request was opened and nobody has written that down: it is closed all the same", async () => {
    let id = "";
    const { deaths } = controller(async (point) => {
      if (point !== "approval-after-open") return false;
      const { rows } = await database.pool.query<{ id: string }>(
        "select id::text from executions where target_namespace = 'opened'",
      );
      id = rows[0]?.id ?? "";
      // Whoever comes next finds the break-glass before it could ask anew.
      const lift = await signed(id);
      await database.executions.send(id, {
        type: "break-glass",
        ...lift.statement,
        signature: lift.signature,
      });
      return true;
    });
    await waiting("opened", false);
    await eventually("it has died", () => deaths() === 1);
    await expectAllOfIt(id, "opened");
  }, 60_000);

  it("takes the same statement twice while nobody drives it, and lifts once", async () => {
    controller();
    const id = await waiting("twice");
    const lift = await signed(id);
    await killAll();
    const command = { type: "break-glass", ...lift.statement, signature: lift.signature } as const;
    await database.executions.send(id, command);
    await database.executions.send(id, command);
    controller();
    await expectAllOfIt(id, "twice");
    expectRequestTold(id);
  }, 60_000);
});

describe("a break-glass while a channel is away", () => {
  it("lifts all the same, tells the others once, and the one that was away when it is back", async () => {
    receiver.fault = ({ url }) => (url.endsWith("/pager") ? { status: 503 } : null);
    controller();
    const id = await waiting("away");
    expect(await liftApprovals(id, await signed(id), ports)).toMatchObject({ lifted: true });
    expect((await ended(id)).outcome).toBe("succeeded");
    const rowOf = async () =>
      (
        await database.pool.query<{ told: string[]; attempts: number; problem: string | null }>(
          "select told, attempts, problem from lifts where execution_id = $1::uuid",
          [id],
        )
      ).rows[0];
    const tried = await eventually("it is put off", async () => {
      const row = await rowOf();
      return (row?.attempts ?? 0) > 0 ? row : null;
    });
    expect(tried).toMatchObject({ told: ["chat"], problem: expect.stringContaining("pager") });
    receiver.fault = () => null;
    await database.pool.query("update lifts set due_at = now() where execution_id = $1::uuid", [id]);
    await eventually("all were told", async () => (await rowOf())?.told.length === 2);
    expect(toldOn(id, "/chat")).toHaveLength(1);
    expect(toldOn(id, "/pager").length).toBeGreaterThan(1);
    expect(await rowOf()).toMatchObject({ problem: null });
  }, 60_000);
});

describe("a request that is open when the glass is broken", () => {
  const types = async (id: string) =>
    (await database.executions.events(id)).flatMap(({ event: { type } }) =>
      type.startsWith("Approval") ? [type] : [],
    );
  const labels = (id: string) => [...(gitea.model.pullsOf(branchOf(id))[0]?.labels ?? [])];

  it("is closed with its label and says why, whatever a person has said there before", async () => {
    controller();
    const id = await waiting("changed");
    gitea.review(branchOf(id), "ana-x", "REJECTED");
    expect(await liftApprovals(id, await signed(id), ports)).toMatchObject({ lifted: true });
    await expectAllOfIt(id, "changed");
    expectRequestTold(id);
    expect([labels(id).includes("resolved"), await types(id)]).toEqual([
      true,
      ["ApprovalRequested", "ApprovalLifted"],
    ]);
  }, 60_000);

  it("decides nothing any more: whoever merges it later has approved nothing", async () => {
    controller();
    const id = await waiting("merged");
    const scope = { kind: "execution", execution: id } as const;
    await database.pauses.pause(scope, { by: "bo", reason: "a look" }, null);
    await eventually("it is paused", async () => (await stateOf(id)).paused);
    expect(await liftApprovals(id, await signed(id), ports)).toMatchObject({ lifted: true });
    await eventually("its request says it", () => gitea.model.commentsOf(branchOf(id)).length === 1);
    gitea.model.merge(branchOf(id), "ana-x");
    await database.pauses.resume(scope, { by: "bo", reason: "looked" });
    expect((await ended(id)).outcome).toBe("succeeded");
    expectRequestTold(id);
    const [pull] = gitea.model.pullsOf(branchOf(id));
    expect([pull?.merged?.by, pull?.closedBy]).toEqual(["ana-x", null]);
    expect(await types(id)).toEqual(["ApprovalRequested", "ApprovalLifted"]);
  }, 60_000);
});
