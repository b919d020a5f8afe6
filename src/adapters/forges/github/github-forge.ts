// Requests for approval as pull requests on GitHub. The commit is written through the API (no clone), the branch and the pull request
// are named from the execution, so that whatever a crash has left half done is found again and gone on with.
import type { Octokit } from "@octokit/rest";
import type { ApprovalRequest, ApprovalState, Forge } from "../../../controller/ports.ts";
import { judgeRequest, type RequestSeen, type Review } from "../../../domain/gate/judge-request.ts";
import { Problem } from "../../../domain/problem.ts";
import { approvalsBase, closedLabels, welcome } from "../approvals-branch.ts";
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

export function githubForge({ api, repository, people }: GithubForgeOptions): Forge {
  const { octokit } = api;
  const [owner = "", repo = ""] = repository.split("/");
  const where = { owner, repo };
  const { git, pulls, repos, issues } = octokit.rest;

  return { pollSeconds: 60, reach, open, read, close };

  /** Whoever may merge what it asks for needs nobody. */
  async function reach(): Promise<string> {
    const { permissions } = (await repos.get(where)).data;
    const refused = (why: string) => new Problem("FORGE_REFUSED", `${repository}: ${why}`);
    if (permissions?.push === false) throw refused(`${await api.bot()} may not push branches`);
    if (permissions?.admin === true || permissions?.maintain === true)
      throw refused(`${await api.bot()} may change the protection of branches: take that right from it`);
    const base = await orNull(repos.getBranch({ ...where, branch: approvalsBase }));
    if (base === null) throw refused(`there is no branch ${approvalsBase} yet: make it, and protect it`);
    if (!base.data.protected)
      throw refused(`${approvalsBase} is not protected: gitmend could merge what it asks for itself`);
    return `${repository} as ${await api.bot()}, ${approvalsBase} is protected`;
  }

  async function open(request: ApprovalRequest) {
    const base = await baseCommit();
    const head = await writeBranch(request, base);
    const pull = (await pullOf(request.branch)) ?? (await openPull(request));
    await showAs(request, pull);
    await octokit.rest.repos.createCommitStatus({
      ...where,
      sha: head,
      context: "gitmend/approval",
      state: "pending",
      description: "waits for the people that the plan needs",
    });
    return { repository: pull.html_url, base: approvalsBase, head };
  }

  /** Where requests are merged to; made when it is not there. */
  async function baseCommit(): Promise<string> {
    const known = await refCommit(approvalsBase);
    if (known !== null) return known;
    const tree = await git.createTree({ ...where, tree: [file("README.md", welcome)] });
    const commit = await git.createCommit({
      ...where,
      message: "Approvals of gitmend",
      tree: tree.data.sha,
      parents: [],
    });
    return createRef(approvalsBase, commit.data.sha);
  }

  /** The same content gives the head that is there already; other content, which gitmend plans anew, a commit on top. */
  async function writeBranch({ branch, file: path, content, title }: ApprovalRequest, base: string) {
    const tip = await refCommit(branch);
    if (tip !== null && (await textAt(path, tip)) === content) return tip;
    const parent = tip ?? base;
    const tree = await git.createTree({ ...where, base_tree: parent, tree: [file(path, content)] });
    const { data } = await git.createCommit({
      ...where,
      message: title,
      tree: tree.data.sha,
      parents: [parent],
    });
    if (tip === null) return createRef(branch, data.sha);
    await git.updateRef({ ...where, ref: `heads/${branch}`, sha: data.sha, force: false });
    return data.sha;
  }

  /** Two replicas, or an answer that was lost: the one that is there counts. */
  async function createRef(branch: string, sha: string): Promise<string> {
    try {
      await git.createRef({ ...where, ref: `refs/heads/${branch}`, sha });
      return sha;
    } catch (error) {
      const there = statusIn(error) === 422 ? await refCommit(branch) : null;
      if (there === null) throw error;
      return there;
    }
  }

  async function openPull({ branch, title, body }: ApprovalRequest): Promise<Pull> {
    const { data } = await pulls
      .create({ ...where, head: branch, base: approvalsBase, title, body, maintainer_can_modify: false })
      .catch(async (error: unknown) => {
        const there = statusIn(error) === 422 ? await pullOf(branch) : null;
        if (there === null) throw error;
        return { data: there };
      });
    return (await pulls.get({ ...where, pull_number: data.number })).data;
  }

  /** Whoever made the pull request may have died before that. */
  async function showAs({ body, labels }: ApprovalRequest, { number, ...shown }: Pull): Promise<void> {
    const there = new Set(shown.labels.map(({ name }) => name));
    const missing = labels.filter((label) => !there.has(label));
    if (missing.length > 0) await issues.addLabels({ ...where, issue_number: number, labels: missing });
    if (shown.body !== body) await pulls.update({ ...where, pull_number: number, body });
  }

  /** The newest of this branch. */
  async function pullOf(branch: string): Promise<Pull | null> {
    const { data } = await pulls.list({
      ...where,
      head: `${owner}:${branch}`,
      state: "all",
      per_page: perPage,
    });
    const bot = await api.bot();
    const own = data.filter(({ user }) => user?.login === bot);
    const [newest] = own.toSorted((one, other) => other.number - one.number);
    return newest === undefined ? null : (await pulls.get({ ...where, pull_number: newest.number })).data;
  }

  async function read({ branch, file: path, head }: Parameters<Forge["read"]>[0]): Promise<ApprovalState> {
    const pull = await pullOf(branch);
    if (pull === null)
      throw new Problem("FORGE_UNAVAILABLE", `${repository} has no pull request of ${branch}`, {
        retryable: true,
      });
    const seen = await seenOf(pull, branch, path, head);
    return judgeRequest(seen, { base: approvalsBase, head, people, bot: await api.bot() });
  }

  async function seenOf(pull: Pull, branch: string, path: string, asked: string): Promise<RequestSeen> {
    const merged = pull.merged;
    const closed = pull.state === "closed" && !merged;
    const label = pull.labels.map(({ name }) => name).find((name) => closedLabels.has(name)) ?? null;
    const gone = !merged && (await refCommit(branch)) === null;
    return {
      state: merged ? "merged" : closed ? "closed" : gone ? "gone" : "open",
      base: pull.base.ref,
      head: pull.head.sha,
      endedBy: merged ? (pull.merged_by?.login ?? null) : closed ? await closerOf(pull.number) : null,
      label,
      reviews: closed || gone ? [] : await reviewsOf(pull.number),
      editors: closed || gone ? [] : await editorsOf(pull.number),
      intact: merged
        ? (await textAt(path, pull.merge_commit_sha ?? "")) === (await textAt(path, asked))
        : null,
      mergeCommit: pull.merge_commit_sha,
      mergedAt: pull.merged_at,
    };
  }

  async function reviewsOf(pull_number: number): Promise<readonly Review[]> {
    const all = await octokit.paginate(pulls.listReviews, { ...where, pull_number, per_page: perPage });
    return all.flatMap(({ user, state, commit_id, submitted_at = "" }): readonly Review[] => {
      const opinion = opinions[state];
      return user === null || opinion === undefined
        ? []
        : [{ by: user.login, opinion, commit: commit_id ?? "", at: submitted_at }];
    });
  }

  /** Whoever has written a commit of the branch. One whose account is not known counts as everybody's: its address stands for it. */
  async function editorsOf(pull_number: number): Promise<readonly string[]> {
    const bot = await api.bot();
    const all = await octokit.paginate(pulls.listCommits, { ...where, pull_number, per_page: perPage });
    const accounts = all.flatMap(({ author, committer, commit }) => [
      author?.login ?? commit.author?.email ?? "",
      committer?.login ?? commit.committer?.email ?? "",
    ]);
    return [...new Set(accounts)].filter((account) => account !== bot && account !== "web-flow");
  }

  async function closerOf(issue_number: number): Promise<string | null> {
    return (await issues.get({ ...where, issue_number })).data.closed_by?.login ?? null;
  }

  async function close(branch: string, reason: Parameters<Forge["close"]>[1]): Promise<void> {
    const pull = await pullOf(branch);
    if (pull !== null && pull.state === "open") {
      await issues.addLabels({ ...where, issue_number: pull.number, labels: [reason] });
      await pulls.update({ ...where, pull_number: pull.number, state: "closed" });
    }
    if (pull?.merged !== true && (await refCommit(branch)) !== null)
      await git.deleteRef({ ...where, ref: `heads/${branch}` });
  }

  async function refCommit(branch: string): Promise<string | null> {
    const found = await orNull(git.getRef({ ...where, ref: `heads/${branch}` }));
    return found?.data.object.sha ?? null;
  }

  async function textAt(path: string, ref: string): Promise<string | null> {
    const mediaType = { format: "raw" };
    const found = await orNull(repos.getContent({ ...where, path, ref, mediaType }));
    if (found === null) return null;
    const data: unknown = found.data;
    if (typeof data === "string") return data;
    if (data instanceof ArrayBuffer) return Buffer.from(data).toString("utf8");
    throw new Problem("FORGE_REFUSED", `${path} in ${repository} is no file`);
  }
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
