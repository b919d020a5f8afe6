// What gitmend reads of Gitea's answers (API of 1.20 and later, Forgejo's too).

export interface GiteaUser {
  readonly login: string;
}

export interface GiteaRepository {
  readonly permissions?: { readonly admin?: boolean; readonly push?: boolean };
}

export interface GiteaBranch {
  readonly commit: { readonly id: string };
  readonly protected?: boolean;
  /** Of the account that asks. */
  readonly user_can_push?: boolean;
  readonly user_can_merge?: boolean;
}

export interface GiteaContents {
  /** Of the blob. */
  readonly sha: string;
  readonly encoding?: string;
  readonly content?: string;
}

export interface GiteaLabel {
  readonly id: number;
  readonly name: string;
}

interface PullEnd {
  /** The branch, also when it is gone. */
  readonly label: string;
  readonly ref: string;
  readonly sha: string;
  readonly repo_id: number;
}

export interface GiteaPull {
  readonly number: number;
  readonly html_url: string;
  readonly body: string;
  readonly state: "open" | "closed";
  readonly merged: boolean;
  readonly merged_by?: GiteaUser | null;
  readonly merged_at?: string | null;
  readonly merge_commit_sha?: string | null;
  readonly user?: GiteaUser | null;
  readonly labels?: readonly GiteaLabel[] | null;
  readonly head: PullEnd;
  readonly base: PullEnd;
}

export interface GiteaReview {
  readonly user?: GiteaUser | null;
  readonly state: string;
  readonly dismissed?: boolean;
  readonly commit_id: string;
  readonly submitted_at: string;
}

export interface GiteaCommit {
  readonly sha: string;
  readonly parents: readonly { readonly sha: string }[];
  /** The accounts of these addresses, if there are such. */
  readonly author?: GiteaUser | null;
  readonly committer?: GiteaUser | null;
  readonly commit: {
    readonly author: { readonly email: string };
    readonly committer: { readonly email: string };
    readonly verification?: {
      readonly verified?: boolean;
      /** `name` is the account before 1.25, `username` from then on. */
      readonly signer?: { readonly name?: string; readonly username?: string } | null;
    } | null;
  };
}

export interface GiteaComment {
  readonly id: number;
  readonly user: GiteaUser | null;
  readonly body: string;
  readonly created_at: string;
}

export interface GiteaEvent {
  readonly type: string;
  readonly user?: GiteaUser | null;
}
