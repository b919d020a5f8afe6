// Repairs in real repositories, on disk and over http: what is pushed, how it is found again, and that no credential leaves and nothing
// is written outside, whatever a cluster or a repository says.
import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { ActionContext, ActionTools, Sources } from "../../../src/actions/action.ts";
import { effects } from "../../../src/actions/effects.ts";
import { gitPatchManifest } from "../../../src/actions/git/git-patch-manifest.ts";
import { openSources, type Source } from "../../../src/adapters/git/source-repositories.ts";
import type { ServerForge } from "../../../src/controller/forge-ports.ts";
import type { BranchEffect } from "../../../src/domain/planning/effect.ts";
import { Problem, toProblem } from "../../../src/domain/problem.ts";
import {
  bareRepository,
  type GitServer,
  git,
  serveGitOverHttp,
  temporaryFolder,
  type WorkCopy,
  workCopy,
} from "../../support/git.ts";

const token = "only-for-this-one";
const manifest = `# team shop
apiVersion: apps/v1
kind: Deployment
metadata: {name: api}
spec:
  replicas: 2 # enough
`;
const target = {
  cluster: "test",
  apiVersion: "apps/v1",
  kind: "Deployment",
  namespace: "shop",
  name: "api",
  uid: "u1",
};
const context: ActionContext = {
  executionId: "01935f00-0000-7000-8000-00000000abcd",
  step: "patch",
  effectKey: "01935f00-0000-7000-8000-00000000abcd/patch",
  cluster: "test",
  target,
};
const branch = "gitmend/00000000abcd-patch";

let folder: ReturnType<typeof temporaryFolder>;
let server: GitServer;
let bare: string;
let team: WorkCopy;
let url: string;
beforeEach(async () => {
  folder = temporaryFolder();
  bare = bareRepository(join(folder.path, "served", "shop.git"));
  team = workCopy(join(folder.path, "team"), bare);
  team.push({ "prod/api.yaml": manifest, "other/readme.md": "x" });
  server = await serveGitOverHttp(join(folder.path, "served"), token);
  url = `${server.url}/shop.git`;
});
afterEach(async () => {
  await server.close();
  folder.remove();
});

const credential = { kind: "token", username: "gitmend", token } as const;
const cacheDir = () => join(folder.path, "cache");
const opened = (entry: Partial<Source> = {}, cache = cacheDir()) =>
  openSources([{ url, credential, namespaces: ["shop"], values: [], forge: null, ...entry }], cache);
const tools = (sources: Sources) =>
  ({
    sources,
    now: () => "2026-11-23T20:00:00.000Z",
    sleep: async () => undefined,
    signal: new AbortController().signal,
  }) as unknown as ActionTools;
const input = (more: object = {}) => ({
  repository: url,
  path: "./prod/",
  fields: { "/spec/replicas": 3 },
  reason: "more\nGitmend-Effect: forged",
  ...more,
});
const prepared = async (sources: Sources, more: object = {}) =>
  (await gitPatchManifest.prepare(input(more), context, tools(sources))) as BranchEffect;
const problemOf = async (work: Promise<unknown>) =>
  toProblem(
    await work.then(
      () => new Error("it succeeded"),
      (error: unknown) => error,
    ),
  );
const branches = () => git(bare, ["for-each-ref", "--format=%(refname:short)", "refs/heads"]).split("\n");
const settled = (sources: Sources, effect: BranchEffect, wait = "0s") =>
  gitPatchManifest.settle(input({ wait_timeout: wait }), effect, context, tools(sources));

describe("a repair in Git", () => {
  it("is a branch with one commit that changes one value, and nothing is on the branch of the team", async () => {
    const sources = opened();
    const effect = await prepared(sources);
    expect(await effects.dryRun(effect, context, tools(sources))).toEqual([
      {
        pointer: "/prod/api.yaml:6",
        before: "  replicas: 2 # enough\n",
        after: "  replicas: 3 # enough\n",
        lines: true,
      },
    ]);
    expect(branches()).toEqual(["main"]);
    expect(await effects.didItHappen(effect, context, tools(sources))).toBe("no");
    await effects.apply(effect, context, tools(sources));
    expect(branches()).toEqual([branch, "main"]);
    expect(git(bare, ["show", `${branch}:prod/api.yaml`])).toBe(manifest.replace("2 #", "3 #").trimEnd());
    expect(git(bare, ["diff", "--name-only", `main..${branch}`])).toBe("prod/api.yaml");
    expect(git(bare, ["log", "--format=%s%n%an", `main..${branch}`])).toBe(
      "fix: test/shop/deploy/api\ngitmend",
    );
    expect(await problemOf(settled(sources, effect))).toMatchObject({
      code: "NOT_HEALTHY",
      message: expect.stringContaining(`nobody has merged ${branch} into main of ${url}`),
    });
  });

  it("is made once, whichever replica makes it, and found again by whoever takes over", async () => {
    const [one, other] = [opened(), opened({}, join(folder.path, "cache-2"))];
    const effect = await prepared(one);
    await effects.apply(effect, context, tools(one));
    const commit = git(bare, ["rev-parse", branch]);
    expect(await effects.didItHappen(effect, context, tools(other))).toBe("yes");
    await effects.apply(effect, context, tools(other));
    expect(git(bare, ["rev-parse", branch])).toBe(commit);
  });

  it.each([
    ["by a merge", ["merge", "--quiet", "--no-ff", "--no-edit", `origin/${branch}`]],
    ["by a fast-forward", ["merge", "--quiet", "--ff-only", `origin/${branch}`]],
    ["as a rebase", ["cherry-pick", `origin/${branch}`]],
  ])("has ended when people have taken it %s, after others' commits", async (_, how) => {
    const sources = opened();
    const effect = await prepared(sources);
    await effects.apply(effect, context, tools(sources));
    if (!how.includes("--ff-only")) team.push({ "other/readme.md": "y" });
    git(team.folder, ["fetch", "--quiet", "origin"]);
    git(team.folder, how);
    git(team.folder, ["push", "--quiet", "origin", "HEAD:main", `:${branch}`]);
    expect(await settled(sources, effect)).toEqual({ repository: url, branch, files: ["prod/api.yaml"] });
    expect(await effects.didItHappen(effect, context, tools(sources))).toBe("yes");
  });

  it.each<[string, readonly (readonly string[])[]]>([
    ["a merge", [["merge", "--quiet", "--no-ff", "--no-edit", `origin/${branch}`]]],
    ["a fast-forward", [["merge", "--quiet", "--ff-only", `origin/${branch}`]]],
    ["a rebase", [["cherry-pick", `origin/${branch}`]]],
    [
      "a squash",
      [
        ["merge", "--quiet", "--squash", `origin/${branch}`],
        ["commit", "--quiet", "-m", "squashed"],
      ],
    ],
  ])(
    "is what it was after %s, also on what others have changed in the same file meanwhile",
    async (what, how) => {
      const sources = opened();
      const effect = await prepared(sources);
      await sources.push(effect, context.effectKey);
      if (what !== "a fast-forward") team.push({ "prod/api.yaml": `# moved\n${manifest}` });
      git(team.folder, ["fetch", "--quiet", "origin"]);
      for (const args of how) git(team.folder, args);
      git(team.folder, ["push", "--quiet", "origin", "HEAD:main"]);
      const commit = git(bare, ["rev-parse", "main"]);
      expect(await sources.isIntact(effect, context.effectKey, commit)).toBe(true);
    },
  );

  it("is what it was where others have changed a line close to it, and nothing is known of a history that is gone", async () => {
    const sources = opened();
    const effect = await prepared(sources);
    await sources.push(effect, context.effectKey);
    team.push({ "prod/api.yaml": manifest.replace("{name: api}", "{name: api, labels: {tier: gold}}") });
    git(team.folder, ["fetch", "--quiet", "origin"]);
    git(team.folder, ["merge", "--quiet", "--no-ff", "--no-edit", `origin/${branch}`]);
    git(team.folder, ["push", "--quiet", "origin", "HEAD:main"]);
    const commit = git(bare, ["rev-parse", "main"]);
    expect(await sources.isIntact(effect, context.effectKey, commit)).toBe(true);
    expect(await sources.isIntact(effect, context.effectKey, "f".repeat(40))).toBe(false);
  });

  it("is not what it was when the merge brings another value, or something else into its files", async () => {
    const sources = opened();
    const effect = await prepared(sources);
    await sources.push(effect, context.effectKey);
    const intact = () => sources.isIntact(effect, context.effectKey, git(bare, ["rev-parse", "main"]));
    git(team.folder, ["fetch", "--quiet", "origin"]);
    const start = git(bare, ["rev-parse", "main"]);
    for (const evil of [
      manifest.replace("2 #", "9 #"),
      `${manifest.replace("2 #", "3 #")}# more\n`,
      manifest,
    ]) {
      git(team.folder, ["reset", "--quiet", "--hard", start]);
      git(team.folder, ["merge", "--quiet", "--no-ff", "--no-commit", `origin/${branch}`]);
      writeFileSync(join(team.folder, "prod/api.yaml"), evil);
      git(team.folder, ["add", "."]);
      git(team.folder, ["commit", "--quiet", "-m", "merged"]);
      git(team.folder, ["push", "--quiet", "--force", "origin", "HEAD:main"]);
      expect(await intact(), evil).toBe(false);
    }
    expect(await sources.isIntact(effect, context.effectKey, "--output=/tmp/x")).toBe(false);
  });

  it("whose branch went with the merge is not pushed again", async () => {
    const sources = opened();
    const effect = await prepared(sources);
    await sources.push(effect, context.effectKey);
    git(team.folder, ["fetch", "--quiet", "origin"]);
    git(team.folder, ["merge", "--quiet", "--no-ff", "--no-edit", `origin/${branch}`]);
    git(team.folder, ["push", "--quiet", "origin", "HEAD:main", `:${branch}`]);
    await effects.apply(effect, context, tools(sources));
    expect(branches()).toEqual(["main"]);
    expect(await settled(sources, effect)).toMatchObject({ branch });
  });

  describe("in a repository whose forge is known", () => {
    /** As forges do: what nobody has asked for cannot be read, and `closed` is what a person has done. */
    const forgeOf = () => {
      const calls: string[] = [];
      let there = false;
      const forge = {
        closed: false,
        refuses: false,
        calls,
        propose: async (asked: { readonly branch: string; readonly base: string; readonly body: string }) => {
          calls.push(`${asked.branch} -> ${asked.base}`);
          if (forge.refuses) throw new Problem("FORGE_REFUSED", "gitmend may not ask here");
          expect(asked.body).toContain("gitmend repairs `test/shop/deploy/api` here.");
          there = true;
          return "https://forge.test/1";
        },
        readProposed: async () => {
          if (!there) throw new Problem("FORGE_UNAVAILABLE", "there is no pull request", { retryable: true });
          return forge.closed ? { state: "closed", by: "ana", reason: "closed" } : { state: "open" };
        },
      };
      return forge;
    };
    const on = (forge: ReturnType<typeof forgeOf>, cache = cacheDir()) =>
      opened({ forge: forge as unknown as ServerForge }, cache);

    it("is a pull request as soon as somebody waits for it, also when who has pushed it has died", async () => {
      const forge = forgeOf();
      const first = on(forge);
      const effect = await prepared(first);
      await effects.apply(effect, context, tools(first));
      expect(forge.calls).toEqual([]);
      const next = on(forge, join(folder.path, "cache-2"));
      expect(await effects.didItHappen(effect, context, tools(next))).toBe("yes");
      for (let wait = 0; wait < 2; wait += 1)
        expect(await problemOf(settled(next, effect))).toMatchObject({ code: "NOT_HEALTHY" });
      expect(forge.calls).toEqual([`${branch} -> main`]);
    });

    it("is rejected by whoever closes that", async () => {
      const forge = forgeOf();
      const sources = on(forge);
      const effect = await prepared(sources);
      await effects.apply(effect, context, tools(sources));
      expect(await problemOf(settled(sources, effect))).toMatchObject({ code: "NOT_HEALTHY" });
      forge.closed = true;
      expect(await problemOf(settled(sources, effect, "1m"))).toMatchObject({ code: "REPAIR_REJECTED" });
    });

    it("is waited for all the same when the forge refuses: people may merge the branch", async () => {
      const forge = Object.assign(forgeOf(), { refuses: true });
      const sources = on(forge);
      const effect = await prepared(sources);
      await effects.apply(effect, context, tools(sources));
      expect(await problemOf(settled(sources, effect))).toMatchObject({
        code: "NOT_HEALTHY",
        message: "gitmend may not ask here",
      });
      git(team.folder, ["fetch", "--quiet", "origin"]);
      git(team.folder, ["merge", "--quiet", "--no-ff", "--no-edit", `origin/${branch}`]);
      git(team.folder, ["push", "--quiet", "origin", "HEAD:main"]);
      expect(await settled(sources, effect)).toMatchObject({ branch });
    });
  });

  it("is asked for where doctor has looked: the repository answers, or it says why not", async () => {
    const [source] = opened().reachables;
    expect(source?.name).toBe(url);
    expect(await source?.reach()).toMatch(/^answers, main at [0-9a-f]{12}$/);
    const [away] = opened({ url: `${url}-elsewhere` }).reachables;
    await expect(away?.reach()).rejects.toThrow("cannot read HEAD");
  });

  it("is rejected by whoever deletes the branch", async () => {
    const sources = opened();
    const effect = await prepared(sources);
    await effects.apply(effect, context, tools(sources));
    git(bare, ["branch", "-D", branch]);
    expect(await problemOf(settled(sources, effect))).toMatchObject({ code: "REPAIR_REJECTED" });
  });

  it("leaves a branch alone that somebody else has made under its name", async () => {
    const sources = opened();
    const effect = await prepared(sources);
    git(team.folder, ["push", "--quiet", "origin", `HEAD:refs/heads/${branch}`]);
    const before = git(bare, ["rev-parse", branch]);
    expect(await problemOf(effects.apply(effect, context, tools(sources)))).toMatchObject({
      code: "GIT_NOT_FAST_FORWARD",
    });
    expect(git(bare, ["rev-parse", branch])).toBe(before);
    expect(await effects.didItHappen(effect, context, tools(sources))).toBe("no");
  });

  it("is refused when the value stands there already, or in no file of the folder", async () => {
    const sources = opened();
    for (const more of [{ fields: { "/spec/replicas": 2 } }, { path: "other" }, { path: "none" }])
      expect(await problemOf(prepared(sources, more))).toMatchObject({ code: "MANIFEST_NOT_EDITABLE" });
  });
});

describe("what is set elsewhere than in the manifest", () => {
  const image = "/spec/template/spec/containers[name=app]/image";
  const base = `${manifest}  template: {spec: {containers: [{name: app, image: example.test/app}]}}\n`;
  const overlay = "resources: [../../base]\nimages:\n- name: example.test/app # pinned\n  newTag: v2 # bad\n";

  it("is changed in the overlay that sets it, for a base that stands elsewhere", async () => {
    team.push({
      "base/kustomization.yaml": "resources: [api.yaml]\n",
      "base/api.yaml": base,
      "overlays/prod/kustomization.yaml": overlay,
    });
    const sources = opened();
    const more = { path: "overlays/prod", fields: { [image]: "example.test/app:1.10" } };
    const effect = await prepared(sources, more);
    await effects.apply(effect, context, tools(sources));
    expect(git(bare, ["diff", "--name-only", `main..${branch}`])).toBe("overlays/prod/kustomization.yaml");
    expect(git(bare, ["show", `${branch}:overlays/prod/kustomization.yaml`])).toBe(
      overlay.replace("v2 #", '"1.10" #').trimEnd(),
    );
    const replicas = await problemOf(prepared(sources, { path: "overlays/prod" }));
    expect(replicas).toMatchObject({
      code: "MANIFEST_NOT_EDITABLE",
      message: expect.stringMatching(/^base\/api\.yaml:6:13: .* outside of overlays\/prod/),
    });
  });

  it("is refused when others have it from there, and when what it is made of cannot be read", async () => {
    team.push({
      "base/kustomization.yaml": "resources: [api.yaml, web.yaml]\n",
      "base/api.yaml": base,
      "base/web.yaml": base.replace("name: api", "name: web"),
      "overlays/prod/kustomization.yaml": overlay,
    });
    const more = { path: "overlays/prod", fields: { [image]: "example.test/app:v1" } };
    expect(await problemOf(prepared(opened(), more))).toMatchObject({
      code: "MANIFEST_NOT_EDITABLE",
      message: expect.stringMatching(
        /^overlays\/prod\/kustomization\.yaml:3:3: .*Deployment web at base\/web\.yaml:7:/,
      ),
    });
    const odd =
      '["../--upload-pack=x", "../../:(glob)*", "../../-r", "../../a\\0b", "../../../x", ../../base]';
    team.push({ "overlays/prod/kustomization.yaml": overlay.replace("[../../base]", odd) });
    expect(await problemOf(prepared(opened(), more))).toMatchObject({ code: "MANIFEST_NOT_EDITABLE" });
  });

  it("is changed in the value file that gitmend.yaml maps, for what a chart makes", async () => {
    const values = "# of production\nreplicaCount: 2 # enough\n";
    team.push({
      "charts/api/Chart.yaml": "name: api\n",
      "charts/api/templates/api.yaml": "spec: {replicas: {{ .Values.replicaCount }}}\n",
      "env/prod.yaml": values,
    });
    const path = "charts/api";
    expect(await problemOf(prepared(opened(), { path }))).toMatchObject({
      code: "MANIFEST_NOT_EDITABLE",
      message: expect.stringMatching(/^charts\/api\/Chart\.yaml:1:1: .*values: \[\{path: "charts\/api"/),
    });
    const map = { path, kind: "Deployment", name: "*", namespaces: null, field: "/spec/replicas" };
    const sources = opened({ values: [{ ...map, file: "env/prod.yaml", at: "/replicaCount" }] });
    const effect = await prepared(sources, { path });
    await effects.apply(effect, context, tools(sources));
    expect(git(bare, ["diff", "--name-only", `main..${branch}`])).toBe("env/prod.yaml");
    expect(git(bare, ["show", `${branch}:env/prod.yaml`])).toBe(values.replace("2 #", "3 #").trimEnd());
  });
});

describe("an attacker", () => {
  it("in the cluster cannot have another repository asked, and the token stays here", async () => {
    const seen: string[] = [];
    const evil = createServer((request, response) => {
      seen.push(`${request.url} ${request.headers.authorization ?? ""}`);
      response.writeHead(404).end();
    });
    await new Promise<void>((resolve) => evil.listen(0, "127.0.0.1", resolve));
    const { port } = evil.address() as AddressInfo;
    try {
      const sources = opened();
      const host = new URL(url).host;
      for (const repository of [
        `http://127.0.0.1:${port}/shop.git`,
        `http://${host}@127.0.0.1:${port}/shop.git`,
        `http://127.0.0.1:${port}/${host}/shop.git`,
        `${url}/../../${port}`,
        `ext::touch ${join(folder.path, "ran")}`,
        `file://${bare}`,
        bare,
        `--upload-pack=touch ${join(folder.path, "ran")}`,
      ])
        expect(await problemOf(prepared(sources, { repository })), repository).toMatchObject({
          code: "SOURCE_NOT_ALLOWED",
        });
      expect(seen).toEqual([]);
      expect(server.requests).toEqual([]);
      expect(existsSync(join(folder.path, "ran"))).toBe(false);
    } finally {
      evil.close();
    }
  });

  it("behind the configured address cannot send the token elsewhere", async () => {
    const seen: string[] = [];
    const evil = createServer((request, response) => {
      seen.push(`${request.url} ${request.headers.authorization ?? ""}`);
      response.writeHead(401, { "www-authenticate": 'Basic realm="give"' }).end();
    });
    await new Promise<void>((resolve) => evil.listen(0, "127.0.0.1", resolve));
    const front = createServer((request, response) => {
      const { port } = evil.address() as AddressInfo;
      response.writeHead(302, { location: `http://127.0.0.1:${port}${request.url}` }).end();
    });
    await new Promise<void>((resolve) => front.listen(0, "127.0.0.1", resolve));
    try {
      const moved = `http://127.0.0.1:${(front.address() as AddressInfo).port}/shop.git`;
      const problem = await problemOf(prepared(opened({ url: moved }), { repository: moved }));
      expect(problem.code).toMatch(/^GIT_/);
      expect(seen).toEqual([]);
    } finally {
      evil.close();
      front.close();
    }
  });

  it("of another namespace cannot have this repository changed", async () => {
    const problem = await problemOf(
      prepared(opened(), { namespace: "bank", kind: "Deployment", name: "api" }),
    );
    expect(problem).toMatchObject({ code: "SOURCE_NOT_ALLOWED" });
    expect(problem.message).toContain("shop, not bank");
    expect(server.requests).toEqual([]);
  });

  it.each(["../x", "prod/../../x", "..\\x", "/../x"])(
    "cannot leave the repository by the path %s",
    async (path) => {
      expect(await problemOf(prepared(opened(), { path }))).toMatchObject({ code: "PARAMETER_INVALID" });
    },
  );

  it("in the repository gains nothing by links, submodules, hooks, filters and huge files", async () => {
    const outside = join(folder.path, "outside.yaml");
    git(team.folder, ["rm", "-q", "prod/api.yaml"]);
    const object = (text: string) => git(team.folder, ["hash-object", "-w", "--stdin"], text);
    const index = (mode: string, id: string, path: string) =>
      git(team.folder, ["update-index", "--add", "--cacheinfo", `${mode},${id},${path}`]);
    index("120000", object(outside), "prod/api.yaml");
    index("160000", git(team.folder, ["rev-parse", "HEAD"]), "prod/module");
    index(
      "100644",
      object(`[submodule "m"]\n\tpath = prod/module\n\turl = ext::touch ${outside}\n`),
      ".gitmodules",
    );
    index("100644", object("*.yaml filter=evil\n"), ".gitattributes");
    git(team.folder, ["commit", "--quiet", "--message", "bad"]);
    git(team.folder, ["push", "--quiet", "origin", "HEAD:main"]);
    const sources = opened();
    expect(await problemOf(prepared(sources))).toMatchObject({ code: "MANIFEST_NOT_EDITABLE" });
    expect(existsSync(outside)).toBe(false);
    index("100644", object(`${manifest}# ${"x".repeat(1_100_000)}\n`), "prod/big.yaml");
    git(team.folder, ["commit", "--quiet", "--message", "big"]);
    git(team.folder, ["push", "--quiet", "origin", "HEAD:main"]);
    expect((await problemOf(prepared(sources))).message).toContain("more than repairs read");
  });

  it("who reads arguments, caches or the repository finds no token", async () => {
    const sources = opened();
    const effect = await prepared(sources);
    await effects.apply(effect, context, tools(sources));
    expect(server.arguments.join("\n")).not.toContain(token);
    expect(JSON.stringify(effect)).not.toContain(token);
    for (const name of readdirSync(cacheDir(), { recursive: true, withFileTypes: true })) {
      if (name.isFile())
        expect(readFileSync(join(name.parentPath, name.name), "latin1")).not.toContain(token);
    }
    expect(() =>
      openSources(
        [{ url: "https://me:pw@git.example/x", credential: null, namespaces: null, values: [], forge: null }],
        "/x",
      ),
    ).toThrow(/must not hold a password/);
  });
});
