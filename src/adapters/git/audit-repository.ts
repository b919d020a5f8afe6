// The audit repository: bare, in the data folder, written with one `git fast-import` for each flush, never through a work tree.
// PostgreSQL is the truth and this its projection: a crash at any point leaves either the old branch or the new one, and
// `newest` tells the next writer which records are in it already. The remote is never forced, and what it has is never left out.
import { mkdir, readdir } from "node:fs/promises";
import { join } from "node:path";
import type { AuditRepository, RecordCommit, Recorded } from "../../controller/ports.ts";
import { Problem, toProblem } from "../../domain/problem.ts";
import { fastImportInput, flushReference, gitDate, type Identity } from "./fast-import.ts";
import { localProblem, remoteProblem } from "./git-problem.ts";
import { checkRemote, type GitRemote, remoteEnvironment, withoutPassword } from "./git-remote.ts";
import { type RecentCommits, readRecorded, remember } from "./recorded-commits.ts";
import { type GitOptions, type GitResult, runGit } from "./run-git.ts";
import { removeStaleLocks } from "./stale-locks.ts";

export interface AuditRepositoryOptions {
  /** The bare repository; created when it is not there. gitmend is its only writer. */
  readonly folder: string;
  readonly branch: string;
  /** Where `push` goes; null: nowhere. */
  readonly remote: GitRemote | null;
  /** File of an SSH private key without a passphrase; null: unsigned. */
  readonly signingKey: string | null;
  /** Author and committer; default gitmend <gitmend@localhost>. */
  readonly by?: Identity;
  readonly silenceSeconds?: number;
}

const commitsPerFlush = 500;
const packsBeforeRepack = 50;
/** Both are this repository's own: what the remote has now, and what it is known to have had. */
const fetchedReference = "refs/gitmend/fetched";
const pushedReference = "refs/gitmend/pushed";
const noCommit = "0".repeat(40);

/**
 * Opens or creates the repository and clears what a killed process left.
 * @throws Problem CONFIG_INVALID: the remote's URL; GIT_REFUSED: the folder holds something else
 */
export async function openAuditRepository(options: AuditRepositoryOptions): Promise<AuditRepository> {
  if (options.remote !== null) checkRemote(options.remote);
  const writer = new AuditWriter(options);
  await writer.open();
  return {
    follow: () => writer.inTurn(() => writer.follow()),
    commit: (commits) => writer.inTurn(() => writer.commit(commits)),
    push: () => writer.inTurn(() => writer.push()),
    newest: () => writer.newest(),
    read: (path) => writer.inTurn(() => writer.read(path)),
  };
}

class AuditWriter {
  readonly #options: AuditRepositoryOptions;
  readonly #reference: string;
  readonly #by: Identity;
  /** Known once the newest commits have been read. */
  #recorded: RecentCommits | null = null;
  #last: Promise<unknown> = Promise.resolve();
  #repacking = false;

  constructor(options: AuditRepositoryOptions) {
    this.#options = options;
    this.#reference = `refs/heads/${options.branch}`;
    this.#by = options.by ?? { name: "gitmend", email: "gitmend@localhost" };
  }

  async open(): Promise<void> {
    const { folder, branch } = this.#options;
    const known: readonly string[] = await readdir(folder).catch(() => []);
    if (known.length > 0 && !known.includes("objects")) {
      throw new Problem("GIT_REFUSED", `${folder} is not empty and not a bare Git repository`);
    }
    await mkdir(folder, { recursive: true });
    await removeStaleLocks(folder);
    await this.#git(["init", "--quiet", "--bare", `--initial-branch=${branch}`]);
    const settings = {
      "gc.auto": "0",
      "fastimport.unpackLimit": "1",
      "core.fsync": "committed,reference,loose-object",
    };
    for (const [key, value] of Object.entries(settings)) await this.#git(["config", key, value]);
  }

  inTurn<T>(task: () => Promise<T>): Promise<T> {
    const result = this.#last.then(task);
    this.#last = result.catch(() => undefined);
    return result;
  }

  async follow(): Promise<void> {
    const { remote } = this.#options;
    if (remote !== null) await this.#followRemote(remote);
    this.#recorded = null;
  }

  /** On top of what is here: a remote that has more refuses the push, and is followed then. */
  async commit(commits: readonly RecordCommit[]): Promise<readonly string[]> {
    const ids: string[] = [];
    for (let start = 0; start < commits.length; start += commitsPerFlush) {
      ids.push(...(await this.#flush(commits.slice(start, start + commitsPerFlush))));
    }
    if (ids.length > 0) this.#repackWhenDue();
    return ids;
  }

  async push(): Promise<void> {
    const { remote, branch } = this.#options;
    if (remote === null || (await this.#head()) === null) return;
    const refspec = `${this.#reference}:${this.#reference}`;
    const result = await this.#remoteGit(remote, ["push", "--quiet", "--", remote.url, refspec]);
    if (result.exitCode !== 0)
      throw remoteProblem(`${withoutPassword(remote.url)}: cannot push ${branch}`, result);
    await this.#git(["update-ref", pushedReference, this.#reference]);
  }

  /** Does not wait for a commit that is being made: what is in it is not what anybody asks for. */
  async newest(): Promise<Recorded> {
    return this.#recorded ?? this.inTurn(() => this.#readRecorded());
  }

  async #readRecorded(): Promise<Recorded> {
    this.#recorded ??= await readRecorded(this.#options.folder, await this.#head());
    return this.#recorded;
  }

  async read(path: string): Promise<string | null> {
    const result = await runGit(this.#options.folder, ["cat-file", "blob", `${this.#reference}:${path}`]);
    if (result.exitCode === 0) return result.stdout;
    if (/does not exist|exists on disk|(not a valid|invalid) object name/i.test(result.stderr)) return null;
    throw localProblem(`the audit repository cannot read ${path}`, result);
  }

  async #flush(commits: readonly RecordCommit[]): Promise<readonly string[]> {
    const old = await this.#head();
    const input = fastImportInput(commits, old, this.#by);
    const imported = await this.#git(["fast-import", "--quiet", "--done", "--force"], { input });
    const ids = imported.stdout.trim().split("\n");
    if (ids.length !== commits.length) throw localProblem("git fast-import gave too few commits", imported);
    const last = commits.at(-1)!;
    if (this.#options.signingKey !== null)
      ids[ids.length - 1] = await this.#sign(ids.at(-1)!, last, ids.at(-2) ?? old);
    await this.#move(ids.at(-1)!, old ?? noCommit);
    if (this.#recorded !== null)
      for (const [index, { message }] of commits.entries()) remember(this.#recorded, message, ids[index]!);
    return ids;
  }

  /** The same commit again, with a signature: it covers its ancestors. */
  async #sign(commit: string, { message, at }: RecordCommit, parent: string | null): Promise<string> {
    const { name, email } = this.#by;
    const environment = {
      GIT_AUTHOR_NAME: name,
      GIT_AUTHOR_EMAIL: email,
      GIT_AUTHOR_DATE: gitDate(at),
      GIT_COMMITTER_NAME: name,
      GIT_COMMITTER_EMAIL: email,
      GIT_COMMITTER_DATE: gitDate(at),
    };
    const key = ["-c", "gpg.format=ssh", "-c", `user.signingkey=${this.#options.signingKey}`];
    const parents = parent === null ? [] : ["-p", parent];
    const args = [...key, "commit-tree", "-S", ...parents, `${commit}^{tree}`, "-F", "-"];
    return (await this.#git(args, { input: message, environment })).stdout.trim();
  }

  /** One transaction: the branch moves from exactly `old`, and the private reference goes. */
  async #move(commit: string, old: string): Promise<void> {
    const moves = `update ${this.#reference} ${commit} ${old}\ndelete ${flushReference}\n`;
    // Said in so many words, git answers, and simple-git need not wait for words that do not come.
    const input = `start\n${moves}commit\n`;
    const result = await this.#unlocked(["update-ref", "--stdin"], { input });
    if (result.exitCode === 0) return;
    if (/is at [0-9a-f]+ but expected|reference already exists/.test(result.stderr)) {
      throw new Problem(
        "GIT_NOT_FAST_FORWARD",
        `somebody else moved ${this.#options.branch} of the audit repository`,
      );
    }
    throw localProblem("the audit repository cannot move its branch", result);
  }

  #head(): Promise<string | null> {
    return this.#commitAt(this.#reference);
  }

  async #commitAt(reference: string): Promise<string | null> {
    const result = await runGit(this.#options.folder, ["rev-parse", "--verify", "--quiet", reference]);
    return result.exitCode === 0 ? result.stdout.trim() : null;
  }

  /**
   * Goes on with the history that the remote has, so that the next push is a fast-forward. Own commits that were never pushed stay
   * on top of it; where somebody else has pushed meanwhile they go, because nobody has counted on them yet.
   * @throws Problem GIT_NOT_FAST_FORWARD: the remote has what gitmend did not write, or lacks what it has pushed
   */
  async #followRemote(remote: GitRemote): Promise<void> {
    const doing = `${withoutPassword(remote.url)}: cannot read the history of ${this.#options.branch}`;
    const listed = await this.#remoteGit(remote, ["ls-remote", "--", remote.url, this.#reference]);
    if (listed.exitCode !== 0) throw remoteProblem(doing, listed);
    const theirs = listed.stdout.split("\t")[0]?.trim() ?? "";
    if (theirs === "") return;
    const refspec = `+${this.#reference}:${fetchedReference}`;
    const fetched = await this.#remoteGit(remote, ["fetch", "--no-tags", "--", remote.url, refspec]);
    if (fetched.exitCode !== 0) throw remoteProblem(doing, fetched);
    await this.#takeIn(fetchedReference);
  }

  async #takeIn(reference: string): Promise<void> {
    const theirs = (await this.#commitAt(reference)) ?? noCommit;
    const own = await this.#head();
    const pushed = await this.#commitAt(pushedReference);
    if (own !== null && (await this.#contains(own, theirs))) return;
    if (pushed !== null && !(await this.#contains(theirs, pushed)))
      throw this.#notOurs(`the remote lacks commit ${pushed}, which gitmend has pushed`);
    await this.#checkWriters(pushed ?? own, theirs);
    await this.#move(theirs, own ?? noCommit);
    await this.#git(["update-ref", pushedReference, theirs]);
  }

  /** Of what came since `known`; null: all of it is new here. */
  async #checkWriters(known: string | null, theirs: string): Promise<void> {
    if (known === null) return;
    const { stdout } = await this.#git(["log", "--format=%H %ce", `${known}..${theirs}`]);
    const foreign = stdout.split("\n").find((line) => line !== "" && !line.endsWith(` ${this.#by.email}`));
    if (foreign !== undefined) throw this.#notOurs(`${foreign} has written there`);
  }

  #notOurs(why: string): Problem {
    const { branch } = this.#options;
    return new Problem("GIT_NOT_FAST_FORWARD", `the audit branch ${branch} is not what gitmend left: ${why}`);
  }

  async #contains(commit: string, ancestor: string): Promise<boolean> {
    const result = await runGit(this.#options.folder, ["merge-base", "--is-ancestor", ancestor, commit]);
    if (result.exitCode > 1) throw localProblem("the audit repository cannot compare its commits", result);
    return result.exitCode === 0;
  }

  /**
   * Beside the commits, which do not wait for it: new packs may come while old ones are put together, and a reader that misses
   * one looks again. One that fails is made again after a later flush.
   */
  #repackWhenDue(): void {
    if (this.#repacking) return;
    this.#repacking = true;
    void this.#repack()
      .catch(() => undefined)
      .finally(() => {
        this.#repacking = false;
      });
  }

  /** Only packs of about the same size are put together, so that each object is written a few times in its life. */
  async #repack(): Promise<void> {
    const packs = await readdir(join(this.#options.folder, "objects/pack"));
    if (packs.filter((name) => name.endsWith(".pack")).length <= packsBeforeRepack) return;
    const command = ["-c", "pack.threads=1", "repack", "-d", "--geometric=2", "--quiet"];
    await this.#git(command, { silenceSeconds: 600 });
  }

  async #remoteGit(remote: GitRemote, args: readonly string[]): Promise<GitResult> {
    const { folder, silenceSeconds = 60 } = this.#options;
    const environment = await remoteEnvironment(remote, folder);
    const stalled = ["-c", "http.lowSpeedLimit=1", "-c", `http.lowSpeedTime=${silenceSeconds}`];
    return await runGit(folder, [...stalled, ...args], { environment, silenceSeconds }).catch(
      (error: unknown) => {
        const { message } = toProblem(error);
        throw new Problem("GIT_UNREACHABLE", `${withoutPassword(remote.url)}: ${message}`, {
          cause: error,
          retryable: true,
        });
      },
    );
  }

  /** A call that must end with 0. */
  async #git(args: readonly string[], options: GitOptions = {}): Promise<GitResult> {
    const result = await this.#unlocked(args, options);
    if (result.exitCode !== 0) throw localProblem(`the audit repository at ${this.#options.folder}`, result);
    return result;
  }

  /** Runs once more when it finds the lock of a git process that was killed meanwhile. */
  async #unlocked(args: readonly string[], options: GitOptions): Promise<GitResult> {
    const { folder } = this.#options;
    const result = await runGit(folder, args, options);
    if (result.exitCode === 0 || !/\.lock': File exists/.test(result.stderr)) return result;
    await removeStaleLocks(folder);
    return await runGit(folder, args, options);
  }
}
