// Asks an Alertmanager's API whether it is there and lets us in.
import { isObject } from "../../domain/json.ts";
import { Problem } from "../../domain/problem.ts";

const timeoutMilliseconds = 5_000;

/** @param authorization the whole header; null: none. @throws Problem API_UNREACHABLE: away, or no Alertmanager */
export async function reachAlertmanager(url: string, authorization: string | null): Promise<string> {
  const response = await fetch(`${url.replace(/\/+$/, "")}/api/v2/status`, {
    headers: authorization === null ? {} : { authorization },
    redirect: "error",
    signal: AbortSignal.timeout(timeoutMilliseconds),
  }).catch((error: unknown) => {
    const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new Problem("API_UNREACHABLE", `${url} does not answer: ${why}`, { cause: error, retryable: true });
  });
  const status: unknown = await response.json().catch(() => null);
  const version =
    isObject(status) && isObject(status["versionInfo"]) ? status["versionInfo"]["version"] : null;
  if (response.ok && typeof version === "string") return `${url} answers, version ${version}`;
  throw new Problem(
    "API_UNREACHABLE",
    `${url} answered ${response.status}, which is no answer of Alertmanager`,
  );
}
