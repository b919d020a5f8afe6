// GitHub, as far as gitmend asks it: what a forge keeps (forge-model.ts) behind the real API's addresses, each request held against
// GitHub's own description (test/fixtures/github-openapi.json).
import { type ForgeModel, forgeModel, found, type ModelPull, type Proof, Refused } from "./forge-model.ts";
import {
  type Asked,
  bodyOf,
  type ForgeServer,
  type Handler,
  pageOf,
  queryOf,
  startForgeServer,
} from "./forge-server.ts";

export interface TestGithub extends ForgeServer {
  readonly repository: string;
  readonly token: string;
  readonly bot: string;
  readonly model: ForgeModel;
  readonly statuses: ForgeModel["statuses"];
  comments(branch: string): readonly { readonly by: string; readonly body: string }[];
  comment(branch: string, by: string, body: string): void;
  /** Of gitmend's account. */
  permissions: Readonly<Record<string, boolean>>;
  protects: (branch: string) => boolean;
  pulls(branch: string): readonly ModelPull[];
  tip(branch: string): string | null;
  fileAt(branch: string, path: string): string | null;
  /** As somebody in a browser or with Git. */
  review(branch: string, by: string, state?: string, commit?: string): void;
  push(branch: string, by: string, files: Readonly<Record<string, string>>, proof?: Proof): string;
  /** A pull request of somebody, perhaps of a fork, whose head is a commit of a real repository; again: it was pushed to. */
  request(branch: string, by: string, base: string, head: string): void;
  merge(branch: string, by: string, changed?: Readonly<Record<string, string>>): void;
  retarget(branch: string, base: string): void;
  close(branch: string, by: string): void;
  deleteBranch(branch: string): void;
}

const repository = "example/approvals";
const token = "token-of-gitmend";
const bot = "gitmend-bot[bot]";

const user = (login: string | null) => (login === null ? null : { login });
const branchIn = (text: unknown) => String(text).replace(/^(refs\/)?heads\//, "");
const param = (asked: Asked, name: string) => String(asked.request.params[name]);

export async function startGithub(): Promise<TestGithub> {
  const model = forgeModel(bot);
  const { commits, filesAt, pulls, refs } = model;
  const trees = new Map<string, ReadonlyMap<string, string>>();

  const shown = (pull: ModelPull) => ({
    number: pull.number,
    state: pull.state,
    title: pull.title,
    body: pull.body,
    html_url: `https://github.test/${repository}/pull/${pull.number}`,
    user: user(pull.author),
    merged: pull.merged !== null,
    merged_by: user(pull.merged?.by ?? null),
    merged_at: pull.merged?.at ?? null,
    merge_commit_sha: pull.merged?.commit ?? null,
    labels: [...pull.labels].map((name) => ({ name })),
    head: { ref: pull.branch, sha: pull.head },
    base: { ref: pull.base },
  });
  const pullOf = (asked: Asked) => {
    const number = Number(asked.request.params["pull_number"] ?? asked.request.params["issue_number"]);
    return found(pulls.find((pull) => pull.number === number));
  };
  const listed = <T>(asked: Asked, all: readonly T[], response: Parameters<Handler>[1]) =>
    pageOf(asked, all, response, "per_page");
  const commentShown = ({ id, by, body, at }: ModelPull["comments"][number]) => ({
    id,
    user: user(by),
    body,
    created_at: at,
  });

  const handlers: Readonly<Record<string, Handler>> = {
    "repos/get": () => ({ full_name: repository, permissions: test.permissions }),
    "repos/get-branch": (asked) => {
      const branch = param(asked, "branch");
      return { name: branch, commit: { sha: found(refs.get(branch)) }, protected: test.protects(branch) };
    },
    "apps/get-authenticated": () => ({ slug: bot.replace(/\[bot\]$/, ""), id: 7 }),
    "apps/create-installation-access-token": () => ({
      token,
      expires_at: new Date(Date.now() + 3_600_000).toISOString(),
      permissions: {},
    }),
    "users/get-authenticated": () => ({ login: bot, id: 1 }),
    "git/get-ref": (asked) => {
      const branch = branchIn(asked.request.params["ref"]);
      return { ref: `refs/heads/${branch}`, object: { sha: found(refs.get(branch)), type: "commit" } };
    },
    "git/create-tree": (asked) => {
      const { base_tree, tree } = bodyOf(asked) as unknown as {
        base_tree?: string;
        tree: { path: string; content: string }[];
      };
      const files = new Map(base_tree === undefined ? [] : found(commits.get(base_tree) ?? null).files);
      for (const { path, content } of tree) files.set(path, content);
      const id = model.sha("tree");
      trees.set(id, files);
      return { sha: id };
    },
    "git/create-commit": (asked) => {
      const { tree, parents } = bodyOf(asked) as unknown as { tree: string; parents: string[] };
      for (const parent of parents) found(commits.get(parent));
      return { sha: model.commit(parents, found(trees.get(tree)), bot) };
    },
    "git/create-ref": (asked) => {
      const { ref, sha: to } = bodyOf(asked) as unknown as { ref: string; sha: string };
      const branch = branchIn(ref);
      if (refs.has(branch)) throw new Refused(422, "Reference already exists");
      found(commits.get(to));
      refs.set(branch, to);
      return { ref, object: { sha: to } };
    },
    "git/update-ref": (asked) => {
      const branch = branchIn(asked.request.params["ref"]);
      const { sha: to, force } = bodyOf(asked) as unknown as { sha: string; force?: boolean };
      const tip = found(refs.get(branch));
      if (force !== true && !found(commits.get(to)).parents.includes(tip))
        throw new Refused(422, "Update is not a fast forward");
      model.moved(branch, to);
      return { ref: branch, object: { sha: to } };
    },
    "git/delete-ref": (asked) => {
      if (!refs.delete(branchIn(asked.request.params["ref"])))
        throw new Refused(422, "Reference does not exist");
      return undefined;
    },
    "repos/get-content": (asked) => {
      const ref = queryOf(asked)["ref"] ?? "main";
      if (!refs.has(ref) && !commits.has(ref)) throw new Refused(404, "No commit found for the ref");
      return found(filesAt(ref).get(param(asked, "path")));
    },
    "repos/create-commit-status": (asked) => {
      const { state, context, description } = bodyOf(asked) as unknown as TestGithub["statuses"][number];
      if ([...description].length > 140) throw new Refused(422, "description is too long");
      model.statuses.push({ sha: param(asked, "sha"), state, context, description });
      return { state, context };
    },
    "pulls/create": (asked) => {
      const { head, ...given } = bodyOf(asked) as unknown as Readonly<
        Record<"title" | "body" | "head" | "base", string>
      >;
      try {
        return shown(model.open(bot, { ...given, branch: head }));
      } catch (error) {
        throw error instanceof Refused && error.status === 409 ? new Refused(422, error.message) : error;
      }
    },
    "pulls/list": (asked, response) => {
      const { head, state = "open", base } = queryOf(asked);
      const branch = head?.split(":")[1];
      const all = pulls.filter(
        (pull) =>
          (branch === undefined || pull.branch === branch) &&
          (state === "all" || pull.state === state) &&
          (base === undefined || pull.base === base),
      );
      return listed(asked, all.map(shown), response);
    },
    "pulls/get": (asked) => shown(pullOf(asked)),
    "pulls/update": (asked) => {
      const pull = pullOf(asked);
      const { state, body } = bodyOf(asked) as unknown as { state?: "open" | "closed"; body?: string };
      if (state === "closed" && pull.state === "open") model.close(pull.branch, bot);
      if (body !== undefined) pull.body = body;
      return shown(pull);
    },
    "pulls/list-reviews": (asked, response) =>
      listed(
        asked,
        pullOf(asked).reviews.map(({ by, state, commit: commit_id, at }, id) => ({
          id,
          user: user(by),
          state,
          commit_id,
          submitted_at: at,
        })),
        response,
      ),
    "pulls/list-commits": (asked, response) =>
      listed(
        asked,
        model.commitsOf(pullOf(asked)).map(({ sha, by, proof }) => ({
          sha,
          author: user(by),
          committer: user(proof === "on the page" ? "web-flow" : by),
          commit: { verification: { verified: proof !== "unsigned" } },
        })),
        response,
      ),
    "pulls/list-files": (asked, response) =>
      listed(
        asked,
        model.filesOf(pullOf(asked)).map((filename) => ({ filename })),
        response,
      ),
    "issues/add-labels": (asked) => {
      const { labels } = bodyOf(asked) as unknown as { labels: string[] };
      for (const label of labels) pullOf(asked).labels.add(label);
      return [...pullOf(asked).labels].map((name) => ({ name }));
    },
    "issues/list-comments": (asked, response) =>
      listed(asked, pullOf(asked).comments.map(commentShown), response),
    "issues/create-comment": (asked) =>
      commentShown(model.say(pullOf(asked), bot, String(bodyOf(asked)["body"]))),
    "issues/update-comment": (asked) => {
      const id = Number(asked.request.params["comment_id"]);
      const comment = found(pulls.flatMap(({ comments }) => comments).find((one) => one.id === id));
      comment.body = String(bodyOf(asked)["body"]);
      return commentShown(comment);
    },
    "issues/get": (asked) => ({ number: pullOf(asked).number, closed_by: user(pullOf(asked).closedBy) }),
  };

  const server = await startForgeServer({
    name: "GitHub",
    description: "github-openapi.json",
    handlers,
    textType: "application/vnd.github.raw+json; charset=utf-8",
    // An App shows a signed token of its own to get one; that it is well signed is GitHub's to check.
    allows: ({ authorization = "" }, path) =>
      authorization === `token ${token}` || (/^bearer ey/i.test(authorization) && path.startsWith("/app")),
  });
  const test: TestGithub = Object.assign(server, {
    repository,
    token,
    bot,
    model,
    statuses: model.statuses,
    permissions: { pull: true, push: true, maintain: false, admin: false },
    protects: () => true,
    pulls: model.pullsOf,
    tip: model.tip,
    fileAt: model.fileAt,
    review: (branch: string, by: string, state = "APPROVED", on?: string) =>
      model.review(branch, by, state, on),
    request(branch: string, by: string, base: string, head: string) {
      const pull = pulls.find((one) => one.branch === branch && one.state === "open");
      if (pull === undefined) model.open(by, { branch, base, title: branch, body: "", head });
      else pull.head = head;
    },
    comments: model.commentsOf,
    comment: (branch: string, by: string, body: string) => void model.say(model.openPull(branch), by, body),
    push: model.push,
    merge: model.merge,
    retarget(branch: string, base: string) {
      model.openPull(branch).base = base;
    },
    close: model.close,
    deleteBranch: model.deleteBranch,
  });
  return test;
}
