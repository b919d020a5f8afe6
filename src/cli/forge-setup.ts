// What gitmend needs on a forge, and no more: the rights of its account, the branch that only people may merge to, the webhook. Facts
// of each forge; `gitmend doctor` asks the forge whether they hold.
import type { Config } from "../config/read-config.ts";

type ForgeType = NonNullable<Config["approvals"]["forge"]>["type"];

export interface ForgeSetup {
  /** Who gitmend is there. */
  readonly account: string;
  /** Each as the forge calls it. */
  readonly rights: Readonly<Record<string, string>>;
  /** Of the branch that requests are merged to. */
  readonly protection: readonly string[];
  readonly webhook: { readonly path: string; readonly secret: string; readonly events: readonly string[] };
  /** `docs/how-to/…`. */
  readonly guide: string;
}

export const forgeSetups: Readonly<Record<ForgeType, ForgeSetup>> = {
  github: {
    account:
      "a GitHub App that is installed on this repository alone (or an account of its own with a token)",
    rights: {
      contents: "write",
      issues: "write",
      pull_requests: "write",
      statuses: "write",
      metadata: "read",
    },
    protection: [
      "require a pull request before merging, with one approving review",
      "dismiss stale approvals when new commits are pushed",
      "no bypass; restrict who can push: nobody",
    ],
    webhook: {
      path: "/webhooks/github",
      secret: "approvals.forge.webhook_secret",
      events: ["pull_request", "pull_request_review", "issue_comment", "push"],
    },
    guide: "docs/how-to/approve-on-github.md",
  },
  gitlab: {
    account: "a project access token: GitLab makes an account of its own for it",
    rights: { role: "Developer", scope: "api" },
    protection: [
      "allowed to merge: Maintainers",
      "allowed to push and merge: No one",
      "merge request settings: remove all approvals when commits are added",
    ],
    webhook: {
      path: "/webhooks/gitlab",
      secret: "approvals.forge.webhook_secret",
      events: ["Merge request events", "Comments", "Push events"],
    },
    guide: "docs/how-to/approve-on-gitlab.md",
  },
  gitea: {
    account: "an account of its own, a collaborator of this repository",
    rights: {
      collaborator: "write",
      "token repository": "read and write",
      "token issue": "read and write",
      "token user": "read",
    },
    protection: [
      "disable push",
      "merge whitelist: people, without gitmend's account",
      "one required approval; dismiss stale approvals",
    ],
    webhook: {
      path: "/webhooks/gitea",
      secret: "approvals.forge.webhook_secret",
      events: ["Pull Request", "Pull Request Reviewed", "Pull Request Comment", "Push"],
    },
    guide: "docs/how-to/approve-on-gitea.md",
  },
};
