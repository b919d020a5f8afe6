// What a template leaves in place until its incident is over, against a real controller: it is taken back once, by an execution of
// its own, under the approval that the remedy got; what may not or cannot be taken back comes to people.
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { fold } from "../../src/domain/execution/evolve.ts";
import type { Execution } from "../../src/domain/execution/execution.ts";
import { firing, type GivenController, givenController } from "../cli/given-controller.ts";
import { eventually } from "../support/eventually.ts";

const lend = (name: string, { approval = "" } = {}) => `
name: ${name}
version: 1.0.0
manual: true
configuration: {cooldown: 1h}
steps:
  - name: grow
    ${approval}
    action: {type: kubernetes, action: scale_deployment, parameters: {replicas: {add: 1}}}
when_resolved:
  - name: look
    action: {type: kubernetes, action: get_pod_status}
  - name: shrink
    keep: 1h
    conditions: ["steps['grow'].status == 'succeeded'", "steps['look'].status == 'succeeded'"]
    action: {type: kubernetes, action: scale_deployment, parameters: {replicas: "{{ target.spec.replicas }}"}}
`;
const goesBack = `
name: goes-back
configuration: {cooldown: 1h}
steps:
  - name: grow
    action: {type: kubernetes, action: scale_deployment, parameters: {replicas: {add: 1}}}
  - name: prove
    action: {type: kubernetes, action: get_pod_status}
    postconditions: ["output.exists == false"]
    retry: {attempts: 1}
when_resolved:
  - name: shrink
    action: {type: kubernetes, action: scale_deployment, parameters: {replicas: "{{ target.spec.replicas }}"}}
`;
const policies = (more = "") => `
name: lending
rules:
  - {name: lend, on: [Busy], event: {type: select-template, params: {template: lend}}}
  - {name: ask, on: [Critical], event: {type: select-template, params: {template: lend-asking}}}
  - {name: back, on: [Failing], event: {type: select-template, params: {template: goes-back}}}
${more}
`;

let given: GivenController;
beforeAll(async () => {
  given = await givenController({ live: [{ namespaces: ["shop", "till", "spare", "frozen", "quiet"] }] });
  await use({
    "policies/tests.yaml": null,
    "templates/lend.yaml": lend("lend"),
    "templates/lend-asking.yaml": lend("lend-asking", { approval: "approval: required" }),
    "templates/goes-back.yaml": goesBack,
    "policies/lending.yaml": policies(),
  });
});
afterAll(() => given.stop());

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
const sql = <Row extends object>(text: string, values: unknown[] = []) =>
  given.app.database.pool.query<Row>(text, values).then(({ rows }) => rows);
const stateOf = async (id: string) => fold(await given.app.database.executions.events(id));
const endOf = (id: string): Promise<Execution> =>
  eventually(`${id} has ended`, async () => {
    const state = await stateOf(id);
    return state.phase === "ended" ? state : null;
  });
const wanted = (name: string, namespace = "shop") =>
  given.simulation.cluster.deployment(namespace, name).wanted;
const idIn = (out: string) => /execution ([0-9a-f-]{36})/.exec(out)?.[1] ?? "";
const followUpsOf = async (id: string) =>
  (
    await sql<{ id: string }>("select id::text from executions where follows = $1::uuid order by id", [id])
  ).map((row) => row.id);
const followUpOf = (id: string) =>
  eventually(`what follows ${id}`, async () => (await followUpsOf(id))[0] ?? null);

/** A Deployment of two pods of this name, and what its alert has brought about. */
async function remedied(alert: string, template: string, name: string, namespace = "shop") {
  await fire(alert, name, namespace);
  return eventually(`${name} was remedied`, async () => {
    const [row] = await sql<{ id: string }>(
      "select id::text from executions where template = $1 and target_name = $2 and follows is null and outcome = 'succeeded'",
      [template, name],
    );
    return row?.id ?? null;
  });
}
async function fire(alert: string, name: string, namespace = "shop") {
  const { cluster } = given.simulation;
  cluster.deploy({ namespace, name, replicas: 2 });
  await cluster.until("it is healthy", () => cluster.deployment(namespace, name).healthy, 20);
  const pods = cluster.pods(namespace).map(({ metadata }) => metadata.name ?? "");
  const pod = pods.find((one) => one.startsWith(`${name}-`)) ?? "";
  await given.deliver(firing(alert, { namespace, pod }, name));
}
/** As Alertmanager says it, and a quarter of an hour later. */
async function over(id: string, alert: string, fingerprint: string) {
  const ended = { status: "resolved", endsAt: new Date().toISOString() };
  await given.deliver({ ...firing(alert, {}, fingerprint), ...ended });
  await sql("update alerts set resolved_at = now() - interval '20 minutes' where fingerprint = $1", [
    fingerprint,
  ]);
  await sql(
    "update incidents set opened_at = now() - interval '1 hour' where id = (select incident_id from executions where id = $1::uuid)",
    [id],
  );
}
/** Its time is over. */
const keptTooLong = (id: string) =>
  sql("update follow_ups set keep_until = now(), due_at = now() where execution_id = $1::uuid", [id]);

describe("what a template leaves in place", () => {
  it("is taken back when the incident is over, and not while the alert fires", async () => {
    const id = await remedied("Busy", "lend", "one");
    expect(wanted("one")).toBe(3);
    expect((await stateOf(id)).steps.has("resolved/shrink")).toBe(false);
    const shown = (await given.run(["executions", "show", id])).out;
    expect(shown).toMatch(/resolved\/shrink \(scale_deployment\) when the incident is over, within\s+1h/);
    expect(shown).toMatch(/LATER +when the incident is over, until .*: resolved\/look,\s+resolved\/shrink/);
    await sql("update follow_ups set due_at = now()");
    await sql("update incidents set closed_at = now()");
    await given.deliver(firing("Busy", { namespace: "shop" }, "one"));
    expect(await followUpsOf(id)).toEqual([]);

    await over(id, "Busy", "one");
    const next = await followUpOf(id);
    const state = await endOf(next);
    expect(state).toMatchObject({ outcome: "succeeded", follows: id, escalated: false, byHand: null });
    expect(state.incident).toBe((await stateOf(id)).incident);
    expect(state.plan).toMatchObject({ fallback: null, taken: { execution: id } });
    expect(state.plan?.whenResolved).toBeUndefined();
    expect([...state.steps].map(([name, { status }]) => [name, status])).toEqual([
      ["resolved/look", "succeeded"],
      ["resolved/shrink", "succeeded"],
    ]);
    expect(wanted("one")).toBe(2);
    const again = await given.run(["executions", "retry", next]);
    expect([again.code, again.err]).toEqual([2, expect.stringContaining("is not a remedy to try again")]);
    const later = (await given.run(["executions", "show", next])).out;
    expect(later).toContain("none: takes back what was left in place for Busy");
    const log = await eventually("its commit", async () => {
      const { out } = await given.run(["audit", "report", next]);
      return out.includes(id) ? out : null;
    });
    expect(log).toContain("left something in place for Busy on purpose");
  });

  it("is no attempt: neither the cool-down nor the history of the alert counts it", async () => {
    const [row] = await sql<{ follows: string | null; alert_name: string }>(
      "select follows::text, alert_name from executions where follows is not null limit 1",
    );
    expect(row?.alert_name).toBe("Busy");
    const target = (await stateOf(row?.follows ?? "")).plan?.target;
    const { attempts } = await given.app.database.alerts.history("Busy", target!);
    expect(attempts.map(({ executionId }) => executionId)).toEqual([row?.follows]);
  });

  it("comes to people when the incident lasts too long; nothing is changed then", async () => {
    const id = await remedied("Busy", "lend", "two");
    await keptTooLong(id);
    const state = await endOf(await followUpOf(id));
    expect(state).toMatchObject({ outcome: "refused", escalated: true });
    expect(state.endReason).toBe(
      "left in place for 1h, as long as its template keeps it: Busy is not over; not done: resolved/look (get_pod_status), resolved/shrink (scale deployment shop/two to 2 replicas)",
    );
    expect(wanted("two")).toBe(3);
    await over(id, "Busy", "two");
    await sql("update incidents set closed_at = now()");
    expect(await followUpsOf(id)).toHaveLength(1);
  });

  it("waits while people pause, and says why when that was too long", async () => {
    const id = await remedied("Busy", "lend", "three", "spare");
    await given.run(["pause", "-n", "spare", "--reason", "migration"]);
    await over(id, "Busy", "three");
    await eventually("it is put off", async () => {
      const [row] = await sql<{ problem: string | null }>(
        "select problem from follow_ups where execution_id = $1::uuid",
        [id],
      );
      return row?.problem?.includes("migration") || null;
    });
    await keptTooLong(id);
    const state = await endOf(await followUpOf(id));
    expect(state.endReason).toContain("migration");
    await given.run(["resume", "-n", "spare"]);
    expect(wanted("three", "spare")).toBe(3);
  });

  it("waits while a guard forbids it, and goes on when that is over", async () => {
    const id = await remedied("Busy", "lend", "four", "frozen");
    const freeze = `  - {name: freeze, when: "plan.namespaces.exists(n, n == 'frozen')", event: {type: deny, params: {reason: "change freeze"}}}`;
    await use({ "policies/lending.yaml": policies(freeze) });
    await over(id, "Busy", "four");
    await eventually("it is put off", async () => {
      const [row] = await sql<{ problem: string | null }>(
        "select problem from follow_ups where execution_id = $1::uuid",
        [id],
      );
      return row?.problem?.includes("change freeze") || null;
    });
    expect(await followUpsOf(id)).toEqual([]);
    await use({ "policies/lending.yaml": policies() });
    await sql("update follow_ups set due_at = now() where due_at is not null");
    expect(await endOf(await followUpOf(id))).toMatchObject({ outcome: "succeeded" });
    expect(wanted("four", "frozen")).toBe(2);
  });

  it("needs no further approval than the remedy had", async () => {
    await fire("Critical", "five");
    const id = await given.execution("lend-asking", ({ phase }) => phase === "awaiting_approval");
    await eventually("it is approved", async () => (await given.run(["approve", id])).code === 0 || null);
    await endOf(id);
    expect(wanted("five")).toBe(3);
    await over(id, "Critical", "five");
    const state = await endOf(await followUpOf(id));
    expect(state).toMatchObject({ outcome: "succeeded", gate: { kind: "approval" }, approved: true });
    expect(wanted("five")).toBe(2);
  });

  it("stays for whoever started the template by hand: no alert ends that", async () => {
    const args = ["start", "lend", "--target", "deploy/api", "-n", "till", "--reason", "sale"];
    const id = idIn((await given.run(args)).out);
    await endOf(id);
    await sql("update incidents set closed_at = now()");
    await sql("update follow_ups set due_at = now() where due_at is not null");
    await keptTooLong(id);
    const state = await endOf(await followUpOf(id));
    expect(state).toMatchObject({ outcome: "refused", escalated: true });
    expect(state.endReason).toContain("no alert ends it");
    expect(wanted("api", "till")).toBe(3);
  });

  it("is not there where everything was undone", async () => {
    await fire("Failing", "six");
    const id = await given.execution("goes-back", ({ phase }) => phase === "ended");
    expect(await stateOf(id)).toMatchObject({ outcome: "rolled_back" });
    expect(wanted("six")).toBe(2);
    expect(await sql("select 1 from follow_ups where execution_id = $1::uuid", [id])).toEqual([]);
  });

  it("is not taken back by a template that was revoked meanwhile", async () => {
    const id = await remedied("Busy", "lend", "seven");
    await use({ "catalog.yaml": `revoked: ["lend@1.0.0"]\n` });
    await over(id, "Busy", "seven");
    const state = await endOf(await followUpOf(id));
    expect(state).toMatchObject({ outcome: "refused", escalated: true });
    expect(state.endReason).toContain("lend@1.0.0 is revoked");
    await use({ "catalog.yaml": null });
  });
});

describe("two replicas", () => {
  it("take it back once", async () => {
    const other = await given.another("other");
    try {
      const id = await remedied("Busy", "lend", "eight");
      await over(id, "Busy", "eight");
      await endOf(await followUpOf(id));
      const due = await sql("select 1 from follow_ups where execution_id = $1::uuid and due_at is not null", [
        id,
      ]);
      expect(due).toEqual([]);
      expect(await followUpsOf(id)).toHaveLength(1);
    } finally {
      await other.stop();
    }
  });
});
