// Pausing a real controller: commands from any replica, pause.yaml, the annotation, and what people see of it.
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { RecordedEvent } from "../../src/domain/execution/events.ts";
import { firing, type GivenController, givenController } from "../cli/given-controller.ts";
import { eventually } from "../support/eventually.ts";
import { rawAdmin } from "../support/kube-control-plane.ts";

const twoSteps = `
name: two-steps
manual: true
configuration: {cooldown: 1s}
steps:
  - name: settle
    action: {type: monitoring, action: validate_pod_health, parameters: {wait_timeout: 60s, stable_for: 2s}}
  - name: scale
    action: {type: kubernetes, action: scale_deployment, parameters: {replicas: {add: 1}}}
`;

let given: GivenController;
let other: Awaited<ReturnType<GivenController["another"]>>;
beforeAll(async () => {
  given = await givenController({
    live: [{ namespaces: ["shop", "till", "spare", "frozen", "quiet"], max_risk: "high" }],
  });
  given.push({ "templates/two-steps.yaml": twoSteps });
  await eventually("both templates are in use", () =>
    given.app.controller.catalog.current()?.templates.get("two-steps"),
  );
  other = await given.another("b");
});
afterAll(async () => {
  await other.stop();
  await given.stop();
});

const start = async (template: string, namespace: string) => {
  const run = await given.run([
    "start",
    template,
    "--target",
    "deploy/api",
    "-n",
    namespace,
    "--reason",
    "a test",
  ]);
  return { ...run, id: /execution ([0-9a-f-]{36})/.exec(run.out)?.[1] ?? "" };
};
const eventsOf = async (id: string): Promise<readonly RecordedEvent["event"][]> =>
  (await given.app.database.executions.events(id)).map(({ event }) => event);
const until = (what: string, id: string, is: (event: RecordedEvent["event"]) => boolean) =>
  eventually(what, async () => (await eventsOf(id)).find(is));
const typesOf = async (id: string) =>
  (await eventsOf(id)).flatMap((event) => {
    const told = ["Paused", "Resumed", "StepStarted", "StepSucceeded", "CancelRequested", "Ended"];
    return told.includes(event.type) ? ["step" in event ? `${event.type} ${event.step}` : event.type] : [];
  });
const wanted = (namespace: string) => given.simulation.cluster.deployment(namespace, "api").wanted;

describe("pausing a namespace while a step runs there", () => {
  it("from another replica: the step goes on, no other starts, and the answer waits for its owner", async () => {
    const { id } = await start("two-steps", "shop");
    await until("the first step runs", id, ({ type }) => type === "StepStarted");
    const paused = await other.run(["pause", "-n", "shop", "--for", "1h", "--reason", "a migration"]);
    expect(paused).toMatchObject({ code: 0, err: "" });
    expect(paused.out).toMatch(
      /^namespace shop is paused by ana until .* UTC: a migration\n1 execution stands still\n$/,
    );
    await until("the step has succeeded", id, ({ type }) => type === "StepSucceeded");
    const shown = (await given.run(["executions", "show", id])).out;
    expect(shown).toMatch(/paused by ana until [-\d: ]+ UTC \(namespace shop\): a\s+migration/);
    const now = (await given.run(["now"])).out;
    expect(now).toContain("namespace shop is paused by ana");
    expect(now).toContain("gitmend resume -n shop");

    const resumed = await other.run(["resume", "-n", "shop", "--reason", "done"]);
    expect(resumed).toMatchObject({ code: 0, out: expect.stringContaining("resumed: namespace shop") });
    await until("it has ended", id, ({ type }) => type === "Ended");
    expect(await typesOf(id)).toEqual([
      "StepStarted settle",
      "Paused",
      "StepSucceeded settle",
      "Resumed",
      "StepStarted scale",
      "StepSucceeded scale",
      "Ended",
    ]);
    expect(await eventsOf(id)).toContainEqual({ type: "Resumed", by: "ana", reason: "done" });
    expect(wanted("shop")).toBe(3);
    const twice = await other.run(["resume", "-n", "shop"]);
    expect(twice).toMatchObject({ code: 0, out: "shop was not paused by a command; nothing was resumed\n" });
  });

  it("one execution alone, which is cancelled while it stands still: the answer is how it ended", async () => {
    const { id } = await start("two-steps", "till");
    await until("the first step runs", id, ({ type }) => type === "StepStarted");
    const paused = await given.run(["pause", "--execution", id.slice(-12), "--reason", "look first"]);
    expect(paused.out).toContain("running; 1 execution stands still");
    await until("the step has succeeded", id, ({ type }) => type === "StepSucceeded");
    const cancelled = await other.run(["executions", "cancel", id, "--reason", "enough"]);
    expect(cancelled.out).toBe(`${id.slice(-12)} ended: cancelled\n`);
    expect(wanted("till")).toBe(2);
    const late = await given.run(["pause", "--execution", id, "--reason", "too late"]);
    expect([late.code, late.out]).toEqual([1, expect.stringContaining("had ended already: cancelled")]);
  });
});

describe("what fires in a paused namespace", () => {
  it("waits with the reason, and is decided as soon as somebody resumes", async () => {
    await given.run(["pause", "-n", "spare", "--reason", "a migration"]);
    const pod = given.simulation.cluster.pods("spare")[0]?.metadata.name ?? "";
    await given.deliver(firing("Busy", { namespace: "spare", pod }, "f-spare"));
    const now = await eventually("it waits", async () => {
      const { out } = await given.run(["now"]);
      return out.includes("Busy") && out.includes("namespace spare is paused by ana: a migration")
        ? out
        : null;
    });
    expect(now).toContain("FIRES, AND NOTHING RUNS");
    // A second pause with an end of its own takes the place of the first: the firing hears of it.
    await given.run(["pause", "-n", "spare", "--for", "2h", "--reason", "it takes longer"]);
    await eventually("it waits for the other one", async () => {
      const firings = (await given.app.database.views.currentFirings(10)).filter(
        ({ name }) => name === "Busy",
      );
      return (
        firings.some(
          ({ state, reasons }) => state === "paused" && reasons.join().includes("it takes longer"),
        ) || null
      );
    });
    const refused = await start("scale", "spare");
    expect([refused.code, refused.err]).toEqual([
      1,
      expect.stringContaining("namespace spare is paused by ana"),
    ]);
    await given.run(["resume", "-n", "spare"]);
    expect(await given.execution("ask", ({ phase }) => phase === "awaiting_approval")).toBeTruthy();
  });

  it("is not paused by a slip: what does not exist is an error", async () => {
    const wrong = await given.run(["pause", "--cluster", "prodd", "--reason", "r"]);
    expect([wrong.code, wrong.err]).toEqual([2, expect.stringContaining("there is no cluster prodd")]);
    const both = await given.run([
      "pause",
      "--execution",
      "0192f1c0-0000-7000-8000-000000000000",
      "-n",
      "shop",
    ]);
    expect([both.code, both.err]).toEqual([2, expect.stringContaining("named alone")]);
    const unknown = await given.run(["pause", "--execution", "0192f1c0-0000-7000-8000-000000000000"]);
    expect([unknown.code, unknown.err]).toEqual([1, expect.stringContaining("no execution 0192f1c0")]);
    expect(await given.app.database.pauses.active()).toEqual([]);
  });
});

describe("pause.yaml", () => {
  it("holds what has not started and lets go when the entry is taken out", async () => {
    given.push({ "pause.yaml": "pauses:\n  - {namespace: frozen, reason: an audit, by: bo}\n" });
    await eventually(
      "it is known",
      async () => (await given.run(["now"])).out.includes("it stands in pause.yaml") || null,
    );
    const refused = await start("two-steps", "frozen");
    expect(refused.err).toContain("namespace frozen is paused by bo: an audit");
    const still = await given.run(["resume", "-n", "frozen"]);
    expect(still.out).toContain("beside it: namespace frozen is paused by bo: an audit");
    given.push({ "pause.yaml": null });
    await eventually(
      "it is over",
      async () => (await given.app.controller.pauses.all()).length === 0 || null,
    );
  });
});

describe("the annotation gitmend.dev/paused-until", () => {
  it("on the target stops an execution before its next change, and goes on when it is taken away", async () => {
    const send = rawAdmin(given.simulation.kubeconfig);
    const annotate = (value: string | null) =>
      send(
        "PATCH",
        "/apis/apps/v1/namespaces/quiet/deployments/api",
        { metadata: { annotations: { "gitmend.dev/paused-until": value } } },
        "application/merge-patch+json",
      );
    const { id } = await start("two-steps", "quiet");
    await until("the first step runs", id, ({ type }) => type === "StepStarted");
    await annotate("2099-01-01T00:00:00Z");
    const event = await until("it stands still", id, ({ type }) => type === "Paused");
    expect(event).toMatchObject({ source: "annotation", until: "2099-01-01T00:00:00.000Z" });
    expect((await start("scale", "quiet")).err).toContain("under way");
    expect(wanted("quiet")).toBe(2);
    await annotate(null);
    await other.run(["pause", "--execution", id, "--reason", "look again"]);
    await other.run(["resume", "--execution", id]);
    await until("it has ended", id, ({ type }) => type === "Ended");
    expect(wanted("quiet")).toBe(3);
  });
});

describe("a plan that waits for approval while its namespace is paused", () => {
  it("expires when its time is over: nothing was changed, and people are told", async () => {
    given.push({
      "templates/late.yaml": twoSteps.replace("two-steps", "late").replace("manual:", "risk: high\nmanual:"),
      "policies/late.yaml": `
name: late
rules:
  - name: soon
    when: "plan.risk == 'high'"
    event: {type: require-approval, params: {approvals: 1, expires: 5s}}
`,
    });
    await eventually("it is in use", () => given.app.controller.catalog.current()?.templates.get("late"));
    const { id } = await start("late", "till");
    await until("people are asked", id, ({ type }) => type === "ApprovalRequested");
    const before = wanted("till");
    expect((await other.run(["pause", "-n", "till", "--reason", "a migration"])).out).toContain(
      "1 execution stands still",
    );
    const ended = await until("it has ended", id, ({ type }) => type === "Ended");
    expect(ended).toMatchObject({ outcome: "expired", escalated: true });
    const types = (await eventsOf(id)).map(({ type }) => type);
    expect(types.slice(-3)).toEqual(["Paused", "ApprovalExpired", "Ended"]);
    expect(wanted("till")).toBe(before);
    await other.run(["resume", "-n", "till"]);
  });
});

describe("a pause whose time is over", () => {
  it("ends by itself, which is recorded", async () => {
    const { id } = await start("two-steps", "till");
    await until("the first step runs", id, ({ type }) => type === "StepStarted");
    await given.run(["pause", "-n", "till", "--for", "2s", "--reason", "a moment"]);
    await until("it is recorded", id, ({ type }) => type === "Paused");
    await until("it is over", id, ({ type }) => type === "Resumed");
    await until("it has ended", id, ({ type }) => type === "Ended");
    const resumed = (await eventsOf(id)).find(({ type }) => type === "Resumed");
    expect(resumed).toMatchObject({ by: "gitmend", reason: expect.stringContaining("it was paused until") });
  });
});
