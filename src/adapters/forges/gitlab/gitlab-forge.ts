// Requests for approval as merge requests on GitLab. The commit is written through the API (no clone), the branch and the merge request
// are named from the execution, so that whatever a crash has left half done is found again and gone on with.
import type {
  ApprovalRequest,
  ApprovalState,
  Forge,
  ProposedBranch,
  ServerForge,
} from "../../../controller/forge-ports.ts";
import {
  type CommandSeen,
  type EditCommit,
  type EditSeen,
  judgeRequest,
  type RequestSeen,
  type Review,
} from "../../../domain/gate/judge-request.ts";
import type { RequestNote } from "../../../domain/gate/request-note.ts";
import { prose } from "../../../domain/plain-text.ts";
import { Problem } from "../../../domain/problem.ts";
import { approvalsBase, closedLabels } from "../approvals-branch.ts";
import { assertAt, type Shown } from "../proposed-branch.ts";
import { type RestApi, statusIn } from "../rest-api.ts";
import { reviewsIn } from "./approved-when.ts";
import type {
  GitlabApprovals,
  GitlabBranch,
  GitlabFile,
  GitlabNote,
  GitlabProject,
  GitlabPush,
  GitlabRequest,
  GitlabReviewer,
  GitlabUser,
  GitlabVersion,
} from "./gitlab-types.ts";

export interface GitlabForgeOptions {
  readonly api: RestApi;
  /** `group/project`, `group/subgroup/project`. */
  readonly repository: string;
  /** Person of `approvals.people` by account, in small letters. */
  readonly people: ReadonlyMap<string, string>;
}

const developer = 30;
const maintainer = 40;
/** Pushes to all branches, the newest first. */
const mostPushes = 500;

export function gitlabForge(options: GitlabForgeOptions): ServerForge {
  const forge = new GitlabForge(options);
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

class GitlabForge {
  readonly #options: GitlabForgeOptions;
  readonly #api: RestApi;
  /** `/projects/group%2Fproject`. */
  readonly #at: string;
  #bot: string | null = null;
  /** What each request that is open shows, as far as this process has shown it. */
  readonly #told = new Map<string, { readonly head: string } & Pick<RequestNote, "status" | "comment">>();

  constructor(options: GitlabForgeOptions) {
    this.#options = options;
    this.#api = options.api;
    this.#at = `/projects/${encodeURIComponent(options.repository)}`;
  }

  async #whoAmI(): Promise<string> {
    this.#bot ??= (await this.#api.get<GitlabUser>("/user")).username;
    return this.#bot;
  }

  /** Whoever may merge what it asks for needs nobody. */
  async reach(branch = approvalsBase): Promise<string> {
    const bot = await this.#whoAmI();
    const { permissions } = await this.#api.get<GitlabProject>(this.#at);
    const refused = (why: string) => new Problem("FORGE_REFUSED", `${this.#options.repository}: ${why}`);
    const levels = [permissions?.project_access, permissions?.group_access];
    const level = Math.max(0, ...levels.map((access) => access?.access_level ?? 0));
    if (level < developer) throw refused(`${bot} may not push branches: make it a Developer`);
    if (level >= maintainer)
      throw refused(`${bot} may change the protection of branches: make it a Developer, no more`);
    const base = await this.#branch(branch);
    if (base === null) throw refused(`there is no branch ${branch} yet: make it, and protect it`);
    if (base.protected !== true)
      throw refused(`${branch} is not protected: gitmend could merge what it asks for itself`);
    if (base.can_push === true || base.developers_can_merge === true)
      throw refused(
        `${bot} may ${base.can_push === true ? "push to" : "merge into"} ${branch}: allow that to others alone`,
      );
    return `${this.#options.repository} as ${bot}, ${branch} is protected`;
  }

  async open(request: ApprovalRequest) {
    const head = await this.#writeBranch(request);
    const made = (await this.#requestOf(request.branch)) ?? (await this.#openRequest(request, approvalsBase));
    await this.#showAs(request, made);
    return { repository: made.web_url, base: approvalsBase, head };
  }

  async propose(request: ProposedBranch): Promise<string> {
    const made = (await this.#requestOf(request.branch)) ?? (await this.#openProposed(request));
    await this.#showAs(request, made);
    return made.web_url;
  }

  async #openProposed(request: ProposedBranch): Promise<GitlabRequest> {
    assertAt(request, (await this.#branch(request.branch))?.commit.id, this.#options.repository);
    return this.#openRequest(request, request.base);
  }

  /** The same content gives the head that is there already; other content, which gitmend plans anew, a commit on top. */
  async #writeBranch({ branch, file, content, title }: ApprovalRequest): Promise<string> {
    const tip = await this.#branch(branch);
    const there = tip === null ? null : await this.#fileAt(file, tip.commit.id);
    if (tip !== null && there !== null && textOf(there) === content) return tip.commit.id;
    const encoded = Buffer.from(content, "utf8").toString("base64");
    const written = { file_path: file, content: encoded, encoding: "base64" };
    // A file that is changed is named by its last commit: of two replicas one is refused and looks again.
    const action =
      there === null
        ? { action: "create", ...written }
        : { action: "update", ...written, last_commit_id: there.last_commit_id };
    if (tip === null) await this.#ensureBase();
    const commit = { branch, commit_message: title, actions: [action] };
    const body = tip === null ? { ...commit, start_branch: approvalsBase } : commit;
    try {
      return (await this.#api.send<{ id: string }>("POST", `${this.#at}/repository/commits`, body)).id;
    } catch (error) {
      // Two replicas, or an answer that was lost: the one that is there counts.
      const now = tip === null && statusIn(error) === 400 ? await this.#branch(branch) : null;
      if (now === null) throw error;
      return now.commit.id;
    }
  }

  /** Where requests are merged to; made of the default branch when it is not there. */
  async #ensureBase(): Promise<void> {
    if ((await this.#branch(approvalsBase)) !== null) return;
    const { default_branch } = await this.#api.get<GitlabProject>(this.#at);
    await this.#api
      .send("POST", `${this.#at}/repository/branches`, {
        branch: approvalsBase,
        ref: default_branch ?? "main",
      })
      .catch(async (error: unknown) => {
        if ((await this.#branch(approvalsBase)) === null) throw error;
      });
  }

  async #openRequest({ branch, title, body, labels }: Shown, base: string): Promise<GitlabRequest> {
    return this.#api
      .send<GitlabRequest>("POST", `${this.#at}/merge_requests`, {
        source_branch: branch,
        target_branch: base,
        title,
        description: body,
        labels: labels.join(","),
      })
      .catch(async (error: unknown) => {
        const there = statusIn(error) === 409 ? await this.#requestOf(branch) : null;
        if (there === null) throw error;
        return there;
      });
  }

  async #showAs({ body, labels }: Shown, made: GitlabRequest): Promise<void> {
    const missing = labels.filter((name) => !made.labels.includes(name));
    const changes = {
      ...(made.description === body ? {} : { description: body }),
      ...(missing.length === 0 ? {} : { add_labels: missing.join(",") }),
    };
    if (Object.keys(changes).length > 0) await this.#api.send("PUT", this.#of(made), changes);
  }

  /** gitmend's newest of this branch; the branch of a fork may have the same name. */
  async #requestOf(branch: string): Promise<GitlabRequest | null> {
    const bot = await this.#whoAmI();
    const all = await this.#api.list<GitlabRequest>(
      `${this.#at}/merge_requests?state=all&source_branch=${encodeURIComponent(branch)}`,
    );
    const own = all.filter(
      ({ author, source_project_id, target_project_id }) =>
        author.username === bot && source_project_id === target_project_id,
    );
    const [newest] = own.toSorted((one, other) => other.iid - one.iid);
    // A list may be behind its entries.
    return newest === undefined ? null : this.#api.get<GitlabRequest>(this.#of(newest));
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
    const request = await this.#requestOf(branch);
    if (request === null)
      throw new Problem(
        "FORGE_UNAVAILABLE",
        `${this.#options.repository} has no merge request of ${branch}`,
        {
          retryable: true,
        },
      );
    const seen = await this.#seenOf(request, branch, file, head);
    const bot = await this.#whoAmI();
    return judgeRequest(seen, { base, head, people: this.#options.people, bot, file });
  }

  async #seenOf(
    request: GitlabRequest,
    branch: string,
    file: string | null,
    asked: string,
  ): Promise<RequestSeen> {
    const merged = request.state === "merged";
    const closed = request.state === "closed";
    const tip = merged || closed ? null : await this.#branch(branch);
    const open = tip !== null;
    // The branch itself: a merge request is told of a push a moment later.
    const head = tip?.commit.id ?? request.sha;
    const { merge_user, merged_by, closed_by, merge_commit_sha, squash_commit_sha, merged_at, labels } =
      request;
    const merge = merge_commit_sha ?? squash_commit_sha ?? request.sha;
    const notes = open || merged ? await this.#notesOf(request) : [];
    return {
      state: open ? "open" : merged ? "merged" : closed ? "closed" : "gone",
      base: request.target_branch,
      head,
      endedBy: (merged ? (merge_user ?? merged_by) : closed_by)?.username ?? null,
      label: labels.find((name) => closedLabels.has(name)) ?? null,
      reviews: open || merged ? await this.#reviewsOf(request, notes) : [],
      // Nothing counts while another head than gitmend's stands there, and whose edits it has taken it remembers itself.
      editors: [],
      intact: merged ? file === null || (await this.#sameText(file, merge, asked)) : null,
      mergeCommit: merged ? merge : null,
      mergedAt: merged_at ?? null,
      edit:
        file !== null && open && head !== asked
          ? await this.#editOf(request, branch, file, head, asked)
          : null,
      commands: open ? notes.flatMap(commandIn) : [],
    };
  }

  #notesOf(request: GitlabRequest): Promise<readonly GitlabNote[]> {
    return this.#api.list<GitlabNote>(`${this.#of(request)}/notes?sort=asc&order_by=created_at`);
  }

  async #reviewsOf(request: GitlabRequest, notes: readonly GitlabNote[]): Promise<readonly Review[]> {
    const { approved_by } = await this.#api.get<GitlabApprovals>(`${this.#of(request)}/approvals`);
    const versions = await this.#api.list<GitlabVersion>(`${this.#of(request)}/versions`);
    const reviewers = await this.#api.list<GitlabReviewer>(`${this.#of(request)}/reviewers`);
    const standing = new Set(approved_by.map(({ user }) => user.username));
    return reviewsIn({ notes, versions, standing, reviewers });
  }

  async #editOf(
    request: GitlabRequest,
    branch: string,
    file: string,
    head: string,
    asked: string,
  ): Promise<EditSeen> {
    const diffs = await this.#api.list<{ readonly old_path: string; readonly new_path: string }>(
      `${this.#of(request)}/diffs`,
    );
    const commits = await this.#api.list<{ readonly id: string }>(`${this.#of(request)}/commits`);
    const contents = await this.#fileAt(file, head);
    const isThere = commits.some(({ id }) => id === asked);
    return {
      text: contents === null ? null : textOf(contents),
      files: [...new Set(diffs.flatMap(({ old_path, new_path }) => [old_path, new_path]))],
      commits: isThere ? await this.#pushesSince(branch, head, asked) : null,
    };
  }

  /** Names in commits are what one likes; who has pushed is whom GitLab has let in. A push that is not known yet proves nothing. */
  async #pushesSince(branch: string, head: string, asked: string): Promise<readonly EditCommit[]> {
    const all = await this.#api.list<GitlabPush>(`${this.#at}/events?action=pushed&sort=desc`, mostPushes);
    const pushes = new Map(
      all.flatMap(({ author_username, push_data }) =>
        push_data?.ref === branch
          ? [[push_data.commit_to, { author_username, from: push_data.commit_from }]]
          : [],
      ),
    );
    const since: EditCommit[] = [];
    for (let sha = head; sha !== asked; ) {
      const push = pushes.get(sha);
      since.push({ sha, by: push?.author_username ?? null });
      pushes.delete(sha);
      if (push?.from === undefined || push.from === null) break;
      sha = push.from;
    }
    return since;
  }

  async tell({ branch, head }: Parameters<Forge["tell"]>[0], note: RequestNote): Promise<void> {
    const told = this.#told.get(branch);
    if (told?.head === head && told.status === note.status && told.comment === note.comment) return;
    await this.#status(head, note);
    await this.#comment(branch, note);
    if (note.state === "pending")
      this.#told.set(branch, { head, status: note.status, comment: note.comment });
    else this.#told.delete(branch);
  }

  /** Of a status that stays the same GitLab takes no other words: the comment has them. */
  async #status(head: string, { state, status }: RequestNote): Promise<void> {
    const body = {
      name: "gitmend/approval",
      state: state === "failure" ? "failed" : state,
      description: status,
    };
    await this.#api.send("POST", `${this.#at}/statuses/${head}`, body).catch((error: unknown) => {
      if (statusIn(error) !== 400) throw error;
    });
  }

  /** One comment, changed in place. */
  async #comment(branch: string, { comment, status, state }: RequestNote): Promise<void> {
    const request = await this.#requestOf(branch);
    if (request === null) return;
    const bot = await this.#whoAmI();
    const own = (await this.#notesOf(request)).find(
      ({ author, system }) => !system && author.username === bot,
    );
    const how = state === "failure" ? [] : [`${prose(status)}.`];
    const body = [...how, ...(comment === null ? [] : [comment])].join("\n\n");
    const at = `${this.#of(request)}/notes`;
    if (own === undefined) await this.#api.send("POST", at, { body });
    else if (own.body !== body) await this.#api.send("PUT", `${at}/${own.id}`, { body });
  }

  async close(branch: string, reason: Parameters<Forge["close"]>[1]): Promise<void> {
    this.#told.delete(branch);
    const request = await this.#requestOf(branch);
    if (request?.state === "opened")
      await this.#api.send("PUT", this.#of(request), { state_event: "close", add_labels: reason });
    if (request?.state !== "merged" && (await this.#branch(branch)) !== null)
      await this.#api.send("DELETE", `${this.#at}/repository/branches/${encodeURIComponent(branch)}`);
  }

  #of({ iid }: Pick<GitlabRequest, "iid">): string {
    return `${this.#at}/merge_requests/${iid}`;
  }

  #branch(name: string): Promise<GitlabBranch | null> {
    return this.#api.find<GitlabBranch>(`${this.#at}/repository/branches/${encodeURIComponent(name)}`);
  }

  async #sameText(file: string, left: string, right: string): Promise<boolean> {
    const [one, other] = [await this.#fileAt(file, left), await this.#fileAt(file, right)];
    return one !== null && other !== null && textOf(one) === textOf(other);
  }

  #fileAt(file: string, ref: string): Promise<GitlabFile | null> {
    const at = `${this.#at}/repository/files/${encodeURIComponent(file)}?ref=${encodeURIComponent(ref)}`;
    return this.#api.find<GitlabFile>(at);
  }
}

function textOf({ content, encoding }: GitlabFile): string {
  return encoding === "base64" ? Buffer.from(content, "base64").toString("utf8") : content;
}

function commandIn({ author, body, system, created_at }: GitlabNote): readonly CommandSeen[] {
  if (system || !body.startsWith("/gitmend")) return [];
  return [{ by: author.username, text: body.split("\n")[0] ?? "", at: created_at }];
}
