// Instant queries to the Prometheus (or Thanos, Mimir) that has a cluster's metrics. It is asked only for what templates and
// rules name; its answers are numbers and labels, data like everything else.
import type { MetricSample } from "../../actions/action.ts";
import { isObject } from "../../domain/json.ts";
import { oneLine } from "../../domain/plain-text.ts";
import { Problem } from "../../domain/problem.ts";

export interface PrometheusServer {
  /** Without `/api/v1`; may have a path of its own. */
  readonly url: string;
  /** null: of all clusters. */
  readonly clusters: readonly string[] | null;
  /** The whole header `Authorization`; null: none. */
  readonly authorization: string | null;
}

export type QueryMetrics = (
  cluster: string,
  promql: string,
  signal: AbortSignal,
) => Promise<readonly MetricSample[]>;

const timeoutMilliseconds = 10_000;
const mostBytes = 4 * 1024 * 1024;
const mostSamples = 10_000;

/** The first server that has the cluster's metrics answers. @throws Problem METRICS_UNAVAILABLE, METRICS_INVALID */
export function prometheusQueries(servers: readonly PrometheusServer[]): QueryMetrics {
  return async (cluster, promql, signal) => {
    const server = servers.find(({ clusters }) => clusters === null || clusters.includes(cluster));
    if (server === undefined)
      throw new Problem("METRICS_UNAVAILABLE", `no Prometheus is configured for cluster ${cluster}`);
    return samplesOf(await ask(server, promql, signal), promql);
  };
}

async function ask(server: PrometheusServer, promql: string, signal: AbortSignal): Promise<unknown> {
  const { url, authorization } = server;
  const limit = AbortSignal.any([signal, AbortSignal.timeout(timeoutMilliseconds)]);
  const headers = { ...(authorization === null ? {} : { authorization }), "user-agent": "gitmend" };
  try {
    const response = await fetch(`${url.replace(/\/+$/, "")}/api/v1/query`, {
      method: "POST",
      body: new URLSearchParams({ query: promql }),
      headers,
      redirect: "error",
      signal: limit,
    });
    const text = await boundedText(response);
    if (response.ok) return JSON.parse(text);
    throw refused(response.status, text, promql);
  } catch (error) {
    if (error instanceof Problem) throw error;
    signal.throwIfAborted();
    const why = limit.aborted ? "it did not answer in time" : reasonOf(error);
    throw new Problem("METRICS_UNAVAILABLE", `Prometheus cannot be asked: ${why}`, {
      retryable: true,
      cause: error,
    });
  }
}

/** `fetch failed` says nothing; its cause does. */
function reasonOf(error: unknown): string {
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
  return cause instanceof Error ? cause.message : String(cause);
}

async function boundedText(response: Response): Promise<string> {
  const parts: Uint8Array[] = [];
  let bytes = 0;
  for await (const part of response.body ?? []) {
    bytes += part.length;
    if (bytes > mostBytes) {
      throw new Problem("METRICS_INVALID", `Prometheus answered with more than ${mostBytes} bytes`);
    }
    parts.push(part);
  }
  return Buffer.concat(parts).toString("utf8");
}

/** 4xx with an explanation is about the query; everything else is about the server. */
function refused(status: number, text: string, promql: string): Problem {
  const said = explanation(text);
  if ((status === 400 || status === 422) && said !== null)
    return new Problem(
      "METRICS_INVALID",
      `Prometheus refused ${oneLine(promql, 200)}: ${oneLine(said, 300)}`,
    );
  return new Problem("METRICS_UNAVAILABLE", `Prometheus answered ${status}`, {
    retryable: status !== 401 && status !== 403,
  });
}

function explanation(text: string): string | null {
  try {
    const body: unknown = JSON.parse(text);
    return isObject(body) && typeof body.error === "string" ? body.error : null;
  } catch {
    return null;
  }
}

function samplesOf(body: unknown, promql: string): readonly MetricSample[] {
  const data = isObject(body) && isObject(body.data) ? body.data : {};
  const { resultType, result } = data;
  if (resultType === "scalar" && Array.isArray(result)) return [{ labels: {}, value: valueOf(result) }];
  if (resultType !== "vector" || !Array.isArray(result)) {
    const found = typeof resultType === "string" ? `a ${resultType}` : "nothing that can be read";
    throw new Problem("METRICS_INVALID", `${oneLine(promql, 200)} gives ${found}, not one value a series`);
  }
  if (result.length > mostSamples)
    throw new Problem("METRICS_INVALID", `${oneLine(promql, 200)} gives more than ${mostSamples} series`);
  return (result as readonly unknown[]).map(sampleOf);
}

function sampleOf(series: unknown): MetricSample {
  const { metric, value } = isObject(series) ? series : {};
  const labels = Object.entries(isObject(metric) ? metric : {}).flatMap(([name, text]) =>
    typeof text === "string" ? [[name, text] as const] : [],
  );
  return { labels: Object.fromEntries(labels), value: valueOf(value) };
}

/** `[time, "text"]`, where the text may be NaN, +Inf or -Inf. */
function valueOf(pair: unknown): number {
  const text: unknown = Array.isArray(pair) ? pair[1] : undefined;
  if (text === "+Inf") return Number.POSITIVE_INFINITY;
  return text === "-Inf" ? Number.NEGATIVE_INFINITY : Number(text ?? Number.NaN);
}
