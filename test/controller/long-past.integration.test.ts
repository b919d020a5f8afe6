// What is asked again and again must not cost more the longer gitmend runs: with a long past in the database, no table that grows
// with it is read from its beginning to its end.
import { afterAll, beforeAll, expect, it } from "vitest";
import type { Alert } from "../../src/domain/facts/alert.ts";
import type { Catalog } from "../../src/domain/policies/catalog.ts";
import {
  compiled,
  type DecisionWorld,
  openDecisionWorld,
  restartTemplate,
} from "../support/decision-world.ts";
import { growPast, rowsWalked } from "../support/past-executions.ts";

const past = 20_000;
/** Few rows of the present stand in pages of their own: what reads them all may. */
const ofThePresent = past / 10;

let world: DecisionWorld;
let catalog: Catalog;
let alert: Alert;

beforeAll(async () => {
  world = await openDecisionWorld();
  catalog = compiled({
    "templates/t.yaml": restartTemplate("t"),
    "policies/p.yaml": `
name: p
rules:
  - {name: thrice, on: [Known], when: "history.attempts('6h') < 9", event: {type: select-template, params: {template: t}}}
  - {name: not-all, when: "true", event: {type: limit, params: {scope: namespace, running: 9, starts: 90, per: 1h, share: 90%}}}
`,
  });
  alert = await world.alertFor("Known", "api");
  await world.receive(alert);
  const { executionId } = await world.decide(alert, catalog);
  await world.end(executionId ?? "", "succeeded");
  await world.resolve(alert);
  await growPast(world.database.pool, past);
}, 120_000);
afterAll(() => world.close());

const storms = {
  gatherSeconds: 1,
  backlog: 1000,
  flapping: { openings: 3, windowSeconds: 900 },
  breakers: [
    { scope: "target", setbacks: 2, perSeconds: 3600 },
    { scope: "global", setbacks: 20, perSeconds: 3600 },
  ],
} as const;

async function decided(name: string): Promise<string> {
  const firing = { ...alert, name, fingerprint: name, startsAt: new Date().toISOString() };
  const ports = world.ports({ storms });
  await world.receive(firing);
  await world.decide(firing, catalog, ports);
  const gathered = world.ports({ storms: { ...storms, gatherSeconds: 0 } });
  const { kind, executionId } = await world.decide(firing, catalog, gathered);
  if (executionId !== null) await world.end(executionId, "succeeded");
  await world.resolve(firing);
  return kind;
}

const asked: Readonly<Record<string, () => Promise<unknown>>> = {
  "an alert that is decided": async () => expect(await decided("Known")).toBe("execution"),
  "an alert that nothing matches": async () => expect(await decided("Unknown")).toBe("no-match"),
  "what is due": async () => {
    const { alerts, assessments, followUps, escalations, executions, outbox } = world.database;
    await alerts.backlog(10_000);
    await alerts.takeDue(16, 1);
    await alerts.wakeUnmatched();
    await alerts.openFirings();
    await assessments.takeDue(10, 1);
    await followUps.takeDue(10, 1);
    await escalations.takeDue(10, 1);
    await executions.claimAbandoned(10);
    await executions.commands();
    await outbox.take(10);
  },
  "what people look at": async () => {
    const { views, executions, eventLog } = world.database;
    const page = await executions.list({ limit: 50 });
    expect(page).toHaveLength(50);
    expect(await executions.list({ limit: 50, before: page[49]?.id ?? "" })).toHaveLength(50);
    expect(await executions.find(page[20]?.id.slice(-12) ?? "")).toMatchObject({ id: page[20]?.id });
    await executions.list({ limit: 50, live: true });
    await executions.list({ limit: 50, untold: true });
    await executions.list({ limit: 50, attention: true });
    expect(await views.incidents({ limit: 50 })).toHaveLength(50);
    await views.incidents({ limit: 50, open: true });
    await views.currentExecutions(50);
    await views.currentFirings(50);
    await views.health();
    await eventLog.after(await eventLog.end(), 100);
  },
  "keeping house": () =>
    world.database.alerts.keepHouse(3600, {
      deadLettersSeconds: 1,
      bodiesSeconds: 1,
      evidenceSeconds: 1,
      alertsSeconds: 1e9,
    }),
};

it.each(Object.entries(asked))("%s walks over nothing that is over", async (_, ask) => {
  await ask();
  const before = await rowsWalked(world.database.pool);
  await ask();
  expect((await rowsWalked(world.database.pool)) - before).toBeLessThan(ofThePresent);
});
