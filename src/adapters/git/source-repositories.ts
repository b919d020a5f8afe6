// The repositories of `sources`: their manifests, the branches that gitmend proposes there, and whether people merged them.
// Git is only ever given the address that stands in gitmend.yaml, follows no redirect, fetches no submodule, runs no hook and no
// filter, and has no work tree: what a repository holds can neither run nor be written anywhere.
import { createHash } from "node:crypto";
import { mkdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { RevertFolder, Sources } from "../../actions/action.ts";
import type { RepairRequests, ServerForge } from "../../controller/forge-ports.ts";
import { objectText } from "../../domain/facts/objects.ts";
import { globMatcher } from "../../domain/glob.ts";
import { code, oneLine, prose } from "../../domain/plain-text.ts";
import type { ManifestFile } from "../../domain/planning/edit-value.ts";
import type { BranchEffect } from "../../domain/planning/effect.ts";
import { withEdit } from "../../domain/planning/line-edit.ts";
import type { MappedValue } from "../../domain/planning/mapped-values.ts";
import { repositoryKey } from "../../domain/planning/repository-key.ts";
import { Problem, toProblem } from "../../domain/problem.ts";
import { findOffendingCommit } from "./find-offending-commit.ts";
import { localProblem, remoteProblem } from "./git-problem.ts";
import { checkRemote, type GitRemote, remoteEnvironment, withoutPassword } from "./git-remote.ts";
import { manifestFiles } from "./manifest-files.ts";
import { type GitOptions, type GitResult, runGit } from "./run-git.ts";
import { removeStaleLocks } from "./stale-locks.ts";

export interface Source extends GitRemote {
  /** Globs; null: all. */
  readonly namespaces: readonly string[] | null;
  /** Where its branches are pull requests; null: nowhere. */
  readonly forge: ServerForge | null;
  readonly values: readonly MappedValue[];
}

const cacheConfig = `[core]
	repositoryformatversion = 0
	bare = true
	hooksPath = /dev/null
	attributesFile = /dev/null
[gc]
	auto = 0
[http]
	followRedirects = false
	lowSpeedLimit = 1
	lowSpeedTime = 60
[fetch]
	recurseSubmodules = false
[protocol]
	allow = never
[protocol "https"]
	allow = always
[protocol "http"]
	allow = always
[protocol "ssh"]
	allow = always
[protocol "file"]
	allow = always
`;

/** Touches neither disk nor network. @throws Problem CONFIG_INVALID: an address that Git must not see, or one that stands there twice */
export function openSources(sources: readonly Source[], cacheDir: string): Sources & RepairRequests {
  const byKey = new Map<string, SourceRepository>();
  for (const source of sources) {
    checkRemote(source);
    const key = repositoryKey(source.url);
    const name = withoutPassword(source.url);
    if (key === null) throw new Problem("CONFIG_INVALID", `sources: "${name}" is no address of a repository`);
    if (byKey.has(key)) throw new Problem("CONFIG_INVALID", `sources: "${name}" stands there twice`);
    byKey.set(
      key,
      new SourceRepository(source, join(cacheDir, createHash("sha256").update(key).digest("hex"))),
    );
  }
  const allowed = (url: string): SourceRepository => {
    const key = repositoryKey(url);
    const repository = key === null ? undefined : byKey.get(key);
    if (repository === undefined)
      throw new Problem(
        "SOURCE_NOT_ALLOWED",
        `${withoutPassword(url)} is none of \`sources\` in gitmend.yaml`,
      );
    return repository;
  };
  return {
    reachables: [...byKey.values()].map((one) => ({ name: one.name, reach: () => one.reach() })),
    read: async ({ repository, ...folder }) => allowed(repository).read(folder),
    offending: async ({ repository, ...folder }) => allowed(repository).offending(folder),
    propose: async (effect, key) => void (await allowed(effect.repository).push(effect, key)),
    ask: async (effect, key) => allowed(effect.repository).ask(effect, key),
    isIntact: async (effect, key, merge) => allowed(effect.repository).isIntact(effect, key, merge),
    push: async (effect, key) => allowed(effect.repository).push(effect, key),
    forgeOf: (repository) => byKey.get(repositoryKey(repository) ?? "")?.forge ?? null,
    look: async (effect, key) => allowed(effect.repository).look(effect, key),
  };
}

/** One bare cache, one use at a time. */
class SourceRepository {
  readonly #source: Source;
  readonly #folder: string;
  readonly #name: string;
  /** Branches whose pull request is there, as far as this process knows. */
  readonly #asked = new Set<string>();
  #last: Promise<unknown> = Promise.resolve();

  constructor(source: Source, folder: string) {
    this.#source = source;
    this.#folder = folder;
    this.#name = withoutPassword(source.url);
  }

  read(folder: Omit<Parameters<Sources["read"]>[0], "repository">) {
    return this.#inTurn(async () => {
      this.#assertNamespace(folder.namespace);
      const branch = folder.branch ?? (await this.#defaultBranch());
      const commit = await this.#fetch(branch);
      if (commit === null) throw new Problem("GIT_REFUSED", `${this.#name} has no branch ${branch}`);
      const values = this.#source.values.filter(({ path }) => path === folder.path);
      const mapped = values.map(({ file }) => file);
      const also = (read: readonly ManifestFile[]): readonly string[] => [...mapped, ...folder.also(read)];
      const files = await manifestFiles((args) => this.#local(args), commit, folder.path, also);
      return { repository: this.#name, branch, commit, files, values };
    });
  }

  offending(folder: RevertFolder & { readonly branch: string | null; readonly namespace: string | null }) {
    return this.#inTurn(async () => {
      this.#assertNamespace(folder.namespace);
      const branch = folder.branch ?? (await this.#defaultBranch());
      const commit = await this.#fetch(branch);
      if (commit === null) throw new Problem("GIT_REFUSED", `${this.#name} has no branch ${branch}`);
      const indexFile = join(this.#folder, "gitmend-revert-index");
      await rm(indexFile, { force: true });
      const git = {
        name: this.#name,
        indexFile,
        local: (args: readonly string[], options?: GitOptions) => this.#local(args, options),
        run: (args: readonly string[], options?: GitOptions) => runGit(this.#folder, args, options),
      };
      const offending = await findOffendingCommit(git, commit, folder);
      return { repository: this.#name, branch, commit, offending };
    });
  }

  get name(): string {
    return this.#name;
  }

  async reach(): Promise<string> {
    const { branch, commit } = await this.#inTurn(async () => {
      const own = await this.#defaultBranch();
      return { branch: own, commit: await this.#fetch(own) };
    });
    const forge = this.forge === null ? "" : `; ${await this.forge.reach(branch)}`;
    return `answers, ${branch} at ${commit?.slice(0, 12) ?? "nothing"}${forge}`;
  }

  get forge(): ServerForge | null {
    return this.#source.forge;
  }

  async ask(effect: BranchEffect, key: string): Promise<"asked" | "closed"> {
    if (this.forge === null) return "asked";
    const { state, head } = await this.#stateOf(effect, key);
    // Merged already: where people have approved it as a plan its pull request is done with.
    if (state !== "proposed") {
      this.#asked.delete(effect.branch);
      return "asked";
    }
    const { branch, base, title } = effect;
    if (!this.#asked.has(branch))
      await this.forge.propose({ branch, base, head, title, body: bodyOf(effect), labels: ["gitmend"] });
    this.#asked.add(branch);
    const request = await this.forge.readProposed({ branch, base, head });
    return request.state === "closed" ? "closed" : "asked";
  }

  /** Nothing is pushed when it is there, or merged and its branch gone. */
  push(effect: BranchEffect, key: string): Promise<string> {
    return this.#inTurn(async () => {
      this.#assertNamespace(effect.object.namespace);
      const base = await this.#fetch(effect.base);
      const commit = await this.#commit(effect, key);
      const reference = `refs/heads/${effect.branch}`;
      const there = await this.#fetch(effect.branch);
      if (there !== null && (await this.#holds(there, commit))) return commit;
      if (base !== null && (await this.#isMerged(base, commit, effect, key))) return commit;
      // The empty lease: the branch must not be there, whoever made it in the meantime.
      await this.#remote(
        [
          "push",
          "--quiet",
          "--no-verify",
          `--force-with-lease=${reference}:`,
          "--",
          this.#source.url,
          `${commit}:${reference}`,
        ],
        `cannot push ${effect.branch}`,
      );
      return commit;
    });
  }

  async look(effect: BranchEffect, key: string): Promise<"absent" | "proposed" | "merged"> {
    return (await this.#stateOf(effect, key)).state;
  }

  /** Of whatever kind the merge was: the lines that gitmend asked for, on what stood there before it, and nothing else in these files. */
  isIntact(effect: BranchEffect, key: string, merge: string): Promise<boolean> {
    if (!/^[0-9a-f]{40,64}$/.test(merge)) return Promise.resolve(false);
    return this.#inTurn(async () => {
      await this.#fetch(effect.base);
      const commit = await this.#commit(effect, key);
      const environment = { GIT_INDEX_FILE: join(this.#folder, "gitmend-index") };
      // Of a history that was replaced nothing is known.
      if ((await runGit(this.#folder, ["read-tree", `${merge}^1`], { environment })).exitCode !== 0)
        return false;
      const paths = effect.edits.map(({ path }) => path);
      const differ = ["--literal-pathspecs", "diff-tree", "-r"];
      const patch = await this.#local([
        ...differ,
        "-p",
        "--binary",
        "--full-index",
        effect.baseCommit,
        commit,
        "--",
        ...paths,
      ]);
      const applied = await runGit(this.#folder, ["apply", "--cached", "--3way", "-"], {
        environment,
        input: patch,
      });
      if (applied.exitCode !== 0) return false;
      const tree = (await this.#local(["write-tree"], { environment })).trim();
      return (await this.#local([...differ, tree, merge, "--", ...paths])).trim() === "";
    });
  }

  #stateOf(effect: BranchEffect, key: string) {
    return this.#inTurn(async () => {
      const base = await this.#fetch(effect.base);
      const commit = await this.#commit(effect, key);
      const isMerged = base !== null && (await this.#isMerged(base, commit, effect, key));
      if (isMerged) return { state: "merged", head: commit } as const;
      const there = await this.#fetch(effect.branch);
      const isThere = there !== null && (await this.#holds(there, commit));
      return { state: isThere ? "proposed" : "absent", head: commit } as const;
    });
  }

  /** By a merge or a fast-forward; by a squash or a rebase, which keep the trailer. */
  async #isMerged(base: string, commit: string, { baseCommit }: BranchEffect, key: string): Promise<boolean> {
    if (await this.#holds(base, commit)) return true;
    const since = await this.#local([
      "log",
      "--extended-regexp",
      `--grep=^${trailer(key).replaceAll(/[^\w/: -]/g, "\\$&")}$`,
      "--format=%H",
      `${baseCommit}..${base}`,
    ]);
    return since.trim() !== "";
  }

  async #holds(head: string, commit: string): Promise<boolean> {
    const result = await runGit(this.#folder, ["merge-base", "--is-ancestor", commit, head]);
    if (result.exitCode > 1) throw localProblem(this.#name, result);
    return result.exitCode === 0;
  }

  /** The same effect gives the same commit, in whichever replica. @throws Problem GIT_REFUSED: the history it was made for is gone */
  async #commit(effect: BranchEffect, key: string): Promise<string> {
    const index = { GIT_INDEX_FILE: join(this.#folder, "gitmend-index") };
    await rm(index.GIT_INDEX_FILE, { force: true });
    const known = await runGit(this.#folder, ["cat-file", "-e", `${effect.baseCommit}^{commit}`]);
    if (known.exitCode !== 0)
      throw new Problem("GIT_REFUSED", `commit ${effect.baseCommit} is no longer in ${this.#name}`);
    await this.#local(["read-tree", effect.baseCommit], { environment: index });
    for (const edit of effect.edits) {
      const text = await this.#local(["cat-file", "blob", `${effect.baseCommit}:${edit.path}`]);
      const edited = withEdit(text, edit);
      if (edited === null)
        throw new Problem("GIT_REFUSED", `${edit.path} of ${this.#name} is not what it was`);
      const blob = (await this.#local(["hash-object", "-w", "--stdin"], { input: edited })).trim();
      const mode = (await this.#local(["ls-tree", effect.baseCommit, "--", edit.path])).slice(0, 6);
      await this.#local(["update-index", "--cacheinfo", `${mode},${blob},${edit.path}`], {
        environment: index,
      });
    }
    const tree = (await this.#local(["write-tree"], { environment: index })).trim();
    const by = identity(effect.at);
    const input = messageOf(effect, key);
    const made = ["commit-tree", tree, "-p", effect.baseCommit];
    return (await this.#local(made, { environment: by, input })).trim();
  }

  async #defaultBranch(): Promise<string> {
    await this.#prepare();
    const { stdout } = await this.#remote(
      ["ls-remote", "--symref", "--", this.#source.url, "HEAD"],
      "cannot read HEAD",
    );
    const branch = /^ref: refs\/heads\/(\S+)\tHEAD$/m.exec(stdout)?.[1];
    if (branch === undefined) throw new Problem("GIT_REFUSED", `${this.#name} has no default branch`);
    return branch;
  }

  /** The branch's head, with all of its history; null: there is no such branch. */
  async #fetch(branch: string): Promise<string | null> {
    if (!/^(?![-/])[\w./@+-]+$/.test(branch) || branch.includes(".."))
      throw new Problem("PARAMETER_INVALID", `"${branch}" is no branch name`);
    await this.#prepare();
    const { url } = this.#source;
    const reference = `refs/heads/${branch}`;
    const listed = await this.#remote(["ls-remote", "--", url, reference], `cannot read ${branch}`);
    const commit = /^([0-9a-f]{40})\t/.exec(listed.stdout)?.[1] ?? null;
    if (commit === null) return null;
    const known = await runGit(this.#folder, ["cat-file", "-e", `${commit}^{commit}`]);
    const fetch = ["fetch", "--quiet", "--no-tags", "--no-write-fetch-head", "--no-recurse-submodules"];
    if (known.exitCode !== 0)
      await this.#remote(
        [...fetch, "--", url, `+${reference}:refs/gitmend/${branch}`],
        `cannot fetch ${branch}`,
      );
    return commit;
  }

  async #prepare(): Promise<void> {
    await mkdir(this.#folder, { recursive: true });
    await removeStaleLocks(this.#folder);
    await this.#local(["init", "--quiet", "--bare"]);
    await writeFile(join(this.#folder, "config"), cacheConfig);
  }

  #assertNamespace(namespace: string | null): void {
    const { namespaces } = this.#source;
    if (namespaces === null || (namespace !== null && globMatcher(namespaces)(namespace))) return;
    throw new Problem(
      "SOURCE_NOT_ALLOWED",
      `sources in gitmend.yaml let ${this.#name} hold ${namespaces.join(", ")}, not ${namespace ?? "what has no namespace"}`,
    );
  }

  async #remote(args: readonly string[], doing: string): Promise<GitResult> {
    const environment = await remoteEnvironment(this.#source, this.#folder);
    const result = await runGit(this.#folder, args, { environment }).catch((error: unknown) => {
      throw new Problem("GIT_UNREACHABLE", `${this.#name}: ${doing}: ${toProblem(error).message}`, {
        cause: error,
        retryable: true,
      });
    });
    if (result.exitCode !== 0) throw remoteProblem(`${this.#name}: ${doing}`, result);
    return result;
  }

  async #local(args: readonly string[], options: GitOptions = {}): Promise<string> {
    const result = await runGit(this.#folder, args, options);
    if (result.exitCode !== 0) throw localProblem(this.#name, result);
    return result.stdout;
  }

  #inTurn<T>(task: () => Promise<T>): Promise<T> {
    const result = this.#last.then(task);
    this.#last = result.catch(() => undefined);
    return result;
  }
}

function identity(at: string): Readonly<Record<string, string>> {
  const date = `${Math.floor(Date.parse(at) / 1000)} +0000`;
  const [name, email] = ["gitmend", "gitmend@localhost"];
  return {
    GIT_AUTHOR_NAME: name,
    GIT_AUTHOR_EMAIL: email,
    GIT_AUTHOR_DATE: date,
    GIT_COMMITTER_NAME: name,
    GIT_COMMITTER_EMAIL: email,
    GIT_COMMITTER_DATE: date,
  };
}

function messageOf({ title, reason, base }: BranchEffect, key: string): string {
  const why = reason === "" ? [] : [oneLine(reason, 1_000), ""];
  const merge = `Merge it into ${base} to approve it; delete the branch to reject it.`;
  return [title, "", ...why, merge, "", trailer(key), ""].join("\n");
}

/** Of a repair that needs nobody's approval beside the merge. */
function bodyOf({ object, reason, base }: BranchEffect): string {
  return [
    `gitmend repairs ${code(objectText(object))} here.`,
    ...(reason === "" ? [] : [prose(reason, 1_000)]),
    `Merge it into ${code(base)} to have it; close it to refuse it.`,
  ].join("\n\n");
}

function trailer(key: string): string {
  return `Gitmend-Effect: ${key}`;
}
