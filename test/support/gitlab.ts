// GitLab, as far as gitmend asks it: what a forge keeps (forge-model.ts) behind the API's addresses. Each request is held against
// test/fixtures/gitlab-openapi.json, which was written from GitLab's documentation of API v4: its own description is generated from
// an edition of the server and leaves out what is documented in words alone.
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

export interface TestGitlab extends ForgeServer {
  readonly repository: string;
  readonly token: string;
  readonly bot: string;
  readonly model: ForgeModel;
  /** Of gitmend's account. */
  accessLevel: number;
  protection: {
    readonly protected: boolean;
    readonly can_push: boolean;
    readonly developers_can_merge: boolean;
  };
  /** Whether who has pushed is told; it comes a moment after the push. */
  knowsPushes: boolean;
  approve(branch: string, by: string, at?: string): void;
  unapprove(branch: string, by: string): void;
  /** The project is set to take approvals back when something is pushed. */
  reset(branch: string): void;
  requestChanges(branch: string, by: string): void;
  /** Seconds that GitLab's own clock goes on. */
  wait(seconds: number): void;
  push(branch: string, by: string, files: Readonly<Record<string, string>>, as?: string): string;
  /** A merge request of somebody, perhaps of a fork, whose head is a commit of a real repository; again: it was pushed to. */
  request(branch: string, by: string, base: string, head: string, fork?: boolean): void;
}

const repository = "example/team/approvals";
const token = "token-of-gitmend";
const bot = "project_7_bot";
const projectId = 7;
const forkId = 8;

const user = (username: string | null) => (username === null ? null : { username });
const param = (asked: Asked, name: string) => String(asked.request.params[name]);

interface Push {
  readonly by: string;
  readonly ref: string;
  readonly from: string | null;
  readonly to: string;
}

export async function startGitlab(): Promise<TestGitlab> {
  const model = forgeModel(bot);
  const { commits, filesAt, pulls, refs } = model;
  const forks = new Set<number>();
  const pushes: Push[] = [];
  let ahead = 0;
  const now = () => new Date(Date.now() + ahead * 1000).toISOString();
  /** By number: what stood on the branch since when, whose approval stands, who wants changes, and GitLab's own words. */
  const versions = new Map<number, { readonly head_commit_sha: string; readonly created_at: string }[]>();
  const standing = new Map<number, Set<string>>();
  const objecting = new Map<number, Set<string>>();
  const system = new Map<number, { id: number; by: string; body: string; at: string }[]>();
  const into = <K, V>(map: Map<K, V[]>, key: K, value: V) => map.set(key, [...(map.get(key) ?? []), value]);
  const among = (map: Map<number, Set<string>>, { number }: ModelPull) => {
    const set = map.get(number) ?? new Set<string>();
    map.set(number, set);
    return set;
  };

  /** GitLab sees by itself what stands on the branch of an open request. */
  const noticed = (branch: string) => {
    for (const pull of pulls)
      if (pull.branch === branch && pull.state === "open") {
        const known = versions.get(pull.number)?.at(-1)?.head_commit_sha;
        if (known !== pull.head)
          into(versions, pull.number, { head_commit_sha: pull.head, created_at: now() });
      }
  };
  const pushed = (by: string, ref: string, from: string | null, to: string) => {
    pushes.unshift({ by, ref, from, to });
    noticed(ref);
  };

  const shown = (pull: ModelPull) => ({
    iid: pull.number,
    web_url: `https://gitlab.test/${repository}/-/merge_requests/${pull.number}`,
    state: pull.merged === null ? (pull.state === "open" ? "opened" : "closed") : "merged",
    title: pull.title,
    description: pull.body,
    author: user(pull.author),
    source_branch: pull.branch,
    target_branch: pull.base,
    source_project_id: forks.has(pull.number) ? forkId : projectId,
    target_project_id: projectId,
    labels: [...pull.labels],
    sha: pull.head,
    merge_user: user(pull.merged?.by ?? null),
    merged_at: pull.merged?.at ?? null,
    merge_commit_sha: pull.merged?.commit ?? null,
    squash_commit_sha: null,
    closed_by: user(pull.closedBy),
  });
  const pullOf = (asked: Asked) =>
    found(pulls.find((pull) => pull.number === Number(asked.request.params["iid"])));
  const listed = <T>(asked: Asked, all: readonly T[], response: Parameters<Handler>[1]) =>
    pageOf(asked, all, response, "per_page");
  const noteShown = (
    {
      id,
      by,
      body,
      at,
    }: { readonly id: number; readonly by: string; readonly body: string; readonly at: string },
    isSystem: boolean,
  ) => ({ id, author: user(by), body, created_at: at, system: isSystem });
  const branchShown = (name: string) => ({ name, commit: { id: found(refs.get(name)) }, ...test.protection });
  const says = (branch: string, by: string, body: string, at = now()) =>
    into(system, model.openPull(branch).number, { id: model.next(), by, body, at });

  const handlers: Readonly<Record<string, Handler>> = {
    user: () => ({ username: bot, id: 1 }),
    project: () => ({
      path_with_namespace: repository,
      default_branch: "main",
      permissions: { project_access: { access_level: test.accessLevel }, group_access: null },
    }),
    branch: (asked) => branchShown(param(asked, "branch")),
    createBranch: (asked) => {
      const { branch, ref } = bodyOf(asked) as unknown as { branch: string; ref: string };
      if (refs.has(branch)) throw new Refused(400, "Branch already exists");
      refs.set(branch, found(refs.get(ref)));
      return branchShown(branch);
    },
    deleteBranch: (asked) => {
      const branch = param(asked, "branch");
      found(refs.get(branch));
      // A merge request whose branch is gone stays open.
      refs.delete(branch);
      return undefined;
    },
    createCommit: (asked) => {
      const { branch, start_branch, actions } = bodyOf(asked) as unknown as {
        branch: string;
        start_branch?: string;
        actions: { action: string; file_path: string; content: string; last_commit_id?: string }[];
      };
      if (start_branch !== undefined && refs.has(branch))
        throw new Refused(400, `A branch called '${branch}' already exists.`);
      const from = refs.get(branch) ?? null;
      const parent = from ?? found(refs.get(start_branch ?? branch));
      const files = new Map(filesAt(parent));
      for (const { action, file_path, content, last_commit_id } of actions) {
        if (action === "create" && files.has(file_path))
          throw new Refused(400, "A file with this name already exists");
        if (action === "update" && last_commit_id !== parent)
          throw new Refused(
            400,
            "You are attempting to update a file that has changed since you started editing it",
          );
        files.set(file_path, Buffer.from(content, "base64").toString("utf8"));
      }
      const id = model.commit([parent], files, bot);
      model.moved(branch, id);
      pushed(bot, branch, from, id);
      return { id };
    },
    file: (asked) => {
      const ref = queryOf(asked)["ref"] ?? "main";
      const text = found(filesAt(ref).get(param(asked, "file")));
      const content = Buffer.from(text, "utf8").toString("base64");
      return { encoding: "base64", content, last_commit_id: refs.get(ref) ?? ref };
    },
    createStatus: (asked) => {
      const { state, name, description } = bodyOf(asked) as unknown as {
        state: string;
        name: string;
        description: string;
      };
      const sha = param(asked, "sha");
      found(commits.get(sha));
      const last = model.statuses.findLast((one) => one.sha === sha && one.context === name);
      if (last?.state === state)
        throw new Refused(400, `Cannot transition status via :enqueue from :${state}`);
      model.statuses.push({ sha, state, context: name, description });
      return { status: state, name };
    },
    createRequest: (asked) => {
      const { source_branch, target_branch, title, description, labels } = bodyOf(
        asked,
      ) as unknown as Readonly<
        Record<"source_branch" | "target_branch" | "title" | "description" | "labels", string>
      >;
      const given = { branch: source_branch, base: target_branch, title, body: description };
      const pull = model.open(bot, given);
      for (const label of labels.split(",")) pull.labels.add(label);
      noticed(source_branch);
      return shown(pull);
    },
    requests: (asked, response) => {
      const { state = "all", source_branch, target_branch } = queryOf(asked);
      const all = pulls
        .map(shown)
        .filter(
          (one) =>
            (state === "all" || one.state === state) &&
            (source_branch === undefined || one.source_branch === source_branch) &&
            (target_branch === undefined || one.target_branch === target_branch),
        );
      return listed(asked, all.toReversed(), response);
    },
    request: (asked) => shown(pullOf(asked)),
    updateRequest: (asked) => {
      const pull = pullOf(asked);
      const { state_event, description, add_labels } = bodyOf(asked) as unknown as Partial<
        Record<"state_event" | "description" | "add_labels", string>
      >;
      if (state_event === "close" && pull.state === "open") model.close(pull.branch, bot);
      if (description !== undefined) pull.body = description;
      for (const label of add_labels?.split(",") ?? []) pull.labels.add(label);
      return shown(pull);
    },
    approvals: (asked) => ({
      approved_by: [...among(standing, pullOf(asked))].map((by) => ({ user: user(by) })),
    }),
    reviewers: (asked, response) =>
      listed(
        asked,
        [...among(objecting, pullOf(asked))].map((by) => ({ user: user(by), state: "requested_changes" })),
        response,
      ),
    versions: (asked, response) =>
      listed(asked, (versions.get(pullOf(asked).number) ?? []).toReversed(), response),
    diffs: (asked, response) =>
      listed(
        asked,
        model.filesOf(pullOf(asked)).map((path) => ({ old_path: path, new_path: path })),
        response,
      ),
    commits: (asked, response) =>
      listed(
        asked,
        model
          .commitsOf(pullOf(asked))
          .toReversed()
          .map(({ sha, by }) => ({ id: sha, author_email: `${by}@example.com` })),
        response,
      ),
    notes: (asked, response) => {
      const pull = pullOf(asked);
      const all = [
        ...pull.comments.map((one) => noteShown(one, false)),
        ...(system.get(pull.number) ?? []).map((one) => noteShown(one, true)),
      ];
      return listed(
        asked,
        all.toSorted((one, other) => one.created_at.localeCompare(other.created_at) || one.id - other.id),
        response,
      );
    },
    createNote: (asked) => noteShown(model.say(pullOf(asked), bot, String(bodyOf(asked)["body"])), false),
    updateNote: (asked) => {
      const id = Number(asked.request.params["note"]);
      const comment = found(pullOf(asked).comments.find((one) => one.id === id));
      comment.body = String(bodyOf(asked)["body"]);
      return noteShown(comment, false);
    },
    events: (asked, response) =>
      listed(
        asked,
        (test.knowsPushes ? pushes : []).map(({ by, ref, from, to }) => ({
          author_username: by,
          created_at: now(),
          push_data: { ref, commit_from: from, commit_to: to },
        })),
        response,
      ),
  };

  const server = await startForgeServer({
    name: "GitLab",
    description: "gitlab-openapi.json",
    prefix: "/api/v4",
    handlers,
    allows: (headers) => headers["private-token"] === token,
  });
  const test: TestGitlab = Object.assign(server, {
    repository,
    token,
    bot,
    model,
    accessLevel: 30,
    protection: { protected: true, can_push: false, developers_can_merge: false },
    knowsPushes: true,
    approve(branch: string, by: string, at = now()) {
      says(branch, by, "approved this merge request", at);
      among(standing, model.openPull(branch)).add(by);
    },
    unapprove(branch: string, by: string) {
      says(branch, by, "unapproved this merge request");
      among(standing, model.openPull(branch)).delete(by);
    },
    reset(branch: string) {
      among(standing, model.openPull(branch)).clear();
    },
    requestChanges(branch: string, by: string) {
      among(objecting, model.openPull(branch)).add(by);
    },
    wait(seconds: number) {
      ahead += seconds;
    },
    push(branch: string, by: string, files: Readonly<Record<string, string>>, as = by) {
      const from = found(refs.get(branch));
      const to = model.push(branch, as, files, "unsigned");
      pushed(by, branch, from, to);
      return to;
    },
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
