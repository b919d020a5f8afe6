// Which commits references name now, for many who ask at their own times: one process answers all who have asked before it
// started, and processes start some time apart, so that what waits for people costs the same however much of it there is.
import { setTimeout as sleep } from "node:timers/promises";
import { Problem, toProblem } from "../../../domain/problem.ts";
import { localProblem } from "../../git/git-problem.ts";
import { runGit } from "../../git/run-git.ts";

/** In the order of the references; null: there is none of the name. */
export type Tips = readonly (string | null)[];

interface Waiting {
  readonly references: readonly string[];
  readonly resolve: (tips: Tips) => void;
  readonly reject: (error: unknown) => void;
}

const betweenMilliseconds = 200;

/** What is answered was read after it was asked. @throws Problem GIT_UNREACHABLE, GIT_REFUSED */
export function tipReader(folder: string): (references: readonly string[]) => Promise<Tips> {
  const waiting: Waiting[] = [];
  let isReading = false;
  let startedAt = Number.NEGATIVE_INFINITY;

  const readAll = async () => {
    isReading = true;
    while (waiting.length > 0) {
      const early = startedAt + betweenMilliseconds - performance.now();
      if (early > 0) await sleep(early);
      startedAt = performance.now();
      await answer(folder, waiting.splice(0));
    }
    isReading = false;
  };

  return (references) => {
    const { promise, resolve, reject } = Promise.withResolvers<Tips>();
    waiting.push({ references, resolve, reject });
    if (!isReading) void readAll();
    return promise;
  };
}

/** Never rejects: each of those who wait is told. */
async function answer(folder: string, asked: readonly Waiting[]): Promise<void> {
  try {
    const tips = await readTips(folder, new Set(asked.flatMap(({ references }) => references)));
    for (const { references, resolve } of asked) resolve(references.map((name) => tips.get(name) ?? null));
  } catch (error) {
    for (const { reject } of asked) reject(error);
  }
}

/** By name: what it costs does not grow with the references that the repository has. */
async function readTips(
  folder: string,
  references: ReadonlySet<string>,
): Promise<ReadonlyMap<string, string>> {
  const format = "--batch-check=%(objectname) %(objecttype)";
  const input = [...references].map((name) => `${name}\n`).join("");
  const result = await runGit(folder, ["cat-file", format], { input }).catch((error: unknown) => {
    const why = `${folder}: ${toProblem(error).message}`;
    throw new Problem("GIT_UNREACHABLE", why, { cause: error, retryable: true });
  });
  if (result.exitCode !== 0) throw localProblem(`the approvals repository at ${folder}`, result);
  const lines = result.stdout.split("\n");
  const found = [...references].map((name, index): [string, string] => [name, lines[index] ?? ""]);
  return new Map(
    found.flatMap(([name, line]) => (line.endsWith(" commit") ? [[name, line.split(" ")[0] ?? ""]] : [])),
  );
}
