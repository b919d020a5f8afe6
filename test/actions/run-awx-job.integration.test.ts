// Jobs of AWX over real HTTP, against a server that answers as AWX's API does: no AWX can be had here.
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { ActionContext, ActionInput, ActionTools, ChangeAction } from "../../src/actions/action.ts";
import { effects } from "../../src/actions/effects.ts";
import { findAction } from "../../src/actions/registry.ts";
import { httpEndpoints } from "../../src/adapters/http/endpoints.ts";
import { makeEffect } from "../../src/controller/make-effect.ts";
import type { RequestEffect } from "../../src/domain/planning/effect.ts";
import { toProblem } from "../../src/domain/problem.ts";
import { type Awx, startAwx } from "../support/awx.ts";

const action = findAction("run_awx_job") as ChangeAction;
const executionId = "01900000-0000-7000-8000-000000000001";
const context: ActionContext = {
  executionId,
  step: "patch",
  effectKey: `${executionId}/patch`,
  cluster: "test",
  target: null,
};
let awx: Awx;
let tools: ActionTools;
const evidence = new Map<string, string>();

beforeEach(async () => {
  awx = await startAwx();
  evidence.clear();
  const credential = () => ["authorization", `Bearer ${awx.token}`] as const;
  const send = httpEndpoints(new Map([["awx", { url: awx.url, credential }]]), { timeoutSeconds: 1 });
  const signal = new AbortController().signal;
  tools = {
    signal,
    http: (...[call, key]: Parameters<ActionTools["http"]>) => send(call, key, signal),
    now: () => new Date().toISOString(),
    sleep: async () => {},
    saveEvidence: async (name: string, text: string) => {
      evidence.set(name, text);
      return { name, sha256: "", bytes: text.length };
    },
  } as unknown as ActionTools;
});
afterEach(() => awx.stop());

async function prepared(input: ActionInput): Promise<RequestEffect> {
  const resolved = (await action.resolve?.(input, context, tools)) ?? input;
  return (await action.prepare(resolved, context, tools)) as RequestEffect;
}
const lease = { valid: () => true, replicaId: () => "r1", onLost: () => undefined };
const submit = (effect: RequestEffect) =>
  makeEffect(
    { effect, context, tools, probeTools: tools, timeoutSeconds: 30, idempotent: action.idempotent },
    { effects, lease },
  );
const problemOf = (work: Promise<unknown>) => work.then(() => null, toProblem);
const input = { template: "patch hosts", extra_vars: { package: "openssl", dry: false } };

describe("run_awx_job", () => {
  it("launches the template with its variables and its mark, and tells how it went", async () => {
    const effect = await prepared(input);
    expect(await submit(effect)).toMatchObject({ end: "made" });
    const [job] = awx.jobs;
    expect(JSON.parse(job!.extra_vars)).toEqual({
      package: "openssl",
      dry: false,
      gitmend_effect: context.effectKey,
    });
    expect(awx.headers[0]).toMatchObject({ "idempotency-key": context.effectKey });
    awx.end(job!.id, "successful");
    expect(await action.settle(input, effect, context, tools)).toEqual({
      job: 100,
      status: "successful",
      duration_seconds: 42,
      evidence: "awx-job-100.log",
      lines: ["PLAY [all]", "ok: [web-1]"],
    });
  });

  it("keeps its token out of everything that is recorded", async () => {
    const effect = await prepared(input);
    expect(JSON.stringify([effect, await effects.dryRun(effect, context, tools)])).not.toContain(awx.token);
  });

  it("has failed when the playbook has, with AWX's words and the last line, redacted", async () => {
    awx.output = "TASK [login]\npassword=hunter2 was refused\n";
    const effect = await prepared(input);
    await submit(effect);
    awx.end(100, "failed", "Previous Task Failed");
    const problem = await problemOf(action.settle(input, effect, context, tools));
    expect(problem).toMatchObject({ code: "RUN_FAILED", retryable: false });
    expect(problem?.message).toMatch(/job 100 of awx failed: failed; Previous Task Failed; password=/);
    expect(JSON.stringify([problem?.message, [...evidence]])).not.toContain("hunter2");
  });

  it.each([500, 502])(
    "that was answered %i after it began is found, and not launched again",
    async (status) => {
      const effect = await prepared(input);
      awx.fault = ({ method }) => (method === "POST" ? { status, after: true } : null);
      expect(await submit(effect)).toMatchObject({ end: "made" });
      expect(awx.jobs).toHaveLength(1);
    },
  );

  it("that was refused with 500 before it began was certainly not launched", async () => {
    const effect = await prepared(input);
    awx.fault = ({ method }) => (method === "POST" ? { status: 500 } : null);
    expect(await submit(effect)).toMatchObject({ end: "not-applied", problem: { retryable: true } });
    expect(awx.jobs).toHaveLength(0);
  });

  it("is found by whoever takes over, among other jobs of the template", async () => {
    const effect = await prepared(input);
    await submit(effect);
    const others = { ...context, effectKey: "other/step" };
    for (let count = 0; count < 60; count += 1) await effects.apply(effect, others, tools);
    for (const job of awx.jobs.slice(1)) job.extra_vars = "---\nnot: json\n";
    await expect(effects.didItHappen(effect, context, tools)).resolves.toBe("yes");
  });

  it.each([
    [401, "API_FORBIDDEN"],
    [404, "PARAMETER_INVALID"],
    [429, "API_THROTTLED"],
  ])("says what AWX's %i means, before anything is launched", async (status, code) => {
    awx.fault = ({ path }) => (path.includes("/job_templates/7/") ? { status } : null);
    expect(await problemOf(prepared({ template: 7 }))).toMatchObject({ code });
    expect(awx.jobs).toHaveLength(0);
  });

  it("takes a login page for what it is: no answer", async () => {
    awx.fault = () => ({ status: 200, body: "<html>Sign in</html>" });
    expect(await problemOf(prepared({ template: 7 }))).toMatchObject({
      code: "API_OUTCOME_UNKNOWN",
      message: expect.stringContaining("is that the address of an API"),
    });
  });

  it("does not follow a redirect, which could lead its token elsewhere", async () => {
    awx.fault = () => ({ status: 302 });
    expect(await problemOf(prepared({ template: 7 }))).toMatchObject({
      code: "API_INVALID",
      message: expect.stringContaining("not followed"),
    });
  });

  it.each([
    [{ template: 8 }, "does not ask for variables"],
    [{ template: 7, limit: "web" }, "does not ask for its limit"],
    [{ template: "twice" }, "several job templates"],
    [{ template: "none" }, "no job template"],
    [{ template: 7, server: "tower" }, "configured: awx"],
  ])("refuses %j: %s", async (wrong, why) => {
    const problem = await problemOf(prepared(wrong));
    expect(problem?.message).toContain(why);
    expect(awx.jobs).toHaveLength(0);
  });

  it("is cancelled while it runs, once; what has ended is left alone", async () => {
    const effect = await prepared(input);
    await submit(effect);
    const stop = (await effects.prepareRestore(effect, context, tools)) as RequestEffect;
    await expect(effects.didItHappen(stop, context, tools)).resolves.toBe("no");
    await effects.apply(stop, context, tools);
    expect(awx.jobs[0]).toMatchObject({ status: "canceled", cancel_flag: true });
    await expect(effects.didItHappen(stop, context, tools)).resolves.toBe("yes");
    await expect(effects.prepareRestore(effect, context, tools)).resolves.toBeNull();
  });
});
