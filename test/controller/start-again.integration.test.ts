// Trying an ended execution again, as a whole and from a step on, and templates that are revoked, against a real controller.
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { RecordedEvent } from "../../src/domain/execution/events.ts";
import { fold } from "../../src/domain/execution/evolve.ts";
import { firing, type GivenController, givenController } from "../cli/given-controller.ts";
import { eventually } from "../support/eventually.ts";

const threeSteps = (extra = "") => `
name: three
version: 1.0.0
parameters: {more: {type: integer, minimum: 1, maximum: 5, default: 1}}
configuration: {cooldown: 1h}
validation: {preconditions: ["true"]}
steps:
  - name: look
    action: {type: kubernetes, action: get_pod_status}
  - name: grow
    conditions: ["steps['look'].status == 'succeeded'"]
    on_failure: stop
    action: {type: kubernetes, action: scale_deployment, parameters: {replicas: {add: "{{ params.more }}"}}}
    postconditions: ["params.more > 1"]
${extra}
`;
const slow = `
name: slow-change
version: 1.3.0
manual: true
configuration: {cooldown: 1s}
steps:
  - name: scale
    action: {type: kubernetes, action: scale_deployment, parameters: {replicas: {add: 1}}}
  - name: settle
    action: {type: monitoring, action: validate_pod_health, parameters: {wait_timeout: 60s, stable_for: 3s}}
  - name: never
    action: {type: kubernetes, action: scale_deployment, parameters: {replicas: {add: 1}}}
`;
const policies = `
name: more-tests
rules:
  - name: three
    on: [Three]
    event: {type: select-template, params: {template: three}}
  - name: slow-change
    on: [SlowChange]
    event: {type: select-template, params: {template: slow-change}}
`;

let given: GivenController;
beforeAll(async () => {
  given = await givenController({ live: [{ namespaces: ["shop", "till", "spare"] }] });
  await use({
    "templates/three.yaml": threeSteps(),
    "templates/slow-change.yaml": slow,
    "policies/more.yaml": policies,
  });
});
afterAll(() => given.stop());

/** Pushes and waits until that revision is in use. */
async function use(files: Readonly<Record<string, string | null>>) {
  const before = given.app.controller.catalog.current()?.revision;
  given.push(files);
  await eventually("the catalog is in use", () => {
    const { catalog } = given.app.controller;
    if (catalog.findings().findings.some(({ severity }) => severity === "error"))
      throw new Error(JSON.stringify(catalog.findings()));
    return catalog.current()?.revision !== before || null;
  });
}
const eventsOf = async (id: string): Promise<readonly RecordedEvent[]> =>
  given.app.database.executions.events(id);
const stateOf = async (id: string) => fold(await eventsOf(id));
const ended = (id: string) =>
  eventually("it has ended", async () => {
    const state = await stateOf(id);
    return state.phase === "ended" ? state : null;
  });
const idIn = (out: string) => /execution ([0-9a-f-]{36})/.exec(out)?.[1] ?? "";
const wanted = (namespace: string) => given.simulation.cluster.deployment(namespace, "api").wanted;

describe("an execution that has failed", () => {
  let old = "";
  beforeAll(async () => {
    const pod = given.simulation.cluster.pods("shop")[0]?.metadata.name ?? "";
    await given.deliver(firing("Three", { namespace: "shop", pod }, "f-three"));
    old = await given.execution("three", ({ phase }) => phase === "ended");
  });
  it("has failed at its second step, and what that changed stays", async () => {
    expect(await stateOf(old)).toMatchObject({ outcome: "failed" });
    expect(wanted("shop")).toBe(3);
  });

  it("is forked from a step: what came before is done, its outputs are there and stand in the new stream", async () => {
    const forked = await given.run([
      "executions",
      "fork",
      old,
      "--from",
      "grow",
      "--set",
      "more=2",
      "--as",
      "bo",
    ]);
    expect(forked).toMatchObject({ code: 0, err: "" });
    const state = await ended(idIn(forked.out));
    expect(state.endReason).toBe("every step succeeded");
    expect(state).toMatchObject({
      outcome: "succeeded",
      byHand: { by: "bo", again: { execution: old, from: "grow" } },
    });
    expect(state.plan?.steps.map(({ name }) => name)).toEqual(["grow"]);
    expect(state.plan?.taken).toMatchObject({ execution: old, steps: { look: { status: "succeeded" } } });
    expect(state.plan?.taken?.steps["look"]?.output).toEqual((await stateOf(old)).steps.get("look")?.output);
    expect(wanted("shop")).toBe(5);
    const shown = (await given.run(["executions", "show", idIn(forked.out)])).out;
    expect(shown).toContain(`${old.slice(-12)} again from step grow on`);
    await eventually("the record says so", async () => {
      const { out } = await given.run(["audit", "report", idIn(forked.out)]);
      return out.includes(old) || null;
    });
  });

  it("is tried again as a whole, and once more: only its own cool-down does not count", async () => {
    const dry = await given.run(["executions", "retry", old, "--dry-run"]);
    expect([dry.code, dry.err]).toEqual([1, expect.stringContaining("cool-down until")]);
  });

  it("cannot be forked from what its template does not have, or never did", async () => {
    const unknown = await given.run(["executions", "fork", old, "--from", "gro"]);
    expect([unknown.code, unknown.err]).toEqual([
      2,
      expect.stringContaining("has no step gro; did you mean"),
    ]);
    const later = `  - name: last\n    action: {type: kubernetes, action: get_pod_status}\n`;
    await use({ "templates/three.yaml": threeSteps(later) });
    const early = await given.run(["executions", "fork", old, "--from", "last"]);
    expect(early.err).toContain("step grow did not succeed (failed)");
    const changed = threeSteps()
      .replace("- name: look", "- name: look-closer")
      .replace("['look']", "['look-closer']");
    await use({ "templates/three.yaml": changed });
    const renamed = await given.run(["executions", "fork", old, "--from", "grow"]);
    expect(renamed.err).toContain("step look-closer did not run");
  });

  it("cannot be tried again once its template is gone; nor what is not there, or only looks", async () => {
    await use({
      "templates/three.yaml": null,
      "policies/more.yaml": policies.replace(/ {2}- name: three[\s\S]*?template: three\}\}\n/, ""),
    });
    const gone = await given.run(["executions", "retry", old]);
    expect([gone.code, gone.err]).toEqual([1, expect.stringContaining("the catalog has no template three")]);
    const unknown = await given.run(["executions", "retry", "0192f1c0-0000-7000-8000-000000000000"]);
    expect(unknown.err).toContain("no execution 0192f1c0");
  });
});

describe("a template that is revoked", () => {
  it("stops what runs at its next step and takes it back; it is never chosen, and nobody can start it", async () => {
    const started = await given.run([
      "start",
      "slow-change",
      "--target",
      "deploy/api",
      "-n",
      "till",
      "--reason",
      "r",
    ]);
    const id = idIn(started.out);
    await eventually(
      "the second step runs",
      async () => (await stateOf(id)).steps.get("settle")?.status === "running" || null,
    );
    const live = await given.run(["executions", "retry", id]);
    expect([live.code, live.err]).toEqual([1, expect.stringContaining("has not ended (running)")]);
    await use({ "catalog.yaml": `revoked: ["slow-change@1.3.0"]\n` });
    const state = await ended(id);
    expect(state).toMatchObject({ outcome: "cancelled", escalated: true });
    expect(state.endReason).toContain("template slow-change@1.3.0 is revoked in catalog.yaml");
    expect(state.steps.get("settle")?.status).toBe("succeeded");
    expect(state.steps.get("never")?.status).toBe("pending");
    expect(wanted("till")).toBe(2);

    const again = await given.run(["executions", "retry", id]);
    expect([again.code, again.err]).toEqual([1, expect.stringContaining("slow-change@1.3.0 is revoked")]);
    const pod = given.simulation.cluster.pods("spare")[0]?.metadata.name ?? "";
    await given.deliver(firing("SlowChange", { namespace: "spare", pod }, "f-slow"));
    await eventually("it is decided", async () => {
      const firings = await given.app.database.views.currentFirings(20);
      return (
        firings.some(
          ({ state: is, reasons }) => is === "no-match" && reasons.join().includes("is revoked"),
        ) || null
      );
    });
  });

  it("is used again in its next version", async () => {
    await use({
      "templates/slow-change.yaml": slow
        .replace("1.3.0", "1.3.1")
        .replace("stable_for: 3s", "stable_for: 1s"),
    });
    const id = await given.execution(
      "slow-change",
      ({ phase, outcome }) => phase === "ended" && outcome === "succeeded",
    );
    expect((await stateOf(id)).alert?.name).toBe("SlowChange");
    expect(wanted("spare")).toBe(3);
  });
});
