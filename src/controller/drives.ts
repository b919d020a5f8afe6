// The executions that this replica drives. All of them end with the lease: their next owner goes on from the events.
// A drive that fails under a lease that goes on (the database was away, a mistake of gitmend) is begun again: nobody else would.
import { atMost } from "./at-most.ts";
import { type Drive, driveExecution } from "./drive-execution.ts";
import type { EnginePorts } from "./engine-ports.ts";
import type { OwnedExecution, PendingCommand } from "./ports.ts";
import { pause } from "./session.ts";

export interface Drives {
  /** Nothing while draining: it is given back with the others. */
  start(execution: OwnedExecution): void;
  /** For an execution that is not driven here: left to its owner. */
  give(command: PendingCommand): void;
  /** All of them ask again what is due. */
  wake(): void;
  count(): number;
  /** Starts no step; resolves when what runs has ended or `graceSeconds` are over: then it is cut off, to be found out later. */
  drain(graceSeconds: number): Promise<void>;
}

const longestPauseMilliseconds = 60_000;

/** @param onEnd called whenever a drive is over */
export function createDrives(ports: EnginePorts, onEnd: () => void): Drives {
  const drives = new Map<string, Drive>();
  let owned = new AbortController();
  let draining = false;

  const start = (execution: OwnedExecution, failures = 0) => {
    const { signal } = owned;
    const startedAt = performance.now();
    const running = driveExecution(execution, signal, ports);
    drives.set(execution.id, running);
    void running.done.then((end) => {
      if (drives.get(execution.id) === running) drives.delete(execution.id);
      onEnd();
      if (end !== "failed") return;
      // What went well for longer than the longest pause has nothing to do with the failures before it.
      const wasWell = performance.now() - startedAt > longestPauseMilliseconds;
      void startAgain(execution, wasWell ? 0 : failures, signal);
    });
  };
  const startAgain = async (execution: OwnedExecution, failures: number, signal: AbortSignal) => {
    const wait = Math.min(1000 * 2 ** failures, longestPauseMilliseconds);
    await pause(wait, signal).catch(() => undefined);
    if (!signal.aborted && !draining) start(execution, failures + 1);
  };

  const wake = () => {
    for (const drive of drives.values()) drive.wake();
  };

  ports.lease.onLost(() => {
    ports.log.warn(
      { driving: drives.size },
      "the lease was lost: everything under way is left to its next owner",
    );
    owned.abort(new Error("the lease was lost"));
    wake();
    owned = new AbortController();
    drives.clear();
  });

  return {
    start(execution) {
      if (!draining) start(execution);
    },
    give: (command) => drives.get(command.executionId)?.give(command),
    wake,
    count: () => drives.size,
    async drain(graceSeconds) {
      draining = true;
      for (const running of drives.values()) running.drain();
      const done = Promise.all([...drives.values()].map((running) => running.done));
      await atMost(graceSeconds * 1000, done);
      owned.abort(new Error("the controller stops"));
      wake();
      await done;
    },
  };
}
