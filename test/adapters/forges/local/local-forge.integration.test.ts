import { execFileSync } from "node:child_process";
import { mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import {
  approveLocally,
  type LocalApproval,
  rejectLocally,
} from "../../../../src/adapters/forges/local/approve-locally.ts";
import { type LocalForgeOptions, openLocalForge } from "../../../../src/adapters/forges/local/local-forge.ts";
import type { ApprovalState, Forge } from "../../../../src/controller/forge-ports.ts";
import {
  approvalBranch,
  approvalLine,
  approvalPath,
  renderApprovalFile,
} from "../../../../src/domain/gate/approval-file.ts";
import type { Problem } from "../../../../src/domain/problem.ts";
import { forgeContract, request as forgeRequest, type Who } from "../../../contracts/forge.ts";
import { alert, approvalGate, approvedByTwo, plan, previews } from "../../../fixtures/executions.ts";
import {
  git,
  gitEnvironment,
  type SshKey,
  serveGitOverHttp,
  sshKey,
  temporaryFolder,
} from "../../../support/git.ts";
import { serveGitOverSsh } from "../../../support/ssh-server.ts";

const { executionId } = approvedByTwo;
const branch = approvalBranch(executionId);
const file = approvalPath(executionId);
const base = "gitmend-approvals";
const at = "2026-11-17T10:05:00.000Z";
const content = renderApprovalFile({
  executionId,
  incident: "i1",
  alert,
  match: { rule: "crash-loops/roll-back", reasons: ["alert.name is KubePodCrashLooping"] },
  revision: "main@sha1:0",
  plan,
  previews,
  gate: approvalGate,
  expiresAt: "2026-11-17T10:30:00.000Z",
});

let folder: ReturnType<typeof temporaryFolder>;
let repository: string;
let keys: Record<"ana" | "anaLaptop" | "ben" | "stranger", SshKey>;
let forge: Forge;
let head: string;

const open = (options: Partial<LocalForgeOptions> = {}): Promise<Forge> =>
  openLocalForge({
    folder: repository,
    people: [
      { id: "ana", signer: `${keys.ana.publicKey} ana@desk\n${keys.anaLaptop.publicKey}` },
      { id: "ben", signer: keys.ben.publicKey },
      { id: "cleo", signer: null },
    ],
    unsignedAllowed: false,
    clock: { now: () => "2026-11-17T10:00:08.000Z" },
    ...options,
  });
const request = {
  executionId,
  branch,
  file,
  content,
  title: "rollback-workload: KubePodCrashLooping",
  body: "",
  labels: [],
};
const read = (): Promise<ApprovalState> => forge.read({ branch, file, head });
const approve = (by: string, key: SshKey | null, options: Partial<LocalApproval> = {}) =>
  approveLocally({
    repositoryUrl: repository,
    branch,
    base,
    file,
    head,
    by,
    at,
    signingKey: key?.privateKeyFile ?? null,
    workDir: join(folder.path, "work"),
    mergeWhen: () => false,
    ...options,
  });
const problem = async (promise: Promise<unknown>): Promise<Problem> =>
  await promise.then(
    () => {
      throw new Error("did not fail");
    },
    (error: unknown) => error as Problem,
  );

let keyring: ReturnType<typeof temporaryFolder>;
beforeAll(() => {
  keyring = temporaryFolder();
  const make = (name: string) => sshKey(keyring.path, name);
  keys = { ana: make("ana"), anaLaptop: make("ana-laptop"), ben: make("ben"), stranger: make("stranger") };
});
afterAll(() => keyring.remove());
beforeEach(async () => {
  folder = temporaryFolder();
  repository = join(folder.path, "approvals.git");
  mkdirSync(join(folder.path, "work"));
  forge = await open();
  head = (await forge.open(request)).head;
});
afterEach(() => folder.remove());

/** A commit by hand on the branch: what somebody with push rights and bad ideas would do. */
function commitByHand(
  text: string | null,
  options: { key?: SshKey | null; other?: string; onto?: string; parents?: string[]; path?: string } = {},
): string {
  const { key = null, other, onto = branch, parents = [git(repository, ["rev-parse", onto])] } = options;
  const { path: own = file } = options;
  const index = { ...gitEnvironment, GIT_DIR: repository, GIT_INDEX_FILE: join(folder.path, "index") };
  const run = (args: string[], input = "") =>
    execFileSync("git", args, { env: index, input }).toString().trim();
  run(["read-tree", parents[0]!]);
  const put = (path: string, body: string) =>
    run([
      "update-index",
      "--add",
      "--cacheinfo",
      `100644,${run(["hash-object", "-w", "--stdin"], body)},${path}`,
    ]);
  if (text === null) run(["update-index", "--index-info"], `0 ${"0".repeat(40)}\t${own}\n`);
  else put(own, text);
  if (other !== undefined) put(other, "x\n");
  const sign = key === null ? [] : ["-c", "gpg.format=ssh", "-c", `user.signingkey=${key.privateKeyFile}`];
  const onTo = parents.flatMap((parent) => ["-p", parent]);
  const commit = run([
    ...sign,
    "commit-tree",
    ...(key === null ? [] : ["-S"]),
    "-m",
    "by hand",
    ...onTo,
    run(["write-tree"]),
  ]);
  git(repository, ["update-ref", `refs/heads/${onto}`, commit]);
  return commit;
}
const line = (by: string, values: Partial<Parameters<typeof approvalLine>[0]> = {}) =>
  approvalLine({ by, at, head, ...values });
const mergeByHand = (tip = branch) => {
  const tree = git(repository, ["merge-tree", "--write-tree", base, tip]).split("\n")[0]!;
  const merge = git(repository, ["commit-tree", "-m", "merge", "-p", base, "-p", tip, tree]);
  git(repository, ["update-ref", `refs/heads/${base}`, merge]);
  return merge;
};

describe("a request on the local forge", () => {
  it("is a branch with one file, and asking again gives the same head", async () => {
    expect(git(repository, ["diff", "--name-only", base, branch])).toBe(file);
    expect(`${git(repository, ["cat-file", "blob", `${branch}:${file}`])}\n`).toBe(content);
    expect(await forge.open(request)).toEqual({ repository, base, head });
    expect(await (await open()).open(request)).toEqual({ repository, base, head });
    expect(await read()).toEqual({ state: "open", approvals: [], remarks: [], edit: null, commands: [] });
    expect(git(repository, ["fsck", "--strict", "--no-dangling"])).toBe("");
  });

  it("moves on when the plan is another, which voids what was approved", async () => {
    await approve("ana", keys.ana);
    const second = await forge.open({ ...request, content: content.replace("risk: high", "risk: low") });
    expect(second.head).not.toBe(head);
    expect(await forge.read({ branch, file, head: second.head })).toMatchObject({
      state: "open",
      approvals: [],
    });
    expect((await problem(approve("ben", keys.ben))).message).toContain("has moved on");
  });

  it("refuses names that are none of gitmend's", async () => {
    await expect(forge.open({ ...request, branch: "main" })).rejects.toThrow("not a branch of gitmend");
    await expect(forge.open({ ...request, file: "approvals/../x.yaml" })).rejects.toThrow(
      "not an approval file",
    );
  });
});

describe("approving", () => {
  it("counts two people and is merged with the last one", async () => {
    const first = await approve("ana", keys.ana);
    expect(first.merged).toBeNull();
    expect(await read()).toEqual({
      state: "open",
      approvals: [{ by: "ana", at, commit: first.commit, verified: true }],
      remarks: [],
      edit: null,
      commands: [],
    });
    const seen: (readonly string[])[] = [];
    const second = await approve("ben", keys.ben, { mergeWhen: (people) => seen.push(people) === 1 });
    expect(seen).toEqual([["ana", "ben"]]);
    expect(await read()).toEqual({
      state: "merged",
      approvals: [
        { by: "ana", at, commit: first.commit, verified: true },
        { by: "ben", at, commit: second.commit, verified: true },
      ],
      commit: second.merged,
      problem: null,
    });
    expect(readdirSync(join(folder.path, "work"))).toEqual([]);
  });

  it("counts two keys of one person once", async () => {
    commitByHand(content + line("ana"), { key: keys.ana });
    commitByHand(content + line("ana") + line("ana"), { key: keys.anaLaptop });
    expect(await read()).toMatchObject({ state: "open", approvals: [{ by: "ana" }] });
    expect((await problem(approve("ana", keys.anaLaptop))).message).toContain("approved this already");
  });

  it("still counts when the branch was deleted after the merge, and when it was a fast-forward", async () => {
    await approve("ana", keys.ana);
    git(repository, ["update-ref", `refs/heads/${base}`, branch]);
    git(repository, ["update-ref", "-d", `refs/heads/${branch}`]);
    expect(await read()).toMatchObject({ state: "merged", approvals: [{ by: "ana" }], problem: null });
  });

  it("judges the merge, not what was put on the branch or the base later", async () => {
    await approve("ana", keys.ana, { mergeWhen: () => true });
    commitByHand(content + line("ana") + line("ben"), { key: keys.ben });
    mergeByHand();
    expect(await read()).toMatchObject({ state: "merged", approvals: [{ by: "ana" }], problem: null });
  });

  it("keeps several requests apart", async () => {
    const other = { ...request, executionId: "x-1", branch: "gitmend/other", file: "approvals/x-1.yaml" };
    const { head: otherHead } = await forge.open(other);
    await approve("ana", keys.ana, { mergeWhen: () => true });
    const otherState = () => forge.read({ ...other, head: otherHead });
    expect((await otherState()).state).toBe("open");
    const merged = await approve("ben", keys.ben, { ...other, head: otherHead, mergeWhen: () => true });
    expect(await otherState()).toMatchObject({
      state: "merged",
      commit: merged.merged,
      approvals: [{ by: "ben" }],
    });
    expect(await read()).toMatchObject({ approvals: [{ by: "ana" }] });
  });

  it("tries again when somebody else was faster", async () => {
    let raced = false;
    const slow = await approve("ana", keys.ana, {
      mergeWhen: () => {
        if (!raced) commitByHand(content + line("ben"), { key: keys.ben });
        raced = true;
        return false;
      },
    });
    expect(git(repository, ["rev-parse", branch])).toBe(slow.commit);
    expect(await read()).toMatchObject({ approvals: [{ by: "ben" }, { by: "ana" }] });
  });

  it("says what is wrong when the request is closed, merged, or not there", async () => {
    await approve("ana", keys.ana, { mergeWhen: () => true });
    expect((await problem(approve("ben", keys.ben))).message).toContain("merged already");
    await forge.close(branch, "expired");
    const gone = await problem(approve("ben", keys.ben));
    expect([gone.code, gone.message]).toEqual([
      "APPROVAL_INVALID",
      expect.stringContaining("no longer there"),
    ]);
    const nowhere = await problem(approve("ben", keys.ben, { repositoryUrl: join(folder.path, "nowhere") }));
    expect(nowhere.code).toBe("GIT_REFUSED");
  });
});

describe("what does not count", () => {
  const cases: Record<string, [() => unknown, string]> = {
    "an unsigned commit": [() => commitByHand(content + line("ana")), "it is not signed"],
    "a signature of nobody known": [
      () => commitByHand(content + line("ana"), { key: keys.stranger }),
      "not one of ana (git says U)",
    ],
    "somebody else's name": [
      () => commitByHand(content + line("ana"), { key: keys.ben }),
      "ben signed it, not ana",
    ],
    "gitmend itself": [
      () => commitByHand(content + line("gitmend"), { key: keys.ben }),
      "cannot approve its own plan",
    ],
    "a person who is not configured": [
      () => commitByHand(content + line("mallory"), { key: keys.ben }),
      "not in approvals.people",
    ],
    "another head": [
      () => commitByHand(content + line("ana", { head: "f".repeat(40) }), { key: keys.ana }),
      "it approves ffff",
    ],
  };
  for (const [what, [commit, why]] of Object.entries(cases)) {
    it(`${what}: the open request says so, and merged it approves nothing`, async () => {
      commit();
      expect(await read()).toMatchObject({
        state: "open",
        approvals: [],
        remarks: [expect.stringContaining(why)],
      });
      mergeByHand();
      expect(await read()).toMatchObject({
        state: "merged",
        approvals: [],
        problem: expect.stringContaining(why),
      });
    });
  }

  const edits: Record<string, () => unknown> = {
    "changes the plan": () =>
      commitByHand(content.replace("approvals: 2", "approvals: 0") + line("ana"), { key: keys.ana }),
    "adds two lines": () => commitByHand(content + line("ana") + line("ben"), { key: keys.ana }),
    "adds another file": () =>
      commitByHand(content + line("ana"), { key: keys.ana, other: "approvals/other.yaml" }),
    "removes the file": () => commitByHand(null, { key: keys.ana }),
    "adds a line that is no approval": () =>
      commitByHand(`${content}parameters: {replicas: "99"}\n`, { key: keys.ana }),
    "is a merge": () =>
      commitByHand(content + line("ana"), {
        key: keys.ana,
        parents: [head, git(repository, ["rev-parse", base])],
      }),
    "rewrites the branch": () =>
      commitByHand(content + line("ana"), { key: keys.ana, parents: [git(repository, ["rev-parse", base])] }),
  };
  for (const [what, edit] of Object.entries(edits)) {
    it(`a commit that ${what} voids the whole branch`, async () => {
      if (what !== "rewrites the branch") edit();
      else git(repository, ["update-ref", `refs/heads/${branch}`, String(edit())]);
      const open = await read();
      expect(open).toMatchObject({ state: "open", approvals: [] });
      expect((open as Extract<ApprovalState, { state: "open" }>).remarks.length).toBeGreaterThan(0);
      mergeByHand();
      const merged = await read();
      if (what === "rewrites the branch") expect(merged.state).toBe("open");
      else
        expect(merged).toMatchObject({
          state: "merged",
          approvals: [],
          problem: expect.any(String) as string,
        });
      await expect(approve("ben", keys.ben)).rejects.toMatchObject({ code: "APPROVAL_INVALID" });
    });
  }

  it("a good approval after an edit is worth nothing, nor is one before it", async () => {
    await approve("ana", keys.ana);
    const text = content + line("ana");
    commitByHand(text.replace("risk: high", "risk: low"), { key: keys.ben });
    commitByHand(text.replace("risk: high", "risk: low") + line("ben"), { key: keys.ben });
    expect(await read()).toMatchObject({ state: "open", approvals: [] });
  });

  it("an object that was replaced by another (refs/replace) is still what its id says", async () => {
    const elsewhere = line("ana", { head: "0".repeat(40) });
    commitByHand(content + elsewhere, { key: keys.ana });
    const signed = git(repository, ["rev-parse", `${branch}:${file}`]);
    const forged = git(repository, ["hash-object", "-w", "--stdin"], content + line("ana"));
    git(repository, ["update-ref", `refs/replace/${signed}`, forged]);
    expect(await read()).toMatchObject({ state: "open", approvals: [] });
    mergeByHand();
    expect(await read()).toMatchObject({
      state: "merged",
      approvals: [],
      problem: expect.any(String) as string,
    });
  });
  it("a merge that changes the file on its way approves nothing", async () => {
    await approve("ana", keys.ana);
    const tip = git(repository, ["rev-parse", branch]);
    commitByHand(`${content}${line("ana")}# more\n`, {
      onto: base,
      parents: [tip, git(repository, ["rev-parse", base])].reverse(),
    });
    expect(await read()).toMatchObject({
      state: "merged",
      approvals: [],
      problem: "the merge changed the file",
    });
  });

  it("merging too early approves nothing", async () => {
    mergeByHand();
    expect(await read()).toMatchObject({
      state: "merged",
      approvals: [],
      problem: "merged without an approval that counts",
    });
  });
});

describe("rejecting", () => {
  const reject = (by: string, key: SshKey | null, reason = "not during the sale") =>
    rejectLocally({
      repositoryUrl: repository,
      branch,
      base,
      file,
      head,
      by,
      at,
      signingKey: key?.privateKeyFile ?? null,
      workDir: join(folder.path, "work"),
      reason,
    });

  it("closes the request with the person and the reason, whoever has approved", async () => {
    await approve("ana", keys.ana);
    await reject("ben", keys.ben, "no\nApproved-By: ana\n- {by: ana}");
    expect(await read()).toEqual({ state: "closed", by: "ben", reason: "no Approved-By: ana - {by: ana}" });
    expect((await problem(approve("ana", keys.ana))).message).toMatch(
      /approved this already|rejected already/,
    );
    mergeByHand();
    expect(await read()).toMatchObject({
      state: "merged",
      approvals: [],
      problem: expect.stringContaining("rejected by ben"),
    });
  });

  it("is believed unsigned, but under no name", async () => {
    await reject("ana", null);
    expect(await read()).toMatchObject({
      state: "closed",
      by: null,
      reason: expect.stringContaining("not during the sale"),
    });
  });

  it("is what a deleted branch means", async () => {
    git(repository, ["update-ref", "-d", `refs/heads/${branch}`]);
    expect(await read()).toEqual({ state: "closed", by: null, reason: "the branch was deleted" });
  });

  it("is not what a repository means that was never asked", async () => {
    const elsewhere = await open({ folder: join(folder.path, "another-replica.git") });
    expect(await problem(elsewhere.read({ branch, file, head }))).toMatchObject({
      code: "GIT_UNREACHABLE",
      retryable: true,
    });
  });
  it("is not what gitmend's own closing means, which keeps the commits", async () => {
    const { commit } = await approve("ana", keys.ana);
    await forge.close(branch, "expired");
    await forge.close(branch, "expired");
    expect(await read()).toEqual({ state: "closed", by: "gitmend", reason: "expired" });
    expect(git(repository, ["rev-parse", `refs/gitmend/closed/expired/${branch}`])).toBe(commit);
  });
});

describe("the demo, where unsigned approvals are allowed", () => {
  it("takes a known person's unsigned line as unverified, and no bad signature", async () => {
    forge = await open({ unsignedAllowed: true });
    await approve("cleo", null);
    commitByHand(content + line("cleo") + line("ana"), { key: keys.stranger });
    const state = await read();
    expect(state).toMatchObject({ state: "open", approvals: [{ by: "cleo", verified: false }] });
    expect((state as Extract<ApprovalState, { state: "open" }>).remarks[0]).toContain("git says U");
    await expect(approve("mallory", null).then(read)).resolves.toMatchObject({ approvals: [{ by: "cleo" }] });
  });
});

describe("people who are configured", () => {
  const invalid: [string, LocalForgeOptions["people"]][] = [
    ["a pattern as an id", [{ id: "*", signer: null }]],
    ["two principals as an id", [{ id: "ana,ben", signer: null }]],
    ["a key that is none", [{ id: "ana", signer: "ssh-ed25519 not base64!" }]],
    ["options of ssh before the key", [{ id: "ana", signer: "cert-authority ssh-ed25519 AAAA" }]],
  ];
  for (const [what, people] of invalid) {
    it(`are refused with ${what}`, async () => {
      await expect(open({ people })).rejects.toMatchObject({ code: "CONFIG_INVALID" });
    });
  }
  it("are refused when two of them share a key", async () => {
    const people = ["ana", "ben"].map((id) => ({ id, signer: `${keys.ana.publicKey} ${id}` }));
    await expect(open({ people })).rejects.toThrow("ana and ben have the same key");
  });
  it("do not come into a folder that holds something else", async () => {
    writeFileSync(join(folder.path, "notes.txt"), "mine");
    await expect(open({ folder: folder.path })).rejects.toMatchObject({ code: "GIT_REFUSED" });
  });
});

type Way = Pick<LocalApproval, "repositoryUrl" | "credential"> & { close(): unknown };

/** How people reach the repository: its files, or a server in front of them. */
const ways: Readonly<Record<"file" | "http" | "ssh", () => Promise<Way>>> = {
  file: async () => ({ repositoryUrl: repository, close: () => undefined }),
  async http() {
    const token = "only-for-people";
    const server = await serveGitOverHttp(folder.path, token);
    const credential = { kind: "token", username: "gitmend", token } as const;
    return { repositoryUrl: `${server.url}/approvals.git`, credential, close: () => server.close() };
  },
  async ssh() {
    const place = join(folder.path, "ssh");
    mkdirSync(place);
    const server = await serveGitOverSsh(place, keys.ana);
    const { privateKeyFile } = keys.ana;
    const credential = { kind: "ssh", privateKeyFile, knownHostsFile: server.knownHostsFile } as const;
    return { repositoryUrl: `${server.url}${repository}`, credential, close: () => server.close() };
  },
};

describe.each(["file", "http", "ssh"] as const)("the local forge, which people reach over %s", (over) => {
  const shared = forgeRequest;
  let way: Way;
  beforeEach(async () => {
    way = await ways[over]();
  });
  afterEach(async () => {
    await way.close();
  });
  const decision = (by: string, key: SshKey | null, of?: string) => ({
    repositoryUrl: way.repositoryUrl,
    credential: way.credential ?? null,
    branch: shared.branch,
    base,
    file: shared.file,
    head: of ?? git(repository, ["rev-parse", `refs/gitmend/requested/${shared.branch}`]),
    by,
    at,
    signingKey: key?.privateKeyFile ?? null,
    workDir: join(folder.path, "work"),
  });
  const signing: Readonly<Record<Who, () => readonly [string, SshKey | null]>> = {
    ana: () => ["ana", keys.ana],
    "ana's other account": () => ["ana", keys.anaLaptop],
    ben: () => ["ben", keys.ben],
    mallory: () => ["mallory", keys.stranger],
    gitmend: () => ["gitmend", null],
  };
  const editByHand = (text: string, key: SshKey | null) => {
    const tip = git(repository, ["rev-parse", shared.branch]);
    commitByHand(text, { key, onto: shared.branch, parents: [tip], path: shared.file });
  };
  forgeContract(
    async () => ({
      forge,
      another: () => open(),
      approve: async (who, of) => {
        await approveLocally({ ...decision(...signing[who](), of), mergeWhen: () => false });
      },
      edit: async (who, text = `${shared.content}more: true\n`) => editByHand(text, signing[who]()[1]),
      forgery: async (text) => editByHand(text, null),
      merge: async () => void mergeByHand(shared.branch),
      reject: async (who) => {
        await rejectLocally({ ...decision(...signing[who]()), reason: "no" });
      },
      deleteBranch: async () => void git(repository, ["update-ref", "-d", `refs/heads/${shared.branch}`]),
      requests: async () =>
        git(repository, ["for-each-ref", `refs/heads/${shared.branch}`]).split("\n").length,
      commits: async () =>
        git(repository, ["rev-list", "--author=gitmend", `${base}..${shared.branch}`]).split("\n").length,
    }),
    over === "file" ? "all" : "decisions",
  );
});
