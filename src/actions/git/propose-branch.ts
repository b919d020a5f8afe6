// What all repairs in Git share: the name of their branch, and waiting until people have merged it. The merge is the approval.
import type { BranchEffect } from "../../domain/planning/effect.ts";
import { Problem } from "../../domain/problem.ts";
import type { ActionContext, ActionTools } from "../action.ts";
import { waitFor } from "../wait.ts";

/** The step tells the repairs of one execution apart. */
export function branchOf({ executionId, step }: ActionContext): string {
  return `gitmend/${executionId.replaceAll("-", "").slice(-12)}-${step.replaceAll(/[^\w.-]+/g, "-")}`;
}

/** @throws Problem NOT_HEALTHY: nobody merged it in time. REPAIR_REJECTED */
export async function merged(
  effect: BranchEffect,
  limitSeconds: number,
  { effectKey }: ActionContext,
  tools: ActionTools,
): Promise<void> {
  const { branch, base, repository } = effect;
  // Whoever waits asks, not whoever has pushed: what a crash has left half done is gone on with.
  const look = async () => {
    const state = await tools.sources.look(effect, effectKey);
    return state === "proposed" && (await tools.sources.ask(effect, effectKey)) === "closed"
      ? "absent"
      : state;
  };
  await waitFor(tools, limitSeconds, async () => {
    const state = await look().catch(whileAway);
    if (typeof state === "object") return { done: false, waitingFor: state.message };
    if (state === "merged") return { done: true, value: null };
    if (state === "proposed")
      return { done: false, waitingFor: `nobody has merged ${branch} into ${base} of ${repository}` };
    throw new Problem(
      "REPAIR_REJECTED",
      `somebody deleted ${branch} of ${repository}, or closed its pull request, without merging it`,
    );
  });
}

/** What a forge shows may come after the push; what it refuses for good, people may still merge by hand. */
const passing: ReadonlySet<string> = new Set(["GIT_UNREACHABLE", "FORGE_UNAVAILABLE", "FORGE_REFUSED"]);

/** People may need hours: that the repository does not answer for a while ends nothing. */
function whileAway(error: unknown): Problem {
  if (error instanceof Problem && passing.has(error.code)) return error;
  throw error;
}

/** Without `./` and slashes around it. @throws Problem PARAMETER_INVALID: it leaves the repository */
export function folderOf(path: string): string {
  const parts = path.split("/").filter((part) => part !== "" && part !== ".");
  if (parts.includes("..") || path.includes("\\") || path.includes("\0"))
    throw new Problem("PARAMETER_INVALID", `"${path}" leaves the repository`);
  return parts.join("/");
}
