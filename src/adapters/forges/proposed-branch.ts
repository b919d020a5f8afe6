// What all forges with a server share about a branch that was pushed before anybody asks for its merge.
import type { ProposedBranch } from "../../controller/forge-ports.ts";
import { Problem } from "../../domain/problem.ts";

/** What a request shows: of an approval, and of a repair. */
export type Shown = Pick<ProposedBranch, "branch" | "title" | "body" | "labels">;

/** @param tip null, undefined: it is not there. @throws Problem FORGE_REFUSED: somebody has pushed to it, or deleted it */
export function assertAt(
  { branch, head }: ProposedBranch,
  tip: string | null | undefined,
  repository: string,
): void {
  if (tip === head) return;
  const is =
    typeof tip === "string" ? `is at ${tip.slice(0, 12)}, not at ${head.slice(0, 12)}` : "is not there";
  throw new Problem("FORGE_REFUSED", `branch ${branch} of ${repository} ${is}`);
}
