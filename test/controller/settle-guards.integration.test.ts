// A commit to the config repository that weakens what guards it, in every way in which somebody would try: what the old guards stop is
// stopped still, on every replica, until the configured people have signed that very commit. Real PostgreSQL, Git, keys, compiler.
import { rmSync } from "node:fs";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { actions } from "../../src/actions/registry.ts";
import { allowedSigners } from "../../src/adapters/forges/local/signers.ts";
import { openCatalogSource } from "../../src/adapters/git/catalog-source.ts";
import { type Database, openDatabase } from "../../src/adapters/postgres/open-database.ts";
import type { LooseningRules } from "../../src/controller/guard-ports.ts";
import { createCatalogSync } from "../../src/controller/sync-catalog.ts";
import { renderControl } from "../../src/domain/audit/control.ts";
import { compileCatalog } from "../../src/domain/policies/compile-catalog.ts";
import { evaluateGuards } from "../../src/domain/policies/evaluate-guards.ts";
import type { GuardedPlan } from "../../src/domain/policies/rule.ts";
import type { GuardVerdict } from "../../src/domain/policies/selection.ts";
import { givenFacts } from "../fixtures/facts.ts";
import {
  bareRepository,
  git,
  type SshKey,
  sshKey,
  temporaryFolder,
  type WorkCopy,
  workCopy,
} from "../support/git.ts";
import { noMetrics } from "../support/no-metrics.ts";
import { startPostgres, type TestPostgres } from "../support/postgres.ts";

const people = (from: string, approvals: number) =>
  `{name: people, when: "plan.risk == 'high'", event: {type: require-approval, params: {from: [${from}], approvals: ${approvals}}}}`;
const freeze = `{name: freeze, when: "plan.namespaces.exists(n, n == 'pay')", event: {type: deny, params: {reason: frozen}}}`;
const waiver = `{name: waiver, event: {type: waive-approval, params: {max_risk: critical, reason: quick}}}`;
const choose = `{name: choose, on: [X], event: {type: select-template, params: {template: one}}}`;
const policy = (name: string, ...rules: readonly string[]) =>
  `name: ${name}\nrules:\n${[choose, ...rules].map((rule) => `  - ${rule}\n`).join("")}`;
const template = (risk: string) =>
  `name: one\nrisk: ${risk}\nsteps: [{name: a, action: {action: get_pod_status}}]\n`;
const guarded = {
  "templates/one.yaml": template("high"),
  "policies/p.yaml": policy("p", people("'team:sre'", 2), freeze),
};

let postgres: TestPostgres;
let folder: ReturnType<typeof temporaryFolder>;
let remote: string;
let engineer: WorkCopy;
let database: Database;
let keysFolder: ReturnType<typeof temporaryFolder>;
let keys: Record<"ana" | "ben" | "mallory", SshKey>;
beforeAll(async () => {
  postgres = await startPostgres({ fsync: false });
  keysFolder = temporaryFolder();
  const key = (name: string) => sshKey(keysFolder.path, name);
  keys = { ana: key("ana"), ben: key("ben"), mallory: key("mallory") };
});
afterAll(async () => {
  keysFolder.remove();
  await postgres.remove();
});
beforeEach(async () => {
  folder = temporaryFolder();
  remote = bareRepository(join(folder.path, "config.git"));
  engineer = workCopy(join(folder.path, "work"), remote);
  database = await openDatabase({ url: await postgres.createDatabase() });
});
afterEach(async () => {
  await database.close();
  folder.remove();
});

const two: LooseningRules = { from: ["team:sre"], signatures: 2 };

function replica(name: string, loosening: LooseningRules | null = two) {
  const said: string[] = [];
  const say = (_fields: object, message: string) => void said.push(message);
  const signers = (["ana", "ben", "mallory"] as const).map((id) => ({ id, signer: keys[id].publicKey }));
  const source = openCatalogSource({
    url: remote,
    branch: "main",
    path: "",
    credential: null,
    approvers: allowedSigners(signers),
    cacheDir: join(folder.path, `cache-${name}`),
  });
  const { alerts, catalog: catalogState, guards: guardStore } = database;
  const sync = createCatalogSync(
    {
      source,
      compiler: { compile: async (files, revision) => compileCatalog(files, revision, actions) },
      catalogState,
      guardStore,
      alerts,
      loosening,
      teams: new Map([["sre", ["ana", "ben"]]]),
      log: { info: () => undefined, warn: say, error: say },
      metrics: noMetrics,
    },
    3600,
  );
  return {
    sync,
    said,
    async look() {
      sync.lookSoon();
      await sync.round();
      return sync.current()?.revision.slice("main@sha1:".length) ?? null;
    },
    /** What the guards make of the plan that template `one` gives now. */
    async verdicts(): Promise<readonly GuardVerdict[]> {
      const catalog = sync.current()!;
      const plan: GuardedPlan = {
        risk: catalog.templates.get("one")!.risk,
        digest: "sha256:0",
        template: { name: "one" },
        touches: {
          clusters: ["c"],
          namespaces: ["pay"],
          objects: [{ kind: "Pod", namespace: "pay", name: "a" }],
          actions: [],
        },
      };
      return evaluateGuards(catalog, givenFacts(), plan);
    },
  };
}
type Replica = ReturnType<typeof replica>;

async function asBefore(one: Replica): Promise<void> {
  const verdicts = await one.verdicts();
  expect(verdicts.filter(({ effect }) => effect === "deny")).not.toEqual([]);
  expect(verdicts.filter(({ effect }) => effect === "waive")).toEqual([]);
  const asked = verdicts.filter((verdict) => verdict.effect === "require-approval");
  expect(asked).toContainEqual(expect.objectContaining({ from: ["team:sre"], approvals: 2 }));
}

/** As a person at a terminal. */
function sign(commit: string, who: keyof typeof keys, tag = `loosening/${commit.slice(0, 12)}/${who}`): void {
  const key = ["-c", "gpg.format=ssh", "-c", `user.signingKey=${keys[who].privateKeyFile}`];
  git(engineer.folder, [...key, "tag", "--force", "-s", "-m", "approved", tag, commit]);
  git(engineer.folder, ["push", "--quiet", "--force", "origin", `refs/tags/${tag}`]);
}
const controls = async () => {
  const rows = await database.pool.query("select id::text, at, act from controls order by seq");
  return rows.rows.map(({ id, at, act }) => renderControl({ id, at: at.toISOString(), act }).message);
};
const subjects = async () => (await controls()).map((message) => message.split("\n")[0]);

describe("a commit that weakens its guards stops what was stopped before", () => {
  it.each<[string, Record<string, string | null>]>([
    ["removes its own guard", { "policies/p.yaml": policy("p", freeze) }],
    ["adds itself as approver", { "policies/p.yaml": policy("p", people("'team:sre', mallory", 2), freeze) }],
    ["asks fewer", { "policies/p.yaml": policy("p", people("'team:sre'", 1), freeze) }],
    ["lowers a risk", { "templates/one.yaml": template("low") }],
    ["adds a waiver", { "policies/w.yaml": policy("w", waiver).replace(`  - ${choose}\n`, "") }],
    [
      "renames a guard and narrows it",
      { "policies/p.yaml": policy("p", people("'team:sre'", 1).replace("people,", "persons,"), freeze) },
    ],
    [
      "moves it to another file and drops the rest",
      {
        "policies/p.yaml": null,
        "policies/q.yaml": policy("q", people("'team:sre'", 2)),
      },
    ],
    [
      "narrows a condition",
      {
        "policies/p.yaml": policy(
          "p",
          people("'team:sre'", 2),
          freeze.replace("n == 'pay'", "n == 'nowhere'"),
        ),
      },
    ],
    ["deletes the policies", { "policies/p.yaml": null }],
    ["makes it unparsable", { "policies/p.yaml": "rules: [" }],
    ["makes a link of it", { "policies/p.yaml": null, "policies/p.yaml.txt": "x" }],
  ])("with one that %s", async (_what, files) => {
    const first = engineer.push(guarded);
    const one = replica("one");
    expect(await one.look()).toBe(first);
    engineer.push(files);
    await one.look();
    await asBefore(one);
    const fresh = replica("fresh");
    await fresh.look();
    await asBefore(fresh);
  });

  it("when a second commit hides the first, and when the history is rewritten", async () => {
    engineer.push(guarded);
    const one = replica("one");
    await one.look();
    engineer.push({ "policies/p.yaml": policy("p", freeze) });
    await one.look();
    engineer.push({
      "policies/other.yaml": policy("other", freeze.replace("freeze", "more")).replace(`  - ${choose}\n`, ""),
    });
    await one.look();
    await asBefore(one);
    git(engineer.folder, ["checkout", "--quiet", "--orphan", "rewritten"]);
    const rewritten = engineer.push({ "policies/p.yaml": policy("p", freeze) }, { force: true });
    git(remote, ["reflog", "expire", "--expire=now", "--all"]);
    git(remote, ["prune", "--expire=now"]);
    rmSync(join(folder.path, "cache-one"), { recursive: true });
    const fresh = replica("fresh");
    expect(await fresh.look()).toBe(rewritten);
    await asBefore(fresh);
    expect(await one.look()).toBe(rewritten);
    await asBefore(one);
  });

  it("and the rest of the commit is in use", async () => {
    engineer.push(guarded);
    const one = replica("one");
    await one.look();
    const next = engineer.push({ "policies/p.yaml": policy("p", people("'team:sre'", 3)) });
    expect(await one.look()).toBe(next);
    const rules = (await one.verdicts()).map(({ rule }) => rule);
    expect(rules).toContain("p/people");
    expect(rules).toContainEqual(expect.stringMatching(/^p\/freeze@[0-9a-f]{7}$/));
    expect(one.said).toEqual(["guards are weakened: the stricter ones count"]);
  });
});

describe("a commit that weakens nothing", () => {
  it("needs nobody: a guard that is renamed, moved or made stricter", async () => {
    engineer.push(guarded);
    const one = replica("one");
    await one.look();
    const next = engineer.push({
      "policies/p.yaml": null,
      "policies/q.yaml": policy("q", people("'team:sre'", 2), freeze.replace("freeze", "renamed")),
    });
    expect(await one.look()).toBe(next);
    expect((await one.verdicts()).map(({ rule }) => rule)).toEqual(["q/people", "q/renamed"]);
    expect([one.said, await subjects()]).toEqual([[], []]);
  });
});

describe("a weaker guard", () => {
  const weaker = { "policies/p.yaml": policy("p", people("'team:sre'", 2)) };

  it("counts once two of the team have signed that commit, and both decisions are recorded once", async () => {
    engineer.push(guarded);
    const [one, other] = [replica("one"), replica("other")];
    await one.look();
    const next = engineer.push(weaker);
    await Promise.all([one.look(), other.look()]);
    sign(next, "ana");
    await one.look();
    await asBefore(one);
    sign(next, "ben");
    await Promise.all([one.look(), other.look()]);
    expect((await one.verdicts()).map(({ rule }) => rule)).toEqual(["p/people"]);
    await other.look();
    expect((await other.verdicts()).map(({ rule }) => rule)).toEqual(["p/people"]);
    const short = next.slice(0, 7);
    expect(await subjects()).toEqual([
      `control: guards loosened by ${short}, held back`,
      `control: guards loosened by ${short} by ana, ben`,
    ]);
    expect((await controls())[1]).toContain("It loosens policies/p.yaml:5 p/freeze is gone: it denies when");
    const fresh = replica("fresh");
    await fresh.look();
    expect((await fresh.verdicts()).map(({ rule }) => rule)).toEqual(["p/people"]);
  });

  it.each<[string, (commit: string, before: string) => void]>([
    [
      "one person twice",
      (commit) => {
        sign(commit, "ana");
        sign(commit, "ana", `loosening/${commit.slice(0, 12)}/ben`);
      },
    ],
    [
      "somebody who is not of the team",
      (commit) => {
        sign(commit, "ana");
        sign(commit, "mallory");
      },
    ],
    [
      "tags that were signed for the commit before",
      (commit, before) => {
        sign(before, "ana", `loosening/${commit.slice(0, 12)}/ana`);
        sign(before, "ben", `loosening/${commit.slice(0, 12)}/ben`);
      },
    ],
    [
      "a release tag under another name",
      (commit) => {
        sign(commit, "ana");
        sign(commit, "ben", "v1.0");
        git(engineer.folder, [
          "push",
          "--quiet",
          "origin",
          `refs/tags/v1.0:refs/tags/loosening/${commit.slice(0, 12)}/ben`,
        ]);
      },
    ],
    [
      "tags that nobody signed",
      (commit) => {
        for (const who of ["ana", "ben"]) {
          const tag = `loosening/${commit.slice(0, 12)}/${who}`;
          git(engineer.folder, [
            "tag",
            "-a",
            "-m",
            `Good "git" signature for ${who} with ED25519 key SHA256:x`,
            tag,
            commit,
          ]);
          git(engineer.folder, ["push", "--quiet", "origin", `refs/tags/${tag}`]);
        }
      },
    ],
  ])("does not count with %s", async (_what, act) => {
    const before = engineer.push(guarded);
    const one = replica("one");
    await one.look();
    const next = engineer.push(weaker);
    act(next, before);
    expect(await one.look()).toBe(next);
    await asBefore(one);
  });

  it("that was approved once, taken back since and force-pushed again, needs new signatures on a new commit", async () => {
    engineer.push(guarded);
    const one = replica("one");
    await one.look();
    const next = engineer.push(weaker);
    sign(next, "ana");
    sign(next, "ben");
    await one.look();
    engineer.push(guarded);
    await one.look();
    await asBefore(one);
    git(engineer.folder, ["push", "--quiet", "--force", "origin", `${next}:main`]);
    expect(await one.look()).toBe(next);
    await asBefore(one);
  });

  it("counts at once where nobody is configured, and is recorded", async () => {
    engineer.push(guarded);
    const one = replica("one", null);
    await one.look();
    const next = engineer.push(weaker);
    await one.look();
    expect((await one.verdicts()).map(({ rule }) => rule)).toEqual(["p/people"]);
    expect(await subjects()).toEqual([`control: guards loosened by ${next.slice(0, 7)}`]);
  });
});
