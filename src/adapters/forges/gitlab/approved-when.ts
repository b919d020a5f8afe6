// GitLab says who has approved a merge request and when, but not what: an approval is held against what stood on the branch at that
// time, all by GitLab's own clock. What is not certain counts for what stood there before.
import type { Review } from "../../../domain/gate/judge-request.ts";
import type { GitlabNote, GitlabReviewer, GitlabVersion } from "./gitlab-types.ts";

/** So long after the branch has changed somebody may still look at what stood there before. */
const lookedAtSeconds = 30;

const opinions: Readonly<Record<string, Review["opinion"]>> = {
  "approved this merge request": "approves",
  "unapproved this merge request": "void",
};

export interface ApprovalsSeen {
  /** System notes are written by GitLab alone. */
  readonly notes: readonly GitlabNote[];
  readonly versions: readonly GitlabVersion[];
  /** Accounts whose approval stands now: it may have been taken back, or been reset by a push. */
  readonly standing: ReadonlySet<string>;
  readonly reviewers: readonly GitlabReviewer[];
}

export function reviewsIn({ notes, versions, standing, reviewers }: ApprovalsSeen): readonly Review[] {
  const inOrder = versions.toSorted((one, other) => one.created_at.localeCompare(other.created_at));
  const said = notes.flatMap(({ system, body, author, created_at }): readonly Review[] => {
    const opinion = system ? opinions[body.trim().toLowerCase()] : undefined;
    if (opinion === undefined) return [];
    const commit = commitAt(created_at, inOrder);
    return [{ by: author.username, opinion, commit, at: created_at }];
  });
  const reset = said
    .filter(({ by, opinion }) => opinion === "approves" && !standing.has(by))
    .map((review): Review => ({ ...review, opinion: "void" }));
  const objections = reviewers
    .filter(({ state }) => state === "requested_changes")
    .map(({ user }): Review => ({ by: user.username, opinion: "objects", commit: "", at: "" }));
  return [...said, ...reset, ...objections];
}

/** "": nothing stood there that is known. */
function commitAt(at: string, versions: readonly GitlabVersion[]): string {
  const when = Date.parse(at);
  const certain = versions.filter(({ created_at }, index) => {
    const patience = index === 0 ? 0 : lookedAtSeconds * 1000;
    return Date.parse(created_at) + patience <= when;
  });
  return certain.at(-1)?.head_commit_sha ?? "";
}
