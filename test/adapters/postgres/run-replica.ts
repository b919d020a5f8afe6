// Starts replica-program.ts and reads the facts that it prints.
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import type { DatabaseAddress } from "../../../src/adapters/postgres/open-database.ts";

export interface Fact {
  readonly ready?: readonly string[];
  readonly id?: string;
  readonly version?: number;
  readonly accepted?: readonly string[];
  readonly freezing?: true;
  readonly valid?: boolean;
  readonly [key: string]: unknown;
}

export interface Replica {
  readonly process: ChildProcess;
  readonly facts: readonly Fact[];
  /** The first fact that passes, waited for at most 30 s. */
  fact(passes: (fact: Fact) => boolean): Promise<Fact>;
  /** Kills it and waits until it is gone. */
  kill(): Promise<void>;
}

const program = fileURLToPath(new URL("./replica-program.ts", import.meta.url));

export function runReplica(address: DatabaseAddress, executions: number, mode: string): Replica {
  const child = spawn(process.execPath, [program, JSON.stringify(address), String(executions), mode], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const facts: Fact[] = [];
  const lines = createInterface({ input: child.stdout });
  lines.on("line", (line) => facts.push(JSON.parse(line) as Fact));
  return {
    process: child,
    facts,
    async fact(passes) {
      const signal = AbortSignal.timeout(30_000);
      for (;;) {
        const found = facts.find(passes);
        if (found !== undefined) return found;
        await once(lines, "line", { signal });
      }
    },
    async kill() {
      if (child.exitCode !== null || child.signalCode !== null) return;
      const closed = once(child, "close");
      child.kill("SIGKILL");
      await closed;
    },
  };
}

/** Asks again every 50 ms until the answer is there. @throws after `timeoutMs` */
export async function eventually<T>(timeoutMs: number, ask: () => Promise<T | undefined>): Promise<T> {
  const deadline = performance.now() + timeoutMs;
  for (;;) {
    const answer = await ask();
    if (answer !== undefined) return answer;
    if (performance.now() > deadline) throw new Error(`not within ${timeoutMs} ms`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}
