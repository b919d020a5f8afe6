import { Ajv2020 } from "ajv/dist/2020.js";
import { describe, expect, it } from "vitest";
import { Problem } from "../../src/domain/problem.ts";
import { sampleExecution } from "../cli/sample-execution.ts";
import { emptyViews, executionsOf, givenServer, noDeadLetters } from "./given-server.ts";

const sample = sampleExecution("rolled-back");
const waiting = sampleExecution("awaiting-approval");
const letter = { id: "7", receivedAt: "2026-11-17T10:00:00Z", source: "default", reason: "X: y", body: "{}" };
const incident = {
  id: "0199f3c2-0000-7000-8000-0000000000aa",
  key: "prod-eu/apps/Deployment/shop/api",
  openedAt: "2026-11-17T10:00:00.000Z",
  closedAt: null,
  alerts: 1,
  firing: 1,
  alertNames: ["Bad"],
  executions: 1,
  escalated: false,
  lastExecution: { id: sample.summary.id, template: "scale-out", phase: "ended", outcome: "rolled_back" },
} as const;

/** A server that has one of everything. */
function givenApi(execution = waiting) {
  return givenServer(
    {},
    {
      executions: executionsOf([execution]),
      alerts: {
        receive: () => Promise.reject(new Error("unused")),
        ...noDeadLetters,
        deadLetters: async () => [letter],
        deadLetter: async (id) => (id === "7" ? letter : null),
        dropDeadLetter: async (id) => id === "7",
      },
      views: {
        ...emptyViews,
        incidents: async () => [incident],
        incident: async (id) =>
          incident.id.endsWith(id)
            ? {
                ...incident,
                alertList: [],
                executionList: [sample.summary],
                decisions: [
                  {
                    at: incident.openedAt,
                    alert: "Bad",
                    kind: "execution",
                    revision: "main@sha1:1",
                    reasons: ["it matches"],
                    executionId: sample.summary.id,
                  },
                ],
              }
            : null,
        currentExecutions: async () => [
          {
            ...waiting.summary,
            severity: "",
            gate: null,
            expiresAt: null,
            step: null,
            reason: null,
            paused: null,
          },
        ],
      },
      examine: async () => [{ name: "disk", status: "warn", detail: "1 MiB free", mend: "make room" }],
    },
  );
}

interface Operation {
  readonly operationId: string;
  readonly parameters: readonly { readonly name: string; readonly in: string; readonly schema: object }[];
  readonly requestBody?: object;
  readonly responses: Readonly<
    Record<string, { readonly content: Readonly<Record<string, { schema: object }>> }>
  >;
}
type Paths = Readonly<Record<string, Readonly<Record<string, Operation>>>>;

describe("the OpenAPI document", () => {
  /** What stands in for `{id}`. */
  const ids: Readonly<Record<string, string>> = {
    executions: waiting.summary.id,
    incidents: incident.id,
    "dead-letters": "7",
    breakers: "3",
  };
  const address = (path: string) => path.replace("{id}", ids[path.split("/")[3] ?? ""] ?? "");

  it("describes what the server really answers, for every read", async () => {
    await using given = await givenApi();
    const document = (await given.api("/api/v1/openapi.json")).json;
    expect(document.openapi).toBe("3.1.0");
    const ajv = new Ajv2020({ strict: false, validateFormats: false });
    ajv.addSchema(document, "api");
    let walked = 0;
    for (const [path, methods] of Object.entries(document.paths as Paths)) {
      const content = methods["get"]?.responses["200"]?.content["application/json"];
      if (content === undefined) continue;
      const answer = await given.api(address(path));
      expect([path, answer.status]).toEqual([path, 200]);
      const pointer = `api#/paths/${path.replaceAll("/", "~1")}/get/responses/200/content/application~1json/schema`;
      const check = ajv.getSchema(pointer);
      expect([path, check?.(answer.json), check?.errors]).toEqual([path, true, null]);
      walked += 1;
    }
    expect(walked).toBeGreaterThanOrEqual(11);
  });

  it("names each operation once, and every one of them asks for the token and exists", async () => {
    await using given = await givenApi();
    const { paths } = (await given.api("/api/v1/openapi.json")).json as { paths: Paths };
    const operations = Object.entries(paths).flatMap(([path, methods]) =>
      Object.entries(methods).map(([method, operation]) => ({ path, method, operation })),
    );
    const names = operations.map(({ operation }) => operation.operationId);
    expect(new Set(names).size).toBe(names.length);
    for (const { path, method } of operations) {
      const closed = await given.send(address(path), { method: method.toUpperCase() });
      expect([path, closed.status, closed.json.code]).toEqual([path, 401, "UNAUTHENTICATED"]);
      if (path.endsWith("/stream")) continue;
      const open = await given.api(address(path), { method: method.toUpperCase() });
      expect([path, open.json.detail]).not.toEqual([path, expect.stringContaining("there is nothing at")]);
    }
  });

  it("describes no parameter that is refused, and every other one is", async () => {
    await using given = await givenApi();
    const { paths } = (await given.api("/api/v1/openapi.json")).json as { paths: Paths };
    const valid: Readonly<Record<string, string>> = {
      limit: "3",
      before: incident.id,
      live: "true",
      attention: "false",
      untold: "false",
      open: "true",
      all: "true",
      template: "x",
      outcome: "failed",
      namespace: "shop",
      after: "2",
      at: "2",
    };
    for (const [path, { get }] of Object.entries(paths)) {
      if (get === undefined || path.endsWith("/stream")) continue;
      for (const { name } of get.parameters.filter((parameter) => parameter.in === "query")) {
        const value = path.endsWith("dead-letters") && name === "before" ? "12" : valid[name];
        const answer = await given.api(`${address(path)}?${name}=${value}`);
        expect([path, name, answer.status]).toEqual([path, name, 200]);
      }
      const answer = await given.api(`${address(path)}?nonsense=1`);
      expect([path, answer.status, answer.json.code]).toEqual([path, 400, "USAGE"]);
    }
  });
});

describe("a call that makes no sense", () => {
  it.each([
    ["/executions?limit=0", "limit is a whole number from 1 to 500"],
    ["/executions?limit=501", "limit is a whole number from 1 to 500"],
    ["/executions?limit=99999999999999999999", "limit is a whole number from 1 to 500"],
    ["/executions?limit=1e3", "limit is a whole number from 1 to 500"],
    ["/executions?limit=5&limit=6", "limit is a whole number from 1 to 500"],
    ["/executions?limit[]=5", 'there is no "limit[]"; did you mean "limit"?'],
    ["/executions?live=ture", "live is true: only those that have not ended"],
    ["/executions?liev=true", 'there is no "liev"; did you mean "live"?'],
    ["/executions?outcome=great", "outcome is one of succeeded"],
    ["/executions?before=abc", "before is a whole id"],
    ["/executions?template=", "template is a name"],
    [`/executions?namespace=${"x".repeat(300)}`, "namespace is a name of at most 253 characters"],
    ["/executions?__proto__=1", 'there is no "__proto__"'],
    ["/executions?constructor=1", 'there is no "constructor"'],
    ["/dead-letters?before=' or 1=1", "before is the id of a dead letter"],
    ["/incidents?open=maybe", "open is true: open ones"],
  ])("is answered with a sentence: %s", async (path, said) => {
    await using given = await givenApi();
    const answer = await given.api(`/api/v1${encodeURI(path)}`);
    expect([answer.status, answer.json.code]).toEqual([400, "USAGE"]);
    expect(answer.json.detail).toContain(said);
    expect(answer.headers["content-type"]).toContain("application/problem+json");
  });

  it.each([
    "%00",
    "..%2f..%2fetc",
    "%E2%80%AE",
    "'; drop table executions",
    "%F0%9F%92%A5",
    "x".repeat(4_000),
  ])("for an id that nobody has is 404, whatever it is: %s", async (id) => {
    await using given = await givenApi();
    for (const room of ["executions", "incidents", "dead-letters"]) {
      const answer = await given.api(`/api/v1/${room}/${encodeURIComponent(decodeURIComponent(id))}`);
      expect([room, answer.status, answer.json.code]).toEqual([room, 404, "NOT_FOUND"]);
      expect(answer.json.detail.length).toBeLessThan(300);
    }
  });

  it.each([
    [{}, "template is missing"],
    [{ template: "x", target: {}, by: "a", reason: "b" }, "target needs kind"],
    [{ template: "x", target: { kind: "Pod", name: 7 }, by: "a", reason: "b" }, "target.name is"],
    [
      { template: "x", target: { kind: "Pod", name: "p", uid: "1" }, by: "a", reason: "b" },
      'no "uid" in target',
    ],
    [{ template: "x", target: { kind: "Pod", name: "p" }, by: "a", reason: " " }, "reason is a text"],
    [
      { template: "x", target: { kind: "Pod", name: "p" }, by: "a", reason: "b", dryrun: true },
      'mean "dryRun"',
    ],
  ])("to start something says what is missing: %o", async (body, said) => {
    await using given = await givenApi();
    const answer = await given.api("/api/v1/start", {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify(body),
    });
    expect([answer.status, answer.json.detail]).toEqual([400, expect.stringContaining(said)]);
  });

  it("with a body that is no JSON, or too much of it, changes nothing", async () => {
    await using given = await givenApi();
    const post = (body: string) =>
      given.api("/api/v1/start", { method: "POST", headers: { "content-type": "application/json" }, body });
    expect((await post("{")).json.code).toBe("PAYLOAD_INVALID");
    expect((await post(JSON.stringify({ reason: "x".repeat(70_000) }))).json.code).toBe("PAYLOAD_TOO_LARGE");
  });
});

describe("the stream of an execution", () => {
  it("sends what happened and ends with the execution", async () => {
    await using given = await givenApi(sample);
    const { text, headers } = await given.api(`/api/v1/executions/${sample.summary.id}/stream`);
    expect(headers["content-type"]).toContain("text/event-stream");
    const ids = [...text.matchAll(/^id: (\d+)$/gm)].map(([, id]) => Number(id));
    expect(ids).toEqual(sample.events.map(({ seq }) => seq));
    expect(text.trimEnd().endsWith("event: end\ndata: {}")).toBe(true);
  });

  it("goes on after the event that the reader has", async () => {
    await using given = await givenApi(sample);
    const last = sample.events.at(-1)?.seq ?? 0;
    const from = (id: number) =>
      given.api(`/api/v1/executions/${sample.summary.id}/stream`, {
        headers: { "last-event-id": String(id) },
      });
    expect([...(await from(last - 1)).text.matchAll(/^id: (\d+)$/gm)].map(([, id]) => id)).toEqual([
      String(last),
    ]);
    expect((await from(last)).text).not.toContain("id: ");
    const ahead = await from(last + 50);
    expect([ahead.status, ahead.json.code]).toEqual([400, "USAGE"]);
    expect(ahead.json.detail).toContain(`has no event ${last + 50} yet`);
    const wrong = await given.api(`/api/v1/executions/${sample.summary.id}/stream`, {
      headers: { "last-event-id": "-1; drop" },
    });
    expect([wrong.status, wrong.json.code]).toEqual([400, "USAGE"]);
  });

  it("brings events as they become durable, outlives a database that is away, and ends when the controller stops", async () => {
    const events = [...waiting.events];
    let away = false;
    let draining = false;
    const executions = {
      ...executionsOf([waiting]),
      events: async (_id: string, after = 0) => {
        if (away) throw new Problem("DATABASE_UNAVAILABLE", "away");
        return events.filter(({ seq }) => seq > after);
      },
    };
    const state = {
      draining: () => draining,
      mode: () => "live" as const,
      ready: async () => ({ database: true, catalog: true }),
      catalog: () => ({ revision: null, templates: 0, rules: 0, findings: [], problem: null }),
    };
    await using given = await givenServer({}, { executions, state });
    const response = await fetch(`${given.url}/api/v1/executions/${waiting.summary.id}/stream`, {
      headers: { authorization: "Bearer a-token-of-sufficient-length" },
    });
    let text = "";
    const done = (async () => {
      for await (const chunk of response.body ?? []) text += new TextDecoder().decode(chunk);
    })();
    await expect.poll(() => text).toContain(`id: ${events.length}\n`);
    away = true;
    const next = {
      seq: events.length + 1,
      at: "2026-11-17T10:02:00.000Z",
      version: 1,
      event: { type: "ApprovalExpired" } as const,
    };
    events.push(next);
    away = false;
    await expect.poll(() => text).toContain(`id: ${next.seq}\n`);
    draining = true;
    await done;
    expect(text).not.toContain("event: end");
  });
});
