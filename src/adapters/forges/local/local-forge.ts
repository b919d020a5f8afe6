// The forge without a server: a bare repository in which a request is a branch, an approval is a signed commit on it, and the
// go-ahead is its merge. docs/decisions/0010-approvals-without-a-server.md says why this form. The forge shows and stores; whether approvals are
// enough is judged elsewhere.
import fs from "node:fs";
import { mkdir, readdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import isomorphicGit from "isomorphic-git";
import type { ApprovalRequest, ApprovalState, Forge } from "../../../controller/forge-ports.ts";
import type { Clock } from "../../../controller/ports.ts";
import { Problem, toProblem } from "../../../domain/problem.ts";
import { localProblem } from "../../git/git-problem.ts";
import { runGit } from "../../git/run-git.ts";
import { removeStaleLocks } from "../../git/stale-locks.ts";
import { approvalsBase, welcome } from "../approvals-branch.ts";
import { judgeCommits } from "./approval-commits.ts";
import {
  type BranchHistory,
  commitAt,
  commitsAfter,
  contains,
  fileAt,
  findMerge,
  maximumCommits,
} from "./branch-history.ts";
import { tipReader } from "./read-tips.ts";
import { allowedSigners, type Person } from "./signers.ts";

export interface LocalForgeOptions {
  /** The bare repository; created when it is not there. */
  readonly folder: string;
  /** People whose approvals count, of `approvals.people`. */
  readonly people: readonly Person[];
  /** Only for the demo: unsigned lines of known people count, as unverified. */
  readonly unsignedAllowed: boolean;
  readonly clock: Clock;
  /** Name of gitmend itself; default gitmend. It never counts as an approver. */
  readonly bot?: string;
}

/** What was seen of an open request, and of what: all that changes it moves its branch, or brings it into the base. */
interface Seen {
  readonly head: string;
  readonly base: string | null;
  readonly tip: string | null;
  readonly state: ApprovalState;
}

const baseReference = `refs/heads/${approvalsBase}`;
const noCommit = "0".repeat(40);
/** @throws Problem CONFIG_INVALID: people with impossible ids or keys; GIT_REFUSED: the folder holds something else */
export async function openLocalForge(options: LocalForgeOptions): Promise<Forge> {
  const signers = allowedSigners(options.people);
  const forge = new LocalForge(options);
  await forge.prepare(signers);
  return {
    pollSeconds: 1,
    reach: async () => `a bare repository, ${options.folder}`,
    open: (request) => forge.inTurn(() => forge.open(request)),
    read: (request) => forge.read(request),
    // A branch has no place for it.
    tell: async () => undefined,
    close: (branch, reason) => forge.inTurn(() => forge.close(branch, reason)),
  };
}

class LocalForge {
  readonly #options: LocalForgeOptions;
  readonly #bot: string;
  readonly #signersFile: string;
  #last: Promise<unknown> = Promise.resolve();
  readonly #tips: ReturnType<typeof tipReader>;
  readonly #open = new Map<string, Seen>();

  constructor(options: LocalForgeOptions) {
    this.#options = options;
    this.#bot = options.bot ?? "gitmend";
    this.#signersFile = join(options.folder, "gitmend-allowed-signers");
    this.#tips = tipReader(options.folder);
  }

  async prepare(signers: string): Promise<void> {
    const { folder } = this.#options;
    const known: readonly string[] = await readdir(folder).catch(() => []);
    if (known.length > 0 && !known.includes("objects")) {
      throw new Problem("GIT_REFUSED", `${folder} is not empty and not a bare Git repository`);
    }
    await mkdir(folder, { recursive: true });
    await removeStaleLocks(folder);
    await this.#git(["init", "--quiet", "--bare", `--initial-branch=${approvalsBase}`]);
    await writeFile(this.#signersFile, signers);
    if ((await commitAt(folder, baseReference)) === null) {
      const first = await this.#write({ "README.md": welcome }, null, "Approvals of gitmend");
      await this.#git(["update-ref", baseReference, first, noCommit]);
    }
  }

  inTurn<T>(task: () => Promise<T>): Promise<T> {
    const result = this.#last.then(task);
    this.#last = result.catch(() => undefined);
    return result;
  }

  /** The same content gives the head that is there already; other content a new one, on top of what people made of the last. */
  async open(request: ApprovalRequest): Promise<{ repository: string; base: string; head: string }> {
    const { folder } = this.#options;
    checkNames(request);
    const requested = requestedReference(request.branch);
    const answer = { repository: folder, base: approvalsBase };
    const branch = `refs/heads/${request.branch}`;
    const earlier = await commitAt(folder, requested);
    const tip = await commitAt(folder, branch);
    if (earlier !== null && (await this.#stands(request, earlier, tip))) return { ...answer, head: earlier };
    const old = tip ?? noCommit;
    const parent = tip ?? (await commitAt(folder, baseReference))!;
    const head = await this.#write({ [request.file]: request.content }, parent, request.title);
    // The branch and the mark of what was asked move together: a crash leaves both or none.
    const mark = earlier ?? noCommit;
    await this.#update([`update ${branch} ${head} ${old}`, `update ${requested} ${head} ${mark}`]);
    return { ...answer, head };
  }

  async #stands({ file, content }: ApprovalRequest, earlier: string, tip: string | null): Promise<boolean> {
    const history = this.#history(file);
    if ((await fileAt(history, earlier)) !== content) return false;
    return tip === null || (await this.#judge(history, earlier, tip)).edited === null;
  }

  /** Looked at every second while people think: as long as nothing has moved, all of them are one question to git. */
  async read(request: { branch: string; file: string; head: string }): Promise<ApprovalState> {
    checkNames(request);
    const { branch, head } = request;
    const [base = null, tip = null] = await this.#tips([baseReference, `refs/heads/${branch}`]);
    const known = this.#open.get(branch);
    if (known !== undefined && tip !== null && known.tip === tip && known.head === head) {
      if (known.base === base) return known.state;
      if (base !== null && !(await contains(this.#options.folder, base, head))) {
        this.#open.set(branch, { ...known, base });
        return known.state;
      }
    }
    return this.inTurn(async () => {
      const state = await this.#look(request);
      if (state.state === "open") this.#open.set(branch, { head, base, tip, state });
      else this.#open.delete(branch);
      return state;
    });
  }

  async #look(request: { branch: string; file: string; head: string }): Promise<ApprovalState> {
    const { folder } = this.#options;
    const history = this.#history(request.file);
    const base = await commitAt(folder, baseReference);
    if (base === null)
      throw new Problem("GIT_UNREACHABLE", `${folder} has no ${approvalsBase}`, { retryable: true });
    const merge = await findMerge(history, request.head, base);
    if (merge !== null) return await this.#merged(history, request.head, merge);
    const closed = await this.#closedAs(request.branch);
    if (closed !== null) return { state: "closed", by: this.#bot, reason: closed };
    const tip = await commitAt(folder, `refs/heads/${request.branch}`);
    if (tip === null) return await this.#deleted(request.branch);
    const judged = await this.#judge(history, request.head, tip);
    if (judged.rejection !== null) return { state: "closed", ...judged.rejection };
    const { approvals, editors } = judged;
    const text = editors === null ? null : await fileAt(history, tip);
    const edit = editors === null || text === null ? null : { head: tip, by: editors, text };
    return { state: "open", approvals, remarks: judged.remarks, edit, commands: [] };
  }

  /** The branch goes, its commits stay reachable under the reason. Closing twice is closing once. */
  async close(
    branch: string,
    reason: "expired" | "resolved" | "cancelled" | "outdated" | "refused" | "superseded",
  ): Promise<void> {
    checkNames({ branch, file: "approvals/x.yaml" });
    this.#open.delete(branch);
    const reference = `refs/heads/${branch}`;
    const tip = await commitAt(this.#options.folder, reference);
    if (tip === null) return;
    await this.#update([
      `update refs/gitmend/closed/${reason}/${branch} ${tip}`,
      `delete ${reference} ${tip}`,
    ]);
  }

  /** Only where it was asked can a branch be deleted: a replica with a folder of its own must not take its absence for a no. */
  async #deleted(branch: string): Promise<ApprovalState> {
    const { folder } = this.#options;
    if ((await commitAt(folder, requestedReference(branch))) === null) {
      throw new Problem(
        "GIT_UNREACHABLE",
        `${folder} never had ${branch}: it was asked about somewhere else`,
        {
          retryable: true,
        },
      );
    }
    return { state: "closed", by: null, reason: "the branch was deleted" };
  }

  async #merged(
    history: BranchHistory,
    head: string,
    { commit, tip }: { commit: string; tip: string },
  ): Promise<ApprovalState> {
    const { approvals, rejection, remarks, edited } = await this.#judge(history, head, tip);
    const problem =
      edited ??
      (rejection === null ? null : `rejected by ${rejection.by ?? "somebody"}: ${rejection.reason}`) ??
      ((await fileAt(history, commit)) === (await fileAt(history, tip))
        ? null
        : "the merge changed the file") ??
      (approvals.length === 0 ? `merged without an approval that counts${said(remarks)}` : null);
    return { state: "merged", approvals: problem === null ? approvals : [], commit, problem };
  }

  async #judge(history: BranchHistory, head: string, tip: string) {
    if (!(await contains(history.repository, tip, head))) {
      const edited = "the branch was rewritten: the commit that gitmend wrote is not in it";
      return { approvals: [], rejection: null, remarks: [edited], edited, editors: null };
    }
    const commits = await commitsAfter(history, head, tip);
    if (commits.length > maximumCommits) {
      const edited = `more than ${maximumCommits} commits on the branch`;
      return { approvals: [], rejection: null, remarks: [edited], edited, editors: null };
    }
    const people = new Set(this.#options.people.map(({ id }) => id));
    const { unsignedAllowed } = this.#options;
    return judgeCommits(commits, { file: history.file, head, people, bot: this.#bot, unsignedAllowed });
  }

  async #closedAs(branch: string): Promise<string | null> {
    const listed = await this.#git(["for-each-ref", "--format=%(refname)", "refs/gitmend/closed/"]);
    const reference = listed.split("\n").find((name) => name.endsWith(`/${branch}`));
    return reference?.split("/")[3] ?? null;
  }

  /** A commit whose tree is the parent's plus these files. */
  async #write(
    files: Readonly<Record<string, string>>,
    parent: string | null,
    title: string,
  ): Promise<string> {
    const gitdir = this.#options.folder;
    let tree = parent === null ? await isomorphicGit.writeTree({ fs, gitdir, tree: [] }) : parent;
    for (const [path, text] of Object.entries(files)) {
      const blob = await isomorphicGit.writeBlob({ fs, gitdir, blob: Buffer.from(text, "utf8") });
      tree = await withFile(gitdir, tree, path.split("/"), blob);
    }
    const at = { timestamp: Math.floor(Date.parse(this.#options.clock.now()) / 1000), timezoneOffset: 0 };
    const person = { name: this.#bot, email: `${this.#bot}@localhost`, ...at };
    const message = `${title.replaceAll(/\s+/g, " ").trim()}\n`;
    const commit = {
      message,
      tree,
      parent: parent === null ? [] : [parent],
      author: person,
      committer: person,
    };
    return await isomorphicGit.writeCommit({ fs, gitdir, commit });
  }

  async #update(lines: readonly string[]): Promise<void> {
    const result = await runGit(this.#options.folder, ["update-ref", "--stdin"], {
      input: `${lines.join("\n")}\n`,
    });
    if (result.exitCode !== 0) {
      throw new Problem(
        "GIT_UNREACHABLE",
        `the approvals repository changed meanwhile: ${result.stderr.trim()}`,
        {
          retryable: true,
        },
      );
    }
  }

  async #git(args: readonly string[]): Promise<string> {
    const { folder } = this.#options;
    const result = await runGit(folder, args).catch((error: unknown) => {
      throw new Problem("GIT_UNREACHABLE", `${folder}: ${toProblem(error).message}`, {
        cause: error,
        retryable: true,
      });
    });
    if (result.exitCode !== 0) throw localProblem(`the approvals repository at ${folder}`, result);
    return result.stdout;
  }

  #history(file: string): BranchHistory {
    return { repository: this.#options.folder, file, signersFile: this.#signersFile };
  }
}

/** Writes the trees from the root down to the file anew, with it in place. @param tree a tree or a commit */
async function withFile(
  gitdir: string,
  tree: string,
  path: readonly string[],
  blob: string,
): Promise<string> {
  const [name = "", ...rest] = path;
  const { tree: entries } = await isomorphicGit.readTree({ fs, gitdir, oid: tree });
  const others = entries.filter((entry) => entry.path !== name);
  if (rest.length === 0) {
    const entry = { mode: "100644", path: name, oid: blob, type: "blob" as const };
    return await isomorphicGit.writeTree({ fs, gitdir, tree: [...others, entry] });
  }
  const folder = entries.find((entry) => entry.path === name && entry.type === "tree");
  const inner = folder?.oid ?? (await isomorphicGit.writeTree({ fs, gitdir, tree: [] }));
  const oid = await withFile(gitdir, inner, rest, blob);
  const entry = { mode: "040000", path: name, oid, type: "tree" as const };
  return await isomorphicGit.writeTree({ fs, gitdir, tree: [...others, entry] });
}

/** Where the head that gitmend asked about is kept, whatever becomes of the branch. */
function requestedReference(branch: string): string {
  return `refs/gitmend/requested/${branch}`;
}

function checkNames({ branch, file }: { readonly branch: string; readonly file: string }): void {
  if (!/^gitmend\/[0-9a-z-]+$/.test(branch))
    throw new Problem("INTERNAL", `"${branch}" is not a branch of gitmend`);
  if (!/^approvals\/[\w-]+\.yaml$/.test(file))
    throw new Problem("INTERNAL", `"${file}" is not an approval file`);
}

function said(remarks: readonly string[]): string {
  return remarks.length === 0 ? "" : ` (${remarks.slice(0, 3).join("; ")})`;
}
