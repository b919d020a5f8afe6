// Thread that reads one large body and hands it over in pieces, each when it is asked for: taking in everything at once would
// hold up the main loop as long as reading it.
import { once } from "node:events";
import { parentPort, workerData } from "node:worker_threads";
import type { Alert } from "../domain/facts/alert.ts";
import type { AlertSource } from "../domain/intake/read-alerts.ts";
import { toProblem } from "../domain/problem.ts";
import { type ReadBody, readBody } from "./read-body.ts";

export interface ReadTask {
  readonly bytes: Uint8Array;
  readonly source: AlertSource;
}

export type FromReadWorker =
  | { readonly type: "alerts"; readonly alerts: readonly Alert[] }
  | { readonly type: "end"; readonly rest: Omit<ReadBody, "alerts"> }
  /** PAYLOAD_INVALID, whatever else goes wrong ends the thread. */
  | { readonly type: "refused"; readonly reason: string };

/** About 10 ms of the main loop. */
const alertsAtOnce = 1_000;

const main = parentPort;
if (main === null) throw new TypeError("large bodies are read in a worker thread");

const { bytes, source } = workerData as ReadTask;
try {
  const { alerts, ...rest } = readBody(bytes, source);
  for (let at = 0; at < alerts.length; at += alertsAtOnce) {
    const asked = once(main, "message");
    main.postMessage({
      type: "alerts",
      alerts: alerts.slice(at, at + alertsAtOnce),
    } satisfies FromReadWorker);
    await asked;
  }
  main.postMessage({ type: "end", rest } satisfies FromReadWorker);
} catch (error) {
  const { code, message } = toProblem(error);
  if (code !== "PAYLOAD_INVALID") throw error;
  main.postMessage({ type: "refused", reason: message } satisfies FromReadWorker);
}
