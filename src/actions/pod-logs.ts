// Reading the logs of a pod's containers, now and before their last restart, for the actions that keep or search them.
// A log that cannot be read is told and fails nothing: missing evidence must not stop a remedy.
import type { ObjectRef } from "../domain/facts/objects.ts";
import { shortened } from "../domain/plain-text.ts";
import { Problem } from "../domain/problem.ts";
import { redactText } from "../domain/redact.ts";
import type { ActionTools } from "./action.ts";

/** Lines of a log that an output shows; the whole of it is evidence. */
export const shownLines = 20;
const shownLineLength = 300;

export interface Log {
  /** `app`, or `app, before its last restart`. */
  readonly title: string;
  readonly previous: boolean;
  /** Redacted as a whole: a private key goes over many lines. */
  readonly text: string;
}

export interface Logs {
  readonly logs: readonly Log[];
  /** Which could not be read, and why, redacted. */
  readonly unavailable: readonly string[];
}

export interface LogLimits {
  readonly previous: boolean;
  readonly tailLines: number;
  readonly limitBytes: number;
}

/** Empty logs are left out. Rejects only when the attempt is over. */
export async function readPodLogs(
  pod: ObjectRef,
  containers: readonly string[],
  { previous: alsoPrevious, ...limits }: LogLimits,
  tools: ActionTools,
): Promise<Logs> {
  const logs: Log[] = [];
  const unavailable: string[] = [];
  for (const container of containers) {
    for (const previous of alsoPrevious ? [true, false] : [false]) {
      const title = `${container}${previous ? ", before its last restart" : ""}`;
      const query = { namespace: pod.namespace ?? "", pod: pod.name, container, previous, ...limits };
      try {
        const text = await tools.cluster(pod.cluster).logs(query);
        if (text !== "") logs.push({ title, previous, text: redactText(text) });
      } catch (error) {
        if (!(error instanceof Problem) || tools.signal.aborted) throw error;
        // A container that has never restarted has no log before that, which the API calls a bad request.
        if (!(previous && ["API_INVALID", "API_NOT_FOUND"].includes(error.code)))
          unavailable.push(`${title}: ${redactText(error.message)}`);
      }
    }
  }
  return { logs, unavailable };
}

/** All logs in one text. */
export function evidenceText(logs: readonly Log[]): string {
  return logs.map(({ title, text }) => `--- ${title}\n${text.trimEnd()}\n`).join("\n");
}

/** A line as an output shows it. */
export function shownLine(line: string): string {
  return shortened(line, shownLineLength);
}
