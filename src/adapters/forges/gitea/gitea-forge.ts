// Requests for approval as pull requests on Gitea or Forgejo. The commit is written through the API (no clone), the branch and the pull
// request are named from the execution, so that whatever a crash has left half done is found again and gone on with.
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
import type {
  GiteaBranch,
  GiteaComment,
  GiteaCommit,
  GiteaContents,
  GiteaEvent,
  GiteaLabel,
  GiteaPull,
  GiteaRepository,
  GiteaReview,
  GiteaUser,
} from "./gitea-types.ts";

export interface GiteaForgeOptions {
  readonly api: RestApi;
  /** `owner/name`. */
  readonly repository: string;
  /** Person of `approvals.people` by account, in small letters. */
  readonly people: ReadonlyMap<string, string>;
}

const labelColour = "#1f6feb";

export function giteaForge(options: GiteaForgeOptions): ServerForge {
  const forge = new GiteaForge(options);
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

class GiteaForge {
  readonly #options: GiteaForgeOptions;
  readonly #api: RestApi;
  /** `/repos/owner/name`. */
  readonly #at: string;
  #bot: string | null = null;
  /** Of each branch that was looked at: a list of all that ever were is long. */
  readonly #numbers = new Map<string, number>();
  /** What each request that is open shows, as far as this process has shown it. */
  readonly #told = new Map<string, { readonly head: string } & Pick<RequestNote, "status" | "comment">>();

  constructor(options: GiteaForgeOptions) {
    this.#options = options;
    this.#api = options.api;
    this.#at = `/repos/${options.repository.split("/").map(encodeURIComponent).join("/")}`;
  }

  async #whoAmI(): Promise<string> {
    this.#bot ??= (await this.#api.get<GiteaUser>("/user")).login;
    return this.#bot;
  }

  /** Whoever may merge what it asks for needs nobody. */
  async reach(branch = approvalsBase): Promise<string> {
    const bot = await this.#whoAmI();
    const { permissions } = await this.#api.get<GiteaRepository>(this.#at);
    const refused = (why: string) => new Problem("FORGE_REFUSED", `${this.#options.repository}: ${why}`);
    if (permissions?.push !== true) throw refused(`${bot} may not push branches`);
    if (permissions.admin === true)
      throw refused(`${bot} may change the protection of branches: take that right from it`);
    const base = await this.#branch(branch);
    if (base === null) throw refused(`there is no branch ${branch} yet: make it, and protect it`);
    if (base.protected !== true)
      throw refused(`${branch} is not protected: gitmend could merge what it asks for itself`);
    if (base.user_can_push === true || base.user_can_merge === true)
      throw refused(
        `${bot} may ${base.user_can_push === true ? "push to" : "merge into"} ${branch}: take it off the lists of that protection`,
      );
    return `${this.#options.repository} as ${bot}, ${branch} is protected`;
  }

  async open(request: ApprovalRequest) {
    const head = await this.#writeBranch(request);
    const pull = (await this.#pullOf(request.branch)) ?? (await this.#openPull(request, approvalsBase));
    this.#numbers.set(request.branch, pull.number);
    await this.#showAs(request, pull);
    return { repository: pull.html_url, base: approvalsBase, head };
  }

  async propose(request: ProposedBranch): Promise<string> {
    const pull = (await this.#pullOf(request.branch)) ?? (await this.#openProposed(request));
    this.#numbers.set(request.branch, pull.number);
    await this.#showAs(request, pull);
    return pull.html_url;
  }

  async #openProposed(request: ProposedBranch): Promise<GiteaPull> {
    assertAt(request, (await this.#branch(request.branch))?.commit.id, this.#options.repository);
    return this.#openPull(request, request.base);
  }

  /** The same content gives the head that is there already; other content, which gitmend plans anew, a commit on top. */
  async #writeBranch({ branch, file, content, title }: ApprovalRequest): Promise<string> {
    const tip = await this.#branch(branch);
    const there = tip === null ? null : await this.#contentsAt(file, branch);
    if (tip !== null && there !== null && textOf(there) === content) return tip.commit.id;
    const written = { content: Buffer.from(content, "utf8").toString("base64"), message: title };
    const at = `${this.#at}/contents/${pathOf(file)}`;
    // A file that is changed is named by what it was: of two replicas one is refused and looks again.
    if (tip !== null && there !== null)
      return (await this.#api.send<Written>("PUT", at, { ...written, branch, sha: there.sha })).commit.sha;
    if (tip !== null) return (await this.#api.send<Written>("POST", at, { ...written, branch })).commit.sha;
    await this.#ensureBase();
    return this.#create(branch, () =>
      this.#api.send<Written>("POST", at, { ...written, branch: approvalsBase, new_branch: branch }),
    );
  }

  /** Two replicas, or an answer that was lost: the one that is there counts. */
  async #create(branch: string, write: () => Promise<Written>): Promise<string> {
    try {
      return (await write()).commit.sha;
    } catch (error) {
      const refused = [409, 422].includes(statusIn(error) ?? 0);
      const there = refused ? await this.#branch(branch) : null;
      if (there === null) throw error;
      return there.commit.id;
    }
  }

  /** Where requests are merged to; made of the default branch when it is not there. */
  async #ensureBase(): Promise<void> {
    if ((await this.#branch(approvalsBase)) !== null) return;
    await this.#api
      .send("POST", `${this.#at}/branches`, { new_branch_name: approvalsBase })
      .catch(async (error: unknown) => {
        if ((await this.#branch(approvalsBase)) === null) throw error;
      });
  }

  async #openPull({ branch, title, body }: Shown, base: string): Promise<GiteaPull> {
    return this.#api
      .send<GiteaPull>("POST", `${this.#at}/pulls`, { base, head: branch, title, body })
      .catch(async (error: unknown) => {
        const there = [409, 422].includes(statusIn(error) ?? 0) ? await this.#pullOf(branch) : null;
        if (there === null) throw error;
        return there;
      });
  }

  /** Whoever made the pull request may have died before that. */
  async #showAs({ body, labels }: Shown, pull: GiteaPull): Promise<void> {
    await this.#addLabels(pull, labels);
    if (pull.body !== body) await this.#api.send("PATCH", `${this.#at}/pulls/${pull.number}`, { body });
  }

  async #addLabels({ number, labels: shown }: GiteaPull, wanted: readonly string[]): Promise<void> {
    const missing = wanted.filter((name) => !(shown ?? []).some((label) => label.name === name));
    if (missing.length === 0) return;
    const known = new Map(
      (await this.#api.list<GiteaLabel>(`${this.#at}/labels`)).map(({ name, id }) => [name, id]),
    );
    const labels: number[] = [];
    for (const name of missing) labels.push(known.get(name) ?? (await this.#makeLabel(name)));
    await this.#api.send("POST", `${this.#at}/issues/${number}/labels`, { labels });
  }

  async #makeLabel(name: string): Promise<number> {
    const made = await this.#api.send<GiteaLabel>("POST", `${this.#at}/labels`, { name, color: labelColour });
    return made.id;
  }

  /** gitmend's newest of this branch; the branch of a fork may have the same name. */
  async #pullOf(branch: string): Promise<GiteaPull | null> {
    const bot = await this.#whoAmI();
    const known = this.#numbers.get(branch);
    if (known !== undefined) return this.#api.get<GiteaPull>(`${this.#at}/pulls/${known}`);
    const isIt = ({ head, base, user }: GiteaPull) =>
      head.label === branch && head.repo_id === base.repo_id && user?.login === bot;
    for await (const page of this.#api.pages<GiteaPull>(`${this.#at}/pulls?state=all&sort=recentupdate`)) {
      const [newest] = page.filter(isIt).toSorted((one, other) => other.number - one.number);
      if (newest === undefined) continue;
      this.#numbers.set(branch, newest.number);
      return newest;
    }
    return null;
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
    const bot = await this.#whoAmI();
    return judgeRequest(seen, { base, head, people: this.#options.people, bot, file });
  }

  async #seenOf(pull: GiteaPull, branch: string, file: string | null, asked: string): Promise<RequestSeen> {
    const { merged } = pull;
    const closed = pull.state === "closed" && !merged;
    const tip = merged || closed ? null : await this.#branch(branch);
    const open = tip !== null;
    const commits = merged || open ? await this.#commitsOf(pull.number) : [];
    // The branch itself: a pull request is told of a push a moment later.
    const head = tip?.commit.id ?? pull.head.sha;
    const ended = merged ? pull.merged_by?.login : closed ? await this.#closerOf(pull.number) : null;
    return {
      state: open ? "open" : merged ? "merged" : closed ? "closed" : "gone",
      base: pull.base.ref,
      head,
      endedBy: ended ?? null,
      label: (pull.labels ?? []).map(({ name }) => name).find((name) => closedLabels.has(name)) ?? null,
      reviews: merged || open ? await this.#reviewsOf(pull.number) : [],
      editors: await this.#editorsIn(commits),
      intact: merged
        ? file === null || (await this.#sameText(file, pull.merge_commit_sha ?? "", asked))
        : null,
      mergeCommit: pull.merge_commit_sha ?? null,
      mergedAt: pull.merged_at ?? null,
      edit:
        file !== null && open && head !== asked
          ? await this.#editOf(pull.number, commits, file, head, asked)
          : null,
      commands: open ? await this.#commandsOf(pull.number) : [],
    };
  }

  async #reviewsOf(number: number): Promise<readonly Review[]> {
    const all = await this.#api.list<GiteaReview>(`${this.#at}/pulls/${number}/reviews`);
    return all.flatMap(({ user, state, dismissed, commit_id, submitted_at }): readonly Review[] => {
      const opinion = dismissed === true ? "void" : opinions[state];
      if (user === null || user === undefined || opinion === undefined) return [];
      return [{ by: user.login, opinion, commit: commit_id, at: submitted_at }];
    });
  }

  #commitsOf(number: number): Promise<readonly GiteaCommit[]> {
    return this.#api.list<GiteaCommit>(`${this.#at}/pulls/${number}/commits`);
  }

  /** Whoever has written a commit of the branch. One whose account is not known is named by its address. */
  async #editorsIn(commits: readonly GiteaCommit[]): Promise<readonly string[]> {
    const bot = await this.#whoAmI();
    const accounts = commits.flatMap(({ author, committer, commit }) => [
      author?.login ?? commit.author.email,
      committer?.login ?? commit.committer.email,
    ]);
    return [...new Set(accounts)].filter((account) => account !== bot);
  }

  async #editOf(
    number: number,
    commits: readonly GiteaCommit[],
    file: string,
    head: string,
    asked: string,
  ): Promise<EditSeen> {
    const files = await this.#api.list<{ readonly filename: string }>(`${this.#at}/pulls/${number}/files`);
    const contents = await this.#contentsAt(file, head);
    return {
      text: contents === null ? null : textOf(contents),
      files: files.map(({ filename }) => filename),
      commits: commitsSince(commits, head, asked),
    };
  }

  async #commandsOf(number: number): Promise<readonly CommandSeen[]> {
    const all = await this.#api.get<readonly GiteaComment[]>(`${this.#at}/issues/${number}/comments`);
    return all.flatMap(({ user, body, created_at }): readonly CommandSeen[] =>
      user === null || !body.startsWith("/gitmend")
        ? []
        : [{ by: user.login, text: body.split("\n")[0] ?? "", at: created_at }],
    );
  }

  /** A pull request does not say it; what happened to it does. */
  async #closerOf(number: number): Promise<string | null> {
    const events = await this.#api.list<GiteaEvent>(`${this.#at}/issues/${number}/timeline`);
    return events.findLast(({ type }) => type === "close")?.user?.login ?? null;
  }

  async tell({ branch, head }: Parameters<Forge["tell"]>[0], note: RequestNote): Promise<void> {
    const told = this.#told.get(branch);
    if (told?.head !== head || told.status !== note.status)
      await this.#api.send("POST", `${this.#at}/statuses/${head}`, {
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
    const bot = await this.#whoAmI();
    const at = `${this.#at}/issues/${pull.number}/comments`;
    const own = (await this.#api.get<readonly GiteaComment[]>(at)).find(({ user }) => user?.login === bot);
    const body = comment ?? `${prose(status)}.`;
    if (own === undefined && comment !== null) await this.#api.send("POST", at, { body });
    if (own !== undefined && own.body !== body)
      await this.#api.send("PATCH", `${this.#at}/issues/comments/${own.id}`, { body });
  }

  async close(branch: string, reason: Parameters<Forge["close"]>[1]): Promise<void> {
    this.#told.delete(branch);
    const pull = await this.#pullOf(branch);
    if (pull !== null && pull.state === "open") {
      await this.#addLabels(pull, [reason]);
      await this.#api.send("PATCH", `${this.#at}/pulls/${pull.number}`, { state: "closed" });
    }
    if (pull?.merged !== true && (await this.#branch(branch)) !== null)
      await this.#api.send("DELETE", `${this.#at}/branches/${pathOf(branch)}`);
    this.#numbers.delete(branch);
  }

  #branch(name: string): Promise<GiteaBranch | null> {
    return this.#api.find<GiteaBranch>(`${this.#at}/branches/${pathOf(name)}`);
  }

  async #sameText(file: string, left: string, right: string): Promise<boolean> {
    const [one, other] = [await this.#contentsAt(file, left), await this.#contentsAt(file, right)];
    return one !== null && other !== null && textOf(one) === textOf(other);
  }

  async #contentsAt(file: string, ref: string): Promise<GiteaContents | null> {
    const found = await this.#api.find<GiteaContents | readonly GiteaContents[]>(
      `${this.#at}/contents/${pathOf(file)}?ref=${encodeURIComponent(ref)}`,
    );
    if (found === null) return null;
    if (Array.isArray(found) || !("encoding" in found) || found.encoding !== "base64")
      throw new Problem("FORGE_REFUSED", `${file} in ${this.#options.repository} is no file`);
    return found;
  }
}

interface Written {
  readonly commit: { readonly sha: string };
}

const opinions: Readonly<Record<string, Review["opinion"]>> = {
  APPROVED: "approves",
  REQUEST_CHANGES: "objects",
};

/** Slashes are slashes: not every proxy lets encoded ones through. */
function pathOf(file: string): string {
  return file.split("/").map(encodeURIComponent).join("/");
}

function textOf({ content }: GiteaContents): string {
  return Buffer.from(content ?? "", "base64").toString("utf8");
}

/** In whatever order they are listed. null: what gitmend wrote is not below the head. */
function commitsSince(
  commits: readonly GiteaCommit[],
  head: string,
  asked: string,
): readonly EditCommit[] | null {
  const known = new Map(commits.map((commit) => [commit.sha, commit]));
  const since = new Map<string, EditCommit>();
  const open = [head];
  let found = false;
  for (let sha = open.pop(); sha !== undefined; sha = open.pop()) {
    if (sha === asked) found = true;
    const commit = known.get(sha);
    if (sha === asked || commit === undefined || since.has(sha)) continue;
    since.set(sha, { sha, by: madeBy(commit) });
    open.push(...commit.parents.map((parent) => parent.sha));
  }
  return found ? [...since.values()] : null;
}

/**
 * Whoever has signed it with a key of their own. What the server signs for somebody proves nothing: through its API anybody may commit
 * under any name.
 */
function madeBy({ committer, commit }: GiteaCommit): string | null {
  const { verified, signer } = commit.verification ?? {};
  if (verified !== true || committer === null || committer === undefined) return null;
  const account = signer?.username === undefined || signer.username === "" ? signer?.name : signer.username;
  return account?.toLowerCase() === committer.login.toLowerCase() ? committer.login : null;
}
