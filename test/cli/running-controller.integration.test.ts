import { execFileSync } from "node:child_process";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { ExecutionSummary } from "../../src/controller/ports.ts";
import { eventually } from "../support/eventually.ts";
import { firing, type GivenController, givenController } from "./given-controller.ts";

let given: GivenController;
beforeAll(async () => {
  given = await givenController();
});
afterAll(() => given.stop());

const run = (...args: string[]) => given.run(args);
const json = async <T>(...args: string[]): Promise<T> =>
  JSON.parse((await run(...args, "-o", "json")).out) as T;
const short = (id: string) => id.slice(-12);
const start = (template: string, namespace: string, ...more: string[]) =>
  run("start", template, "--target", "deploy/api", "-n", namespace, "--reason", "sale at noon", ...more);
const replicas = async (namespace: string) => {
  const tools = given.app.clusters.byName.get("sim")?.connection.api(AbortSignal.timeout(5_000));
  const ref = { cluster: "sim", apiVersion: "apps/v1", kind: "Deployment", namespace, name: "api" };
  return (await tools?.get(ref))?.spec?.["replicas"];
};
const newest = async (template: string) =>
  (await json<{ items: ExecutionSummary[] }>("executions", "list", "--template", template)).items[0];
const hasEnded = ({ phase }: { phase: string }) => phase === "ended";

describe("a person who starts a template by hand", () => {
  it("sees with --dry-run what it would do, and nothing happens", async () => {
    const { code, out } = await start("scale", "shop", "--set", "replicas=4", "--dry-run");
    expect([code, out]).toEqual([0, expect.stringContaining("+ spec.replicas: 4")]);
    expect(out).toContain("nothing was started");
    expect(await newest("scale")).toBeUndefined();
    expect(await replicas("shop")).toBe(2);
  });

  it("gets an execution like any other: watched, shown, recorded in Git with the person's name", async () => {
    const started = await start("scale", "shop", "--set", "replicas=4");
    expect(started).toMatchObject({
      code: 0,
      err: "",
      out: expect.stringContaining("gitmend executions watch"),
    });
    const id = /execution ([0-9a-f-]{36})/.exec(started.out)?.[1] ?? "";
    const watched = await run("executions", "watch", short(id));
    expect(watched.code).toBe(0);
    expect(watched.out).toMatch(
      /started by ana: sale at noon[\s\S]*step started[\s\S]*succeeded +every step/,
    );
    expect(await replicas("shop")).toBe(4);
    expect((await run("executions", "show", short(id))).out).toContain("started by ana");
    // It is there from the gate on, and once more with the end.
    const outcome = await eventually("the record of its end is in Git", async () => {
      const { out } = await run("audit", "report", short(id));
      return out.includes("ana started it by hand")
        ? (await json<{ outcome: string | null }>("audit", "show", id)).outcome
        : null;
    });
    expect(outcome).toBe("succeeded");
    const log = execFileSync("git", [
      "--git-dir",
      given.app.auditFolder,
      "log",
      "--format=%B",
      "audit",
    ]).toString();
    expect(log).toContain("Started-By: ana");
  });

  it("is held by the cool-down like an alert", async () => {
    const { code, err } = await start("scale", "shop");
    expect([code, err]).toEqual([1, expect.stringMatching(/cool-down until .*NOT_NOW/)]);
  });

  it("is refused by the same guards, with the rule, and that is on record", async () => {
    const { code, out } = await start("scale", "frozen");
    expect([code, out]).toEqual([1, expect.stringContaining("tests/never-in-frozen")]);
    expect(out).toContain("refused, nothing was changed");
    expect(await replicas("frozen")).toBe(2);
  });

  it("changes nothing where gitmend only observes", async () => {
    const { code, out } = await start("scale", "quiet");
    expect([code, out]).toEqual([0, expect.stringContaining("it looks and changes nothing")]);
    await given.execution("scale", ({ outcome }) => outcome === "observed");
    expect(await replicas("quiet")).toBe(2);
  });

  it.each([
    [["scal", "--target", "deploy/api", "-n", "till"], 1, /did you mean "scale"\?.*NOT_FOUND/],
    [["broken", "--target", "deploy/api", "-n", "till"], 1, /manual: true.*FORBIDDEN/],
    [["scale", "--target", "deploy/nope", "-n", "till"], 1, /no Deployment till\/nope in cluster sim/],
    [["scale", "--target", "deploy/api", "-n", "till", "--cluster", "sin"], 2, /did you mean "sim"/],
    [["scale", "--target", "deploy/api"], 2, /needs a namespace/],
    [["scale", "--target", "api", "-n", "till"], 2, /kind\/name/],
    [["scale", "--target", "ingress/api", "-n", "till"], 2, /kind\/name/],
    [["scale", "--target", "deploy/api", "-n", "till", "--set", "replicas"], 2, /name=value/],
    [["scale", "--target", "deploy/api", "-n", "till", "--set", "replicas=99"], 1, /replicas/],
    [["scale", "--target", "deploy/api", "-n", "till", "--set", "size=4"], 1, /size/],
  ])("who makes a mistake is told which: %j", async (args, code, said) => {
    const result = await run("start", ...args, "--reason", "x");
    expect([result.code, result.err.replaceAll("\n", " ")]).toEqual([code, expect.stringMatching(said)]);
    expect(result.out).toBe("");
  });

  it("has to say why", async () => {
    expect(await run("start", "scale", "--target", "deploy/api", "-n", "till")).toMatchObject({ code: 2 });
    const blank = await run("start", "scale", "--target", "deploy/api", "-n", "till", "--reason", " ");
    expect(blank).toMatchObject({ code: 2, err: expect.stringContaining("reason is a text") });
  });

  it("may not approve it: somebody else does", async () => {
    expect((await start("ask", "till")).out).toContain("by somebody else than ana");
    const id = await given.execution("ask", ({ phase }) => phase === "awaiting_approval");
    const own = await eventually("people are asked", async () => {
      const tried = await run("approve", short(id));
      return tried.err.includes("NOT_NOW") ? undefined : tried;
    });
    expect(own).toMatchObject({ code: 1, err: expect.stringContaining("somebody else has to approve it") });
    expect(await newest("ask")).toMatchObject({ phase: "awaiting_approval" });
    const other = await run("approve", short(id), "--as", "bo");
    expect(other).toMatchObject({ code: 0, out: expect.stringContaining("merged") });
    await given.execution("ask", ({ outcome }) => outcome === "succeeded");
    expect(await replicas("till")).toBe(3);
  });

  it("is told what is under way for the same target: of two at once, one starts", async () => {
    const both = await Promise.all([start("ask", "spare"), start("ask", "spare")]);
    expect(both.map(({ code }) => code).reduce((sum, code) => sum + code)).toBe(1);
    expect(both.map(({ err }) => err).join("")).toMatch(
      /execution [0-9a-f-]{36} of the same target is under way \(NOT_NOW\)/,
    );
    const { items } = await json<{ items: ExecutionSummary[] }>("executions", "list", "-n", "spare");
    expect(items).toHaveLength(1);
    const cancelled = await run("executions", "cancel", short(items[0]?.id ?? ""), "--reason", "enough");
    expect(cancelled).toMatchObject({ code: 0, out: expect.stringContaining("ended: cancelled") });
  });

  it("watches it while it runs, and the end is told when somebody cancels it", async () => {
    await eventually(
      "the cool-down is over",
      async () => (await start("slow", "spare")).code === 0 || undefined,
    );
    const id = await given.execution("slow", ({ phase }) => phase === "running");
    const watched = run("executions", "watch", short(id), "-o", "json");
    const cancelled = await run("executions", "cancel", short(id), "--reason", "enough");
    expect(cancelled.code).toBe(0);
    const { code, out } = await watched;
    const types = out
      .trimEnd()
      .split("\n")
      .map((line) => (JSON.parse(line) as { event: { type: string } }).event.type);
    expect([code, types.at(0), types.at(-1)]).toEqual([1, "ExecutionRequested", "Ended"]);
    expect(types).toContain("CancelRequested");
  });
});

describe("gitmend now against a controller", () => {
  it("tells of what waits, what needs a person and what nobody has a rule for; hostile names stay text", async () => {
    await given.deliver(
      firing("Busy", { namespace: "shop", deployment: "api", note: "\u001b[2J\u202e" }, "a1"),
      firing("Bad", { namespace: "till", deployment: "api" }, "a2"),
      firing("Odd\u001b[2J\u009b2J", { namespace: "shop" }, "a3"),
      ...Array.from({ length: 30 }, (_, index) =>
        firing("NoRule", { namespace: "quiet", pod: `api-${index}` }, `n${index}`),
      ),
    );
    await given.execution("ask", ({ phase }) => phase === "awaiting_approval");
    await given.execution("broken", hasEnded);
    const text = await eventually("everything is decided", async () => {
      const { out } = await run("now");
      return out.includes("NoRule (warning) ×30") ? out : undefined;
    });
    expect(text).toMatch(
      /NEEDS A PERSON[\s\S]*broken[\s\S]*WAITS FOR AN APPROVAL[\s\S]*ask[\s\S]*FIRES, AND NOTHING RUNS/,
    );
    expect(text).toContain("no rule matches");
    expect(text).not.toMatch(/[\u001b\u009b\u202e]/);
    expect(text.split("\n").filter((line) => [...line].length > 100)).toEqual([]);
    const asked = await run("now", "-o", "json");
    expect(asked.out).not.toMatch(/[\u001b\u009b]/);
    expect(JSON.parse(asked.out)).toMatchObject({ mode: "live", health: { firing: 33 } });
    expect((await run("now", "-o", "yaml")).out).not.toMatch(/[\u001b\u009b]/);
  });

  it("says when the newest commit of the catalog is broken, and that the last good one stays", async () => {
    given.push({ "templates/oops.yaml": "name: oops\nsteps: 7\n" });
    await eventually(
      "the commit is looked at",
      async () => (await run("now")).out.includes("has 1 error") || undefined,
    );
    expect(await run("doctor")).toMatchObject({ code: 1, out: expect.stringMatching(/fail +catalog/) });
    given.push({ "templates/oops.yaml": null });
    await eventually("it is mended", async () => !(await run("now")).out.includes("error") || undefined);
  });
});

describe("what needs a person", () => {
  it("stands first while nobody was told, with what to type, until a person has seen it", async () => {
    const id = await given.execution("broken", hasEnded);
    const list = async () => (await run("executions", "list")).out.split("\n");
    expect((await list())[1]).toMatch(new RegExp(`${short(id)}.*rolled_back !.*broken`));
    const shown = (await run("executions", "show", short(id))).out;
    expect(shown).toMatch(
      /TOLD +nobody was told yet[\s\S]*TRIED[\s\S]*FOUND[\s\S]*replicas is 3; gitmend had written 4/,
    );
    expect(await run("executions", "acknowledge", short(id), "--reason", "on it")).toMatchObject({
      code: 0,
      out: `${short(id)} is seen by ana\n`,
    });
    expect((await run("executions", "acknowledge", short(id), "--as", "bo")).out).toMatch(
      /seen by ana already/,
    );
    expect((await run("executions", "show", short(id))).out).toMatch(/TOLD +seen by ana at .*: on it/);
    expect((await run("now")).out).not.toContain("NEEDS A PERSON");
    const scaled = await given.execution("scale", hasEnded);
    expect(await run("executions", "acknowledge", short(scaled))).toMatchObject({
      code: 1,
      out: `${short(scaled)} needs nobody: observed\n`,
    });
  });
});

describe("lists", () => {
  it("of executions come page by page and filtered, newest first, without a gap", async () => {
    const all = await json<{ items: ExecutionSummary[] }>("executions", "list", "--limit", "500");
    const seen: string[] = [];
    for (let before: string | null = null; ; ) {
      const more: readonly string[] = before === null ? [] : ["--before", before];
      const page: { items: ExecutionSummary[]; next: string | null } = await json(
        "executions",
        "list",
        "--limit",
        "2",
        ...more,
      );
      seen.push(...page.items.map(({ id }) => id));
      before = page.next;
      if (before === null) break;
    }
    expect(seen).toEqual(all.items.map(({ id }) => id));
    expect(seen.length).toBeGreaterThan(4);
    const filtered = async (...args: string[]) =>
      (await json<{ items: ExecutionSummary[] }>("executions", "list", ...args)).items;
    expect((await filtered("--outcome", "observed")).map(({ outcome }) => outcome)).toEqual(["observed"]);
    expect(new Set((await filtered("-n", "till")).map(({ target }) => target?.namespace))).toEqual(
      new Set(["till"]),
    );
    expect((await filtered("--live")).every(({ outcome }) => outcome === null)).toBe(true);
    const attention = await filtered("--attention");
    expect(attention.map(({ template }) => template).toSorted()).toEqual(["ask"]);
    expect(await run("executions", "list", "--outcome", "great")).toMatchObject({ code: 2 });
  });

  it("of incidents lead to their alerts, executions and decisions", async () => {
    const { items } = await json<{ items: { id: string; key: string }[] }>("incidents", "list", "--open");
    const till = items.find(({ key }) => key === "sim/apps/Deployment/till/api");
    const shown = await run("incidents", "show", short(till?.id ?? ""));
    expect(shown).toMatchObject({
      code: 0,
      out: expect.stringMatching(/ALERTS[\s\S]*Bad[\s\S]*EXECUTIONS[\s\S]*broken[\s\S]*DECISIONS/),
    });
    expect((await run("incidents", "list")).out).toContain("sim/till/deploy/api");
    expect(await run("incidents", "show", "ffffffffffff")).toMatchObject({
      code: 1,
      err: expect.stringContaining("NOT_FOUND"),
    });
    expect(await run("incidents", "show", "../..")).toMatchObject({ code: 2 });
  });
});

describe("dead letters", () => {
  const letters = () =>
    json<{ items: { id: string; reason: string }[] }>("dead-letters", "list", "--limit", "500");

  it("are listed with their reason, shown whole, replayed when they can be read by now, and dropped", async () => {
    await given.deliver(
      { status: "odd", labels: { alertname: "Odd\u009b2J" }, startsAt: "2026-11-17T10:00:00Z" },
      { status: "odder", labels: {} },
    );
    const { items } = await letters();
    const [newest, older] = items;
    expect(items).toHaveLength(2);
    const listed = await run("dead-letters", "list");
    expect(listed.out).toContain("STATUS_INVALID");
    expect(listed.out).not.toMatch(/[\u001b\u009b]/);
    expect((await run("dead-letters", "show", older?.id ?? "")).out).toContain('"odd"');
    const still = await run("dead-letters", "replay", older?.id ?? "");
    expect(still).toMatchObject({
      code: 2,
      err: expect.stringContaining("it still cannot be read: STATUS_INVALID"),
    });
    const page = await json<{ items: { id: string }[] }>(
      "dead-letters",
      "list",
      "--before",
      newest?.id ?? "",
    );
    expect(page.items.map(({ id }) => id)).toEqual([older?.id]);
    expect(await run("dead-letters", "drop", newest?.id ?? "")).toMatchObject({ code: 0 });
    expect(await run("dead-letters", "drop", newest?.id ?? "")).toMatchObject({
      code: 1,
      err: expect.stringContaining("NOT_FOUND"),
    });
    expect((await letters()).items.map(({ id }) => id)).toEqual([older?.id]);
    expect(await run("dead-letters", "show", "1; drop")).toMatchObject({ code: 2 });
  });

  it("that can be read now become alerts, and are gone", async () => {
    const alert = firing("Late", { namespace: "quiet", pod: "api-1" }, "late1");
    const database = given.app.database;
    const { items } = await letters();
    await database.pool.query("update dead_letters set body = $1::text where id = $2::bigint", [
      JSON.stringify(alert),
      items[0]?.id,
    ]);
    const replayed = await run("dead-letters", "replay", items[0]?.id ?? "");
    expect(replayed).toMatchObject({
      code: 0,
      out: expect.stringContaining("is an alert like any other now"),
    });
    expect((await letters()).items).toEqual([]);
    await eventually("it fires", async () => (await run("now")).out.includes("Late (warning)") || undefined);
  });
});

describe("gitmend audit", () => {
  const audit = (...args: string[]) => run("audit", ...args, "--repository", given.app.auditFolder);

  it("reads folders and URLs, by the beginning or the end of an id", async () => {
    const { id } = (await newest("broken")) as ExecutionSummary;
    const log = await eventually("all is published", async () => {
      const { out } = await audit("log");
      return out.includes(short(id)) && out.includes("rolled_back") ? out : undefined;
    });
    expect(log).toMatch(/ID +AT +STATE +GATE +TEMPLATE +TARGET/);
    const url = await run("audit", "report", short(id), "--repository", `file://${given.app.auditFolder}`);
    expect(url).toMatchObject({
      code: 0,
      out: expect.stringContaining("broken on sim/till/deploy/api: rolled back"),
    });
    expect(url.out).not.toMatch(/[|`*]{2}|&#|^#/m);
    expect((await audit("report", id)).out).toBe(url.out);
    expect((await audit("show", short(id))).out).toContain("outcome: rolled_back");
    expect((await run("audit", "log", "--limit", "1", "-o", "json")).out).toContain("Execution-Id");
  });

  it("has what people paused, beside what ran", async () => {
    await run("pause", "-n", "quiet", "--for", "1h", "--reason", "a migration");
    await run("resume", "-n", "quiet", "--reason", "done");
    const log = await eventually("both are published", async () => {
      const { out } = await audit("log");
      return out.includes("resume quiet by ana") ? out : undefined;
    });
    const line = /([0-9a-f]{12}) +[-\d]+ [\d:]+ +control +- +- +pause quiet by ana until/.exec(log);
    const shown = await audit("show", line?.[1] ?? "");
    expect(shown).toMatchObject({ code: 0, out: expect.stringContaining("reason: a migration") });
    expect(await audit("report", line?.[1] ?? "")).toMatchObject({
      code: 1,
      err: expect.stringContaining(`gitmend audit show ${line?.[1]}`),
    });
  });

  it.each([
    [["report", "ffffffffffff"], 1, "no execution ffffffffffff is on record"],
    [["report", "x; rm"], 2, "no id of an execution"],
    [["log", "--limit", "-3"], 2, "--limit"],
    [["log", "--branch", "nope"], 1, "has no branch nope"],
  ])("says what is wrong with %j", async (args, code, said) => {
    expect(await audit(...args)).toMatchObject({ code, err: expect.stringContaining(said), out: "" });
  });

  it("says so of a folder that holds no repository", async () => {
    const folder = join(given.app.auditFolder, "refs");
    const result = await run("audit", "log", "--repository", folder);
    expect(result).toMatchObject({ code: 1, err: expect.stringContaining("is no Git repository") });
  });

  it("leaves no clone behind", async () => {
    const before = execFileSync("sh", [
      "-c",
      "ls -d ${TMPDIR:-/tmp}/gitmend-audit-* 2>/dev/null | wc -l",
    ]).toString();
    await run("audit", "log", "--repository", `file://${given.app.auditFolder}`);
    expect(
      execFileSync("sh", ["-c", "ls -d ${TMPDIR:-/tmp}/gitmend-audit-* 2>/dev/null | wc -l"]).toString(),
    ).toBe(before);
    expect(existsSync(given.app.auditFolder)).toBe(true);
  });
});

describe("gitmend doctor against a controller", () => {
  it("has a line for each thing and asks the cluster for every permission", async () => {
    const { code, out } = await run("doctor");
    for (const name of [
      "database",
      "clock",
      "record",
      "catalog",
      "config repository",
      "cluster sim",
      "permissions in sim",
      "disk",
    ])
      expect(out).toMatch(new RegExp(`^ok +${name}`, "m"));
    expect([code, out]).toEqual([0, expect.stringContaining("Nothing fails")]);
    const { checks } = await json<{ checks: { status: string }[] }>("doctor");
    expect(checks.length).toBeGreaterThan(8);
  });
});

describe("/metrics of a controller", () => {
  it("counts what has happened and passes promtool", async () => {
    const text = await (await given.api("/metrics")).text();
    execFileSync("promtool", ["check", "metrics"], { input: text });
    for (const line of [
      'gitmend_executions_total{template="broken",outcome="rolled_back"} 1',
      'gitmend_rollbacks_total{result="complete"} 1',
      'gitmend_approvals_total{decision="granted"} 1',
      'gitmend_executions_active{state="awaiting_approval"} 1',
      'gitmend_executions_active{state="running"} 0',
      'gitmend_alerts_suppressed_total{reason="no-match"}',
      "gitmend_audit_lag_seconds",
      "gitmend_catalog_revision_info{revision=",
      "gitmend_catalog_invalid 0",
    ])
      expect(text).toContain(line);
    expect(text).not.toMatch(/api-\d/);
  });
});

describe("the database of a controller", () => {
  const alone = (...args: string[]) =>
    given.run(args, { environment: { GITMEND_DATABASE_URL: given.databaseUrl }, workingFolder: "/" });

  it("agrees with its events after all that has happened here, and is looked at while it works", async () => {
    const { code, out, err } = await alone("doctor", "--integrity");
    expect([code, out, err]).toEqual([
      0,
      expect.stringContaining("All that follows from the events is as they say."),
      "",
    ]);
    expect(out).toMatch(/^\d+ executions, \d+ events examined/);
  });

  it("is not repaired under a replica's hands", async () => {
    expect(await alone("doctor", "--repair")).toMatchObject({
      code: 1,
      out: "",
      err: expect.stringMatching(/a replica is at work.*stop gitmend first[\s\S]*REPLICA_ALIVE/),
    });
  });

  it("needs no migration, and a dry run says so", async () => {
    expect(await alone("migrate", "--dry-run")).toMatchObject({ code: 0, out: "the schema is up to date\n" });
    expect(await alone("migrate")).toMatchObject({ code: 0, out: "the schema is up to date\n" });
  });
});
