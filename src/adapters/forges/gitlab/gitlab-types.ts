// What gitmend reads of GitLab's answers (API v4).

export interface GitlabUser {
  readonly username: string;
}

interface Access {
  readonly access_level: number;
}

export interface GitlabProject {
  readonly default_branch?: string | null;
  readonly permissions?: { readonly project_access?: Access | null; readonly group_access?: Access | null };
}

export interface GitlabBranch {
  readonly commit: { readonly id: string };
  readonly protected?: boolean;
  readonly developers_can_merge?: boolean;
  /** Whether the account that asks can. */
  readonly can_push?: boolean;
}

export interface GitlabFile {
  readonly encoding: string;
  readonly content: string;
  /** The last one that changed it. */
  readonly last_commit_id: string;
}

export interface GitlabRequest {
  readonly iid: number;
  readonly web_url: string;
  readonly description: string | null;
  readonly state: "opened" | "closed" | "locked" | "merged";
  readonly author: GitlabUser;
  readonly source_project_id: number;
  readonly target_project_id: number;
  readonly target_branch: string;
  readonly labels: readonly string[];
  /** Of the branch, or what it was when it was merged. */
  readonly sha: string;
  /** Not there before 14.7. */
  readonly merge_user?: GitlabUser | null;
  readonly merged_by?: GitlabUser | null;
  readonly merged_at?: string | null;
  readonly merge_commit_sha?: string | null;
  readonly squash_commit_sha?: string | null;
  readonly closed_by?: GitlabUser | null;
}

/** What stood on the branch from `created_at` on. */
export interface GitlabVersion {
  readonly head_commit_sha: string;
  readonly created_at: string;
}

export interface GitlabNote {
  readonly id: number;
  readonly author: GitlabUser;
  readonly body: string;
  readonly created_at: string;
  /** Written by GitLab about what the author has done. */
  readonly system: boolean;
}

export interface GitlabApprovals {
  readonly approved_by: readonly { readonly user: GitlabUser }[];
}

export interface GitlabReviewer {
  readonly user: GitlabUser;
  readonly state: string;
}

/** Who has pushed what, as GitLab has let them in. */
export interface GitlabPush {
  readonly author_username: string;
  readonly created_at: string;
  readonly push_data?: {
    readonly ref: string | null;
    readonly commit_from: string | null;
    readonly commit_to: string | null;
  };
}
