// Actions of the config repository against a system over real HTTP: what is sent, what is found out afterwards, what is taken back.
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type {
  ActionContext,
  ActionInput,
  ActionTools,
  ChangeAction,
  ReadAction,
} from "../../src/actions/action.ts";
import { customActions } from "../../src/actions/custom/custom-action.ts";
import { effects } from "../../src/actions/effects.ts";
import { actions } from "../../src/actions/registry.ts";
import { httpEndpoints } from "../../src/adapters/http/endpoints.ts";
import { makeEffect } from "../../src/controller/make-effect.ts";
import { findAction } from "../../src/controller/make-plan.ts";
import type { RequestEffect } from "../../src/domain/planning/effect.ts";
import { compileCatalog } from "../../src/domain/policies/compile-catalog.ts";
import { type HttpService, startHttpService } from "../support/http-service.ts";

const executionId = "01900000-0000-7000-8000-000000000001";
const context: ActionContext = {
  executionId,
  step: "purge",
  effectKey: `${executionId}/purge`,
  cluster: "test",
  target: null,
};
const secret = "cdn-t0ken";
let service: HttpService;
let tools: ActionTools;
const evidence = new Map<string, string>();

beforeEach(async () => {
  service = await startHttpService();
  evidence.clear();
  const credential = () => ["x-api-key", secret] as const;
  const send = httpEndpoints(new Map([["cdn", { url: service.url, credential }]]), { timeoutSeconds: 1 });
  const signal = new AbortController().signal;
  tools = {
    signal,
    http: (...[call, key]: Parameters<ActionTools["http"]>) => send(call, key, signal),
    now: () => new Date().toISOString(),
    saveEvidence: async (name: string, text: string) => {
      evidence.set(name, text);
      return { name, sha256: "", bytes: text.length };
    },
  } as unknown as ActionTools;
});
afterEach(() => service.stop());

const lease = { valid: () => true, replicaId: () => "r1", onLost: () => undefined };
const submit = (action: ChangeAction, effect: RequestEffect) =>
  makeEffect(
    { effect, context, tools, probeTools: tools, timeoutSeconds: 30, idempotent: action.idempotent },
    { effects, lease },
  );

function defined(text: string) {
  const { catalog, findings } = compileCatalog([{ path: "actions/a.yaml", text }], "r", actions);
  if (catalog === null) throw new Error(JSON.stringify(findings));
  return customActions(catalog.actions.values());
}
const head =
  "description: Purges a zone.\nrisk: low\nparameters: {zone: {type: string}, note: {type: string, default: ''}}\ntext: [note]\n";
const purge = `name: purge\n${head}http_request:
  endpoint: cdn
  path: /zones/{{ params.zone }}/purges/{{ effect.key }}
  query: {zone: "{{ params.zone }}"}
  body: {note: "{{ params.note }}", zone: "{{ params.zone }}"}
probe:
  http_request: {endpoint: cdn, path: "/zones/{{ params.zone }}/purges/{{ effect.key }}"}
  expect: status == 200 && body.zone == params.zone
undo:
  http_request: {endpoint: cdn, method: DELETE, path: "/zones/{{ params.zone }}/purges/{{ effect.key }}"}
`;
const blind = purge.replace(/probe:\n.*\n.*\n/, "");

async function prepared(text: string, input: ActionInput) {
  const action = defined(text).get("purge") as ChangeAction;
  return { action, effect: (await action.prepare(input, context, tools)) as RequestEffect };
}

describe("a request of a custom action", () => {
  it("keeps every value where it belongs, whatever it holds", async () => {
    const zone = '../../admin?all=1#x%2f"; drop';
    const { action, effect } = await prepared(purge, { zone, note: '"},"admin":true,{"' });
    expect(await submit(action, effect)).toMatchObject({ end: "made", answer: { accepted: true } });
    const [call] = service.calls;
    const key = encodeURIComponent(context.effectKey);
    expect(call?.url.split("?")[0]).toBe(`/v1/zones/${encodeURIComponent(zone)}/purges/${key}`);
    expect(new URL(call?.url ?? "", "http://x").searchParams.get("zone")).toBe(zone);
    expect(JSON.parse(call?.body ?? "")).toEqual({ zone, note: '"},"admin":true,{"' });
    expect(call?.headers).toMatchObject({ "idempotency-key": context.effectKey, "x-api-key": secret });
  });

  it.each([".", ".."])("refuses a value that would leave its place: %s", async (zone) => {
    const { action, effect } = await prepared(purge, { zone });
    expect(await submit(action, effect)).toMatchObject({
      end: "not-applied",
      problem: { code: "API_INVALID" },
    });
    expect(service.calls).toEqual([]);
  });

  it("refuses an empty value for a part of the path", async () => {
    await expect(prepared(purge, { zone: "" })).rejects.toMatchObject({ code: "PARAMETER_INVALID" });
  });

  it("shows what would be sent, and neither its credential nor what looks like one", async () => {
    const { effect } = await prepared(purge, { zone: "shop", note: "password=hunter2" });
    const text = JSON.stringify([effect, await effects.dryRun(effect, context, tools)]);
    expect(text).not.toContain(secret);
    expect(JSON.stringify(await effects.dryRun(effect, context, tools))).not.toContain("hunter2");
    expect(service.calls).toEqual([]);
  });

  it("whose answer was lost is found by its probe, and not sent again", async () => {
    const { action, effect } = await prepared(purge, { zone: "shop" });
    service.fault = ({ method }) => (method === "POST" ? { status: 500, after: true } : null);
    expect(await submit(action, effect)).toMatchObject({ end: "made", answer: null });
    // Whoever has no answer is told what the probe is told.
    expect(await action.settle({ zone: "shop" }, effect, context, tools, null)).toMatchObject({
      answer: { zone: "shop" },
    });
    expect(service.calls.filter(({ method }) => method === "POST")).toHaveLength(1);
  });

  it("that never arrived is known not to have happened", async () => {
    const { action, effect } = await prepared(purge, { zone: "shop" });
    service.fault = ({ method }) => (method === "POST" ? "hang" : null);
    expect(await submit(action, effect)).toMatchObject({ end: "not-applied", problem: { retryable: true } });
  });

  it("without a probe is for people when its answer is lost, and never sent again", async () => {
    const { action, effect } = await prepared(blind, { zone: "shop" });
    service.fault = () => ({ status: 502 });
    expect(await submit(action, effect)).toMatchObject({ end: "unknown" });
    expect(service.calls).toHaveLength(1);
  });

  it("that HTTP itself allows to repeat is repeated", async () => {
    const put = blind.replace("endpoint: cdn\n", "endpoint: cdn\n  method: PUT\n");
    const { action, effect } = await prepared(put, { zone: "shop" });
    service.fault = () => ({ status: 503 });
    expect(await submit(action, effect)).toMatchObject({ end: "not-applied", problem: { retryable: true } });
  });

  it.each([
    [401, "API_FORBIDDEN"],
    [404, "API_NOT_FOUND"],
    [422, "API_INVALID"],
    [429, "API_THROTTLED"],
    [302, "API_INVALID"],
  ])("was not applied when it is answered %i", async (status, code) => {
    const { action, effect } = await prepared(purge, { zone: "shop" });
    service.fault = () => ({ status, headers: { location: "http://127.0.0.1:9/", "retry-after": "7" } });
    const end = await submit(action, effect);
    expect(end).toMatchObject({ end: "not-applied", problem: { code } });
    if (status === 429) expect(end).toMatchObject({ problem: { details: { retryAfterSeconds: 7 } } });
    expect(service.calls).toHaveLength(1);
  });

  it("is taken back by its own request, with the key of the step", async () => {
    const { action, effect } = await prepared(purge, { zone: "shop" });
    await submit(action, effect);
    expect(service.documents.size).toBe(1);
    const back = defined(purge).get("purge/undo") as ChangeAction;
    const undo = { ...context, effectKey: `${context.effectKey}/undo` };
    await effects.apply(await back.prepare({ zone: "shop" }, undo, tools), undo, tools);
    expect(service.documents.size).toBe(0);
  });

  it("keeps a long answer as evidence, redacted, and shows none of it", async () => {
    const { action, effect } = await prepared(purge, { zone: "shop" });
    const answer = { token: "hunter2", rows: "x".repeat(20_000) };
    expect(await action.settle({ zone: "shop" }, effect, context, tools, answer)).toEqual({
      answer: null,
      evidence: "purge-answer.json",
    });
    expect(evidence.get("purge-answer.json")).not.toContain("hunter2");
  });

  it("takes no answer that is too long to be one", async () => {
    const { action, effect } = await prepared(blind, { zone: "shop" });
    service.fault = () => ({ status: 200, body: `"${"x".repeat(2_000_000)}"` });
    expect(await submit(action, effect)).toMatchObject({
      end: "unknown",
      problem: { message: expect.stringContaining("longer than") },
    });
  });

  it("says which endpoints there are when its own is not among them", async () => {
    const { action, effect } = await prepared(purge.replaceAll("endpoint: cdn", "endpoint: dns"), {
      zone: "shop",
    });
    expect(await submit(action, effect)).toMatchObject({
      end: "not-applied",
      problem: { code: "ENDPOINT_UNKNOWN", message: expect.stringContaining("configured: cdn") },
    });
  });
});

describe("a custom action that only asks", () => {
  it("changes nothing, and gives the answer; what is not there is an answer too", async () => {
    const ask = `name: ask\ndescription: Looks.\nrisk: low\nhttp_request: {endpoint: cdn, method: GET, path: /state}\n`;
    const action = defined(ask).get("ask") as ReadAction;
    expect(action).toMatchObject({ changes: false, undo: { how: "nothing", why: "it only reads" } });
    expect(await action.run({}, context, tools)).toEqual({ answer: { detail: "no" }, evidence: null });
  });
});

describe("a plan with a custom action", () => {
  it("runs what was approved, whatever becomes of the file", async () => {
    const { catalog } = compileCatalog([{ path: "actions/a.yaml", text: purge }], "r", actions);
    const stored = JSON.parse(JSON.stringify([...catalog!.actions.values()]));
    const builtIn = new Map(actions.map((action) => [action.name, action]));
    const action = findAction(builtIn, "purge", { actions: stored }) as ChangeAction;
    const effect = (await action.prepare({ zone: "shop" }, context, tools)) as RequestEffect;
    expect(effect.call).toMatchObject({ endpoint: "cdn", method: "POST" });
    expect(() => findAction(builtIn, "purge", { actions: [] })).toThrow(/there is no action purge/);
  });
});
