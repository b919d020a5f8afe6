import { existsSync, mkdirSync, readdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { openCatalogSource } from "../../../src/adapters/git/catalog-source.ts";
import type { GitCredential } from "../../../src/adapters/git/git-remote.ts";
import type { Finding } from "../../../src/domain/finding.ts";
import type { Problem } from "../../../src/domain/problem.ts";
import {
  bareRepository,
  git,
  serveGitOverHttp,
  temporaryFolder,
  type WorkCopy,
  workCopy,
} from "../../support/git.ts";

let folder: ReturnType<typeof temporaryFolder>;
let remote: string;
let engineer: WorkCopy;
beforeEach(() => {
  folder = temporaryFolder();
  remote = bareRepository(join(folder.path, "config.git"));
  engineer = workCopy(join(folder.path, "work"), remote);
});
afterEach(() => folder.remove());

const source = (url: string, options: { path?: string; credential?: GitCredential | null } = {}) =>
  openCatalogSource({
    url,
    branch: "main",
    path: options.path ?? "",
    credential: options.credential ?? null,
    cacheDir: join(folder.path, "cache"),
    silenceSeconds: 20,
  });
const problem = async (promise: Promise<unknown>): Promise<Problem> => {
  const result = await promise.then(
    () => "resolved",
    (error: unknown) => error,
  );
  expect(result).not.toBe("resolved");
  return result as Problem;
};
const findings = (error: Problem) =>
  (error.details["findings"] as Finding[]).map(({ file, code }) => [file, code]);
const objects = (cache: string) =>
  readdirSync(join(cache, "objects"), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && /^[0-9a-f]{38}$/.test(entry.name))
    .map((entry) => join(entry.parentPath, entry.name));
const someFiles = {
  "templates/restart.yaml": "name: restart\n",
  "templates/node/cordon.yml": "name: cordon\n",
  "policies/crash.json": "{}\n",
  "catalog.yaml": "calendars: {}\n",
  "policies/catalog.yaml.bak": "",
  "templates/README.md": "not a template\n",
  "other/big.bin": Buffer.alloc(3_000_000, 7),
};

describe("the config repository on a file path", () => {
  it("gives exactly the YAML and JSON files of templates/ and policies/, in order", async () => {
    const commit = engineer.push(someFiles);
    for (const url of [remote, pathToFileURL(remote).href]) {
      const catalog = source(url);
      expect(await catalog.head()).toBe(commit);
      expect(await catalog.read(commit)).toEqual([
        { path: "catalog.yaml", text: "calendars: {}\n" },
        { path: "policies/crash.json", text: "{}\n" },
        { path: "templates/node/cordon.yml", text: "name: cordon\n" },
        { path: "templates/restart.yaml", text: "name: restart\n" },
      ]);
    }
  });

  it("reads below a folder of the repository, and says when that folder is not there", async () => {
    const commit = engineer.push({ "apps/gitmend/templates/a.yaml": "a", "templates/b.yaml": "b" });
    expect(await source(remote, { path: "apps/gitmend" }).read(commit)).toEqual([
      { path: "templates/a.yaml", text: "a" },
    ]);
    const missing = await problem(source(remote, { path: "apps/other" }).read(commit));
    expect([missing.code, missing.message]).toEqual([
      "CATALOG_INVALID",
      expect.stringContaining('"apps/other"'),
    ]);
  });

  it("answers null for an empty repository and for a branch that was deleted", async () => {
    expect(await source(remote).head()).toBeNull();
    engineer.push({ "templates/a.yaml": "a" });
    git(remote, ["update-ref", "-d", "refs/heads/main"]);
    expect(await source(remote).head()).toBeNull();
  });

  it("follows a force push, and still has the commit that replicas act on", async () => {
    const first = engineer.push({ "templates/a.yaml": "first" });
    const catalog = source(remote);
    await catalog.read(first);
    git(engineer.folder, ["checkout", "--quiet", "--orphan", "rewritten"]);
    const second = engineer.push({ "templates/a.yaml": "second" }, { force: true });
    expect(await catalog.head()).toBe(second);
    expect(await catalog.read(second)).toEqual([{ path: "templates/a.yaml", text: "second" }]);
    git(remote, ["prune", "--expire=now"]);
    expect(await catalog.read(first)).toEqual([{ path: "templates/a.yaml", text: "first" }]);
  });

  it("reads an older commit of the branch that it has never fetched", async () => {
    const first = engineer.push({ "templates/a.yaml": "first" });
    engineer.push({ "templates/a.yaml": "second" });
    expect(await source(remote).read(first)).toEqual([{ path: "templates/a.yaml", text: "first" }]);
  });

  it("refuses a commit that the remote does not have", async () => {
    engineer.push({ "templates/a.yaml": "a" });
    const gone = await problem(source(remote).read("0123456789012345678901234567890123456789"));
    expect([gone.code, gone.message]).toEqual(["GIT_REFUSED", expect.stringContaining("no longer in")]);
  });

  it("refuses a path without a repository and does not mistake a repository around it for one", async () => {
    const gone = await problem(source(join(folder.path, "nothing-here")).head());
    expect(gone.code).toBe("GIT_REFUSED");
  });

  it("keeps a bounded number of commits", async () => {
    const catalog = source(remote);
    for (let index = 0; index < 23; index += 1)
      await catalog.read(engineer.push({ "templates/a.yaml": `${index}` }));
    const kept = git(join(folder.path, "cache/catalog.git"), ["for-each-ref", "refs/gitmend/"]).split("\n");
    expect(kept.length).toBeLessThanOrEqual(20);
  });

  it("reads while a killed fetch's locks lie about", async () => {
    const first = engineer.push({ "templates/a.yaml": "first" });
    await source(remote).read(first);
    const cache = join(folder.path, "cache/catalog.git");
    writeFileSync(join(cache, "shallow.lock"), "");
    writeFileSync(join(cache, "config.lock"), "");
    const second = engineer.push({ "templates/a.yaml": "second" });
    expect(await source(remote).read(second)).toEqual([{ path: "templates/a.yaml", text: "second" }]);
  });
});

describe("a damaged cache", () => {
  const damage: Record<string, (cache: string) => void> = {
    "an object is cut off": (cache) => {
      for (const name of objects(cache)) writeFileSync(name, "x");
    },
    "objects are gone": (cache) => rmSync(objects(cache)[0]!),
    "HEAD and config are gone": (cache) => {
      rmSync(join(cache, "HEAD"));
      rmSync(join(cache, "config"));
      rmSync(join(cache, "objects"), { recursive: true });
    },
  };
  for (const [what, spoil] of Object.entries(damage)) {
    it(`is fetched again when ${what}`, async () => {
      const commit = engineer.push({ "templates/a.yaml": "content", "policies/b.yaml": "other" });
      await source(remote).read(commit);
      const cache = join(folder.path, "cache/catalog.git");
      spoil(cache);
      const files = await source(remote).read(commit);
      expect(files.map(({ text }) => text)).toEqual(["other", "content"]);
      git(cache, ["fsck", "--strict"]);
    });
  }

  it("is fetched again by a source that has been running all the time", async () => {
    const catalog = source(remote);
    const commit = engineer.push({ "templates/a.yaml": "content" });
    await catalog.read(commit);
    rmSync(join(folder.path, "cache/catalog.git"), { recursive: true });
    expect(await catalog.read(commit)).toHaveLength(1);
  });
});

describe("a commit that must not be read", () => {
  const refusedFiles = async (commit: string) => {
    const error = await problem(source(remote).read(commit));
    expect(error.code).toBe("CATALOG_INVALID");
    return error;
  };

  it("names every link, oversized and non-text file at once", async () => {
    mkdirSync(join(engineer.folder, "policies"), { recursive: true });
    symlinkSync("/etc/passwd", join(engineer.folder, "policies/link.yaml"));
    const files = {
      "templates/huge.yaml": "x".repeat(1_048_577),
      "templates/fits.yaml": "x".repeat(1_048_576),
    };
    const commit = engineer.push(files);
    expect(findings(await refusedFiles(commit))).toEqual([
      ["policies/link.yaml", "SYMBOLIC_LINK"],
      ["templates/huge.yaml", "FILE_TOO_LARGE"],
    ]);
    const latin = engineer.push({
      "policies/link.yaml": null,
      "templates/huge.yaml": null,
      "templates/latin.yaml": Buffer.from([0x66, 0xfc, 0x72]),
    });
    expect(findings(await refusedFiles(latin))).toEqual([["templates/latin.yaml", "NOT_UTF8"]]);
  });

  it("refuses templates/ that is itself a link", async () => {
    symlinkSync("/etc", join(engineer.folder, "templates"));
    expect(findings(await refusedFiles(engineer.push({})))).toEqual([["templates", "NOT_A_FOLDER"]]);
  });

  it("refuses more than 5,000 files and takes exactly 5,000", async () => {
    const commitOf = (count: number) => {
      const blob = git(remote, ["hash-object", "-w", "--stdin"], "name: x\n");
      const lines = Array.from({ length: count }, (_, index) => `100644 blob ${blob}\t${index}.yaml\n`).join(
        "",
      );
      return commitTree(git(remote, ["mktree"], lines));
    };
    const fits = commitOf(5_000);
    expect(await source(remote).read(fits)).toHaveLength(5_000);
    expect(findings(await refusedFiles(commitOf(5_001)))[0]![1]).toBe("TOO_MANY_FILES");
  });

  it("does not unfold a tree bomb", async () => {
    let tree = git(remote, ["hash-object", "-w", "--stdin"], "name: x\n");
    let kind = "100644 blob";
    for (let level = 0; level < 12; level += 1) {
      const lines = Array.from(
        { length: 10 },
        (_, index) => `${kind} ${tree}\t${index}${level === 0 ? ".yaml" : ""}\n`,
      );
      tree = git(remote, ["mktree"], lines.join(""));
      kind = "040000 tree";
    }
    expect((await refusedFiles(commitTree(tree))).message).toContain("50000 entries");
  });

  it("refuses files that are too much together, and a catalog.yaml that is a link", async () => {
    const text = "x".repeat(1_048_576);
    const files = Array.from({ length: 17 }, (_, index) => [`policies/${index}.yaml`, text] as const);
    expect(findings(await refusedFiles(engineer.push(Object.fromEntries(files))))).toEqual([
      ["policies/9.yaml", "CATALOG_TOO_LARGE"],
    ]);
    for (const [path] of files) rmSync(join(engineer.folder, path));
    symlinkSync("/etc/passwd", join(engineer.folder, "catalog.yaml"));
    expect(findings(await refusedFiles(engineer.push({})))).toEqual([["catalog.yaml", "SYMBOLIC_LINK"]]);
  });

  it("reads the three folders of each team, and nothing else of it", async () => {
    mkdirSync(join(engineer.folder, "teams/shop/docs"), { recursive: true });
    symlinkSync("/etc/passwd", join(engineer.folder, "teams/shop/docs/link.yaml"));
    symlinkSync("shop", join(engineer.folder, "teams/alias"));
    const files = {
      "teams/shop/templates/deep/fix.yaml": "name: fix\n",
      "teams/shop/policies/p.yaml": "name: p\n",
      "teams/shop/actions/a.json": "{}\n",
      "teams/shop/charts/x/templates/deployment.yaml": "{{ helm }}\n",
      "teams/shop/catalog.yaml": "calendars: {}\n",
      "teams/readme.yaml": "name: x\n",
      "other/shop/templates/fix.yaml": "name: fix\n",
    };
    const commit = engineer.push(files);
    expect((await source(remote).read(commit)).map(({ path }) => path)).toEqual([
      "teams/shop/actions/a.json",
      "teams/shop/policies/p.yaml",
      "teams/shop/templates/deep/fix.yaml",
    ]);
    symlinkSync("/etc", join(engineer.folder, "teams/shop/templates/etc"));
    mkdirSync(join(engineer.folder, "teams/pay"));
    symlinkSync("../shop/templates", join(engineer.folder, "teams/pay/templates"));
    expect(findings(await refusedFiles(engineer.push({})))).toEqual([
      ["teams/pay/templates", "NOT_A_FOLDER"],
      ["teams/shop/templates/etc", "SYMBOLIC_LINK"],
    ]);
  });

  it("believes no tree that was made by hand to stand in another folder", async () => {
    const entry = (mode: string, name: string, oid: string) =>
      Buffer.concat([Buffer.from(`${mode} ${name}\0`), Buffer.from(oid, "hex")]);
    const literally = (tree: Buffer) =>
      git(remote, ["hash-object", "-t", "tree", "--literally", "-w", "--stdin"], tree);
    const blob = git(remote, ["hash-object", "-w", "--stdin"], "name: x\n");
    const inner = literally(entry("100644", "x.yaml", blob));
    const up = literally(entry("40000", "..", inner));
    const slash = literally(entry("40000", "a/templates", inner));
    const folders: readonly (readonly [string, string])[] = [
      ["templates", up],
      ["templates", slash],
      ["teams", literally(entry("40000", "shop/templates", inner))],
    ];
    for (const [name, tree] of folders) {
      const root = git(remote, ["mktree"], `040000 tree ${tree}\t${name}\n`);
      const commit = git(remote, ["commit-tree", "-m", "made by hand", root]);
      git(remote, ["update-ref", "refs/heads/main", commit]);
      expect((await problem(source(remote).read(commit))).message).toContain("UnsafeFilepathError");
    }
  });

  it("refuses a submodule", async () => {
    const lines = `160000 commit ${"1".repeat(40)}\tshared\n`;
    const commit = commitTree(git(remote, ["mktree", "--missing"], lines));
    expect(findings(await refusedFiles(commit))).toEqual([["templates/shared", "SUBMODULE"]]);
  });

  const commitTree = (templates: string) => {
    const root = git(remote, ["mktree"], `040000 tree ${templates}\ttemplates\n`);
    const commit = git(remote, ["commit-tree", "-m", "made by hand", root]);
    git(remote, ["update-ref", "refs/heads/main", commit]);
    return commit;
  };
});

describe("the config repository over http", () => {
  it("is read with the token, which no process argument ever shows", async () => {
    const token = "s3cret-t0ken-in-no-argv";
    const server = await serveGitOverHttp(folder.path, token);
    try {
      const commit = engineer.push(someFiles);
      const url = `${server.url}/config.git`;
      const catalog = source(url, { credential: { kind: "token", username: "gitmend", token } });
      expect(await catalog.head()).toBe(commit);
      expect(objects(join(folder.path, "cache/catalog.git"))).toEqual([]);
      expect(await catalog.read(commit)).toHaveLength(4);
      const before = server.requests.length;
      expect(await catalog.read(commit)).toHaveLength(4);
      expect(server.requests.length).toBe(before);
      expect(server.arguments.length).toBeGreaterThan(3);
      expect(server.arguments.join("\n")).toContain("ls-remote");
      expect(server.arguments.join("\n")).not.toContain(token);
    } finally {
      await server.close();
    }
  });

  it("is refused with a wrong token and without one, at once and without a prompt", async () => {
    const server = await serveGitOverHttp(folder.path, "right");
    try {
      engineer.push(someFiles);
      const url = `${server.url}/config.git`;
      const wrong = source(url, { credential: { kind: "token", username: "gitmend", token: "wrong" } });
      expect((await problem(wrong.head())).code).toBe("GIT_REFUSED");
      const none = await problem(source(url).head());
      expect([none.code, none.retryable]).toEqual(["GIT_REFUSED", false]);
      expect(none.message).not.toContain("wrong");
    } finally {
      await server.close();
    }
  });

  it("is unreachable while the server is away, and read again when it is back", async () => {
    const server = await serveGitOverHttp(folder.path, null);
    const commit = engineer.push(someFiles);
    const catalog = source(`${server.url}/config.git`);
    await catalog.read(commit);
    await server.close();
    const away = await problem(catalog.head());
    expect([away.code, away.retryable]).toEqual(["GIT_UNREACHABLE", true]);
    expect(await catalog.read(commit)).toHaveLength(4);
    expect((await problem(catalog.read("1".repeat(40)))).code).toBe("GIT_UNREACHABLE");
    expect(existsSync(join(folder.path, "cache/catalog.git/HEAD"))).toBe(true);
    expect(await catalog.read(commit)).toHaveLength(4);
  });
});

describe("a URL that git must not see", () => {
  const refusedUrls = [
    "",
    "--upload-pack=touch x",
    "ext::sh -c id",
    "ftp://host/x",
    "https://user:pass@host/x",
    "a\nb",
  ];
  for (const url of refusedUrls) {
    it(`is refused: ${JSON.stringify(url)}`, () => {
      expect(() => source(url)).toThrow(expect.objectContaining({ code: "CONFIG_INVALID" }));
    });
  }
  it("sends no token over plain http to another machine, and shows no password", () => {
    const credential = { kind: "token", username: "x", token: "y" } as const;
    expect(() => source("http://git.example.com/x.git", { credential })).toThrow("use https");
    expect(() => source("https://user:hunter2@host/x")).toThrow(
      expect.objectContaining({ message: expect.not.stringContaining("hunter2") as string }),
    );
  });
});
