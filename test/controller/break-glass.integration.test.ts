// Breaking the glass, with a real controller, real PostgreSQL and real ssh-keygen, while the forge hangs or is away: what an
// emergency needs goes on, and whoever tries to get more out of it gets nothing.
import { execFileSync } from "node:child_process";
import { randomUUID } from "node:crypto";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { fold } from "../../src/domain/execution/evolve.ts";
import { type LiftStatement, liftNamespace, statementText } from "../../src/domain/gate/break-glass.ts";
import { firing, type GivenController, givenController } from "../cli/given-controller.ts";
import { eventually } from "../support/eventually.ts";
import { git, type SshKey, sshKey, temporaryFolder } from "../support/git.ts";
import { type HttpService, startHttpService } from "../support/http-service.ts";

let given: GivenController;
let receiver: HttpService;
let folder: ReturnType<typeof temporaryFolder>;
const keys: Record<string, SshKey> = {};

beforeAll(async () => {
  folder = temporaryFolder();
  receiver = await startHttpService();
  for (const name of ["ana", "bo", "cy", "mallory"]) keys[name] = sshKey(folder.path, name);
  const tokenFile = join(folder.path, "token");
  writeFileSync(tokenFile, "token of a forge that is away");
  const channel = (path: string) => ({ kind: "webhook", url: `${receiver.url}/${path}` });
  given = await givenController({
    approvals: {
      people: [
        { id: "ana", signer: keys["ana"]!.publicKey },
        { id: "bo", signer: keys["bo"]!.publicKey },
        { id: "cy", signer: keys["cy"]!.publicKey },
        { id: "dee" },
      ],
      teams: { lead: ["ana", "dee"] },
      emergency: ["team:lead", "bo"],
      forge: {
        type: "gitea",
        // Nobody listens there: the forge is away all the time.
        url: "http://127.0.0.1:9/api/v1",
        repository: "example/approvals",
        token: { file: tokenFile },
      },
    },
    notifications: {
      channels: { pager: channel("pager"), chat: channel("chat") },
      default: "pager",
      allow_private: true,
    },
    live: [{ namespaces: ["shop", "till", "spare", "frozen"] }],
  });
});
afterAll(async () => {
  await given.stop();
  await receiver.stop();
  folder.remove();
});

const stateOf = async (id: string) => fold(await given.app.database.executions.events(id));
const ended = (id: string) =>
  eventually("it has ended", async () => {
    const state = await stateOf(id);
    return state.phase === "ended" ? state : null;
  });
const wanted = (name: string) => given.simulation.cluster.deployment("shop", name).wanted;

/** A Deployment of this name, whose alert has a plan that waits for a request that the forge does not take. */
async function waiting(name: string): Promise<string> {
  const { cluster } = given.simulation;
  cluster.deploy({ namespace: "shop", name, replicas: 2 });
  await cluster.until("it is healthy", () => cluster.deployment("shop", name).healthy, 20);
  const pod =
    cluster
      .pods("shop")
      .map(({ metadata }) => metadata.name ?? "")
      .find((one) => one.startsWith(`${name}-`)) ?? "";
  await given.deliver(firing("Busy", { namespace: "shop", pod }, name));
  return eventually("it waits for people", async () => {
    const { rows } = await given.app.database.pool.query<{ id: string }>(
      "select id::text from executions where target_name = $1 and phase = 'awaiting_approval'",
      [name],
    );
    return rows[0]?.id;
  });
}

function sign(text: string, key: SshKey, namespace = liftNamespace): string {
  const args = ["-Y", "sign", "-f", key.privateKeyFile, "-n", namespace];
  return execFileSync("ssh-keygen", args, { input: text, stdio: ["pipe", "pipe", "ignore"] }).toString();
}

async function statementFor(id: string, changes: Partial<LiftStatement> = {}): Promise<LiftStatement> {
  const answer = await given.api(`/api/v1/executions/${id}/break-glass`);
  const { execution, digest, at, until } = (await answer.json()) as LiftStatement;
  return { execution, digest, at, until, by: "ana", reason: "the shop is down", ...changes };
}

async function post(
  id: string,
  statement: object,
  signature: string,
  url = given.app.url,
  token = given.app.token,
) {
  const answer = await fetch(`${url}/api/v1/executions/${id}/break-glass`, {
    method: "POST",
    headers: { authorization: `Bearer ${token}`, "content-type": "application/json" },
    body: JSON.stringify({ statement, signature }),
  });
  const body = (await answer.json()) as { code?: string; detail?: string; title?: string; lifted?: boolean };
  return { status: answer.status, said: JSON.stringify(body), code: body.code };
}

describe("in an emergency", () => {
  it("runs a plan while the forge is away, and everybody and the record know who and why", async () => {
    const id = await waiting("one");
    expect((await stateOf(id)).approval).toBeNull();
    const args = [
      "approve",
      id,
      "--break-glass",
      "--key",
      keys["ana"]!.privateKeyFile,
      "--reason",
      "the shop is down",
    ];
    const run = await given.run(args);
    expect([run.code, run.out]).toEqual([0, expect.stringContaining("approvals lifted by ana")]);
    expect(run.err).toMatch(/^ask on sim\/shop\/deploy\/one, risk \w+, would run without 1 of any approver:/);
    expect(run.err).toContain("- spec.replicas: 2");
    const state = await ended(id);
    expect([state.outcome, wanted("one")]).toEqual(["succeeded", 3]);
    expect(state.lift).toMatchObject({ by: "ana", reason: "the shop is down" });

    const told = await eventually("both channels were told", () => {
      const bodies = receiver.calls.filter(
        ({ body }) => body.includes(id) && body.includes("break-glass by ana"),
      );
      return new Set(bodies.map(({ url }) => url)).size === 2 ? bodies : null;
    });
    expect(told[0]?.body).toContain("the shop is down");
    const items = given.simulation.cluster.list("events", "shop") as unknown as {
      reason: string;
      message: string;
    }[];
    expect(items.find(({ reason }) => reason === "RemediationBreakGlass")?.message).toContain(
      "break-glass by ana: the shop is down",
    );
    const log = await eventually("the record says it", () => {
      const text = git(given.app.auditFolder, ["log", "--format=%s%n%b", "audit", "--grep", id]);
      return text.includes("remediate(") ? text : null;
    });
    expect(log).toMatch(/^plan\(.*break-glass by ana/m);
    expect(log).toContain("Approved-By: break-glass by ana: the shop is down");
    const shown = await given.run(["executions", "show", id]);
    expect(shown.out).toContain("break-glass by ana: the shop is down");
    const report = git(given.app.auditFolder, ["grep", "-h", "Approvals lifted", "audit"]);
    expect(report).toContain("break-glass by ana: the shop is down");
  });

  it("can be lifted on another replica than the one that drives it", async () => {
    const another = await given.another("other");
    const id = await waiting("two");
    const statement = await statementFor(id, { by: "bo" });
    const signature = sign(statementText(statement), keys["bo"]!);
    expect(await post(id, statement, signature, another.app.url, another.app.token)).toMatchObject({
      status: 200,
    });
    expect((await ended(id)).outcome).toBe("succeeded");
    await another.stop();
  });
});

describe("an attacker", () => {
  it("gets nothing by any statement or signature but the right one, and the right one works once", async () => {
    const id = await waiting("three");
    const other = await waiting("four");
    const good = await statementFor(id);
    const late = new Date(Date.parse(good.until) + 60_000).toISOString();
    const future = new Date(Date.parse(good.at) + 3_600_000).toISOString();
    const hourAgo = new Date(Date.parse(good.at) - 3_600_000).toISOString();
    const signed = (statement: LiftStatement, key = keys["ana"]!, namespace = liftNamespace) =>
      [statement, sign(statementText(statement), key, namespace)] as const;
    const mine = sign(statementText(good), keys["ana"]!);
    const attempts: readonly (readonly [string, LiftStatement, string, string])[] = [
      ["a stranger's key", ...signed(good, keys["mallory"]), "not the signature of ana"],
      ["another person's key", ...signed(good, keys["bo"]), "not the signature of ana"],
      [
        "a person who is not in emergency",
        ...signed({ ...good, by: "cy" }, keys["cy"]),
        "none of approvals.emergency",
      ],
      ["one without a key", ...signed({ ...good, by: "dee" }), "dee has no signer"],
      ["nobody's name", ...signed({ ...good, by: "-n git" }), "none of approvals.emergency"],
      ["a pattern as a name", ...signed({ ...good, by: "*" }), "none of approvals.emergency"],
      ["a signature for Git", ...signed(good, keys["ana"], "git"), "not the signature of ana"],
      ["another reason", { ...good, reason: "nothing" }, mine, "not the signature of ana"],
      ["another time", { ...good, until: late }, mine, "not the signature of ana"],
      [
        "garbage",
        good,
        "-----BEGIN SSH SIGNATURE-----\nAAAA\n-----END SSH SIGNATURE-----\n",
        "not the signature",
      ],
      ["more than 15 minutes", ...signed({ ...good, until: late }), "longer than 15 minutes"],
      ["a time to come", ...signed({ ...good, at: future, until: future }), "has not come"],
      ["yesterday's", ...signed({ ...good, at: hourAgo, until: hourAgo }), "its time was over"],
      ["another plan", ...signed({ ...good, digest: `sha256:${"0".repeat(64)}` }), "the plan is another one"],
      ["another execution", ...signed({ ...good, execution: other }), "for another execution"],
    ];
    for (const [what, statement, signature, why] of attempts) {
      const answer = await post(id, statement, signature);
      expect([what, answer.status, answer.code, answer.said]).toEqual([
        what,
        409,
        "APPROVAL_INVALID",
        expect.stringContaining(why),
      ]);
    }
    for (const body of [
      { ...good, more: 1 },
      { ...good, reason: " " },
      { ...good, reason: "x".repeat(2000) },
      { ...good, until: "soon" },
      {},
    ])
      expect((await post(id, body, mine)).status).toBe(400);
    expect((await post(id, good, "x".repeat(50_000))).status).toBe(400);
    expect((await post(randomUUID(), good, mine)).status).toBe(404);
    expect([await stateOf(id), wanted("three")]).toMatchObject([
      { phase: "awaiting_approval", lift: null },
      2,
    ]);

    const both = await Promise.all([post(id, good, mine), post(id, good, mine)]);
    expect(both.map(({ status }) => status)).toContain(200);
    expect((await ended(id)).outcome).toBe("succeeded");
    expect(await post(id, good, mine)).toMatchObject({ code: "APPROVAL_INVALID" });
    const lifts = (await given.app.database.executions.events(id)).filter(
      ({ event }) => event.type === "ApprovalLifted",
    );
    expect([lifts.length, wanted("three"), wanted("four")]).toEqual([1, 3, 2]);
    expect((await post(other, good, mine)).said).toContain("for another execution");
  });

  it("lifts no pause: what waits under one goes on only when people say so", async () => {
    const id = await waiting("five");
    await given.run(["pause", "--namespace", "shop", "--reason", "an audit"]);
    const statement = await statementFor(id);
    expect(await post(id, statement, sign(statementText(statement), keys["ana"]!))).toMatchObject({
      status: 200,
    });
    await eventually("it stands", async () => (await stateOf(id)).paused);
    expect(wanted("five")).toBe(2);
    await given.run(["executions", "cancel", id, "--reason", "enough"]);
    expect((await ended(id)).outcome).toBe("cancelled");
    await given.run(["resume", "--namespace", "shop", "--reason", "over"]);
    expect(wanted("five")).toBe(2);
  });

  it("is no way around a denial, nor for whoever has started it", async () => {
    const frozen = await given.run([
      "start",
      "ask",
      "--target",
      "deploy/api",
      "-n",
      "frozen",
      "--reason",
      "now",
    ]);
    expect(frozen.code).not.toBe(0);
    await given.run(["start", "ask", "--target", "deploy/api", "-n", "till", "--reason", "now"]);
    const id = await given.execution("ask", ({ phase }) => phase === "awaiting_approval");
    const args = ["approve", id, "--break-glass", "--key", keys["ana"]!.privateKeyFile, "--reason", "mine"];
    const own = await given.run(args);
    expect([own.code, own.err]).toEqual([1, expect.stringContaining("ana has asked for this plan")]);
  });

  it("says on the command line what is missing", async () => {
    for (const [args, why] of [
      [["--break-glass", "--key", "k"], "needs --reason"],
      [["--break-glass", "--reason", "x"], "needs --key"],
      [["--reason", "x"], "goes with --break-glass"],
    ] as const) {
      const run = await given.run(["approve", "000000000000", ...args]);
      expect([run.code, run.err]).toEqual([2, expect.stringContaining(why)]);
    }
    const id = await waiting("six");
    const missing = join(folder.path, "no-key");
    const run = await given.run(["approve", id, "--break-glass", "--reason", "x", "--key", missing]);
    expect([run.code, run.err]).toEqual([1, expect.stringContaining("it cannot be signed with")]);
  });
});
