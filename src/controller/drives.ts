// The executions that this replica drives. All of them end with the lease: their next owner goes on from the events.
import { type Drive, driveExecution } from "./drive-execution.ts";
import type { EnginePorts } from "./engine-ports.ts";
import type { OwnedExecution, PendingCommand } from "./ports.ts";
import { pause } from "./session.ts";

export interface Drives {
  start(execution: OwnedExecution): void;
  /** For an execution that is not driven here: left to its owner. */
  give(command: PendingCommand): void;
  count(): number;
  /** Starts no step; resolves when what runs has ended or `graceSeconds` are over: then it is cut off, to be found out later. */
  drain(graceSeconds: number): Promise<void>;
}

/** @param onEnd called whenever a drive is over */
export function createDrives(ports: EnginePorts, onEnd: () => void): Drives {
  const drives = new Map<string, Drive>();
  let owned = new AbortController();

  ports.lease.onLost(() => {
    ports.log.warn(
      { driving: drives.size },
      "the lease was lost: everything under way is left to its next owner",
    );
    owned.abort(new Error("the lease was lost"));
    owned = new AbortController();
    drives.clear();
  });

  return {
    start(execution) {
      const running = driveExecution(execution, owned.signal, ports);
      drives.set(execution.id, running);
      void running.done.then(() => {
        if (drives.get(execution.id) === running) drives.delete(execution.id);
        onEnd();
      });
    },
    give: (command) => drives.get(command.executionId)?.give(command),
    count: () => drives.size,
    async drain(graceSeconds) {
      for (const running of drives.values()) running.drain();
      const done = Promise.all([...drives.values()].map((running) => running.done));
      const grace = new AbortController();
      await Promise.race([done, pause(graceSeconds * 1000, grace.signal).catch(() => undefined)]);
      grace.abort(new Error("drained"));
      owned.abort(new Error("the controller stops"));
      await done;
    },
  };
}
