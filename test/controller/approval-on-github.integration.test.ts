// A plan that waits for people, from the alert to the merge of its pull request and to its end, with a real controller: news come by
// webhook, to whatever replica, and what is pushed, forged or closed has its defined end.
import { createHmac } from "node:crypto";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { fold } from "../../src/domain/execution/evolve.ts";
import { firing, type GivenController, givenController } from "../cli/given-controller.ts";
import { eventually } from "../support/eventually.ts";
import { temporaryFolder } from "../support/git.ts";
import { startGithub, type TestGithub } from "../support/github.ts";

const secret = "secret of the webhook";
let github: TestGithub;
let given: GivenController;
let folder: ReturnType<typeof temporaryFolder>;
beforeAll(async () => {
  folder = temporaryFolder();
  github = await startGithub();
  const secretFile = (name: string, text: string) => {
    const file = join(folder.path, name);
    writeFileSync(file, text);
    return { file };
  };
  given = await givenController({
    live: [{ namespaces: ["shop"] }],
    config_repository: { pull_requests: github.repository },
    approvals: {
      people: [
        { id: "ana", github: ["ana-x", "ana-y"] },
        { id: "ben", github: ["ben-x"] },
      ],
      forge: {
        type: "github",
        url: github.url,
        repository: github.repository,
        token: secretFile("token", github.token),
        webhook_secret: secretFile("secret", secret),
      },
    },
  });
});
afterAll(async () => {
  await given.stop();
  await github.stop();
  folder.remove();
});

const stateOf = async (id: string) => fold(await given.app.database.executions.events(id));
const endOf = (id: string) =>
  eventually("it has ended", async () => {
    const state = await stateOf(id);
    return state.phase === "ended" ? state : null;
  });

/** A Deployment of this name, whose alert has brought about a request. */
async function asked(name: string) {
  const { cluster } = given.simulation;
  cluster.deploy({ namespace: "shop", name, replicas: 2 });
  await cluster.until("it is healthy", () => cluster.deployment("shop", name).healthy, 20);
  const pods = cluster.pods("shop").map(({ metadata }) => metadata.name ?? "");
  const pod = pods.find((one) => one.startsWith(`${name}-`)) ?? "";
  await given.deliver(firing("Busy", { namespace: "shop", pod }, name));
  const id = await eventually("people are asked", async () => {
    const rows = await given.app.database.pool.query<{ id: string }>(
      "select id::text from executions where target_name = $1 and phase = 'awaiting_approval'",
      [name],
    );
    const [row] = rows.rows;
    if (row === undefined || (await stateOf(row.id)).approval === null) return null;
    return row.id;
  });
  return { id, branch: `gitmend/${id.slice(-12)}`, pod };
}
/** As GitHub sends it. */
async function announce(branch: string, { url = given.app.url, key = secret } = {}): Promise<number> {
  const body = JSON.stringify({ action: "closed", pull_request: { head: { ref: branch } } });
  const signature = createHmac("sha256", key).update(body).digest("hex");
  const headers = { "content-type": "application/json", "x-hub-signature-256": `sha256=${signature}` };
  return (await fetch(`${url}/webhooks/github`, { method: "POST", headers, body })).status;
}
const shown = (branch: string) =>
  github.statuses.findLast(({ sha }) => sha === github.pulls(branch).at(-1)?.head);
const wanted = (name: string) => given.simulation.cluster.deployment("shop", name).wanted;

describe("a pull request of somebody on the config repository", () => {
  it("is looked at as soon as GitHub says that there is one", async () => {
    const head = given.app.controller.catalog.current()?.revision.slice("main@sha1:".length) ?? "";
    github.request("a-change", "ana-x", "main", head);
    expect(await announce("a-change")).toBe(202);
    const status = await eventually("it has a status", () =>
      github.statuses.find(({ sha, context }) => sha === head && context === "gitmend/validate"),
    );
    expect(status).toMatchObject({ state: "success", description: "gitmend can use this" });
  });
});

describe("a plan that waits for a pull request on GitHub", () => {
  it("runs when it was approved and merged, as soon as GitHub says so", async () => {
    const { id, branch } = await asked("one");
    const [pull] = github.pulls(branch);
    expect(pull?.body).toContain("**May gitmend run `ask` on `sim/shop/deploy/one`?**");
    expect(pull?.body).toMatch(/```diff\n(.*\n)*- *spec\.replicas: 2/);
    const approve = await given.run(["approve", id]);
    expect([approve.code, approve.err]).toEqual([
      1,
      expect.stringContaining("https://github.test/example/approvals/pull/"),
    ]);
    await eventually("it says what it waits for", () =>
      shown(branch)?.description.startsWith("waits for 1 more"),
    );
    github.review(branch, "mallory");
    github.review(branch, "ana-x");
    await announce(branch);
    await eventually("it says who has approved", () =>
      /^approved by ana; waits to be merged until \d\d:\d\d UTC$/.test(shown(branch)?.description ?? ""),
    );
    const why = "mallory does not count: nobody of approvals.people has this account";
    await eventually("and why another does not count", () => github.comments(branch)[0]?.body.includes(why));
    github.merge(branch, "ben-x");
    expect(await announce(branch)).toBe(202);
    expect(await endOf(id)).toMatchObject({ outcome: "succeeded", approved: true });
    expect(shown(branch)).toMatchObject({ state: "success", description: "approved by ana, ben" });
    expect(wanted("one")).toBe(3);
    const events = await given.app.database.executions.events(id);
    const granted = events.map(({ event }) => event).find(({ type }) => type === "ApprovalGranted");
    expect(granted).toMatchObject({
      approvals: [
        { by: "ana", verified: true },
        { by: "ben", verified: true },
      ],
    });
  });

  it("hears of it through another replica too", async () => {
    const other = await given.another("other");
    try {
      const { id, branch } = await asked("two");
      github.merge(branch, "ana-x");
      expect(await announce(branch, { url: other.app.url })).toBe(202);
      expect(await endOf(id)).toMatchObject({ outcome: "succeeded" });
    } finally {
      await other.stop();
    }
  });

  it("is not believed what a forged announcement says, and runs nothing that nobody approved", async () => {
    const { id, branch } = await asked("three");
    expect(await announce(branch, { key: "guessed" })).toBe(401);
    github.merge(branch, "mallory");
    for (let count = 0; count < 5; count += 1) expect(await announce(branch)).toBe(202);
    const state = await endOf(id);
    expect(state).toMatchObject({ outcome: "refused", escalated: true });
    expect(state.endReason).toContain("nobody of approvals.people has this account");
    expect(wanted("three")).toBe(2);
    expect(github.comments(branch)).toMatchObject([
      {
        by: github.bot,
        body: expect.stringMatching(/^\*\*refused\*\*: merged without .*\n\nNothing was changed.$/),
      },
    ]);
    expect(shown(branch)).toMatchObject({ state: "failure", context: "gitmend/approval" });
  });

  it("is rejected by whoever closes it", async () => {
    const { id, branch } = await asked("four");
    github.close(branch, "ana-y");
    await announce(branch);
    expect(await endOf(id)).toMatchObject({
      outcome: "rejected",
      endReason: "rejected by ana: the pull request was closed",
    });
    expect(wanted("four")).toBe(2);
  });

  it("is closed by gitmend, with a label, when its alert is resolved", async () => {
    const { id, branch, pod } = await asked("five");
    const resolved = { status: "resolved", endsAt: new Date().toISOString() };
    await given.deliver({ ...firing("Busy", { namespace: "shop", pod }, "five"), ...resolved });
    expect(await endOf(id)).toMatchObject({ outcome: "cancelled" });
    const [pull] = github.pulls(branch);
    expect([pull?.state, pull?.closedBy, [...(pull?.labels ?? [])]]).toEqual([
      "closed",
      github.bot,
      expect.arrayContaining(["resolved"]),
    ]);
    expect(github.tip(branch)).toBeNull();
  });

  it("is one pull request, pushed once, however many alerts of its incident come", async () => {
    const { id, branch, pod } = await asked("six");
    const head = github.tip(branch);
    await eventually("it says what it waits for", () => shown(branch));
    const before = github.calls.length;
    const storm = Array.from({ length: 5_000 }, (_, index) =>
      firing("Busy", { namespace: "shop", pod, container: `c${index}` }, `storm-${index}`),
    );
    await given.deliver(...storm);
    const joined = `select 1 from events where execution_id = $1::uuid and type = 'AlertJoined'`;
    await eventually(
      "all have joined",
      async () => (await given.app.database.pool.query(joined, [id])).rowCount === 5_000,
      { seconds: 100 },
    );
    expect(github.pulls(branch)).toHaveLength(1);
    expect(github.tip(branch)).toBe(head);
    // Seconds, of a forge that is asked once a minute.
    expect(github.calls.length - before).toBeLessThan(25);
    await announce(branch);
    await eventually("one comment counts them", () =>
      github.comments(branch)[0]?.body.includes("- Busy: 5000"),
    );
    expect(github.comments(branch)).toHaveLength(1);
    const own = await given.app.database.pool.query("select 1 from executions where target_name = 'six'");
    expect(own.rowCount).toBe(1);
  }, 150_000);

  it("runs with the parameters that people made of it, approved by somebody else", async () => {
    const { id, branch } = await asked("eight");
    const file = `approvals/${id}.yaml`;
    const edit = (from: string, to: string, by: string) => {
      const text = github.fileAt(branch, file) ?? "";
      const own = text.lastIndexOf("\nparameters:");
      github.push(
        branch,
        by,
        { [file]: text.slice(0, own) + text.slice(own).replace(from, to) },
        "on the page",
      );
      return announce(branch);
    };
    const said = (what: RegExp) => () => github.comments(branch)[0]?.body.match(what);
    github.review(branch, "ana-x");
    await edit("more: 1", "more: many", "ben-x");
    await eventually("it says what is wrong, and where", said(/\.yaml:\d+:\d+: .*more must be integer/));
    await edit("more: many", "more: 2", "ben-x");
    const planned = await eventually("people are asked about another plan", async () => {
      const state = await stateOf(id);
      return state.edits.length === 1 && state.approval !== null ? state : null;
    });
    expect(planned.plan?.parameters).toEqual({ more: 2 });
    expect(github.tip(branch)).toBe(planned.approval?.head);
    expect(github.pulls(branch)[0]?.body).toMatch(/```diff\n(.*\n)*\+ *spec\.replicas: 4/);
    await eventually(
      "it says who has changed what",
      said(/Changed by ben; .*```diff\n- more: 1\n\+ more: 2/s),
    );
    github.review(branch, "ben-x");
    await announce(branch);
    const own = "ben-x does not count: whoever has changed the branch cannot approve it";
    await eventually("whoever changed it does not count", () =>
      github.comments(branch)[0]?.body.includes(own),
    );
    github.review(branch, "ana-y");
    github.merge(branch, "ben-x");
    await announce(branch);
    const state = await endOf(id);
    expect([state.outcome, state.endReason]).toEqual(["succeeded", "every step succeeded"]);
    expect(wanted("eight")).toBe(4);
    const events = await given.app.database.executions.events(id);
    const granted = events.map(({ event }) => event).find(({ type }) => type === "ApprovalGranted");
    expect(granted).toMatchObject({ approvals: [{ by: "ana" }] });
    const { out } = await given.run(["executions", "show", id]);
    expect(out).toContain("changed by ben: - more: 1; + more: 2");
  });

  it("is held by whoever says so, also when it is approved, until somebody resumes it", async () => {
    const { id, branch } = await asked("ten");
    github.comment(branch, "mallory", "/gitmend hold");
    github.comment(branch, "mallory", "/gitmend approve");
    github.comment(branch, "ben-x", "/gitmend hold\nI look at it first");
    github.comment(branch, "ben-x", "/gitmend approve");
    await announce(branch);
    const paused = await eventually("it is held", async () => (await stateOf(id)).paused);
    expect(paused).toMatchObject({ by: "ben", scope: { kind: "execution" } });
    github.review(branch, "ana-x");
    await announce(branch);
    const said = /\*\*Held by ben\*\*.*What can be said here/s;
    await eventually("it says so, and what can be said", () =>
      github.comments(branch).at(-1)?.body.match(said),
    );
    github.merge(branch, "ana-x");
    await announce(branch);
    await eventually("it is approved", async () => (await stateOf(id)).approved || null);
    expect(wanted("ten")).toBe(2);
    expect((await given.run(["resume", "--execution", id, "--reason", "looked at it"])).code).toBe(0);
    expect(await endOf(id)).toMatchObject({ outcome: "succeeded" });
    expect((await stateOf(id)).holds).toHaveLength(1);
    expect(wanted("ten")).toBe(3);
  });

  it("is refused when something else than a parameter was changed, whoever approved that", async () => {
    const { id, branch } = await asked("nine");
    const file = `approvals/${id}.yaml`;
    const text = github.fileAt(branch, file) ?? "";
    github.push(branch, "ben-x", { [file]: text.replaceAll("nine", "one") });
    await announce(branch);
    const only = /may not be changed here, only parameters/;
    await eventually("it says so", () => github.comments(branch)[0]?.body.match(only));
    github.review(branch, "ana-x");
    github.merge(branch, "ana-x");
    await announce(branch);
    expect(await endOf(id)).toMatchObject({ outcome: "refused", escalated: true });
    expect([wanted("one"), wanted("nine")]).toEqual([3, 2]);
  });

  it("waits while GitHub is away, and goes on when it is back", async () => {
    github.fault = () => ({ status: 502 });
    const { cluster } = given.simulation;
    cluster.deploy({ namespace: "shop", name: "seven", replicas: 2 });
    await cluster.until("it is healthy", () => cluster.deployment("shop", "seven").healthy, 20);
    const pod =
      cluster.pods("shop").find(({ metadata }) => metadata.name?.startsWith("seven-") === true)?.metadata
        .name ?? "";
    const { length } = github.calls;
    await given.deliver(firing("Busy", { namespace: "shop", pod }, "seven"));
    await eventually(
      "it has tried twice",
      () => github.calls.slice(length).filter(({ status }) => status === 502).length > 1 || null,
    );
    github.fault = () => null;
    const id = await given.execution("ask", ({ phase }) => phase === "awaiting_approval");
    await eventually("people are asked", async () => (await stateOf(id)).approval !== null || null);
  });
});
