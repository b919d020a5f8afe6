// The config repository as the controller needs it: its head, and the files of one commit, without a work tree.
// Git moves the objects into a bare cache (they stay loose: no pack is ever loaded whole); isomorphic-git reads them there.
// The cache holds nothing that the remote does not have: when it is damaged it is thrown away and fetched again.
import { mkdir, rm } from "node:fs/promises";
import { join } from "node:path";
import type { CatalogFile, CatalogSource } from "../../controller/ports.ts";
import { refusedFile } from "../../domain/policies/catalog-files.ts";
import { Problem, toProblem } from "../../domain/problem.ts";
import { hasCommit, readCatalogTree, refused } from "./catalog-tree.ts";
import { signatureFault } from "./commit-signature.ts";
import { mostSignatures, signatureTags, signersOf } from "./commit-signers.ts";
import { localProblem, remoteProblem } from "./git-problem.ts";
import { checkRemote, type GitCredential, remoteEnvironment, withoutPassword } from "./git-remote.ts";
import { type GitResult, runGit } from "./run-git.ts";
import { removeStaleLocks } from "./stale-locks.ts";

export interface CatalogSourceOptions {
  /** A path, file://, https:// (http:// on loopback), ssh:// or user@host:path. */
  readonly url: string;
  readonly branch: string;
  /** Folder in the repository that holds templates/ and policies/; "" or "." is its root. */
  readonly path: string;
  readonly credential: GitCredential | null;
  /** Of `git`'s `gpg.ssh.allowedSignersFile`: any commit that none of them signed is a bad commit. null: not asked. */
  readonly allowedSignersFile?: string | null;
  /** The people whose signatures approve a commit, as text of such a file; left out: nobody's. */
  readonly approvers?: string;
  /** A folder of gitmend's own; may be deleted at any time while gitmend is stopped. */
  readonly cacheDir: string;
  /** Ends a git call that says nothing for so long. Default 60. */
  readonly silenceSeconds?: number;
}

/** Commits kept in the cache: what replicas on an older revision may still ask for after a force push. */
const keptCommits = 20;
const commitName = /^[0-9a-f]{40}$/;

/** Touches neither disk nor network. @throws Problem CONFIG_INVALID for a URL or branch that git must not see. */
export function openCatalogSource(options: CatalogSourceOptions): CatalogSource {
  checkRemote(options);
  if (!/^(?!-)[\w./@+-]+$/.test(options.branch) || options.branch.includes("..")) {
    throw new Problem("CONFIG_INVALID", `"${options.branch}" is not a branch name`);
  }
  const cache = new CatalogCache(options);
  return {
    branch: options.branch,
    head: () => cache.head(),
    read: (commit) => cache.read(commit),
    signers: (commit) => cache.signers(commit),
  };
}

/** One cache, one git call at a time: two fetches into it would wait for each other's locks. */
class CatalogCache {
  readonly #options: CatalogSourceOptions;
  readonly #folder: string;
  readonly #remoteName: string;
  #prepared = false;
  #last: Promise<unknown> = Promise.resolve();

  constructor(options: CatalogSourceOptions) {
    this.#options = options;
    this.#folder = join(options.cacheDir, "catalog.git");
    this.#remoteName = withoutPassword(options.url);
  }

  head(): Promise<string | null> {
    return this.#inTurn(async () => {
      await this.#prepare();
      const { url, branch } = this.#options;
      const reference = `refs/heads/${branch}`;
      const result = await this.#remote(
        ["ls-remote", "--", url, reference],
        `cannot read the head of ${branch}`,
      );
      const line = result.stdout.split("\n").find((candidate) => candidate.endsWith(`\t${reference}`));
      const commit = line?.split("\t")[0] ?? null;
      if (commit !== null && !commitName.test(commit)) {
        throw new Problem("GIT_REFUSED", `${this.#remoteName} is not a SHA-1 repository`);
      }
      return commit;
    });
  }

  read(commit: string): Promise<readonly CatalogFile[]> {
    if (!commitName.test(commit)) throw new Problem("INTERNAL", `"${commit}" is not a commit id`);
    return this.#inTurn(async () => {
      try {
        return await this.#readOnce(commit);
      } catch (error) {
        if (toProblem(error).code !== "INTERNAL") throw error;
        await rm(this.#folder, { recursive: true, force: true });
        this.#prepared = false;
        return await this.#readOnce(commit);
      }
    });
  }

  signers(commit: string): Promise<readonly string[]> {
    if (!commitName.test(commit)) throw new Problem("INTERNAL", `"${commit}" is not a commit id`);
    return this.#inTurn(async () => {
      await this.#prepare();
      if (!(await hasCommit(this.#folder, commit))) await this.#fetch(commit);
      const tags = await this.#fetchTags(commit);
      return await signersOf(this.#folder, commit, tags, this.#options.approvers ?? "");
    });
  }

  /** @returns ids of the tags that may be signatures of the commit */
  async #fetchTags(commit: string): Promise<readonly string[]> {
    const { url } = this.#options;
    const prefix = signatureTags(commit);
    const doing = `cannot read the tags of ${commit}`;
    const listed = await this.#remote(["ls-remote", "--refs", "--", url, `${prefix}*`], doing);
    const tags = listed.stdout
      .split("\n")
      .map((line) => line.split("\t"))
      .filter(([id = "", name = ""]) => commitName.test(id) && name.startsWith(prefix))
      .slice(0, mostSignatures);
    if (tags.length === 0) return [];
    // Without a reference of their own: they are asked for again when they are needed.
    const fetch = ["fetch", "--quiet", "--no-tags", "--no-write-fetch-head", "--depth=1", "--", url];
    await this.#remote([...fetch, ...tags.map(([, name = ""]) => name)], doing);
    return tags.map(([id = ""]) => id);
  }

  async #readOnce(commit: string): Promise<readonly CatalogFile[]> {
    await this.#prepare();
    if (!(await hasCommit(this.#folder, commit))) await this.#fetch(commit);
    await this.#checkSignature(commit);
    return await readCatalogTree(this.#folder, commit, this.#options.path);
  }

  async #checkSignature(commit: string): Promise<void> {
    const { allowedSignersFile = null } = this.#options;
    if (allowedSignersFile === null) return;
    const fault = await signatureFault(this.#folder, commit, allowedSignersFile);
    if (fault === null) return;
    const message = `${fault}: sign it as a person of config_repository.verify.allowed_signers`;
    throw refused(commit, [refusedFile(`commit ${commit.slice(0, 12)}`, "COMMIT_NOT_SIGNED", message)]);
  }

  async #fetch(commit: string): Promise<void> {
    const { url, branch } = this.#options;
    const into = `refs/gitmend/${commit}`;
    const fetchCommit = ["fetch", "--quiet", "--no-tags", "--no-write-fetch-head", "--depth=1"];
    const result = await this.#run([...fetchCommit, "--", url, `${commit}:${into}`]);
    if (result.exitCode !== 0) {
      // Servers that give out branches only: the whole branch then, in which an older commit is found too.
      if (!/not our ref|unadvertised object|no such remote ref/i.test(result.stderr))
        throw this.#failed(commit, result);
      const whole = ["fetch", "--quiet", "--no-tags", "--no-write-fetch-head"];
      await this.#remote(
        [...whole, "--", url, `+refs/heads/${branch}:refs/gitmend/branch`],
        `cannot fetch ${commit}`,
      );
      const kept = await this.#run(["update-ref", into, commit]);
      if (kept.exitCode !== 0) {
        throw new Problem("GIT_REFUSED", `commit ${commit} is no longer in ${this.#remoteName}`);
      }
    }
    await this.#dropOldCommits(commit);
  }

  async #dropOldCommits(commit: string): Promise<void> {
    const listed = await this.#run(["for-each-ref", "--format=%(refname)", "refs/gitmend/"]);
    const references = listed.stdout.split("\n").filter((name) => name !== "" && !name.endsWith(commit));
    if (references.length < keptCommits) return;
    await this.#local(["update-ref", "--stdin"], references.map((name) => `delete ${name}\n`).join(""));
    await this.#local(["prune", "--expire=now"]);
  }

  async #prepare(): Promise<void> {
    if (this.#prepared) return;
    await mkdir(this.#folder, { recursive: true });
    await removeStaleLocks(this.#folder);
    await this.#local(["init", "--quiet", "--bare"]);
    await this.#local(["config", "fetch.unpackLimit", "1000000"]);
    await this.#local(["config", "gc.auto", "0"]);
    this.#prepared = true;
  }

  async #run(args: readonly string[]): Promise<GitResult> {
    const { silenceSeconds = 60, cacheDir } = this.#options;
    const environment = await remoteEnvironment(this.#options, cacheDir);
    const stalled = ["-c", "http.lowSpeedLimit=1", "-c", `http.lowSpeedTime=${silenceSeconds}`];
    return await runGit(this.#folder, [...stalled, ...args], { environment, silenceSeconds });
  }

  async #remote(args: readonly string[], doing: string): Promise<GitResult> {
    const result = await this.#run(args).catch((error: unknown) => {
      throw new Problem("GIT_UNREACHABLE", `${this.#remoteName}: ${doing}: ${toProblem(error).message}`, {
        cause: error,
        retryable: true,
      });
    });
    if (result.exitCode !== 0) throw remoteProblem(`${this.#remoteName}: ${doing}`, result);
    return result;
  }

  async #local(args: readonly string[], input?: string): Promise<void> {
    const result = await runGit(this.#folder, args, input === undefined ? {} : { input });
    if (result.exitCode !== 0) throw localProblem(`the catalog cache at ${this.#folder}`, result);
  }

  #failed(commit: string, result: GitResult): Problem {
    const damaged =
      /bad object|unable to (read|unpack|create)|corrupt|unable to write|invalid sha1|missing (blob|tree)/i;
    if (damaged.test(result.stderr)) return localProblem("the catalog cache", result);
    return remoteProblem(`${this.#remoteName}: cannot fetch ${commit}`, result);
  }

  #inTurn<T>(task: () => Promise<T>): Promise<T> {
    const result = this.#last.then(task);
    this.#last = result.catch(() => undefined);
    return result;
  }
}
