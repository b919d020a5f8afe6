// How long something took, whether it worked or not.
import type { Histograms, Metrics } from "./metrics.ts";

type Timed = {
  [Name in keyof Histograms]: [Histograms[Name]] extends [never] ? Name : never;
}[keyof Histograms];

export async function timed<T>(metrics: Metrics, name: Timed, work: () => Promise<T>): Promise<T> {
  const started = performance.now();
  try {
    return await work();
  } finally {
    metrics.observe(name, (performance.now() - started) / 1000, {});
  }
}
