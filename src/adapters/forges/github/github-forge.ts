// Requests for approval as pull requests on GitHub. The commit is written through the API (no clone), the branch and the pull request
// are named from the execution, so that whatever a crash has left half done is found again and gone on with.
import type { Octokit } from "@octokit/rest";
import type {
  ApprovalRequest,
  ApprovalState,
  Forge,
  ProposedBranch,
  ServerForge,
} from "../../../controller/forge-ports.ts";
import {
  type CommandSeen,
  type EditSeen,
  judgeRequest,
  type RequestSeen,
  type Review,
} from "../../../domain/gate/judge-request.ts";
import type { RequestNote } from "../../../domain/gate/request-note.ts";
import { prose } from "../../../domain/plain-text.ts";
import { Problem } from "../../../domain/problem.ts";
import { approvalsBase, closedLabels, welcome } from "../approvals-branch.ts";
import { assertAt, type Shown } from "../proposed-branch.ts";
import { type GithubApi, statusOf } from "./github-api.ts";

export interface GithubForgeOptions {
  readonly api: GithubApi;
  /** `owner/name`. */
  readonly repository: string;
  /** Person of `approvals.people` by account, in small letters. */
  readonly people: ReadonlyMap<string, string>;
}

type Answer<T> = { readonly data: T };
type Pull = Awaited<ReturnType<Octokit["rest"]["pulls"]["get"]>>["data"];
const perPage = 100;

export function githubForge(options: GithubForgeOptions): ServerForge {
  const forge = new GithubForge(options);
  return {
    pollSeconds: 60,
    reach: (branch) => forge.reach(branch),
    open: (request) => forge.open(request),
    read: (request) => forge.read(request),
    tell: (request, note) => forge.tell(request, note),
    close: (branch, reason) => forge.close(branch, reason),
    propose: (request) => forge.propose(request),
    readProposed: (request) => forge.readProposed(request),
  };
}

class GithubForge {
  readonly #options: GithubForgeOptions;
  readonly #rest: Octokit["rest"];
  readonly #where: { readonly owner: string; readonly repo: string };
  /** What each request that is open shows, as far as this process has shown it. */
  readonly #told = new Map<string, { readonly head: string } & Pick<RequestNote, "status" | "comment">>();

  constructor(options: GithubForgeOptions) {
    const [owner = "", repo = ""] = options.repository.split("/");
    this.#options = options;
    this.#rest = options.api.octokit.rest;
    this.#where = { owner, repo };
  }

  /** Whoever may merge what it asks for needs nobody. */
  async reach(branch = approvalsBase): Promise<string> {
    const { permissions } = (await this.#rest.repos.get(this.#where)).data;
    const refused = (why: string) => new Problem("FORGE_REFUSED", `${this.#options.repository}: ${why}`);
    if (permissions?.push === false) throw refused(`${await this.#options.api.bot()} may not push branches`);
    if (permissions?.admin === true || permissions?.maintain === true)
      throw refused(
        `${await this.#options.api.bot()} may change the protection of branches: take that right from it`,
      );
    const base = await orNull(this.#rest.repos.getBranch({ ...this.#where, branch }));
    if (base === null) throw refused(`there is no branch ${branch} yet: make it, and protect it`);
    if (!base.data.protected)
      throw refused(`${branch} is not protected: gitmend could merge what it asks for itself`);
    return `${this.#options.repository} as ${await this.#options.api.bot()}, ${branch} is protected`;
  }

  async open(request: ApprovalRequest) {
    const base = await this.#baseCommit();
    const head = await this.#writeBranch(request, base);
    const pull = (await this.#pullOf(request.branch)) ?? (await this.#openPull(request, approvalsBase));
    await this.#showAs(request, pull);
    return { repository: pull.html_url, base: approvalsBase, head };
  }

  async propose(request: ProposedBranch): Promise<string> {
    const pull = (await this.#pullOf(request.branch)) ?? (await this.#openProposed(request));
    await this.#showAs(request, pull);
    return pull.html_url;
  }

  async #openProposed(request: ProposedBranch): Promise<Pull> {
    assertAt(request, await this.#refCommit(request.branch), this.#options.repository);
    return this.#openPull(request, request.base);
  }

  /** Where requests are merged to; made when it is not there. */
  async #baseCommit(): Promise<string> {
    const known = await this.#refCommit(approvalsBase);
    if (known !== null) return known;
    const tree = await this.#rest.git.createTree({ ...this.#where, tree: [file("README.md", welcome)] });
    const commit = await this.#rest.git.createCommit({
      ...this.#where,
      message: "Approvals of gitmend",
      tree: tree.data.sha,
      parents: [],
    });
    return this.#createRef(approvalsBase, commit.data.sha);
  }

  /** The same content gives the head that is there already; other content, which gitmend plans anew, a commit on top. */
  async #writeBranch({ branch, file: path, content, title }: ApprovalRequest, base: string) {
    const tip = await this.#refCommit(branch);
    if (tip !== null && (await this.#textAt(path, tip)) === content) return tip;
    const parent = tip ?? base;
    const tree = await this.#rest.git.createTree({
      ...this.#where,
      base_tree: parent,
      tree: [file(path, content)],
    });
    const { data } = await this.#rest.git.createCommit({
      ...this.#where,
      message: title,
      tree: tree.data.sha,
      parents: [parent],
    });
    if (tip === null) return this.#createRef(branch, data.sha);
    await this.#rest.git.updateRef({ ...this.#where, ref: `heads/${branch}`, sha: data.sha, force: false });
    return data.sha;
  }

  /** Two replicas, or an answer that was lost: the one that is there counts. */
  async #createRef(branch: string, sha: string): Promise<string> {
    try {
      await this.#rest.git.createRef({ ...this.#where, ref: `refs/heads/${branch}`, sha });
      return sha;
    } catch (error) {
      const there = statusIn(error) === 422 ? await this.#refCommit(branch) : null;
      if (there === null) throw error;
      return there;
    }
  }

  async #openPull({ branch, title, body }: Shown, base: string): Promise<Pull> {
    const { data } = await this.#rest.pulls
      .create({
        ...this.#where,
        head: branch,
        base,
        title,
        body,
        maintainer_can_modify: false,
      })
      .catch(async (error: unknown) => {
        const there = statusIn(error) === 422 ? await this.#pullOf(branch) : null;
        if (there === null) throw error;
        return { data: there };
      });
    return (await this.#rest.pulls.get({ ...this.#where, pull_number: data.number })).data;
  }

  /** Whoever made the pull request may have died before that. */
  async #showAs({ body, labels }: Shown, { number, ...shown }: Pull): Promise<void> {
    const there = new Set(shown.labels.map(({ name }) => name));
    const missing = labels.filter((label) => !there.has(label));
    if (missing.length > 0)
      await this.#rest.issues.addLabels({ ...this.#where, issue_number: number, labels: missing });
    if (shown.body !== body) await this.#rest.pulls.update({ ...this.#where, pull_number: number, body });
  }

  /** The newest of this branch. */
  async #pullOf(branch: string): Promise<Pull | null> {
    const { data } = await this.#rest.pulls.list({
      ...this.#where,
      head: `${this.#where.owner}:${branch}`,
      state: "all",
      per_page: perPage,
    });
    const bot = await this.#options.api.bot();
    const own = data.filter(({ user }) => user?.login === bot);
    const [newest] = own.toSorted((one, other) => other.number - one.number);
    return newest === undefined
      ? null
      : (await this.#rest.pulls.get({ ...this.#where, pull_number: newest.number })).data;
  }

  read({ branch, file, head }: Parameters<Forge["read"]>[0]): Promise<ApprovalState> {
    return this.#judged({ branch, base: approvalsBase, head }, file);
  }

  readProposed(request: Parameters<ServerForge["readProposed"]>[0]): Promise<ApprovalState> {
    return this.#judged(request, null);
  }

  async #judged(
    { branch, base, head }: Parameters<ServerForge["readProposed"]>[0],
    file: string | null,
  ): Promise<ApprovalState> {
    const pull = await this.#pullOf(branch);
    if (pull === null)
      throw new Problem("FORGE_UNAVAILABLE", `${this.#options.repository} has no pull request of ${branch}`, {
        retryable: true,
      });
    const seen = await this.#seenOf(pull, branch, file, head);
    const { api, people } = this.#options;
    return judgeRequest(seen, { base, head, people, bot: await api.bot(), file });
  }

  async #seenOf(pull: Pull, branch: string, path: string | null, asked: string): Promise<RequestSeen> {
    const merged = pull.merged;
    const closed = pull.state === "closed" && !merged;
    const label = pull.labels.map(({ name }) => name).find((name) => closedLabels.has(name)) ?? null;
    const gone = !merged && (await this.#refCommit(branch)) === null;
    const open = !merged && !closed && !gone;
    return {
      state: open ? "open" : merged ? "merged" : closed ? "closed" : "gone",
      base: pull.base.ref,
      head: pull.head.sha,
      endedBy: merged ? (pull.merged_by?.login ?? null) : closed ? await this.#closerOf(pull.number) : null,
      label,
      reviews: closed || gone ? [] : await this.#reviewsOf(pull.number),
      editors: closed || gone ? [] : await this.#editorsOf(pull.number),
      intact: merged
        ? path === null || (await this.#sameText(path, pull.merge_commit_sha ?? "", asked))
        : null,
      mergeCommit: pull.merge_commit_sha,
      mergedAt: pull.merged_at,
      edit: path !== null && open && pull.head.sha !== asked ? await this.#editOf(pull, path, asked) : null,
      commands: open ? await this.#commandsOf(pull.number) : [],
    };
  }

  async #editOf({ number, head }: Pull, path: string, asked: string): Promise<EditSeen> {
    const asking = { ...this.#where, pull_number: number, per_page: perPage };
    const files = await this.#options.api.octokit.paginate(this.#rest.pulls.listFiles, asking);
    const commits = await this.#commitsOf(number);
    const from = commits.findIndex(({ sha }) => sha === asked);
    return {
      text: await this.#textAt(path, head.sha),
      files: files.map(({ filename }) => filename),
      commits: from < 0 ? null : commits.slice(from + 1).map((one) => ({ sha: one.sha, by: madeBy(one) })),
    };
  }

  async #commandsOf(pull_number: number): Promise<readonly CommandSeen[]> {
    const all = await this.#commentsOf(pull_number);
    return all.flatMap(({ user, body = "", created_at }): readonly CommandSeen[] =>
      user === null || !body.startsWith("/gitmend")
        ? []
        : [{ by: user.login, text: body.split("\n")[0] ?? "", at: created_at }],
    );
  }

  #commentsOf(issue_number: number) {
    const asked = { ...this.#where, issue_number, per_page: perPage };
    return this.#options.api.octokit.paginate(this.#rest.issues.listComments, asked);
  }

  #commitsOf(pull_number: number) {
    const asked = { ...this.#where, pull_number, per_page: perPage };
    return this.#options.api.octokit.paginate(this.#rest.pulls.listCommits, asked);
  }

  async #reviewsOf(pull_number: number): Promise<readonly Review[]> {
    const all = await this.#options.api.octokit.paginate(this.#rest.pulls.listReviews, {
      ...this.#where,
      pull_number,
      per_page: perPage,
    });
    return all.flatMap(({ user, state, commit_id, submitted_at = "" }): readonly Review[] => {
      const opinion = opinions[state];
      return user === null || opinion === undefined
        ? []
        : [{ by: user.login, opinion, commit: commit_id ?? "", at: submitted_at }];
    });
  }

  /** Whoever has written a commit of the branch. One whose account is not known counts as everybody's: its address stands for it. */
  async #editorsOf(pull_number: number): Promise<readonly string[]> {
    const bot = await this.#options.api.bot();
    const all = await this.#commitsOf(pull_number);
    const accounts = all.flatMap(({ author, committer, commit }) => [
      author?.login ?? commit.author?.email ?? "",
      committer?.login ?? commit.committer?.email ?? "",
    ]);
    return [...new Set(accounts)].filter((account) => account !== bot && account !== forgeItself);
  }

  async #closerOf(issue_number: number): Promise<string | null> {
    return (await this.#rest.issues.get({ ...this.#where, issue_number })).data.closed_by?.login ?? null;
  }

  async tell({ branch, head }: Parameters<Forge["tell"]>[0], note: RequestNote): Promise<void> {
    const told = this.#told.get(branch);
    if (told?.head === head && told.status === note.status && told.comment === note.comment) return;
    if (told?.head !== head || told.status !== note.status)
      await this.#rest.repos.createCommitStatus({
        ...this.#where,
        sha: head,
        context: "gitmend/approval",
        state: note.state,
        description: note.status,
      });
    if (told === undefined || told.comment !== note.comment) await this.#comment(branch, note);
    if (note.state === "pending")
      this.#told.set(branch, { head, status: note.status, comment: note.comment });
    else this.#told.delete(branch);
  }

  /** One comment, changed in place: there is none as long as there was nothing to say. */
  async #comment(branch: string, { comment, status }: RequestNote): Promise<void> {
    const pull = await this.#pullOf(branch);
    if (pull === null) return;
    const bot = await this.#options.api.bot();
    const all = await this.#commentsOf(pull.number);
    const own = all.find(({ user }) => user?.login === bot);
    const body = comment ?? `${prose(status)}.`;
    if (own === undefined && comment !== null)
      await this.#rest.issues.createComment({ ...this.#where, issue_number: pull.number, body });
    if (own !== undefined && own.body !== body)
      await this.#rest.issues.updateComment({ ...this.#where, comment_id: own.id, body });
  }

  async close(branch: string, reason: Parameters<Forge["close"]>[1]): Promise<void> {
    this.#told.delete(branch);
    const pull = await this.#pullOf(branch);
    if (pull !== null && pull.state === "open") {
      await this.#rest.issues.addLabels({ ...this.#where, issue_number: pull.number, labels: [reason] });
      await this.#rest.pulls.update({ ...this.#where, pull_number: pull.number, state: "closed" });
    }
    if (pull?.merged !== true && (await this.#refCommit(branch)) !== null)
      await this.#rest.git.deleteRef({ ...this.#where, ref: `heads/${branch}` });
  }

  async #refCommit(branch: string): Promise<string | null> {
    const found = await orNull(this.#rest.git.getRef({ ...this.#where, ref: `heads/${branch}` }));
    return found?.data.object.sha ?? null;
  }

  async #sameText(path: string, one: string, other: string): Promise<boolean> {
    return (await this.#textAt(path, one)) === (await this.#textAt(path, other));
  }

  async #textAt(path: string, ref: string): Promise<string | null> {
    const mediaType = { format: "raw" };
    const found = await orNull(this.#rest.repos.getContent({ ...this.#where, path, ref, mediaType }));
    if (found === null) return null;
    const data: unknown = found.data;
    if (typeof data === "string") return data;
    if (data instanceof ArrayBuffer) return Buffer.from(data).toString("utf8");
    throw new Problem("FORGE_REFUSED", `${path} in ${this.#options.repository} is no file`);
  }
}

/** GitHub, for what is done on its pages: it commits, and signs for whoever is logged in. */
const forgeItself = "web-flow";

type PullCommit = Awaited<ReturnType<Octokit["rest"]["pulls"]["listCommits"]>>["data"][number];

/** Whose key has signed it, which GitHub holds against the committer's account. */
function madeBy({ author, committer, commit }: PullCommit): string | null {
  if (commit.verification?.verified !== true) return null;
  const who = committer?.login === forgeItself ? author : committer;
  return who?.login ?? null;
}

const opinions: Readonly<Record<string, Review["opinion"]>> = {
  APPROVED: "approves",
  CHANGES_REQUESTED: "objects",
  DISMISSED: "void",
};

function file(path: string, content: string) {
  return { path, mode: "100644", type: "blob", content } as const;
}

/** What a Problem of the API was about; null: something else. */
function statusIn(error: unknown): number | null {
  const status = error instanceof Problem ? error.details["status"] : statusOf(error);
  return typeof status === "number" ? status : null;
}

async function orNull<T>(asked: Promise<Answer<T>>): Promise<Answer<T> | null> {
  try {
    return await asked;
  } catch (error) {
    if (statusIn(error) === 404) return null;
    throw error;
  }
}
