// GitHub, as far as gitmend asks it: repositories, branches, pull requests and reviews in memory, behind the real API's addresses.
// Every request is held against GitHub's own description (test/fixtures/github-openapi.json); what does not fit is refused, and stop()
// fails for it, so that no test passes with it.
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { type Context, type Document, OpenAPIBackend } from "openapi-backend";

type Files = ReadonlyMap<string, string>;

interface Commit {
  readonly sha: string;
  readonly parents: readonly string[];
  readonly files: Files;
  readonly by: string;
}

interface Pull {
  readonly number: number;
  readonly branch: string;
  readonly author: string;
  base: string;
  title: string;
  body: string;
  head: string;
  state: "open" | "closed";
  merged: { readonly by: string; readonly commit: string; readonly at: string } | null;
  closedBy: string | null;
  readonly labels: Set<string>;
  readonly comments: { readonly id: number; readonly by: string; body: string }[];
  readonly reviews: { by: string; state: string; commit: string; at: string }[];
}

/** What is answered instead; `after`: once the request has had its effect. */
export type GithubFault =
  | { readonly status: number; readonly after?: boolean; readonly headers?: Readonly<Record<string, string>> }
  | "reset"
  | null;

export interface GithubCall {
  readonly method: string;
  readonly path: string;
  readonly status: number;
}

export interface TestGithub {
  readonly url: string;
  readonly repository: string;
  readonly token: string;
  readonly bot: string;
  readonly calls: GithubCall[];
  readonly statuses: {
    readonly sha: string;
    readonly state: string;
    readonly context: string;
    readonly description: string;
  }[];
  comments(branch: string): readonly { readonly by: string; readonly body: string }[];
  comment(branch: string, by: string, body: string): void;
  fault: (method: string, path: string) => GithubFault;
  /** Of gitmend's account. */
  permissions: Readonly<Record<string, boolean>>;
  protects: (branch: string) => boolean;
  pulls(branch: string): readonly Pull[];
  tip(branch: string): string | null;
  fileAt(branch: string, path: string): string | null;
  /** As somebody in a browser or with Git. */
  review(branch: string, by: string, state?: string, commit?: string): void;
  push(branch: string, by: string, files: Readonly<Record<string, string>>): string;
  /** A pull request of somebody, perhaps of a fork, whose head is a commit of a real repository; again: it was pushed to. */
  request(branch: string, by: string, base: string, head: string): void;
  merge(branch: string, by: string, changed?: Readonly<Record<string, string>>): void;
  retarget(branch: string, base: string): void;
  close(branch: string, by: string): void;
  deleteBranch(branch: string): void;
  /** @throws Error: requests that GitHub's description does not allow were made */
  stop(): Promise<void>;
}

type Asked = Context<Record<string, unknown>, never, never>;
type Handler = (asked: Asked, response: ServerResponse) => unknown;

const repository = "example/approvals";
const token = "token-of-gitmend";
const bot = "gitmend-bot[bot]";
const now = () => new Date().toISOString();

class Refused extends Error {
  readonly status: number;
  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

export async function startGithub(): Promise<TestGithub> {
  const commits = new Map<string, Commit>();
  const trees = new Map<string, Files>();
  const refs = new Map<string, string>();
  const pulls: Pull[] = [];
  const violations: string[] = [];
  let tick = 0;

  const sha = (...parts: readonly string[]) =>
    createHash("sha1")
      .update([...parts, String((tick += 1))].join("\0"))
      .digest("hex");
  const commit = (parents: readonly string[], files: Files, by: string): string => {
    const id = sha("commit", ...parents, by);
    commits.set(id, { sha: id, parents, files, by });
    return id;
  };
  const filesAt = (ref: string): Files => commits.get(refs.get(ref) ?? ref)?.files ?? new Map();
  const found = <T>(value: T | undefined | null): T => {
    if (value === undefined || value === null) throw new Refused(404, "Not Found");
    return value;
  };
  const openPull = (branch: string) =>
    found(pulls.findLast((pull) => pull.branch === branch && pull.state === "open"));
  const moved = (branch: string, to: string) => {
    refs.set(branch, to);
    for (const pull of pulls) if (pull.branch === branch && pull.state === "open") pull.head = to;
  };
  const first = commit([], new Map([["README.md", "hello\n"]]), "owner");
  refs.set("main", first);

  const user = (login: string | null) => (login === null ? null : { login });
  const shown = (pull: Pull) => ({
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
  const addComment = (pull: Pull, by: string, text: string) => {
    const comment = { id: (tick += 1), by, body: text };
    pull.comments.push(comment);
    return { id: comment.id, user: user(by), body: text };
  };
  const body = (asked: Asked) => (asked.request.requestBody ?? {}) as Record<string, never>;
  const query = (asked: Asked) => asked.request.query as Record<string, string | undefined>;
  const branchIn = (text: unknown) => String(text).replace(/^(refs\/)?heads\//, "");
  const page = <T>(asked: Asked, all: readonly T[], response: ServerResponse): readonly T[] => {
    const size = Number(query(asked)["per_page"] ?? 30);
    const at = Number(query(asked)["page"] ?? 1);
    const address = new URL(asked.request.path, test.url);
    for (const [key, value] of Object.entries({ ...query(asked), page: String(at + 1) }))
      address.searchParams.set(key, String(value));
    if (at * size < all.length) response.setHeader("link", `<${address.href}>; rel="next"`);
    return all.slice((at - 1) * size, at * size);
  };

  const handlers: Readonly<Record<string, Handler>> = {
    "repos/get": () => ({ full_name: repository, permissions: test.permissions }),
    "repos/get-branch": (asked) => {
      const branch = String(asked.request.params["branch"]);
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
      const { base_tree, tree } = body(asked) as unknown as {
        base_tree?: string;
        tree: { path: string; content: string }[];
      };
      const files = new Map(base_tree === undefined ? [] : found(commits.get(base_tree) ?? null).files);
      for (const { path, content } of tree) files.set(path, content);
      const id = sha("tree");
      trees.set(id, files);
      return { sha: id };
    },
    "git/create-commit": (asked) => {
      const { tree, parents } = body(asked) as unknown as { tree: string; parents: string[] };
      for (const parent of parents) found(commits.get(parent));
      return { sha: commit(parents, found(trees.get(tree)), bot) };
    },
    "git/create-ref": (asked) => {
      const { ref, sha: to } = body(asked) as unknown as { ref: string; sha: string };
      const branch = branchIn(ref);
      if (refs.has(branch)) throw new Refused(422, "Reference already exists");
      found(commits.get(to));
      refs.set(branch, to);
      return { ref, object: { sha: to } };
    },
    "git/update-ref": (asked) => {
      const branch = branchIn(asked.request.params["ref"]);
      const { sha: to, force } = body(asked) as unknown as { sha: string; force?: boolean };
      const tip = found(refs.get(branch));
      if (force !== true && !found(commits.get(to)).parents.includes(tip))
        throw new Refused(422, "Update is not a fast forward");
      moved(branch, to);
      return { ref: branch, object: { sha: to } };
    },
    "git/delete-ref": (asked) => {
      const branch = branchIn(asked.request.params["ref"]);
      if (!refs.delete(branch)) throw new Refused(422, "Reference does not exist");
      return undefined;
    },
    "repos/get-content": (asked) => {
      const ref = query(asked)["ref"] ?? "main";
      if (!refs.has(ref) && !commits.has(ref)) throw new Refused(404, "No commit found for the ref");
      return found(filesAt(ref).get(String(asked.request.params["path"])));
    },
    "repos/create-commit-status": (asked) => {
      const { state, context, description } = body(asked) as unknown as TestGithub["statuses"][number];
      if ([...description].length > 140) throw new Refused(422, "description is too long");
      test.statuses.push({ sha: String(asked.request.params["sha"]), state, context, description });
      return { state, context };
    },
    "pulls/create": (asked) => {
      const given = body(asked) as unknown as { title: string; body: string; head: string; base: string };
      found(refs.get(given.base));
      const head = found(refs.get(given.head));
      if (pulls.some((pull) => pull.branch === given.head && pull.state === "open"))
        throw new Refused(422, "A pull request already exists");
      const pull: Pull = {
        number: pulls.length + 1,
        branch: given.head,
        author: bot,
        base: given.base,
        title: given.title,
        body: given.body,
        head,
        state: "open",
        merged: null,
        closedBy: null,
        labels: new Set(),
        reviews: [],
        comments: [],
      };
      pulls.push(pull);
      return shown(pull);
    },
    "pulls/list": (asked, response) => {
      const { head, state = "open", base } = query(asked);
      const branch = head?.split(":")[1];
      const all = pulls.filter(
        (pull) =>
          (branch === undefined || pull.branch === branch) &&
          (state === "all" || pull.state === state) &&
          (base === undefined || pull.base === base),
      );
      return page(asked, all.map(shown), response);
    },
    "pulls/get": (asked) => shown(pullOf(asked)),
    "pulls/update": (asked) => {
      const pull = pullOf(asked);
      const { state, body: text } = body(asked) as unknown as { state?: "open" | "closed"; body?: string };
      if (state === "closed" && pull.state === "open") {
        pull.state = "closed";
        pull.closedBy = bot;
      }
      if (text !== undefined) pull.body = text;
      return shown(pull);
    },
    "pulls/list-reviews": (asked, response) =>
      page(
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
    "pulls/list-commits": (asked, response) => {
      const { head, base } = pullOf(asked);
      const inBase = ancestors(refs.get(base) ?? "");
      const own = [...ancestors(head)].filter((id) => pullOf(asked).merged !== null || !inBase.has(id));
      const listed = own.map((id) => found(commits.get(id))).filter(({ by }) => by !== "owner");
      return page(
        asked,
        listed.map(({ sha: id, by }) => ({ sha: id, author: user(by), committer: user(by), commit: {} })),
        response,
      );
    },
    "issues/add-labels": (asked) => {
      const { labels } = body(asked) as unknown as { labels: string[] };
      for (const label of labels) pullOf(asked).labels.add(label);
      return [...pullOf(asked).labels].map((name) => ({ name }));
    },
    "issues/list-comments": (asked, response) =>
      page(
        asked,
        pullOf(asked).comments.map(({ id, by, body: text }) => ({ id, user: user(by), body: text })),
        response,
      ),
    "issues/create-comment": (asked) => {
      const { body: text } = body(asked) as unknown as { body: string };
      return addComment(pullOf(asked), bot, text);
    },
    "issues/update-comment": (asked) => {
      const id = Number(asked.request.params["comment_id"]);
      const comment = found(pulls.flatMap(({ comments }) => comments).find((one) => one.id === id));
      comment.body = (body(asked) as unknown as { body: string }).body;
      return { id, user: user(comment.by), body: comment.body };
    },
    "issues/get": (asked) => ({ number: pullOf(asked).number, closed_by: user(pullOf(asked).closedBy) }),
  };

  const ancestors = (from: string): ReadonlySet<string> => {
    const seen = new Set<string>();
    const open = [from];
    for (let next = open.pop(); next !== undefined; next = open.pop()) {
      const known = commits.get(next);
      if (known === undefined || seen.has(next)) continue;
      seen.add(next);
      open.push(...known.parents);
    }
    return seen;
  };

  const api = new OpenAPIBackend({
    definition: JSON.parse(
      readFileSync(new URL("../fixtures/github-openapi.json", import.meta.url), "utf8"),
    ) as Document,
    quick: true,
    ajvOpts: { strict: false, logger: false },
  });
  const violates = (asked: Asked, what: string): never => {
    violations.push(`${asked.request.method} ${asked.request.path}: ${what}`);
    throw new Refused(422, what);
  };
  for (const [operation, handler] of Object.entries(handlers)) api.register(operation, handler as never);
  api.register({
    validationFail: ((asked: Asked) => violates(asked, JSON.stringify(asked.validation.errors))) as never,
    notFound: ((asked: Asked) => violates(asked, "there is no such operation")) as never,
    methodNotAllowed: ((asked: Asked) => violates(asked, "there is no such operation")) as never,
    notImplemented: ((asked: Asked) => violates(asked, "this counterpart does not know it")) as never,
  });
  await api.init();

  const answer = async (request: IncomingMessage, response: ServerResponse) => {
    let text = "";
    for await (const chunk of request) text += String(chunk);
    const { method = "GET", url = "/" } = request;
    const address = new URL(url, "http://x");
    const send = (status: number, value: unknown, headers: Readonly<Record<string, string>> = {}) => {
      test.calls.push({ method, path: address.pathname, status });
      const content = typeof value === "string" ? value : value === undefined ? "" : JSON.stringify(value);
      const etag = `"${createHash("sha1").update(content).digest("hex")}"`;
      const unchanged = status === 200 && method === "GET" && request.headers["if-none-match"] === etag;
      const type =
        typeof value === "string" ? "application/vnd.github.raw+json; charset=utf-8" : "application/json";
      response.writeHead(unchanged ? 304 : status, { "content-type": type, etag, ...headers });
      response.end(unchanged || status === 204 ? undefined : content);
      if (unchanged) test.calls[test.calls.length - 1] = { method, path: address.pathname, status: 304 };
    };
    const fault = test.fault(method, address.pathname);
    if (fault === "reset") return void request.socket.destroy();
    if (fault !== null && fault.after !== true)
      return send(fault.status, { message: "fault" }, fault.headers);
    // An App shows a signed token of its own to get one; that it is well signed is GitHub's to check.
    const asApp =
      /^bearer ey/i.test(request.headers.authorization ?? "") && address.pathname.startsWith("/app");
    if (!asApp && request.headers.authorization !== `token ${token}`)
      return send(401, { message: "Bad credentials" });
    try {
      const value: unknown = await api.handleRequest(
        {
          method,
          path: address.pathname,
          query: Object.fromEntries(address.searchParams),
          headers: request.headers as Record<string, string>,
          ...(text === "" ? {} : { body: JSON.parse(text) as never }),
        },
        response,
      );
      if (fault !== null) return send(fault.status, { message: "fault" }, fault.headers);
      send(method === "DELETE" ? 204 : method === "POST" ? 201 : 200, value);
    } catch (error) {
      const status = error instanceof Refused ? error.status : 500;
      send(status, { message: error instanceof Error ? error.message : String(error) });
    }
  };
  const server = createServer((request, response) => void answer(request, response));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));

  const test: TestGithub = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    repository,
    token,
    bot,
    calls: [],
    statuses: [],
    fault: () => null,
    permissions: { pull: true, push: true, maintain: false, admin: false },
    protects: () => true,
    pulls: (branch) => pulls.filter((pull) => pull.branch === branch),
    tip: (branch) => refs.get(branch) ?? null,
    fileAt: (branch, path) => filesAt(branch).get(path) ?? null,
    review(branch, by, state = "APPROVED", on) {
      const pull = openPull(branch);
      pull.reviews.push({ by, state, commit: on ?? pull.head, at: now() });
    },
    request(branch, by, base, head) {
      const pull = pulls.find((one) => one.branch === branch && one.state === "open");
      if (pull !== undefined) pull.head = head;
      else
        pulls.push({
          number: pulls.length + 1,
          branch,
          author: by,
          base,
          title: branch,
          body: "",
          head,
          state: "open",
          merged: null,
          closedBy: null,
          labels: new Set(),
          reviews: [],
          comments: [],
        });
    },
    comments: (branch) => pulls.findLast((pull) => pull.branch === branch)?.comments ?? [],
    comment: (branch, by, text) => void addComment(openPull(branch), by, text),
    push(branch, by, files) {
      const tip = found(refs.get(branch));
      const to = commit([tip], new Map([...filesAt(branch), ...Object.entries(files)]), by);
      moved(branch, to);
      return to;
    },
    merge(branch, by, changed = {}) {
      const pull = openPull(branch);
      const files = new Map([...filesAt(pull.base), ...filesAt(pull.head), ...Object.entries(changed)]);
      const merged = commit([found(refs.get(pull.base)), pull.head], files, by);
      refs.set(pull.base, merged);
      pull.state = "closed";
      pull.merged = { by, commit: merged, at: now() };
    },
    retarget(branch, base) {
      openPull(branch).base = base;
    },
    close(branch, by) {
      const pull = openPull(branch);
      pull.state = "closed";
      pull.closedBy = by;
    },
    deleteBranch(branch) {
      refs.delete(branch);
      for (const pull of pulls)
        if (pull.branch === branch && pull.state === "open") {
          pull.state = "closed";
          pull.closedBy = "owner";
        }
    },
    async stop() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
      if (violations.length > 0) throw new Error(`GitHub would not understand: ${violations.join("; ")}`);
    },
  };
  return test;
}
