// Where people are asked for approvals: `local` (bare Git), or the pull requests of a forge with a server.
import type { Approval } from "../domain/gate/gate.ts";
import type { RequestCommand, RequestEdit } from "../domain/gate/judge-request.ts";
import type { RequestNote } from "../domain/gate/request-note.ts";
import type { BranchEffect } from "../domain/planning/effect.ts";

export interface ApprovalRequest {
  readonly executionId: string;
  /** `gitmend/<short id>`. */
  readonly branch: string;
  /** `approvals/<execution-id>.yaml`. */
  readonly file: string;
  readonly content: string;
  readonly title: string;
  /** Markdown, for forges that show some. */
  readonly body: string;
  /** Without commas. */
  readonly labels: readonly string[];
}

export type ApprovalState =
  | {
      readonly state: "open";
      readonly approvals: readonly Approval[];
      /** Commits that do not count, each with the reason, for people. */
      readonly remarks: readonly string[];
      /** People have changed the file: nothing that was approved counts until gitmend has planned it anew. */
      readonly edit: RequestEdit | null;
      /** What people have said to gitmend there. */
      readonly commands: readonly RequestCommand[];
    }
  /** Merged: what counts is checked against the head that gitmend wrote; `problem` says why it does not count. */
  | {
      readonly state: "merged";
      readonly approvals: readonly Approval[];
      readonly commit: string;
      readonly problem: string | null;
    }
  | { readonly state: "closed"; readonly by: string | null; readonly reason: string };

export interface Forge {
  /** Whether requests can be made there and merged by people alone: says so, or throws what has to be mended. Reads only. */
  reach(): Promise<string>;
  /** How often an open request is looked at, where nothing announces news of it. */
  readonly pollSeconds: number;
  /**
   * Idempotent: the branch is named from the execution. Returns the head that people approve. This and all others: @throws Problem
   * FORGE_UNAVAILABLE, FORGE_REFUSED (a forge with a server), GIT_UNREACHABLE
   */
  open(
    request: ApprovalRequest,
  ): Promise<{ readonly repository: string; readonly base: string; readonly head: string }>;
  read(request: {
    readonly branch: string;
    readonly file: string;
    readonly head: string;
  }): Promise<ApprovalState>;
  /** Shows how the request stands, where there is a place for it; what stands there already is not written again. */
  tell(request: { readonly branch: string; readonly head: string }, note: RequestNote): Promise<void>;
  /** Closed by gitmend: no rejection. */
  close(
    branch: string,
    reason: "expired" | "resolved" | "cancelled" | "outdated" | "refused" | "superseded",
  ): Promise<void>;
}

/** A branch with gitmend's commit that stands in the repository already, and is to be merged as it is. */
export interface ProposedBranch {
  readonly branch: string;
  readonly base: string;
  /** The commit that gitmend wrote. */
  readonly head: string;
  readonly title: string;
  /** Markdown. */
  readonly body: string;
  readonly labels: readonly string[];
}

/** A forge with a server: people merge there what was pushed already, too. */
export interface ServerForge extends Forge {
  /** @param branch that people merge into. Left out: the one of approvals */
  reach(branch?: string): Promise<string>;
  /** The address of its pull request. Idempotent: whoever made it may have died before. */
  propose(request: ProposedBranch): Promise<string>;
  /** Nothing of it may be edited. Whether what was merged is what stands there is not looked at: the clone knows that better. */
  readProposed(request: Pick<ProposedBranch, "branch" | "base" | "head">): Promise<ApprovalState>;
}

/** Repairs as pull requests in the repositories of `sources`. */
export interface RepairRequests {
  /** Of each repository: whether it answers, and people alone may merge there where its forge is known. */
  readonly reachables: readonly { readonly name: string; reach(): Promise<string> }[];
  /** null: it has none, so that people are asked as for any plan. */
  forgeOf(repository: string): ServerForge | null;
  /** Pushes the branch, and says which commit it is. @throws Problem as Sources.propose */
  push(effect: BranchEffect, key: string): Promise<string>;
  /** Whether a merge has brought these lines and nothing else into these files. */
  isIntact(effect: BranchEffect, key: string, merge: string): Promise<boolean>;
}
