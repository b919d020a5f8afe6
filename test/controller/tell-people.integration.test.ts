// Executions that need a person: told through the configured channel until somebody was reached, against real PostgreSQL and a
// receiver over HTTP.
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { createNotifier } from "../../src/adapters/notifications/create-notifier.ts";
import { type Database, openDatabase } from "../../src/adapters/postgres/open-database.ts";
import type { Append } from "../../src/controller/ports.ts";
import { type TellPorts, tellPeople } from "../../src/controller/tell-people.ts";
import type { ExecutionEvent } from "../../src/domain/execution/events.ts";
import { append, delivery, ending, newExecution, recorded } from "../contracts/store-samples.ts";
import { approvalGate, approvalRequested, plan, previews, requested } from "../fixtures/executions.ts";
import { givenAlert } from "../fixtures/facts.ts";
import { type HttpService, startHttpService } from "../support/http-service.ts";
import { startPostgres, type TestPostgres } from "../support/postgres.ts";

let postgres: TestPostgres;
let url: string;
let database: Database;
let receiver: HttpService;
beforeAll(async () => {
  postgres = await startPostgres({ fsync: false });
  url = await postgres.createDatabase();
  database = await openDatabase({ url });
  receiver = await startHttpService();
});
afterEach(async () => {
  receiver.fault = () => null;
  await database.pool.query("update escalations set seen_at = now() where told_at is null");
  await database.pool.query("update asks set due_at = null");
});
afterAll(async () => {
  await receiver.stop();
  await database.close();
  await postgres.remove();
});

const silent = { info: () => undefined, warn: () => undefined, error: () => undefined };

function ports(
  changes: Partial<TellPorts> = {},
  { asks, nextAsks, escalations, executions, lifts } = database,
): TellPorts {
  const channel = { kind: "webhook", url: `${receiver.url}/pager`, secret: null } as const;
  const { notify } = createNotifier({ channels: { pager: channel }, default: "pager", allowPrivate: true });
  const tools = () => ({ notify }) as unknown as ReturnType<TellPorts["clusters"]["tools"]>;
  return {
    asks,
    nextAsks,
    escalations,
    executions,
    lifts,
    clusters: { tools },
    log: silent,
    hasChannel: true,
    channels: ["pager"],
    ...changes,
  };
}

/** Ends so that a person has to look at it. @returns its id */
async function escalated(escalation: Append["escalation"] = "tell"): Promise<string> {
  const alert = givenAlert({ fingerprint: crypto.randomUUID(), startsAt: new Date().toISOString() });
  await database.alerts.receive(delivery(alert));
  const due = await database.alerts.takeDue(100, 600);
  const firing = due.find((one) => one.alert.fingerprint === alert.fingerprint);
  const execution = newExecution(alert);
  if (firing === undefined) throw new Error("it is not due");
  await database.alerts.decide(firing, execution);
  const id = execution.executionId;
  const end: ExecutionEvent = { type: "Ended", outcome: "failed", reason: "no luck", escalated: true };
  await database.executions.append(
    ending(id, 2, {
      events: recorded(2, end),
      projection: { phase: "ended", outcome: "failed", escalated: true },
      escalation,
    }),
  );
  return id;
}

const stateOf = async (id: string) => (await database.executions.find(id))?.escalation;
const keysOf = (id: string) =>
  receiver.calls.flatMap(({ headers }) =>
    headers["idempotency-key"] === `${id}/escalation` ? [headers["idempotency-key"]] : [],
  );
const dueNow = (id: string) =>
  database.pool.query("update escalations set due_at = now() where execution_id = $1::uuid", [id]);
const untold = async () => (await database.executions.list({ limit: 50, untold: true })).map(({ id }) => id);

describe("an execution that needs a person", () => {
  it("is told once, whoever looks", async () => {
    const id = await escalated();
    expect(await untold()).toEqual([id]);
    const other = await openDatabase({ url });
    await Promise.all([tellPeople(ports()), tellPeople(ports({}, other))]);
    await tellPeople(ports({}, other));
    await other.close();
    expect(keysOf(id)).toHaveLength(1);
    const sent = receiver.calls.find(({ headers }) => headers["idempotency-key"] === `${id}/escalation`);
    expect(JSON.parse(sent?.body ?? "")).toMatchObject({
      title: expect.stringContaining("needs a person"),
      text: expect.stringContaining(`gitmend executions show ${id.slice(-12)}`),
    });
    expect(await stateOf(id)).toMatchObject({ toldAt: expect.any(String), channel: "pager", attempts: 1 });
    expect(await untold()).toEqual([]);
  });

  it.each([
    ["refuses it", { status: 429, headers: { "retry-after": "7" } }, /answered 429/],
    ["takes it and answers nothing of use", { status: 500, after: true }, /may have arrived/],
  ] as const)("is told again, with the same key, when the receiver %s", async (_what, fault, problem) => {
    const id = await escalated();
    receiver.fault = () => fault;
    await tellPeople(ports());
    expect(await stateOf(id)).toMatchObject({
      toldAt: null,
      attempts: 1,
      problem: expect.stringMatching(problem),
    });
    expect(await untold()).toEqual([id]);
    await tellPeople(ports());
    expect(keysOf(id)).toHaveLength(1);

    receiver.fault = () => null;
    await dueNow(id);
    await tellPeople(ports());
    expect(keysOf(id)).toHaveLength(2);
    expect(await stateOf(id)).toMatchObject({ toldAt: expect.any(String), attempts: 2, problem: null });
  });

  it("waits as long as the receiver asks for, and ever longer", async () => {
    const id = await escalated();
    const waits: number[] = [];
    for (const header of ["120", "1", "1", "1"]) {
      receiver.fault = () => ({ status: 429, headers: { "retry-after": header } });
      await dueNow(id);
      await tellPeople(ports());
      const { rows } = await database.pool.query<{ wait: number }>(
        "select extract(epoch from due_at - now())::float8 as wait from escalations where execution_id = $1::uuid",
        [id],
      );
      waits.push(Math.round((rows[0]?.wait ?? 0) / 5) * 5);
    }
    expect(waits).toEqual([120, 10, 20, 40]);
  });

  it("is told by another replica when the one that took it has died, with the same key", async () => {
    const id = await escalated();
    expect((await database.escalations.takeDue(20, 60)).map(({ executionId }) => executionId)).toEqual([id]);
    await tellPeople(ports());
    expect(keysOf(id)).toHaveLength(0);
    await dueNow(id);
    await tellPeople(ports());
    expect(keysOf(id)).toHaveLength(1);
  });

  it("is told by nobody once a person has seen it; the first word counts", async () => {
    const id = await escalated();
    receiver.fault = () => ({ status: 429 });
    await tellPeople(ports());
    const said = { by: "ana", reason: "on it" };
    expect(await database.escalations.acknowledge(id, said)).toBe(true);
    expect(await database.escalations.acknowledge(id, { by: "bo", reason: "" })).toBe(true);
    expect(await stateOf(id)).toMatchObject({ toldAt: null, seen: said });
    await dueNow(id);
    await tellPeople(ports());
    expect(keysOf(id)).toHaveLength(1);
    expect(await untold()).toEqual([]);
    const attention = await database.executions.list({ limit: 50, attention: true });
    expect(attention.map((one) => one.id)).not.toContain(id);
  });

  it("is not told again where its own plan has told people", async () => {
    const id = await escalated("told");
    await tellPeople(ports());
    expect(keysOf(id)).toEqual([]);
    expect(await untold()).toEqual([]);
    expect(await stateOf(id)).toMatchObject({ toldAt: expect.any(String), attempts: 0, seen: null });
  });

  it("stands in the lists while there is no channel, and a new channel gets no flood of old ones", async () => {
    const old = await escalated();
    await tellPeople(ports({ hasChannel: false }));
    expect(await untold()).toEqual([old]);
    await database.pool.query("update escalations set escalated_at = now() - interval '2 days'");
    const id = await escalated();
    await tellPeople(ports());
    expect([keysOf(old), keysOf(id)]).toEqual([[], [expect.any(String)]]);
    expect(await untold()).toEqual([old]);
    const current = await database.views.currentExecutions(50);
    expect(current[0]?.id).toBe(old);
  });

  it("is not there to be seen while it runs, nor when it needs nobody", async () => {
    const alert = givenAlert({ fingerprint: crypto.randomUUID(), startsAt: new Date().toISOString() });
    await database.alerts.receive(delivery(alert));
    const [firing] = await database.alerts.takeDue(100, 600);
    const execution = newExecution(alert);
    await database.alerts.decide(firing!, execution);
    const said = { by: "ana", reason: "" };
    expect(await database.escalations.acknowledge(execution.executionId, said)).toBe(false);
    await database.executions.append(ending(execution.executionId, 2));
    expect(await database.escalations.acknowledge(execution.executionId, said)).toBe(false);
    expect(await stateOf(execution.executionId)).toBeNull();
  });
});

describe("an execution that waits for an approval", () => {
  /** @returns its id; people can be told once its request is there */
  async function waiting(remindSeconds?: number): Promise<string> {
    const alert = givenAlert({ fingerprint: crypto.randomUUID(), startsAt: new Date().toISOString() });
    await database.alerts.receive(delivery(alert));
    const due = await database.alerts.takeDue(100, 600);
    const firing = due.find((one) => one.alert.fingerprint === alert.fingerprint);
    if (firing === undefined) throw new Error("it is not due");
    const gate = { ...approvalGate, ...(remindSeconds === undefined ? {} : { remindSeconds }) };
    const execution = newExecution(alert, {
      events: recorded(
        0,
        requested({ alert }),
        { type: "Planned", plan, previews },
        { type: "GateDecided", gate },
      ),
      projection: { phase: "awaiting_approval", outcome: null, escalated: false },
    });
    await database.alerts.decide(firing, execution);
    return execution.executionId;
  }
  const ask = (id: string) =>
    database.executions.append(
      append(id, 3, {
        events: recorded(3, approvalRequested),
        projection: { phase: "awaiting_approval", outcome: null, escalated: false },
      }),
    );
  const again = (id: string) =>
    database.pool.query(
      "update asks set due_at = now() where execution_id = $1::uuid and due_at is not null",
      [id],
    );
  const sent = (id: string) =>
    receiver.calls.filter(({ headers }) => String(headers["idempotency-key"]).startsWith(`${id}/approval/`));
  const keys = (id: string) =>
    sent(id).map(({ headers }) => String(headers["idempotency-key"]).slice(id.length));

  it("is told once, whoever looks, with what is to be decided and where; and not before that can be done", async () => {
    const id = await waiting();
    await tellPeople(ports());
    expect(keys(id)).toEqual([]);
    await ask(id);
    await again(id);
    const other = await openDatabase({ url });
    await Promise.all([tellPeople(ports()), tellPeople(ports({}, other))]);
    await other.close();
    await again(id);
    await tellPeople(ports());
    expect(keys(id)).toEqual(["/approval/0"]);
    expect(JSON.parse(sent(id)[0]?.body ?? "")).toMatchObject({
      title: expect.stringMatching(/^waits for approval: \S+ on /),
      text: expect.stringMatching(/^\S+ needs .* until .* UTC\. Without them nothing runs\.\n\nDecide:\n/),
    });
  });

  it("is told again, each time as a message of its own, when its guards want that", async () => {
    const id = await waiting(600);
    await ask(id);
    await tellPeople(ports());
    const { rows } = await database.pool.query<{ left: number }>(
      "select extract(epoch from due_at - now())::float8 as left from asks where execution_id = $1::uuid",
      [id],
    );
    expect(rows[0]?.left).toBeGreaterThan(500);
    await again(id);
    await tellPeople(ports());
    expect(keys(id)).toEqual(["/approval/0", "/approval/1"]);
    expect(JSON.parse(sent(id)[1]?.body ?? "")).toMatchObject({
      title: expect.stringMatching(/^still waits/),
    });
  });

  it("is told again, with the same key, when nobody was reached, or who took it has died", async () => {
    const id = await waiting();
    await ask(id);
    expect((await database.asks.takeDue(20, 60)).map(({ executionId }) => executionId)).toEqual([id]);
    await tellPeople(ports());
    expect(keys(id)).toEqual([]);
    receiver.fault = () => ({ status: 500, after: true });
    await again(id);
    await tellPeople(ports());
    receiver.fault = () => null;
    await again(id);
    await tellPeople(ports());
    expect(keys(id)).toEqual(["/approval/0", "/approval/0"]);
  });

  const added: ExecutionEvent = {
    type: "ApproversAdded",
    added: [{ demand: 0, afterSeconds: 600, from: ["team:platform"] }],
  };
  const addNext = (id: string) =>
    database.executions.append(
      append(id, 4, {
        events: recorded(4, added),
        projection: { phase: "awaiting_approval", outcome: null, escalated: false },
      }),
    );
  const nextAgain = (id: string) =>
    database.pool.query(
      "update next_asks set due_at = now() where execution_id = $1::uuid and due_at is not null",
      [id],
    );

  it("is told to the next team once, whoever looks, and reminds nobody sooner", async () => {
    const id = await waiting(600);
    await ask(id);
    await tellPeople(ports());
    await addNext(id);
    const other = await openDatabase({ url });
    await Promise.all([tellPeople(ports()), tellPeople(ports({}, other))]);
    await other.close();
    await nextAgain(id);
    await tellPeople(ports());
    expect(keys(id)).toEqual(["/approval/0", "/approval/next/5"]);
    expect(JSON.parse(sent(id)[1]?.body ?? "")).toMatchObject({
      title: expect.stringMatching(/^team:platform: waits for approval: \S+ on /),
      text: expect.stringMatching(
        /^Nobody has decided within 10m: team:platform may approve too\.\n\n\S+ needs 2 of team:sre or team:platform until /,
      ),
    });
  });

  it("is told to the next team with the same key when nobody was reached, or who took it has died", async () => {
    const id = await waiting();
    await ask(id);
    await tellPeople(ports());
    await addNext(id);
    const taken = await database.nextAsks.takeDue(20, 60);
    expect(taken).toMatchObject([{ executionId: id, seq: 5, attempts: 0 }]);
    await tellPeople(ports());
    expect(keys(id)).toEqual(["/approval/0"]);
    receiver.fault = () => ({ status: 500, after: true });
    await nextAgain(id);
    await tellPeople(ports());
    receiver.fault = () => null;
    await nextAgain(id);
    await tellPeople(ports());
    await nextAgain(id);
    await tellPeople(ports());
    expect(keys(id)).toEqual(["/approval/0", "/approval/next/5", "/approval/next/5"]);
    await database.nextAsks.putOff(taken[0]!, "late", 0);
    expect(await database.nextAsks.takeDue(20, 60)).toEqual([]);
  });

  it("is told to no next team once it is over", async () => {
    const id = await waiting();
    await ask(id);
    await tellPeople(ports());
    await addNext(id);
    await database.executions.append(ending(id, 5));
    await tellPeople(ports());
    expect(keys(id)).toEqual(["/approval/0"]);
    expect(await database.nextAsks.takeDue(20, 60)).toEqual([]);
  });

  it("is told when nobody has decided at all: on_expiry escalates", async () => {
    const id = await waiting();
    await ask(id);
    const end: ExecutionEvent = {
      type: "Ended",
      outcome: "expired",
      reason: "nobody approved it in time",
      escalated: true,
    };
    await database.executions.append(
      ending(id, 4, {
        events: recorded(4, { type: "ApprovalExpired" }, end),
        projection: { phase: "ended", outcome: "expired", escalated: true },
        escalation: "tell",
      }),
    );
    await tellPeople(ports());
    expect(keysOf(id)).toHaveLength(1);
    const sentText = receiver.calls.find(
      ({ headers }) => headers["idempotency-key"] === `${id}/escalation`,
    )?.body;
    expect(sentText).toContain("nobody approved it in time");
  });

  it("is told no more once it is over", async () => {
    const id = await waiting(600);
    await ask(id);
    await tellPeople(ports());
    await database.executions.append(ending(id, 4));
    await again(id);
    await tellPeople(ports());
    expect(keys(id)).toEqual(["/approval/0"]);
  });
});
