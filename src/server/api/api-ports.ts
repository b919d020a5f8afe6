// What the routes of the API need from the controller.
import type { Controller } from "../../controller/controller.ts";
import type { Check } from "../../controller/doctor-ports.ts";
import type { Escalations } from "../../controller/escalation-ports.ts";
import type { EventLog } from "../../controller/event-log.ts";
import type { AlertStore, ExecutionStore, Log } from "../../controller/ports.ts";
import type { Shared } from "../../controller/shared.ts";
import type { StartAnswer, StartRequest } from "../../controller/start-by-hand.ts";
import type { Views } from "../../controller/views.ts";
import type { AlertSource } from "../../domain/intake/read-alerts.ts";
import type { Emergency } from "../break-glass.ts";
import type { ServerState } from "../server-state.ts";

export interface ApiPorts {
  readonly executions: Pick<ExecutionStore, "list" | "find" | "events" | "state" | "send">;
  readonly alerts: Pick<AlertStore, "deadLetters" | "deadLetter" | "dropDeadLetter" | "receive">;
  readonly views: Views;
  readonly eventLog: EventLog;
  readonly escalations: Pick<Escalations, "acknowledge">;
  /** Of executions: a stream looks at once instead of after a while. */
  readonly news: Pick<Shared, "listen" | "hears">;
  readonly emergency: Emergency;
  readonly state: ServerState;
  readonly log: Log;
  /** @throws Problem: why it is not started */
  readonly start: (request: StartRequest) => Promise<StartAnswer>;
  readonly startAgain: Controller["startAgain"];
  readonly pauses: Controller["pauses"];
  readonly breakers: Controller["breakers"];
  readonly backlog: Controller["backlog"];
  readonly examine: () => Promise<readonly Check[]>;
}

/** Of `approvals.teams`. */
export type Teams = ReadonlyMap<string, readonly string[]>;

/** Of gitmend.yaml. */
export interface ApiSettings {
  readonly teams: Teams;
  readonly sources: readonly AlertSource[];
}
