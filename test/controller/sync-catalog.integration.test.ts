// Replicas on one database and one config repository: real PostgreSQL, real Git over http, the real compiler.
import { rmSync } from "node:fs";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { actions } from "../../src/actions/registry.ts";
import { catalogCompiler } from "../../src/adapters/catalog-compiler.ts";
import { openCatalogSource } from "../../src/adapters/git/catalog-source.ts";
import { type Database, openDatabase } from "../../src/adapters/postgres/open-database.ts";
import { createCatalogSync } from "../../src/controller/sync-catalog.ts";
import {
  bareRepository,
  type GitServer,
  git,
  serveGitOverHttp,
  temporaryFolder,
  type WorkCopy,
  workCopy,
} from "../support/git.ts";
import { noMetrics } from "../support/no-metrics.ts";
import { startPostgres, type TestPostgres } from "../support/postgres.ts";

const token = "a-token-for-reading";
const policy = (name: string) =>
  `name: ${name}\nrules:\n  - {name: no, on: [Nothing], event: {type: deny, params: {reason: no}}}\n`;
const broken = "name: broken\nrules:\n  - {name: no, event: {type: dney}}\n";

let postgres: TestPostgres;
let folder: ReturnType<typeof temporaryFolder>;
let server: GitServer;
let engineer: WorkCopy;
let database: Database;
beforeAll(async () => {
  postgres = await startPostgres({ fsync: false });
});
afterAll(() => postgres.remove());
beforeEach(async () => {
  folder = temporaryFolder();
  const remote = bareRepository(join(folder.path, "config.git"));
  engineer = workCopy(join(folder.path, "work"), remote);
  server = await serveGitOverHttp(folder.path, token);
  database = await openDatabase({ url: await postgres.createDatabase() });
});
afterEach(async () => {
  await database.close();
  await server.close();
  folder.remove();
});

/** Of a long interval: it looks when it is told to, as after a push webhook. */
const replica = (name: string) => {
  const logged: string[] = [];
  const say = (_fields: object, message: string) => void logged.push(message);
  const source = openCatalogSource({
    url: `${server.url}/config.git`,
    branch: "main",
    path: "",
    credential: { kind: "token", username: "gitmend", token },
    cacheDir: join(folder.path, `cache-${name}`),
  });
  const { alerts, catalog: catalogState, guards: guardStore } = database;
  const compiler = catalogCompiler(actions);
  const guards = { guardStore, loosening: null, teams: new Map() };
  const ports = { source, compiler, catalogState, alerts, metrics: noMetrics, ...guards };
  const log = { info: () => undefined, warn: say, error: say };
  const sync = createCatalogSync({ ...ports, log }, 3600);
  return {
    sync,
    logged,
    async look() {
      sync.lookSoon();
      await sync.round();
      return sync.current()?.revision ?? null;
    },
    async follow() {
      await sync.round();
      return sync.current()?.revision ?? null;
    },
  };
};
const at = (commit: string) => `main@sha1:${commit}`;

describe("two replicas", () => {
  it("act on the revision that the database names, whichever of them was told of the push", async () => {
    const first = engineer.push({ "policies/a.yaml": policy("a") });
    const [one, two] = [replica("one"), replica("two")];
    expect([await one.look(), await two.look()]).toEqual([at(first), at(first)]);
    const second = engineer.push({ "policies/b.yaml": policy("b") });
    expect(await two.look()).toBe(at(second));
    const asked = server.requests.length;
    expect(await one.follow()).toBe(at(second));
    expect(server.requests.slice(asked).join("\n")).not.toContain("ls-remote");
    expect(one.sync.current()?.ruleCount).toBe(2);
  });

  it("stay on the last good revision together, a new one too, until a good commit comes", async () => {
    const good = engineer.push({ "policies/a.yaml": policy("a") });
    const one = replica("one");
    await one.look();
    const bad = engineer.push({ "policies/a.yaml": broken });
    expect(await one.look()).toBe(at(good));
    expect(one.sync.findings()).toMatchObject({
      revision: at(bad),
      findings: [{ file: "policies/a.yaml", line: 3, severity: "error" }],
    });
    const started = replica("started-later");
    expect(await started.look()).toBe(at(good));
    const mended = engineer.push({ "policies/a.yaml": policy("c") });
    expect([await one.look(), await started.follow()]).toEqual([at(mended), at(mended)]);
  });

  it("follow a force push that took the revision in use away, one that has lost its cache too", async () => {
    engineer.push({ "policies/a.yaml": policy("a") });
    const one = replica("one");
    await one.look();
    git(engineer.folder, ["checkout", "--quiet", "--orphan", "rewritten"]);
    const second = engineer.push({ "policies/a.yaml": policy("b") }, { force: true });
    git(join(folder.path, "config.git"), ["reflog", "expire", "--expire=now", "--all"]);
    git(join(folder.path, "config.git"), ["prune", "--expire=now"]);
    rmSync(join(folder.path, "cache-one"), { recursive: true });
    expect(await replica("two").look()).toBe(at(second));
    expect(await one.follow()).toBe(at(second));
  });
});

describe("the config repository", () => {
  it("may be empty at first: nothing is in use, which is said once, and the first commit is taken", async () => {
    const one = replica("one");
    expect([await one.look(), await one.look()]).toEqual([null, null]);
    expect(one.logged).toHaveLength(1);
    expect(one.sync.findings().problem).toContain("the branch main does not exist");
    const first = engineer.push({ "policies/a.yaml": policy("a") });
    expect(await one.look()).toBe(at(first));
    expect(one.sync.findings().problem).toBeNull();
  });

  it("may lose its branch or be away: the last good revision stays", async () => {
    const first = engineer.push({ "policies/a.yaml": policy("a") });
    const one = replica("one");
    await one.look();
    git(join(folder.path, "config.git"), ["update-ref", "-d", "refs/heads/main"]);
    expect(await one.look()).toBe(at(first));
    expect(one.sync.findings().problem).toContain("does not exist");
    await server.close();
    expect(await one.look()).toBe(at(first));
    expect(one.sync.findings().problem).toContain("cannot read the head of main");
    server = await serveGitOverHttp(folder.path, token);
  });
});
