// A request for an approval that a worse alert of the same target makes needless, against a real controller.
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { fold } from "../../src/domain/execution/evolve.ts";
import { firing, type GivenController, givenController } from "../cli/given-controller.ts";
import { eventually } from "../support/eventually.ts";

const grow = `
name: grow
configuration: {cooldown: 1h}
steps:
  - name: scale
    action: {type: kubernetes, action: scale_deployment, parameters: {replicas: {add: 2}}}
`;
const policies = `
name: worse-tests
rules:
  - name: grow
    on: [Worse, AsBad]
    event: {type: select-template, params: {template: grow}}
  - name: ask-too
    on: [WorseButAsks]
    event: {type: select-template, params: {template: ask}}
`;

let given: GivenController;
let pod = "";
let old = "";
beforeAll(async () => {
  given = await givenController();
  given.push({ "templates/grow.yaml": grow, "policies/worse.yaml": policies });
  await eventually("the template is in use", () =>
    given.app.controller.catalog.current()?.templates.get("grow"),
  );
  pod = given.simulation.cluster.pods("till")[0]?.metadata.name ?? "";
  await fire("Busy", "warning");
  old = await given.execution("ask", ({ phase }) => phase === "awaiting_approval");
});
afterAll(() => given.stop());

const fire = (name: string, severity: string) =>
  given.deliver(firing(name, { namespace: "till", pod, severity }, `f-${name}`));
const stateOf = async (id: string) => fold(await given.app.database.executions.events(id));
const joined = (name: string) =>
  eventually(
    `${name} has joined`,
    async () => (await stateOf(old)).alerts.some((alert) => alert.name === name) || null,
  );

describe("while people are asked about a plan, an alert of the same target", () => {
  it("that is as bad joins, although its own remedy needs nobody", async () => {
    await fire("AsBad", "warning");
    expect(await joined("AsBad")).toBe(true);
  });
  it("that is worse and needs people too joins", async () => {
    await fire("WorseButAsks", "error");
    await joined("WorseButAsks");
    expect((await stateOf(old)).phase).toBe("awaiting_approval");
  });
  it("that is worse and whose remedy needs nobody takes its place, and the request is closed", async () => {
    await eventually("the request is open", async () => (await stateOf(old)).approval);
    await fire("Worse", "critical");
    const id = await given.execution("grow", ({ phase }) => phase === "ended");
    expect(await stateOf(id)).toMatchObject({ outcome: "succeeded", alert: { name: "Worse" } });
    const gone = await stateOf(old);
    expect(gone).toMatchObject({ phase: "ended", outcome: "superseded", escalated: false, changes: [] });
    expect(gone.endReason).toContain("Worse (critical) has a remedy that needs no approval: grow");
    expect(given.simulation.cluster.deployment("till", "api").wanted).toBe(4);
    const late = await given.run(["approve", old, "--as", "bo"]);
    expect(late.code).toBe(1);
    expect((await given.run(["executions", "show", old])).out).toContain("superseded");
  });
});
