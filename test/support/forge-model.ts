// What every forge keeps, in memory: commits, branches, requests with reviews, labels and comments; and what people do there, in a
// browser or with Git. Each forge's counterpart shows it in its own words.
import { createHash } from "node:crypto";

type Files = ReadonlyMap<string, string>;
/** How a commit says who made it: by a key of that account, not at all, or by the forge for whoever is logged in. */
export type Proof = "signed" | "unsigned" | "on the page";

export interface ModelCommit {
  readonly sha: string;
  readonly parents: readonly string[];
  readonly files: Files;
  readonly by: string;
  readonly proof: Proof;
}

export interface ModelPull {
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
  readonly comments: { readonly id: number; readonly by: string; body: string; readonly at: string }[];
  readonly reviews: { by: string; state: string; commit: string; at: string }[];
}

/** A request that the forge refuses, with its status. */
export class Refused extends Error {
  readonly status: number;
  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

export function found<T>(value: T | undefined | null): T {
  if (value === undefined || value === null) throw new Refused(404, "Not Found");
  return value;
}

export interface ModelStatus {
  readonly sha: string;
  readonly state: string;
  readonly context: string;
  readonly description: string;
}

/** @param bot gitmend's account */
export function forgeModel(bot: string) {
  const commits = new Map<string, ModelCommit>();
  const refs = new Map<string, string>();
  const pulls: ModelPull[] = [];
  const statuses: ModelStatus[] = [];
  let tick = 0;
  const now = () => new Date().toISOString();
  const next = () => (tick += 1);
  const sha = (...parts: readonly string[]) =>
    createHash("sha1")
      .update([...parts, String(next())].join("\0"))
      .digest("hex");
  const commit = (
    parents: readonly string[],
    files: Files,
    by: string,
    proof: Proof = "unsigned",
  ): string => {
    const id = sha("commit", ...parents, by);
    commits.set(id, { sha: id, parents, files, by, proof });
    return id;
  };
  const filesAt = (ref: string): Files => commits.get(refs.get(ref) ?? ref)?.files ?? new Map();
  const openPull = (branch: string) =>
    found(pulls.findLast((pull) => pull.branch === branch && pull.state === "open"));
  const moved = (branch: string, to: string) => {
    refs.set(branch, to);
    for (const pull of pulls) if (pull.branch === branch && pull.state === "open") pull.head = to;
  };
  refs.set("main", commit([], new Map([["README.md", "hello\n"]]), "owner"));

  const ancestors = (from: string): ReadonlySet<string> => {
    const seen = new Set<string>();
    const open = [from];
    for (let one = open.pop(); one !== undefined; one = open.pop()) {
      const known = commits.get(one);
      if (known === undefined || seen.has(one)) continue;
      seen.add(one);
      open.push(...known.parents);
    }
    return seen;
  };

  return {
    bot,
    commits,
    refs,
    pulls,
    statuses,
    now,
    next,
    sha,
    commit,
    filesAt,
    openPull,
    moved,
    tip: (branch: string) => refs.get(branch) ?? null,
    fileAt: (branch: string, path: string) => filesAt(branch).get(path) ?? null,
    pullsOf: (branch: string) => pulls.filter((pull) => pull.branch === branch),
    commentsOf: (branch: string) => pulls.findLast((pull) => pull.branch === branch)?.comments ?? [],
    /** @param base a branch. @throws Refused 404, 409 */
    open: (
      by: string,
      given: { branch: string; base: string; title: string; body: string; head?: string },
    ) => {
      found(refs.get(given.base));
      const head = given.head ?? found(refs.get(given.branch));
      if (pulls.some((pull) => pull.branch === given.branch && pull.state === "open"))
        throw new Refused(409, "there is one already");
      const pull: ModelPull = {
        number: pulls.length + 1,
        branch: given.branch,
        author: by,
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
      return pull;
    },
    /** Of the branch alone, the oldest first. */
    commitsOf: (pull: ModelPull): readonly ModelCommit[] => {
      const { merged } = pull;
      // What was in the base before the merge is nobody's part of it.
      const before = merged === null ? refs.get(pull.base) : commits.get(merged.commit)?.parents[0];
      const inBase = ancestors(before ?? "");
      const own = [...ancestors(pull.head)].filter((id) => !inBase.has(id));
      return own
        .toReversed()
        .map((id) => found(commits.get(id)))
        .filter(({ by }) => by !== "owner");
    },
    filesOf: ({ head, base }: ModelPull): readonly string[] => {
      const old = filesAt(base);
      const changed = [...filesAt(head)].filter(([path, text]) => old.get(path) !== text);
      return [
        ...changed.map(([path]) => path),
        ...[...old.keys()].filter((path) => !filesAt(head).has(path)),
      ];
    },
    say: (pull: ModelPull, by: string, body: string) => {
      const comment = { id: next(), by, body, at: now() };
      pull.comments.push(comment);
      return comment;
    },
    review: (branch: string, by: string, state: string, on?: string): void => {
      const pull = openPull(branch);
      pull.reviews.push({ by, state, commit: on ?? pull.head, at: now() });
    },
    push: (
      branch: string,
      by: string,
      files: Readonly<Record<string, string>>,
      proof: Proof = "signed",
    ): string => {
      const tip = found(refs.get(branch));
      const to = commit([tip], new Map([...filesAt(branch), ...Object.entries(files)]), by, proof);
      moved(branch, to);
      return to;
    },
    merge: (branch: string, by: string, changed: Readonly<Record<string, string>> = {}): void => {
      const pull = openPull(branch);
      const files = new Map([...filesAt(pull.base), ...filesAt(pull.head), ...Object.entries(changed)]);
      const merged = commit([found(refs.get(pull.base)), pull.head], files, by);
      refs.set(pull.base, merged);
      pull.state = "closed";
      pull.merged = { by, commit: merged, at: now() };
    },
    close: (branch: string, by: string): void => {
      const pull = openPull(branch);
      pull.state = "closed";
      pull.closedBy = by;
    },
    deleteBranch: (branch: string): void => {
      refs.delete(branch);
      for (const pull of pulls)
        if (pull.branch === branch && pull.state === "open") {
          pull.state = "closed";
          pull.closedBy = "owner";
        }
    },
  };
}

export type ForgeModel = ReturnType<typeof forgeModel>;
