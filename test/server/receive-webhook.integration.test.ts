import { request as httpRequest } from "node:http";
import { describe, expect, it } from "vitest";
import type { Received } from "../../src/controller/ports.ts";
import { Problem } from "../../src/domain/problem.ts";
import type { WebhookSource } from "../../src/server/receive-webhook.ts";
import { noMetrics } from "../support/no-metrics.ts";
import { givenServer, noDeadLetters, readyState } from "./given-server.ts";

const alert = (fingerprint = "f0", changes: object = {}) => ({
  status: "firing",
  labels: { alertname: "KubePodCrashLooping", namespace: "shop", pod: "api-0" },
  annotations: {},
  startsAt: "2026-11-17T10:00:00Z",
  endsAt: "0001-01-01T00:00:00Z",
  fingerprint,
  ...changes,
});
const payload = (...alerts: unknown[]) => ({ version: "4", alerts });

describe("a delivery of Alertmanager", () => {
  it("is answered with 202 and what came of it, once the store has it", async () => {
    const { promise: committed, resolve: commit } = Promise.withResolvers<Received>();
    let received = 0;
    await using given = await givenServer(
      {},
      {
        alerts: { receive: async () => ((received += 1), committed), ...noDeadLetters },
      },
    );
    let answered = false;
    const answer = given.webhook(payload(alert())).then((value) => ((answered = true), value));
    await expect.poll(() => received).toBe(1);
    expect(answered).toBe(false);
    commit({ opened: 1, resolved: 0, repeated: 0, deadLetters: 0 });
    expect(await answer).toMatchObject({
      status: 202,
      json: { opened: 1, resolved: 0, repeated: 0, deadLetters: 0 },
    });
  });

  it("keeps 99 alerts and one dead letter of a hundred with one broken", async () => {
    await using given = await givenServer();
    const alerts = Array.from({ length: 100 }, (_, index) =>
      index === 7 ? { status: "firing" } : alert(`f${index}`),
    );
    const { status, json } = await given.webhook(payload(...alerts));
    expect([status, json]).toEqual([202, { opened: 99, resolved: 0, repeated: 0, deadLetters: 1 }]);
    const [delivery] = given.deliveries;
    expect(delivery!.alerts).toHaveLength(99);
    expect(delivery!.deadLetters[0]!.reason).toMatch(/^LABELS_INVALID/);
    expect(delivery!.bodyHash).toMatch(/^[0-9a-f]{64}$/);
  });

  it("may hold any text; NUL and lone surrogates arrive as U+FFFD", async () => {
    await using given = await givenServer();
    const summary = '"日本 🙂 \\u0000 \\ud83d"';
    const body = JSON.stringify(payload(alert("f0", { annotations: { summary: "@" } }))).replace(
      '"@"',
      summary,
    );
    expect((await given.webhook(body)).status).toBe(202);
    const [read] = given.deliveries[0]!.alerts;
    expect(read).toMatchObject({ annotations: { summary: "日本 🙂 \uFFFD \uFFFD" }, sanitised: true });
    await given.webhook(payload(alert()));
    expect(given.deliveries.map(({ mendedBody }) => mendedBody)).toEqual([body, null]);
  });

  it("is accepted whatever content type it claims, with a byte order mark, and under the source's name", async () => {
    await using given = await givenServer();
    const body = `\uFEFF${JSON.stringify(payload(alert()))}`;
    expect((await given.webhook(body, "/default", { "content-type": "text/plain" })).status).toBe(202);
  });

  it("warns when Alertmanager left alerts out, and counts them", async () => {
    const counted: unknown[] = [];
    const count = (...what: unknown[]) => void counted.push(what);
    const metrics = { ...noMetrics, count, contentType: "text/plain", scrape: async () => "" };
    await using given = await givenServer({}, { metrics });
    await given.webhook({ ...payload(alert()), truncatedAlerts: 12 });
    expect(counted).toEqual([["alerts_suppressed_total", { reason: "truncated" }, 12]]);
    expect(given.logged).toContainEqual(
      expect.objectContaining({ level: "warn", fields: expect.objectContaining({ truncated: 12 }) }),
    );
  });

  it.each([
    ["is not JSON", "{", /not JSON/],
    ["is empty", "", /not JSON/],
    ["is a list", [], /not a JSON object/],
    ["has another version", { version: "5", alerts: [] }, /has version "5"/],
    ["has no alerts", { version: "4" }, /no list `alerts`/],
  ])("is refused for good with 400 when it %s", async (_, body, detail) => {
    await using given = await givenServer();
    const answer = await given.webhook(body);
    expect(answer.status).toBe(400);
    expect(answer.headers["content-type"]).toContain("application/problem+json");
    expect(answer.json).toMatchObject({
      code: "PAYLOAD_INVALID",
      status: 400,
      detail: expect.stringMatching(detail),
    });
    expect(given.deliveries).toEqual([]);
  });

  it("of 20 MiB is refused with 413, one just below the limit is not", async () => {
    await using given = await givenServer();
    const sized = (bytes: number) => {
      const empty = JSON.stringify({ ...payload(), padding: "" });
      return JSON.stringify({ ...payload(), padding: "x".repeat(bytes - empty.length) });
    };
    const tooLarge = await given.webhook(sized(20 * 1024 * 1024));
    expect([tooLarge.status, tooLarge.json.code]).toEqual([413, "PAYLOAD_TOO_LARGE"]);
    expect((await given.webhook(sized(16 * 1024 * 1024))).status).toBe(202);
  });

  it("is repeated later when the database is away: 503", async () => {
    await using given = await givenServer(
      {},
      {
        alerts: {
          receive: async () => {
            throw new Problem("DATABASE_UNAVAILABLE", "the database is away", { retryable: true });
          },
          ...noDeadLetters,
        },
      },
    );
    const answer = await given.webhook(payload(alert()));
    expect([answer.status, answer.json.code, answer.json.retryable]).toEqual([
      503,
      "DATABASE_UNAVAILABLE",
      true,
    ]);
  });

  it("is repeated later when something else fails, and nothing of the inside is told", async () => {
    await using given = await givenServer(
      {},
      {
        alerts: {
          receive: async () => {
            throw new TypeError("password is hunter2");
          },
          ...noDeadLetters,
        },
      },
    );
    const answer = await given.webhook(payload(alert()));
    expect([answer.status, answer.json.code]).toEqual([500, "INTERNAL"]);
    expect(answer.text).not.toContain("hunter2");
    expect(given.logged).toContainEqual(
      expect.objectContaining({ level: "error", message: "request failed" }),
    );
  });

  it("goes to another replica while this one is draining: 503", async () => {
    await using given = await givenServer({}, { state: readyState({ draining: () => true }) });
    expect((await given.webhook(payload(alert()))).status).toBe(503);
    expect(given.deliveries).toEqual([]);
  });

  it("is refused with 503, never 429, while too many bodies are in memory, and accepted again after", async () => {
    const { promise: committed, resolve: commit } = Promise.withResolvers<Received>();
    let received = 0;
    await using given = await givenServer(
      { limits: { bodyBytes: 1_000, totalBytes: 1_500 } },
      { alerts: { receive: async () => ((received += 1), committed), ...noDeadLetters } },
    );
    const body = JSON.stringify({ ...payload(alert()), padding: "x".repeat(600) });
    const first = given.webhook(body);
    await expect.poll(() => received).toBe(1);
    const second = await given.webhook(body);
    expect([second.status, second.json.code]).toEqual([503, "OVERLOADED"]);
    commit({ opened: 1, resolved: 0, repeated: 0, deadLetters: 0 });
    expect((await first).status).toBe(202);
    await expect.poll(async () => (await given.webhook(body)).status).toBe(202);
  });

  it("that does not say its size counts as the largest, and is cut off at the limit", async () => {
    await using given = await givenServer({ limits: { bodyBytes: 1_000 } });
    const { promise, resolve, reject } = Promise.withResolvers<number>();
    const request = httpRequest(
      `${given.url}/webhooks/alertmanager`,
      { method: "POST", agent: false },
      (response) => {
        response.resume();
        resolve(response.statusCode ?? 0);
      },
    );
    request.on("error", reject);
    request.write("x".repeat(600));
    request.end("x".repeat(600));
    expect(await promise).toBe(413);
  });
});

describe("a source with a credential", () => {
  const sources: readonly WebhookSource[] = [
    {
      name: "eu",
      clusters: ["eu"],
      clusterLabel: "cluster",
      credential: { type: "bearer", token: "bearer-of-eu" },
    },
    {
      name: "us",
      clusters: ["us-1", "us-2"],
      clusterLabel: "cluster",
      credential: { type: "basic", username: "am", password: "pä:ss" },
    },
  ];
  const basic = (pair: string) => `Basic ${Buffer.from(pair).toString("base64")}`;

  it.each([
    ["its bearer token", "/eu", "Bearer bearer-of-eu", 202],
    ["its bearer token in other letters", "/eu", "bearer bearer-of-eu", 202],
    ["its basic credential", "/us", basic("am:pä:ss"), 202],
    ["nothing", "/eu", "", 401],
    ["a wrong token", "/eu", "Bearer bearer-of-e", 401],
    ["the token as basic credential", "/eu", "Basic bearer-of-eu", 401],
    ["a wrong password", "/us", basic("am:pass"), 401],
    ["another source's credential", "/us", "Bearer bearer-of-eu", 403],
    ["the credential of a source that does not exist", "/asia", "Bearer bearer-of-eu", 404],
    ["no source's name when none is the default", "", "Bearer bearer-of-eu", 404],
  ])("is answered rightly when it sends %s", async (_, path, authorization, status) => {
    await using given = await givenServer({ sources });
    const answer = await given.webhook(payload(), path, { authorization });
    expect(answer.status).toBe(status);
    expect(given.deliveries).toHaveLength(status === 202 ? 1 : 0);
  });

  it.each([
    ["/eu", "Bearer"],
    ["/us", 'Basic realm="gitmend"'],
  ])("is told which credential %s wants", async (path, wanted) => {
    await using given = await givenServer({ sources });
    expect((await given.webhook(payload(), path)).headers["www-authenticate"]).toBe(wanted);
  });

  it("speaks only for its clusters", async () => {
    await using given = await givenServer({ sources });
    const named = (cluster: string) => alert(cluster, { labels: { alertname: "A", cluster } });
    await given.webhook(payload(named("us-2"), named("eu")), "/us", { authorization: basic("am:pä:ss") });
    const [delivery] = given.deliveries;
    expect(delivery!.alerts.map(({ cluster, source }) => [cluster, source])).toEqual([["us-2", "us"]]);
    expect(delivery!.deadLetters[0]!.reason).toMatch(/^CLUSTER_NOT_ALLOWED: cluster "eu"/);
  });
});

describe("while too many firings wait for a decision", () => {
  it("a body is sent back whole with 503, nothing of it is kept, and the replica stays ready and says so", async () => {
    const sheds = { length: () => 20_000, sheds: () => true, opened: () => undefined };
    const counted: unknown[] = [];
    await using given = await givenServer(
      {},
      {
        backlog: { ...sheds, refuses: (alerts) => alerts.every(({ severity }) => severity !== "critical") },
        metrics: {
          ...noMetrics,
          contentType: "",
          scrape: async () => "",
          count: (...call) => void counted.push(call),
        },
      },
    );
    const refused = await given.webhook(payload(alert("f1"), alert("f2")));
    expect([refused.status, refused.json]).toMatchObject([503, { code: "OVERLOADED", retryable: true }]);
    expect(refused.headers["retry-after"]).toBe("5");
    expect(given.deliveries).toEqual([]);
    expect(counted).toContainEqual(["alerts_suppressed_total", { reason: "shed" }, 2]);
    const labels = { alertname: "KubeNodeNotReady", node: "worker-1", severity: "critical" };
    expect((await given.webhook(payload(alert("f1"), alert("f3", { labels })))).status).toBe(202);
    expect(given.deliveries[0]?.alerts).toHaveLength(2);
    expect(await given.send("/readyz")).toMatchObject({
      status: 200,
      json: { backlog: 20_000, shedding: true },
    });
  });
});
