// Decisions whose commit got no answer. If one was committed after all, its execution belongs to this replica and nobody
// drives it: the next claim takes it as if it had been abandoned.
import type { AlertStore, FiringDecision } from "../../controller/ports.ts";
import { toProblem } from "../../domain/problem.ts";
import { monotonicMs } from "./monotonic.ts";

type Decided = Awaited<ReturnType<AlertStore["decide"]>>;

export interface DoubtfulDecisions {
  /** Remembers the execution when `commit` ends with DATABASE_UNAVAILABLE, forgets it when a repetition gets its answer. */
  watch(decision: FiringDecision, commit: () => Promise<Decided>): Promise<Decided>;
  /** Executions that may exist without anyone driving them. */
  ids(): readonly string[];
}

/** Far longer than a statement may take: what is not there by then was never committed. */
const rememberedMs = 300_000;

export function doubtfulDecisions(): DoubtfulDecisions {
  const since = new Map<string, number>();
  return {
    async watch(decision, commit) {
      if (decision.kind !== "execution") return commit();
      try {
        const decided = await commit();
        since.delete(decision.executionId);
        return decided;
      } catch (error) {
        if (toProblem(error).code === "DATABASE_UNAVAILABLE") since.set(decision.executionId, monotonicMs());
        throw error;
      }
    },
    ids() {
      for (const [id, at] of since) if (monotonicMs() - at > rememberedMs) since.delete(id);
      return [...since.keys()];
    },
  };
}
