// Reads bodies: small ones where they come, large ones one after the other in a thread, because the lease ends when the main
// loop stalls for a second. Whoever can deliver can send a body that takes too much: then the thread ends, nothing else.
import { Worker } from "node:worker_threads";
import type { Alert } from "../domain/facts/alert.ts";
import type { AlertSource } from "../domain/intake/read-alerts.ts";
import { Problem } from "../domain/problem.ts";
import { type ReadBody, readBody } from "./read-body.ts";
import type { FromReadWorker, ReadTask } from "./read-body-worker.ts";

/** @throws Problem PAYLOAD_INVALID, PAYLOAD_TOO_LARGE. Takes `bytes` away: they are empty afterwards. */
export type BodyReader = (bytes: Buffer, source: AlertSource) => Promise<ReadBody>;

const largeBytes = 1024 * 1024;
const memoryMebibytes = 1024;

export function bodyReader(): BodyReader {
  let last: Promise<unknown> = Promise.resolve();
  return async (bytes, source) => {
    if (bytes.length <= largeBytes) return readBody(bytes, source);
    const read = last.then(() => readInThread(bytes, source));
    last = read.catch(() => undefined);
    return read;
  };
}

async function readInThread(bytes: Buffer, source: AlertSource): Promise<ReadBody> {
  const worker = startWorker(bytes, source);
  try {
    return await receive(worker);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ERR_WORKER_OUT_OF_MEMORY") throw error;
    throw new Problem("PAYLOAD_TOO_LARGE", `reading the body takes more than ${memoryMebibytes} MiB`, {
      cause: error,
    });
  } finally {
    await worker.terminate();
  }
}

function startWorker(bytes: Buffer, { name, clusters, clusterLabel, namespaces }: AlertSource): Worker {
  const extension = import.meta.url.endsWith(".ts") ? "ts" : "js";
  const owned = bytes.buffer.byteLength === bytes.length ? bytes : Uint8Array.from(bytes);
  // Named one by one: a source may carry a credential, which the thread has no use for.
  const source = { name, clusters, clusterLabel, ...(namespaces === undefined ? {} : { namespaces }) };
  const worker = new Worker(new URL(`./read-body-worker.${extension}`, import.meta.url), {
    workerData: { bytes: owned, source } satisfies ReadTask,
    transferList: [owned.buffer as ArrayBuffer],
    execArgv: [],
    resourceLimits: { maxOldGenerationSizeMb: memoryMebibytes },
  });
  // A controller that stops does not wait for it.
  worker.unref();
  return worker;
}

/** Each piece is asked for, so that the main loop goes on between two of them. */
function receive(worker: Worker): Promise<ReadBody> {
  const { promise, resolve, reject } = Promise.withResolvers<ReadBody>();
  const alerts: Alert[] = [];
  worker.on("message", (message: FromReadWorker) => {
    switch (message.type) {
      case "alerts":
        alerts.push(...message.alerts);
        worker.postMessage("more");
        return;
      case "end":
        resolve({ ...message.rest, alerts });
        return;
      case "refused":
        reject(new Problem("PAYLOAD_INVALID", message.reason));
    }
  });
  worker.on("error", reject);
  worker.on("exit", (code) => reject(new Error(`the thread that reads a body ended with ${code}`)));
  return promise;
}
