// What is held back before it is decided: what belongs together is gathered, what flaps starts nothing, what depends on something in
// trouble waits for it. Against real PostgreSQL and a simulated cluster.
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { decideFiring } from "../../src/controller/decide-firing.ts";
import type { StormLimits } from "../../src/controller/decision-ports.ts";
import { startByHand } from "../../src/controller/start-by-hand.ts";
import type { Alert } from "../../src/domain/facts/alert.ts";
import type { Catalog } from "../../src/domain/policies/catalog.ts";
import {
  catalogOf,
  compiled,
  type DecisionWorld,
  openDecisionWorld,
  restartTemplate,
} from "../support/decision-world.ts";

let world: DecisionWorld;
beforeAll(async () => {
  world = await openDecisionWorld();
});
afterAll(() => world.close());

const storms = (limits: Partial<StormLimits>) =>
  world.ports({ storms: { ...world.ports().storms, ...limits } });
/** As if that time had passed. */
const pass = (seconds: number) =>
  world.database.pool.query(
    "update alerts set opened_at = opened_at - $1 * interval '1 second', decide_at = decide_at - $1 * interval '1 second', resolved_at = resolved_at - $1 * interval '1 second', ends_at = ends_at - $1 * interval '1 second'",
    [seconds],
  );
const kinds = async (alert: Alert) => (await world.decisions(alert)).map(({ kind }) => kind);

describe("the first decision of an incident", () => {
  const gathering = () => storms({ gatherSeconds: 30 });
  const two = (name: string) =>
    compiled({
      "templates/a.yaml": restartTemplate("restart"),
      "templates/b.yaml": restartTemplate("other"),
      "policies/p.yaml": `name: p\nrules:\n  - {name: weak, on: [${name}-weak], priority: 1, event: {type: select-template, params: {template: other}}}\n  - {name: strong, on: [${name}-strong], priority: 9, event: {type: select-template, params: {template: restart}}}\n`,
    });
  const templates = async (...alerts: readonly Alert[]) => {
    const { rows } = await world.database.pool.query<{ template: string }>(
      "select template from executions where alert_name = any($1)",
      [alerts.map(({ name }) => name)],
    );
    return rows.map(({ template }) => template);
  };

  /** Rounds as the loop makes them, until nothing waits any more. */
  async function settle(catalog: Catalog, alerts: readonly Alert[]): Promise<void> {
    for (let round = 0; round < 8; round += 1) {
      await pass(5);
      await world.decideDue(catalog, gathering());
    }
    for (const alert of alerts) expect(["execution", "joined"]).toContain((await kinds(alert)).at(-1));
  }

  it.each([
    ["the stronger one first", ["strong", "weak"]],
    ["the weaker one first", ["weak", "strong"]],
  ])("is the same in whatever order its alerts come: %s", async (_, order) => {
    const name = `order-${order[0]}`;
    const catalog = two(name);
    const alerts: Alert[] = [];
    for (const which of order) {
      const alert = await world.alertFor(`${name}-${which}`, name);
      alerts.push(alert);
      await world.receive(alert);
      await world.decideDue(catalog, gathering());
      expect(await kinds(alert)).toEqual(["waiting"]);
      await pass(10);
    }
    await settle(catalog, alerts);
    expect(await templates(...alerts)).toEqual(["restart"]);
  });

  it("is one execution for five pods of one Deployment, about the same pod in whatever order they come", async () => {
    const about = async (name: string, order: (alerts: Alert[]) => readonly Alert[]) => {
      const catalog = catalogOf("five");
      const first = await world.alertFor("five", name);
      const alerts = [1, 2, 3, 4, 5].map((number) => ({ ...first, fingerprint: `${name}-${number}` }));
      for (const alert of order(alerts)) {
        await world.receive(alert);
        await pass(1);
      }
      await settle(catalog, alerts);
      const { rows } = await world.database.pool.query<{ fingerprint: string }>(
        "select a.fingerprint from decisions d join alerts a on a.id = d.alert_id where d.kind = 'execution' and a.fingerprint like $1",
        [`${name}-%`],
      );
      return rows.map(({ fingerprint }) => fingerprint.replace(name, ""));
    };
    expect(await about("five-up", (alerts) => alerts)).toEqual(["-1"]);
    expect(await about("five-down", (alerts) => alerts.toReversed())).toEqual(["-1"]);
  });

  it("waits from the first alert of the target on, once, and not for a target whose incident is open", async () => {
    const catalog = catalogOf("once");
    const first = await world.alertFor("once", "once");
    await world.receive(first);
    await world.decideDue(catalog, gathering());
    await pass(25);
    const second = { ...first, fingerprint: "once-2" };
    await world.receive(second);
    await world.decideDue(catalog, gathering());
    expect((await world.decisions(second))[0]?.reasons).toEqual([
      "gathers for 30s what fires for the same target",
    ]);
    await settle(catalog, [first, second]);
    const third = { ...first, fingerprint: "once-3" };
    await world.receive(third);
    await world.decideDue(catalog, gathering());
    expect(await kinds(third)).toEqual(["joined"]);
  });

  it("starts nothing for what has resolved meanwhile", async () => {
    const catalog = catalogOf("brief");
    const alert = await world.alertFor("brief", "brief");
    await world.receive(alert);
    await world.decideDue(catalog, gathering());
    await world.resolve(alert);
    await pass(60);
    await world.decideDue(catalog, gathering());
    expect(await kinds(alert)).toEqual(["waiting"]);
  });
});

describe("an alert that opens and resolves again and again", () => {
  it("starts nothing, people are told once, and it is decided again when it is calm", async () => {
    const catalog = catalogOf("flaps");
    const ports = () => storms({ flapping: { openings: 3, windowSeconds: 3_600 } });
    const given = await world.alertFor("flaps", "flaps");
    const fire = async () => {
      await pass(60);
      const alert = { ...given, startsAt: new Date().toISOString() };
      await world.receive(alert);
      return alert;
    };
    for (const _ of [1, 2]) await world.resolve(await fire());
    const third = await fire();
    const told = await world.decide(third, catalog, ports());
    expect(told).toMatchObject({
      kind: "execution",
      reasons: [
        "flaps has opened 3 times within 1h: nothing is started while it opens and resolves again and again",
      ],
    });
    expect(await world.database.executions.find(told.executionId ?? "")).toMatchObject({
      template: "escalate-to-people",
    });
    await world.end(told.executionId ?? "", "succeeded");
    await world.resolve(third);
    const fourth = await fire();
    expect((await world.decide(fourth, catalog, ports())).kind).toBe("waiting");
    await pass(3_700);
    expect(await world.decide(fourth, catalog, ports())).toMatchObject({ kind: "execution" });
  });
});

describe("S13: a database goes down and two services crash-loop", () => {
  const catalog = () =>
    compiled({
      "templates/t.yaml": restartTemplate("restart"),
      "policies/p.yaml": `name: p\nrules: [{name: restart, on: [Down], event: {type: select-template, params: {template: restart}}}]\ndependencies:\n  - {name: shop-db, of: {namespace: ${world.cluster.namespace}, kind: Deployment, names: [cart, checkout]}, on: {namespace: ${world.cluster.namespace}, kind: Deployment, name: db}, hold: 15m}\n`,
    });

  it("is one execution, on the database; the others wait for it and close when they resolve", async () => {
    const ports = () => storms({ gatherSeconds: 30 });
    const alerts = await Promise.all(["cart", "checkout", "db"].map((name) => world.alertFor("Down", name)));
    const [cart, checkout, db] = alerts as [Alert, Alert, Alert];
    for (const alert of alerts) await world.receive(alert);
    for (let round = 0; round < 6; round += 1) {
      await world.decideDue(catalog(), ports());
      await pass(16);
    }
    const { rows } = await world.database.pool.query<{ target_name: string }>(
      "select target_name from executions where alert_name = 'Down'",
    );
    expect(rows).toEqual([{ target_name: "db" }]);
    expect((await world.decisions(cart)).at(-1)).toMatchObject({
      kind: "waiting",
      reasons: [
        expect.stringMatching(
          /^waits for what it depends on \(p\/shop-db\): an alert fires for test\/[\w-]+\/deploy\/db$/,
        ),
      ],
    });
    await world.resolve(db, cart, checkout);
    await pass(60);
    await world.decideDue(catalog(), ports());
    expect(await kinds(checkout)).not.toContain("execution");
  });

  it("holds what depends on something that is gone, and no longer than it says", async () => {
    const missing = compiled({
      "templates/t.yaml": restartTemplate("restart"),
      "policies/p.yaml": `name: p\nrules: [{name: restart, on: [Lonely], event: {type: select-template, params: {template: restart}}}]\ndependencies:\n  - {name: nobody, of: {namespace: ${world.cluster.namespace}, kind: Deployment, names: [lonely]}, on: {namespace: ${world.cluster.namespace}, kind: StatefulSet, name: nobody}, hold: 5m}\n`,
    });
    const alert = await world.alertFor("Lonely", "lonely");
    await world.receive(alert);
    const held = await world.decide(alert, missing);
    expect(held.reasons[0]).toMatch(/\/StatefulSet\/nobody is not there$/);
    await pass(301);
    expect(await world.decide(alert, missing)).toMatchObject({ kind: "execution" });
  });
});

describe("a cool-down", () => {
  const resting = (name: string) =>
    compiled({
      "templates/t.yaml": `${restartTemplate(name).replace("cooldown: 0s", "cooldown: 10m")}`,
      "policies/p.yaml": `name: p\nrules: [{name: r, on: [${name}], event: {type: select-template, params: {template: ${name}}}}]\n`,
    });

  it("holds although another replica decided on an older history", async () => {
    const other = await world.replica();
    const catalog = resting("raced");
    const alert = await world.alertFor("raced", "raced");
    await world.receive(alert, { ...alert, fingerprint: "raced-2" });
    const [one, two] = (await world.database.alerts.takeDue(1_000, 600)).filter(
      (due) => due.alert.name === "raced",
    );
    if (one === undefined || two === undefined) throw new Error("not due");
    // The second one has seen no attempt; meanwhile the first one is committed and has ended.
    const blind = world.ports({ alerts: { ...other.alerts, resting: async () => null } }, other);
    const id = await decideFiring(one, catalog, world.ports());
    await world.end(id ?? "", "succeeded");
    expect(await decideFiring(two, catalog, blind)).toBeNull();
    expect((await world.decisions(two.alert)).at(-1)).toMatchObject({
      kind: "undecided",
      reasons: [expect.stringMatching(/^cool-down until .*: raced ended succeeded$/)],
    });
  });

  it("of a start by hand counts what ran of the same template, for an alert too; and an alert waits for a person", async () => {
    const catalog = resting("both");
    const alert = await world.alertFor("both", "both");
    const target = { kind: "Pod", namespace: world.cluster.namespace, name: alert.labels["pod"] ?? "" };
    const request = { template: "both", target, parameters: {}, by: "ana", reason: "now", dryRun: false };
    const { executionId } = await startByHand(request, catalog, world.ports());
    await world.end(executionId ?? "", "succeeded");
    await world.receive(alert);
    expect((await world.decide(alert, catalog)).reasons[0]).toMatch(
      /^cool-down until .*: both ended succeeded$/,
    );
    await expect(startByHand(request, catalog, world.ports())).rejects.toMatchObject({
      code: "NOT_NOW",
      message: expect.stringMatching(/^cool-down until/),
    });
  });
});
