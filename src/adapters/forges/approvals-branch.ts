// What all forges share: where requests for approval are merged to, and what stands there at first.

/** Never the branch that the catalog is read from. */
export const approvalsBase = "gitmend-approvals";

export const welcome = `# Approvals

Each branch \`gitmend/…\` asks for one approval: read the file that it adds, then \`gitmend approve ID\` or \`gitmend reject ID\`.
Nothing here is read as configuration; what counts are signed commits.
`;

/** With one of these gitmend has closed it: that is no rejection. */
export const closedLabels: ReadonlySet<string> = new Set([
  "expired",
  "resolved",
  "cancelled",
  "outdated",
  "refused",
  "superseded",
]);
