// Gitea, as far as gitmend asks it: what a forge keeps (forge-model.ts) behind the real API's addresses, each request held against
// Gitea's own description (test/fixtures/gitea-openapi.json).
import { createHash } from "node:crypto";
import { type ForgeModel, forgeModel, found, type ModelPull, Refused } from "./forge-model.ts";
import {
  type Asked,
  bodyOf,
  type ForgeServer,
  type Handler,
  pageOf,
  queryOf,
  startForgeServer,
} from "./forge-server.ts";

export interface TestGitea extends ForgeServer {
  readonly repository: string;
  readonly token: string;
  readonly bot: string;
  readonly model: ForgeModel;
  /** Of gitmend's account, on the branch that requests are merged to. */
  permissions: { readonly admin: boolean; readonly push: boolean };
  protection: { readonly protected: boolean; readonly push: boolean; readonly merge: boolean };
  /** How the account of a key is named: before 1.25 in `name`, from then on in `username`. */
  signerIn: "name" | "username";
  review(branch: string, by: string, state?: string, commit?: string): void;
  /** A pull request of somebody, perhaps of a fork, whose head is a commit of a real repository; again: it was pushed to. */
  request(branch: string, by: string, base: string, head: string, fork?: boolean): void;
}

const repository = "example/approvals";
const token = "token-of-gitmend";
const bot = "gitmend-bot";
const repositoryId = 7;
const forkId = 8;

const user = (login: string | null) => (login === null ? null : { login });
const param = (asked: Asked, name: string) => String(asked.request.params[name]);
const blobOf = (text: string) => createHash("sha1").update(`blob\0${text}`).digest("hex");

export async function startGitea(): Promise<TestGitea> {
  const model = forgeModel(bot);
  const { commits, filesAt, pulls, refs } = model;
  const labels: { readonly id: number; readonly name: string }[] = [{ id: 1, name: "bug" }];
  const forks = new Set<number>();
  /** Who did what to a pull request. */
  const events = new Map<number, { readonly type: string; readonly user: unknown }[]>();

  const shown = (pull: ModelPull) => {
    const headRepository = forks.has(pull.number) ? forkId : repositoryId;
    const isThere = refs.has(pull.branch) || forks.has(pull.number);
    return {
      number: pull.number,
      state: pull.state,
      title: pull.title,
      body: pull.body,
      html_url: `https://gitea.test/${repository}/pulls/${pull.number}`,
      user: user(pull.author),
      merged: pull.merged !== null,
      merged_by: user(pull.merged?.by ?? null),
      merged_at: pull.merged?.at ?? null,
      merge_commit_sha: pull.merged?.commit ?? null,
      labels: labels.filter(({ name }) => pull.labels.has(name)),
      head: {
        label: pull.branch,
        ref: isThere ? pull.branch : `refs/pull/${pull.number}/head`,
        sha: pull.head,
        repo_id: headRepository,
      },
      base: { label: pull.base, ref: pull.base, sha: refs.get(pull.base) ?? "", repo_id: repositoryId },
    };
  };
  const pullOf = (asked: Asked) =>
    found(pulls.find((pull) => pull.number === Number(asked.request.params["index"])));
  const listed = <T>(asked: Asked, all: readonly T[], response: Parameters<Handler>[1]) =>
    pageOf(asked, all, response, "limit");
  const commentShown = ({ id, by, body, at }: ModelPull["comments"][number]) => ({
    id,
    user: user(by),
    body,
    created_at: at,
  });
  const happened = (pull: ModelPull, type: string, by: string) =>
    events.set(pull.number, [...(events.get(pull.number) ?? []), { type, user: user(by) }]);
  const branchShown = (name: string) => ({
    name,
    commit: { id: found(refs.get(name)) },
    protected: test.protection.protected,
    user_can_push: test.protection.push,
    user_can_merge: test.protection.merge,
  });
  /** @param at a branch or a commit */
  const write = (asked: Asked, at: string, to: string, text: string) => {
    const parent = found(refs.get(at));
    const files = new Map([...filesAt(at), [param(asked, "filepath"), text]]);
    const sha = model.commit([parent], files, bot);
    if (refs.has(to)) model.moved(to, sha);
    else refs.set(to, sha);
    return { commit: { sha }, content: { sha: blobOf(text) } };
  };
  interface Written {
    readonly branch?: string;
    readonly new_branch?: string;
    readonly content: string;
    readonly sha?: string;
  }
  const textIn = ({ content }: Written) => Buffer.from(content, "base64").toString("utf8");

  const handlers: Readonly<Record<string, Handler>> = {
    userGetCurrent: () => ({ login: bot, id: 1 }),
    repoGet: () => ({ full_name: repository, permissions: test.permissions }),
    repoGetBranch: (asked) => branchShown(param(asked, "branch")),
    repoCreateBranch: (asked) => {
      const { new_branch_name } = bodyOf(asked) as unknown as { new_branch_name: string };
      if (refs.has(new_branch_name)) throw new Refused(409, "The branch already exists.");
      refs.set(new_branch_name, found(refs.get("main")));
      return branchShown(new_branch_name);
    },
    repoDeleteBranch: (asked) => {
      const branch = param(asked, "branch");
      found(refs.get(branch));
      for (const pull of pulls)
        if (pull.branch === branch && pull.state === "open") happened(pull, "close", bot);
      model.deleteBranch(branch);
      return undefined;
    },
    repoGetContents: (asked) => {
      const ref = queryOf(asked)["ref"] ?? "main";
      if (!refs.has(ref) && !commits.has(ref)) throw new Refused(404, "object does not exist");
      const text = found(filesAt(ref).get(param(asked, "filepath")));
      const content = Buffer.from(text, "utf8").toString("base64");
      return { type: "file", encoding: "base64", content, sha: blobOf(text) };
    },
    repoCreateFile: (asked) => {
      const given = bodyOf(asked) as unknown as Written;
      const at = given.branch ?? "main";
      const to = given.new_branch ?? at;
      if (given.new_branch !== undefined && refs.has(to)) throw new Refused(422, "branch already exists");
      if (filesAt(at).has(param(asked, "filepath"))) throw new Refused(422, "file already exists");
      return write(asked, at, to, textIn(given));
    },
    repoUpdateFile: (asked) => {
      const given = bodyOf(asked) as unknown as Written;
      const at = given.branch ?? "main";
      const there = found(filesAt(at).get(param(asked, "filepath")));
      if (blobOf(there) !== given.sha) throw new Refused(409, "sha does not match");
      return write(asked, at, at, textIn(given));
    },
    repoCreateStatus: (asked) => {
      const { state, context, description } = bodyOf(asked) as unknown as ForgeModel["statuses"][number];
      model.statuses.push({ sha: param(asked, "sha"), state, context, description });
      return { status: state, context };
    },
    repoCreatePullRequest: (asked) => {
      const { head, ...given } = bodyOf(asked) as unknown as Readonly<
        Record<"title" | "body" | "head" | "base", string>
      >;
      return shown(model.open(bot, { ...given, branch: head }));
    },
    repoListPullRequests: (asked, response) => {
      const { state = "open" } = queryOf(asked);
      const all = pulls.filter((pull) => state === "all" || pull.state === state).toReversed();
      return listed(asked, all.map(shown), response);
    },
    repoGetPullRequest: (asked) => shown(pullOf(asked)),
    repoEditPullRequest: (asked) => {
      const pull = pullOf(asked);
      const { state, body } = bodyOf(asked) as unknown as { state?: "open" | "closed"; body?: string };
      if (state === "closed" && pull.state === "open") {
        model.close(pull.branch, bot);
        happened(pull, "close", bot);
      }
      if (body !== undefined) pull.body = body;
      return shown(pull);
    },
    repoListPullReviews: (asked, response) =>
      listed(
        asked,
        pullOf(asked).reviews.map(({ by, state, commit: commit_id, at }, id) => ({
          id,
          user: user(by),
          state: state === "DISMISSED" ? "APPROVED" : state,
          dismissed: state === "DISMISSED",
          official: true,
          stale: false,
          commit_id,
          submitted_at: at,
        })),
        response,
      ),
    repoGetPullRequestCommits: (asked, response) =>
      listed(
        asked,
        model
          .commitsOf(pullOf(asked))
          .toReversed()
          .map(({ sha, parents, by, proof }) => {
            const address = { email: `${by}@example.com` };
            const signer = { name: "", email: "", [test.signerIn]: proof === "on the page" ? "Gitea" : by };
            return {
              sha,
              parents: parents.map((parent) => ({ sha: parent })),
              author: user(by),
              committer: user(by),
              commit: {
                author: address,
                committer: address,
                verification: proof === "unsigned" ? { verified: false } : { verified: true, signer },
              },
            };
          }),
        response,
      ),
    repoGetPullRequestFiles: (asked, response) =>
      listed(
        asked,
        model.filesOf(pullOf(asked)).map((filename) => ({ filename })),
        response,
      ),
    issueListLabels: (asked, response) => listed(asked, labels, response),
    issueCreateLabel: (asked) => {
      const label = { id: model.next(), name: String(bodyOf(asked)["name"]) };
      labels.push(label);
      return label;
    },
    issueAddLabel: (asked) => {
      const { labels: ids } = bodyOf(asked) as unknown as { labels: number[] };
      for (const id of ids) pullOf(asked).labels.add(found(labels.find((label) => label.id === id)).name);
      return [];
    },
    issueGetComments: (asked) => pullOf(asked).comments.map(commentShown),
    issueCreateComment: (asked) => commentShown(model.say(pullOf(asked), bot, String(bodyOf(asked)["body"]))),
    issueEditComment: (asked) => {
      const id = Number(asked.request.params["id"]);
      const comment = found(pulls.flatMap(({ comments }) => comments).find((one) => one.id === id));
      comment.body = String(bodyOf(asked)["body"]);
      return commentShown(comment);
    },
    issueGetCommentsAndTimeline: (asked, response) => {
      const pull = pullOf(asked);
      const closed = pull.closedBy === null ? [] : [{ type: "close", user: user(pull.closedBy) }];
      const said = pull.comments.map((one) => ({ ...commentShown(one), type: "comment" }));
      return listed(asked, [...said, ...(events.get(pull.number) ?? closed)], response);
    },
  };

  const server = await startForgeServer({
    name: "Gitea",
    description: "gitea-openapi.json",
    prefix: "/api/v1",
    wildcard: /^\/repos\/[^/]+\/[^/]+\/(?:contents|branches)\/(.+)$/,
    handlers,
    allows: ({ authorization }) => authorization === `token ${token}`,
  });
  const test: TestGitea = Object.assign(server, {
    repository,
    token,
    bot,
    model,
    permissions: { admin: false, push: true },
    protection: { protected: true, push: false, merge: false },
    signerIn: "name" as const,
    review: (branch: string, by: string, state = "APPROVED", on?: string) =>
      model.review(branch, by, state, on),
    request(branch: string, by: string, base: string, head: string, fork = false) {
      const pull = pulls.find((one) => one.branch === branch && one.state === "open");
      if (pull !== undefined) pull.head = head;
      else {
        const { number } = model.open(by, { branch, base, title: branch, body: "", head });
        if (fork) forks.add(number);
      }
    },
  });
  return test;
}
