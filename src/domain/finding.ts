// A finding is one thing wrong (or doubtful) in a file that a person wrote, with its position.
// Readers return all findings of all files at once; `gitmend validate` prints them.

export interface Finding {
  readonly file: string;
  /** 1-based. */
  readonly line: number;
  /** 1-based. */
  readonly column: number;
  readonly severity: "error" | "warning";
  /** SCREAMING_SNAKE, stable: scripts filter by it. */
  readonly code: string;
  /** What is wrong and what to do; one sentence or two. */
  readonly message: string;
}

export function hasErrors(findings: readonly Finding[]): boolean {
  return findings.some((finding) => finding.severity === "error");
}
