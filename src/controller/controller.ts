// The loops of one replica, and nothing else: each looks for its own work in the database, so that any replica can do any
// of it and a crash loses none. Started and drained by app.ts.
import { toProblem } from "../domain/problem.ts";
import { decideFiring } from "./decide-firing.ts";
import type { DecisionPorts } from "./decision-ports.ts";
import { type Drive, driveExecution } from "./drive-execution.ts";
import type { EnginePorts } from "./engine-ports.ts";
import type { DueFiring, OwnedExecution } from "./ports.ts";
import { createPublisher, type RecordPorts } from "./publish-records.ts";
import { pause } from "./session.ts";
import { type CatalogPorts, createCatalogSync } from "./sync-catalog.ts";

export type ControllerPorts = DecisionPorts &
  EnginePorts &
  RecordPorts &
  Pick<CatalogPorts, "source" | "catalogState">;

export interface ControllerOptions {
  readonly catalogIntervalSeconds: number;
  /** A firing that was not delivered for this long starts nothing. */
  readonly staleAfterSeconds: number;
}

export interface Controller {
  /** An alert was received: decide at once instead of at the next tick. */
  nudge(): void;
  readonly catalog: ReturnType<typeof createCatalogSync>;
  /** Executions that this replica drives now. */
  driving(): number;
  /** Starts nothing new, lets running steps end within `graceSeconds`, gives the rest back. */
  drain(graceSeconds: number): Promise<void>;
}

const claimMilliseconds = 250;
const claimLimit = 500;
const decideLimit = 16;
const decisionClaimSeconds = 10;
const publishMilliseconds = 1000;
const housekeepingMilliseconds = 5000;

export function startController(ports: ControllerPorts, options: ControllerOptions): Controller {
  const stopping = new AbortController();
  const drives = new Map<string, Drive>();
  let owned = new AbortController();
  let nudged = Promise.withResolvers<void>();
  const nudge = () => nudged.resolve();
  const publish = createPublisher(ports);
  const catalog = createCatalogSync({ ...ports, actions: [...ports.actions.values()] });

  ports.lease.onLost(() => {
    ports.log.warn(
      { driving: drives.size },
      "the lease was lost: everything under way is left to its next owner",
    );
    owned.abort(new Error("the lease was lost"));
    owned = new AbortController();
    drives.clear();
  });

  const drive = (execution: OwnedExecution) => {
    const running = driveExecution(execution, owned.signal, ports);
    drives.set(execution.id, running);
    void running.done.then(() => {
      if (drives.get(execution.id) === running) drives.delete(execution.id);
      nudge();
    });
  };

  const decide = async () => {
    const inUse = catalog.current();
    if (inUse === null || !ports.lease.valid()) return;
    const due = await ports.alerts.takeDue(decideLimit, decisionClaimSeconds);
    const decideOne = async (firing: DueFiring) => {
      const id = await decideFiring(firing, inUse, ports);
      if (id !== null) drive({ id, epoch: 1 });
    };
    await Promise.all(due.map(decideOne));
    if (due.length === decideLimit) nudge();
  };

  const claim = async () => {
    if (!ports.lease.valid()) return;
    for (const execution of await ports.executions.claimAbandoned(claimLimit)) drive(execution);
    for (const command of await ports.executions.commands()) drives.get(command.executionId)?.give(command);
  };

  const loops = [
    every(claimMilliseconds, claim),
    every(options.catalogIntervalSeconds * 1000, () => catalog.sync()),
    every(publishMilliseconds, publish),
    every(housekeepingMilliseconds, () => ports.alerts.keepHouse(options.staleAfterSeconds)),
    every(
      claimMilliseconds,
      async () => {
        nudged = Promise.withResolvers<void>();
        await decide();
        await Promise.race([
          nudged.promise,
          pause(claimMilliseconds, stopping.signal).catch(() => undefined),
        ]);
      },
      0,
    ),
  ];

  /** Runs until the controller stops; a failing round is logged and tried again. */
  async function every(
    milliseconds: number,
    round: () => Promise<unknown>,
    wait = milliseconds,
  ): Promise<void> {
    while (!stopping.signal.aborted) {
      try {
        await round();
        await pause(wait, stopping.signal);
      } catch (error) {
        if (stopping.signal.aborted) return;
        const problem = toProblem(error);
        const level = problem.code === "INTERNAL" ? "error" : "warn";
        ports.log[level](
          { code: problem.code, reason: problem.message },
          "a round failed and is tried again",
        );
        await pause(Math.max(milliseconds, 1000), stopping.signal).catch(() => undefined);
      }
    }
  }

  return {
    nudge,
    catalog,
    driving: () => drives.size,
    async drain(graceSeconds) {
      stopping.abort();
      for (const running of drives.values()) running.drain();
      const done = Promise.all([...drives.values()].map((running) => running.done));
      await Promise.race([done, pause(graceSeconds * 1000, new AbortController().signal)]);
      owned.abort(new Error("the controller stops"));
      await Promise.all(loops);
      await done;
      await ports.executions.release();
      await publish().catch(() => undefined);
    },
  };
}
