// Limits by share, decided by two replicas at once against real PostgreSQL and a simulated cluster.
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { decideFiring } from "../../src/controller/decide-firing.ts";
import { weighNow } from "../../src/controller/weigh-plan.ts";
import type { Alert } from "../../src/domain/facts/alert.ts";
import type { Catalog } from "../../src/domain/policies/catalog.ts";
import { givenAlert } from "../fixtures/facts.ts";
import { catalogOf, compiled, type DecisionWorld, openDecisionWorld } from "../support/decision-world.ts";

let world: DecisionWorld;
beforeAll(async () => {
  world = await openDecisionWorld();
});
afterAll(() => world.close());

const limit = (params: string) => `{name: part, event: {type: limit, params: {${params}}}}`;

/** Two replicas take turns on the due firings, all at once. @returns the gate of each alert's execution */
async function decideTogether(alerts: readonly Alert[], catalog: Catalog) {
  await world.receive(...alerts);
  const due = await world.database.alerts.takeDue(1_000, 600);
  const own = due.filter(({ alert }) => alerts.some(({ fingerprint }) => fingerprint === alert.fingerprint));
  const two = [world.ports(), world.ports({}, await world.replica())] as const;
  await Promise.all(own.map((firing, index) => decideFiring(firing, catalog, two[index % 2] ?? two[0])));
  return Promise.all(alerts.map(async (alert) => gateOf(alert)));
}

async function gateOf(alert: Alert) {
  const id = (await world.decisions(alert)).at(-1)?.executionId ?? "";
  const events = (await world.database.executions.events(id)).map(({ event }) => event);
  const decided = events.find((event) => event.type === "GateDecided");
  const planned = events.find((event) => event.type === "Planned");
  if (decided === undefined || planned === undefined) throw new Error(`${alert.name} started nothing`);
  return { id, alert, plan: planned.plan, kind: decided.gate.kind, reasons: decided.gate.reasons };
}

/** Whichever replica drives it. */
async function allEnded(): Promise<void> {
  await world.database.pool.query(
    "update executions set outcome = 'succeeded', phase = 'ended' where outcome is null",
  );
  await world.database.pool.query("delete from claims");
}

const refusedOf = (gates: Awaited<ReturnType<typeof decideTogether>>) =>
  gates.filter(({ kind }) => kind === "refused");

describe("a share of the pods of a namespace", () => {
  it("lets as many pods be restarted as it allows when two replicas decide at once", async () => {
    const catalog = catalogOf("pods", limit("scope: namespace, share: 50%"));
    const alerts: Alert[] = [];
    for (let index = 0; index < 6; index += 1) alerts.push(await world.alertFor("pods", `pods-${index}`));
    const gates = await decideTogether(alerts, catalog);
    const refused = refusedOf(gates);
    expect(refused).toHaveLength(3);
    const key = `pods/test/${world.cluster.namespace}`;
    const already =
      "4 of 6 pods of KEY would have been touched within 1h, 3 of them already; at most 3 (50%) may be";
    for (const { reasons } of refused)
      expect(reasons).toEqual([{ rule: "p/part", effect: "limit", reason: already.replace("KEY", key) }]);
  });
});

describe("a share of the nodes", () => {
  const nodes = ["node-1", "node-2", "node-3"];
  const downCatalog = (name: string, guard: string) =>
    compiled({
      "templates/t.yaml": `name: ${name}\nsteps: [{name: cordon, action: {action: cordon_node, parameters: {node: "{{ subject.name }}"}}}]\nconfiguration: {cooldown: 0s}\n`,
      "policies/p.yaml": `name: p\nrules:\n  - {name: cordon, on: [${name}], event: {type: select-template, params: {template: ${name}}}}\n  - ${guard}\n`,
    });
  const down = (name: string, node: string) =>
    givenAlert({ cluster: "test", name, fingerprint: `${name}-${node}`, labels: { alertname: name, node } });

  it("lets one node of three be touched at a time, however small the share, and says the numbers", async () => {
    const catalog = downCatalog("node-down", limit("scope: cluster, share: 10%"));
    const gates = await decideTogether(
      nodes.map((node) => down("node-down", node)),
      catalog,
    );
    const refused = refusedOf(gates);
    expect(refused).toHaveLength(2);
    expect(refused[0]?.reasons[0]?.reason).toBe(
      "2 of 3 nodes of nodes/test would have been touched within 1h, 1 of them already; at most 1 (10%) may be",
    );
    const [passed] = gates.filter(({ kind }) => kind !== "refused");
    if (passed === undefined) throw new Error("none passed");
    const again = await weighNow(
      passed.id,
      passed.alert,
      passed.plan,
      catalog,
      world.cluster.tools,
      world.ports(),
    );
    expect(again.kind, "weighed again it does not count itself").toBe(passed.kind);
    await allEnded();
    const other = nodes.find((node) => passed.plan.target?.name !== node) ?? "";
    const late = { ...down("node-down", other), fingerprint: "late" };
    await world.receive(late);
    await world.decide(late, catalog);
    expect((await gateOf(late)).kind, "what was done within the hour counts").toBe("refused");
    const minute = downCatalog("node-down", limit("scope: cluster, share: 10%, per: 1m"));
    await world.database.pool.query("update executions set created_at = created_at - interval '2 minutes'");
    await world.decide({ ...late }, minute);
    expect((await gateOf(late)).kind, "what was done before does not").not.toBe("refused");
  });

  it("counts each zone by itself", async () => {
    await allEnded();
    await world.database.pool.query("update executions set counts_in = '{}'");
    for (const [node, zone] of [
      ["node-1", "a"],
      ["node-2", "a"],
      ["node-3", "b"],
    ] as const)
      await world.cluster.changeAs("kubelet", world.cluster.ref("Node", node), {
        metadata: { labels: { "topology.kubernetes.io/zone": zone } },
      });
    const catalog = downCatalog("zone-down", limit("scope: zone, share: 50%"));
    const gates = await decideTogether(
      nodes.map((node) => down("zone-down", node)),
      catalog,
    );
    const kinds = gates.map(({ kind }) => kind === "refused");
    expect(kinds[2], "alone in its zone").toBe(false);
    expect(kinds.slice(0, 2).filter(Boolean), "one of the two in the other").toHaveLength(1);
    expect(refusedOf(gates)[0]?.reasons[0]?.reason).toContain("2 of 2 nodes of zone/test/a");
  });
});

describe("a share of the replicas of a workload", () => {
  it("counts the pods that were restarted before", async () => {
    await world.cluster.deployed("wide", 4);
    const pods = await world.cluster.podsOf("wide");
    const catalog = catalogOf("wide", limit("scope: workload, share: 50%"));
    const kinds: string[] = [];
    for (const pod of pods.slice(0, 3)) {
      const first = await world.alertFor("wide", "wide");
      const labels = { ...first.labels, pod: pod.metadata.name };
      const alert = { ...first, labels, fingerprint: pod.metadata.uid };
      await world.receive(alert);
      await world.decide(alert, catalog);
      const gate = await gateOf(alert);
      kinds.push(gate.kind);
      if (gate.kind === "refused")
        expect(gate.reasons[0]?.reason).toContain("3 of 4 pods of replicas/test/apps/Deployment/");
      else await world.end(gate.id, "succeeded");
    }
    expect(kinds).toEqual(["open", "open", "refused"]);
  });
});
