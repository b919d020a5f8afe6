import { describe, expect, it } from "vitest";
import type { ExecutionCommand, ExecutionSummary } from "../../src/controller/ports.ts";
import type { ExecutionEvent, RecordedEvent } from "../../src/domain/execution/events.ts";
import { createServer } from "../../src/server/create-server.ts";
import { sampleExecution } from "../cli/sample-execution.ts";
import { rolledBack } from "../fixtures/executions.ts";
import { executionsOf, givenServer, noDeadLetters, readyState, token } from "./given-server.ts";

const webhook = { method: "POST", body: '{"version":"4","alerts":[]}' };

describe("a server on loopback", () => {
  it.each([
    ["its own address", {}, 202],
    ["localhost", { host: "localhost:8080" }, 202],
    ["the IPv6 loopback", { host: "[::1]:8080" }, 202],
    ["a name that was rebound to loopback", { host: "evil.example:8080" }, 403],
    ["a name that begins like loopback", { host: "127.0.0.1.evil.example" }, 403],
  ])("answers a request for %s: %o", async (_, headers, status) => {
    await using given = await givenServer();
    expect((await given.send("/webhooks/alertmanager", { ...webhook, headers })).status).toBe(status);
  });

  it.each([
    ["another site", { origin: "https://evil.example" }, 403],
    ["another port of this machine", { origin: "http://127.0.0.1:1" }, 403],
    ["a sandboxed page", { origin: "null" }, 403],
    ["another site, without Origin", { "sec-fetch-site": "cross-site" }, 403],
  ])("refuses what a page of %s sends", async (_, headers, status) => {
    await using given = await givenServer();
    const answer = await given.send("/webhooks/alertmanager", { ...webhook, headers });
    expect([answer.status, answer.json.code]).toEqual([status, "FORBIDDEN"]);
    expect(given.deliveries).toEqual([]);
  });

  it("accepts what a page of its own sends", async () => {
    await using given = await givenServer();
    expect(
      (await given.send("/webhooks/alertmanager", { ...webhook, headers: { origin: given.url } })).status,
    ).toBe(202);
  });

  it("says which address it cannot have", async () => {
    await using given = await givenServer();
    const port = Number(new URL(given.url).port);
    await expect(givenServer({ listen: { host: "127.0.0.1", port } })).rejects.toMatchObject({
      code: "CONFIG_INVALID",
      message: expect.stringContaining(`127.0.0.1:${port}`),
    });
  });

  it("lets a delivery that it has begun finish before it closes", async () => {
    const { promise: committed, resolve: commit } = Promise.withResolvers<void>();
    let received = false;
    const given = await givenServer(
      {},
      {
        alerts: {
          receive: async () => {
            received = true;
            await committed;
            return { opened: 0, resolved: 0, repeated: 0, deadLetters: 0 };
          },
          ...noDeadLetters,
        },
      },
    );
    const answer = given.send("/webhooks/alertmanager", webhook);
    await expect.poll(() => received).toBe(true);
    const closed = given.server.close();
    await expect(given.send("/healthz")).rejects.toThrow(/ECONNREFUSED/);
    commit();
    expect((await answer).status).toBe(202);
    await closed;
  });
});

describe("a server that others can reach", () => {
  const source = { name: "default", clusters: ["demo"], clusterLabel: "cluster", credential: null };
  const start = (changes: object) => () =>
    createServer(
      {
        listen: { host: "0.0.0.0", port: 0 },
        metricsListen: null,
        token,
        teams: new Map(),
        sources: [source],
        ...changes,
      },
      {} as Parameters<typeof createServer>[1],
    );

  it("refuses to start when a source has no credential", () => {
    expect(start({})).toThrow(expect.objectContaining({ code: "CONFIG_INVALID" }));
  });

  it("refuses to start with a token that can be guessed, on loopback too", () => {
    expect(start({ listen: { host: "127.0.0.1", port: 0 }, token: "short" })).toThrow(/16 characters/);
  });

  it("refuses a source without credential beside the default one, on loopback too", () => {
    const sources = [source, { ...source, name: "other" }];
    expect(start({ listen: { host: "127.0.0.1", port: 0 }, sources })).toThrow(/other has no credential/);
  });

  it("answers any Host, because its name is not its own to know", async () => {
    const credential = { type: "bearer", token: "of-the-source" } as const;
    await using given = await givenServer({
      listen: { host: "0.0.0.0", port: 0 },
      sources: [{ ...source, credential }],
    });
    const url = given.url.replace("0.0.0.0", "127.0.0.1");
    const answer = await fetch(`${url}/webhooks/alertmanager`, { method: "POST", body: webhook.body });
    expect(answer.status).toBe(401);
  });
});

describe("health", () => {
  it("is alive whatever the database says, and ready only with database and catalog and not draining", async () => {
    for (const [state, ready] of [
      [readyState(), 200],
      [readyState({ ready: async () => ({ database: false, catalog: true }) }), 503],
      [readyState({ ready: async () => ({ database: true, catalog: false }) }), 503],
      [readyState({ ready: () => Promise.reject(new Error("away")) }), 503],
      [readyState({ draining: () => true }), 503],
    ] as const) {
      await using given = await givenServer({}, { state });
      expect((await given.send("/healthz")).status).toBe(200);
      expect((await given.send("/readyz")).status).toBe(ready);
    }
  });

  it("is not ready when the database does not answer at all", async () => {
    await using given = await givenServer({}, { state: readyState({ ready: () => new Promise(() => {}) }) });
    expect((await given.send("/readyz")).json).toMatchObject({ status: "not ready", database: false });
  });
});

describe("the API", () => {
  const { summary, events } = sampleExecution("rolled-back");

  it.each(["/executions", "/executions/x", "/catalog", "/dead-letters", "/nothing"])(
    "asks for the token before it says anything: %s",
    async (path) => {
      await using given = await givenServer();
      for (const authorization of ["", "Bearer wrong-token-of-same-len", `Basic ${token}`]) {
        const answer = await given.send(`/api/v1${path}`, { headers: { authorization } });
        expect([answer.status, answer.json.code]).toEqual([401, "UNAUTHENTICATED"]);
      }
    },
  );

  it("lists executions and says where the next page begins", async () => {
    const executions = executionsOf([{ summary, events }]);
    await using given = await givenServer({}, { executions });
    expect((await given.api("/api/v1/executions")).json).toEqual({ items: [summary], next: null });
    expect((await given.api("/api/v1/executions?limit=1")).json.next).toBe(summary.id);
    for (const limit of ["0", "501", "-1", "x", "1e3"]) {
      const answer = await given.api(`/api/v1/executions?limit=${limit}`);
      expect([answer.status, answer.json.code]).toEqual([400, "USAGE"]);
    }
  });

  it("passes the page and the filter on to the store", async () => {
    const asked: object[] = [];
    const executions = { ...executionsOf([]), list: async (query: object) => (asked.push(query), []) };
    await using given = await givenServer({}, { executions });
    await given.api(`/api/v1/executions?limit=2&before=${summary.id}&live=true`);
    expect(asked).toEqual([{ limit: 2, before: summary.id, live: true }]);
    expect(await given.api("/api/v1/executions?before=abc")).toMatchObject({
      status: 400,
      json: { code: "USAGE" },
    });
  });

  it("shows no secret of a container's environment that a snapshot holds", async () => {
    const past = [...rolledBack.events];
    expect(JSON.stringify(past)).toContain("hunter2");
    await using given = await givenServer({}, { executions: executionsOf([{ summary, events: past }]) });
    for (const path of ["", "/events"]) {
      const shown = await given.api(`/api/v1/executions/${summary.id}${path}`);
      expect(shown.status).toBe(200);
      expect(JSON.stringify(shown.json)).not.toContain("hunter2");
      expect(JSON.stringify(shown.json)).toContain("[redacted]");
    }
  });

  it("shows an execution with its events, by a short id too", async () => {
    await using given = await givenServer({}, { executions: executionsOf([{ summary, events }]) });
    const shown = await given.api(`/api/v1/executions/${summary.id.slice(-8)}`);
    expect(shown.json).toEqual({ summary, events: JSON.parse(JSON.stringify(events)), past: null });
    expect((await given.api(`/api/v1/executions/${summary.id}/events`)).json.items).toHaveLength(
      events.length,
    );
    expect((await given.api("/api/v1/executions/ffffffff")).json).toMatchObject({
      code: "NOT_FOUND",
      status: 404,
    });
  });

  it("tells what is needed to approve, and that nothing is needed when nothing was asked", async () => {
    const waiting = sampleExecution("awaiting-approval");
    const executions = executionsOf([waiting, { summary: { ...summary, id: "open-gate" }, events }]);
    await using given = await givenServer({}, { executions });
    const answer = await given.api(`/api/v1/executions/${waiting.summary.id}/approval`);
    expect(answer.json).toMatchObject({
      executionId: waiting.summary.id,
      waiting: true,
      branch: expect.stringMatching(/^gitmend\//),
      file: `approvals/${waiting.summary.id}.yaml`,
      demands: [{ from: ["team:sre"], approvals: 2 }],
      teams: { sre: ["ana", "bo"] },
      digest: expect.stringMatching(/^sha256:/),
    });
    expect((await given.api("/api/v1/executions/open-gate/approval")).status).toBe(404);
  });

  it("lists dead letters and tells of the catalog", async () => {
    const letter = {
      id: "1",
      receivedAt: "2026-11-17T10:00:00Z",
      source: "default",
      reason: "X: y",
      body: "{}",
    };
    await using given = await givenServer(
      {},
      {
        alerts: {
          receive: async () => Promise.reject(new Error("unused")),
          ...noDeadLetters,
          deadLetters: async () => [letter],
        },
      },
    );
    expect((await given.api("/api/v1/dead-letters")).json).toEqual({ items: [letter], next: null });
    expect((await given.api("/api/v1/catalog")).json).toMatchObject({ templates: 2, rules: 3, findings: [] });
  });

  it("says what it does not have", async () => {
    await using given = await givenServer();
    expect((await given.send("/nowhere")).json).toMatchObject({ code: "NOT_FOUND", status: 404 });
    expect((await given.api("/api/v1/executions/%ZZ")).status).toBe(400);
  });
});

describe("cancelling an execution", () => {
  const cancelOf = async (
    phases: ExecutionSummary["phase"][],
    added: ExecutionEvent | null,
    body: object = { reason: "wrong target" },
  ) => {
    const { summary, events } = sampleExecution("running");
    const execution = { summary, events: [...events] };
    const commands: ExecutionCommand[] = [];
    const store = executionsOf([execution], async (_id, command) => {
      commands.push(command);
      const recorded: RecordedEvent[] =
        added === null ? [] : [{ seq: events.length + 1, at: summary.updatedAt, version: 1, event: added }];
      execution.events.push(...recorded);
      execution.summary = { ...summary, phase: phases[0] ?? summary.phase };
      return phases.length > 0;
    });
    const given = await givenServer({}, { executions: store });
    const answer = await given.api(`/api/v1/executions/${summary.id}/cancel`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify(body),
    });
    await given.server.close(0);
    return { answer, commands };
  };
  const requested: ExecutionEvent = {
    type: "CancelRequested",
    by: "ana",
    reason: "wrong target",
    keep: true,
  };

  it("answers with the state that came of it", async () => {
    const { answer, commands } = await cancelOf(["ended"], requested, {
      reason: "wrong",
      keep: true,
      by: "ana",
    });
    expect(commands).toEqual([{ type: "cancel", by: "ana", reason: "wrong", keep: true }]);
    expect([answer.status, answer.json]).toEqual([
      200,
      { accepted: true, acted: true, execution: expect.objectContaining({ phase: "ended" }) },
    ]);
  });

  it("does not wait for an undo that takes its time", async () => {
    const { answer } = await cancelOf(["undoing"], requested);
    expect([answer.status, answer.json.acted, answer.json.execution.phase]).toEqual([200, true, "undoing"]);
  });

  it("says when its owner was not at it within five seconds", async () => {
    const { answer } = await cancelOf(["running"], null);
    expect([answer.status, answer.json.accepted, answer.json.acted]).toEqual([202, true, false]);
  });

  it("that has ended changes nothing and says so", async () => {
    const { answer } = await cancelOf([], null);
    expect([answer.status, answer.json.accepted]).toEqual([200, false]);
  });

  it.each([
    [{}],
    [{ reason: " " }],
    [{ reason: 7 }],
    [{ reason: "x", keep: "yes" }],
    [{ reason: "x", by: "" }],
  ])("needs a reason and knows its fields: %o", async (body) => {
    const { answer, commands } = await cancelOf(["ended"], requested, body);
    expect([answer.status, answer.json.code]).toEqual([400, "USAGE"]);
    expect(commands).toEqual([]);
  });
});
