// What did not help again and again is stopped, people are told once, and only a person lets it start again. Against real
// PostgreSQL with two replicas.
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { startByHand } from "../../src/controller/start-by-hand.ts";
import { weighNow } from "../../src/controller/weigh-plan.ts";
import type { Alert } from "../../src/domain/facts/alert.ts";
import type { BreakerRule } from "../../src/domain/gate/breaker.ts";
import type { Catalog } from "../../src/domain/policies/catalog.ts";
import { catalogOf, type DecisionWorld, openDecisionWorld } from "../support/decision-world.ts";

let world: DecisionWorld;
beforeAll(async () => {
  world = await openDecisionWorld();
});
afterAll(() => world.close());

const three: BreakerRule = { scope: "target", setbacks: 3, perSeconds: 86_400 };
const stormy = (...breakers: readonly BreakerRule[]) =>
  world.ports({ storms: { ...world.ports().storms, breakers } });

/** Decides and ends it, so often. @returns the last decision */
async function run(
  alert: Alert,
  catalog: Catalog,
  outcomes: readonly ("failed" | "succeeded")[],
  rules = [three],
) {
  for (const outcome of outcomes) {
    const { executionId } = await world.decide(alert, catalog, stormy(...rules));
    await world.end(executionId ?? "", outcome);
  }
}

const said = { by: "ana", reason: "the image is fixed" };

describe("a remedy that failed three times for one alert and target", () => {
  it("is not started a fourth time; people are told once, and a reset lets it start again", async () => {
    const catalog = catalogOf("fails");
    const alert = await world.alertFor("fails", "fails");
    await world.receive(alert);
    await run(alert, catalog, ["failed", "failed", "failed"]);

    const fourth = await world.decide(alert, catalog, stormy(three));
    expect(fourth.kind).toBe("stopped");
    expect(fourth.reasons[0]).toMatch(
      /^breaker \d+ stops fails for fails on test\/[\w-]+\/Deployment\/fails: 3 executions within 1d failed or did not help; when/,
    );
    const told = await world.decide(alert, catalog, stormy(three));
    expect(told).toMatchObject({ kind: "execution", reasons: fourth.reasons });
    expect(await world.database.executions.find(told.executionId ?? "")).toMatchObject({
      template: "escalate-to-people",
    });
    await world.end(told.executionId ?? "", "succeeded");
    expect((await world.decide(alert, catalog, stormy(three))).kind).toBe("stopped");

    const [breaker] = await world.database.breakers.list({ all: false, limit: 10 });
    expect(breaker).toMatchObject({
      scope: "target",
      template: "fails",
      alertName: "fails",
      setbacks: 3,
      reset: null,
    });
    expect(await world.database.breakers.reset(breaker!.id, said)).toMatchObject({ reset: said });
    expect(await world.database.breakers.reset(breaker!.id, said)).toBeNull();
    const { rows: acts } = await world.database.pool.query(
      "select act from controls where act -> 'breaker' ->> 'id' = $1 order by seq",
      [breaker!.id],
    );
    expect(acts).toMatchObject([
      { act: { act: "trip", by: "gitmend", reason: "3 executions within 1d failed or did not help" } },
      { act: { act: "reset", ...said, breaker: { template: "fails" } } },
    ]);
    const due = await world.database.alerts.takeDue(100, 600);
    expect(due.map(({ alert: { fingerprint } }) => fingerprint)).toContain(alert.fingerprint);
    expect(await world.decide(alert, catalog, stormy(three))).toMatchObject({ kind: "execution" });
  });

  it("is stopped for a person who starts it by hand too, and in the second weighing", async () => {
    const catalog = catalogOf("by-hand");
    const alert = await world.alertFor("by-hand", "by-hand");
    await world.receive(alert);
    await run(alert, catalog, ["failed", "failed", "failed"]);
    const { executionId } = await world.decide(alert, catalog, stormy());
    const planned = (await world.database.executions.events(executionId ?? "")).find(
      ({ event }) => event.type === "Planned",
    )?.event;
    if (planned?.type !== "Planned") throw new Error("no plan");
    await world.database.breakers.trip([three]);
    expect(
      await weighNow(executionId ?? "", alert, planned.plan, catalog, world.cluster.tools, stormy(three)),
    ).toMatchObject({ kind: "refused", reasons: [{ rule: "built-in/breaker", effect: "deny" }] });
    await world.end(executionId ?? "", "refused");
    const target = { kind: "Pod", namespace: world.cluster.namespace, name: alert.labels["pod"] ?? "" };
    const request = { template: "by-hand", target, parameters: {}, by: "ana", reason: "now", dryRun: false };
    await expect(startByHand(request, catalog, stormy(three))).rejects.toMatchObject({
      code: "NOT_NOW",
      message: expect.stringMatching(/^breaker \d+ stops by-hand/),
    });
  });

  it("goes on where at least as many have helped", async () => {
    const catalog = catalogOf("helps");
    const alert = await world.alertFor("helps", "helps");
    await world.receive(alert);
    await run(alert, catalog, [
      "succeeded",
      "succeeded",
      "succeeded",
      "succeeded",
      "failed",
      "failed",
      "failed",
    ]);
    expect(await world.decide(alert, catalog, stormy(three))).toMatchObject({ kind: "execution" });
  });

  it("goes on for another target, and elsewhere the template may be stopped in its whole cluster", async () => {
    const catalog = catalogOf("spreads");
    const alerts = await Promise.all(["s-1", "s-2", "s-3"].map((name) => world.alertFor("spreads", name)));
    await world.receive(...alerts);
    const wide: BreakerRule = { scope: "template", setbacks: 2, perSeconds: 3_600 };
    await run(alerts[0]!, catalog, ["failed"], [three, wide]);
    await run(alerts[1]!, catalog, ["failed"], [three, wide]);
    expect(await world.decide(alerts[2]!, catalog, stormy(three))).toMatchObject({ kind: "execution" });
    const stopped = await world.decide(
      (await world.alertFor("spreads", "s-1"))!,
      catalog,
      stormy(three, wide),
    );
    expect(stopped.reasons[0]).toMatch(/stops spreads in cluster test: 2 executions within 1h/);
  });
});

describe("two replicas that decide at the same time", () => {
  it("see what the other one's executions came to", async () => {
    const other = await world.replica();
    const catalog = catalogOf("shared");
    const alert = await world.alertFor("shared", "shared");
    await world.receive(alert);
    await run(alert, catalog, ["failed", "failed", "failed"]);
    const ports = world.ports({ storms: { ...world.ports().storms, breakers: [three] } }, other);
    expect((await world.decide(alert, catalog, ports)).kind).toBe("stopped");
    expect(await other.breakers.trip([three])).toEqual([]);
  });

  it("tell people once", async () => {
    const other = await world.replica();
    const catalog = catalogOf("twice");
    const alerts = await Promise.all(["t-1", "t-2"].map((name) => world.alertFor("twice", name)));
    await world.receive(...alerts);
    const wide: BreakerRule = { scope: "template", setbacks: 1, perSeconds: 3_600 };
    await run(alerts[0]!, catalog, ["failed"], [wide]);
    await world.database.breakers.trip([wide]);
    await world.database.pool.query("update alerts set decide_at = now() where name = 'twice'");
    const replicas = [world.database, other].map((database) =>
      world.ports({ storms: { ...world.ports().storms, breakers: [wide] } }, database),
    );
    await Promise.all(
      alerts.map((alert, index) => world.decide(alert, catalog, replicas[index]).catch(() => undefined)),
    );
    const { rows } = await world.database.pool.query(
      "select 1 from executions where alert_name = 'twice' and template = 'escalate-to-people'",
    );
    expect(rows).toHaveLength(1);
  });
});

describe("too many failures at once", () => {
  it("stop everything that changes something, and nothing that only looks", async () => {
    const catalog = catalogOf(
      "global",
      "{name: look, on: [look], event: {type: escalate, params: {message: look}}}",
    );
    const alert = await world.alertFor("global", "global");
    const quiet = await world.alertFor("look", "look");
    await world.receive(alert, quiet);
    const all: BreakerRule = { scope: "global", setbacks: 1, perSeconds: 600 };
    await run(alert, catalog, ["failed"], []);
    await world.database.pool.query(
      "update executions set created_at = now() - interval '1 hour' where alert_name <> 'global'",
    );
    const stopped = await world.decide(alert, catalog, stormy(all));
    expect(stopped.reasons[0]).toMatch(/stops everything that changes something/);
    expect(await world.decide(quiet, catalog, stormy(all))).toMatchObject({ kind: "execution" });
    expect((await world.database.views.health()).openBreakers).toMatchObject({ global: 1 });
  });
});
