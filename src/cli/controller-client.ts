// Speaks HTTP to a controller: --server, else GITMEND_SERVER with GITMEND_TOKEN, else <data folder>/controller.json.
// A token goes only where it belongs: the file's token never to another address than the file's.
import { resolve } from "node:path";
import { Option } from "commander";
import { type ControllerAddress, readControllerFile } from "../config/controller-file.ts";
import { isObject } from "../domain/json.ts";
import { Problem, type ProblemCode } from "../domain/problem.ts";
import type { CliContext } from "./context.ts";
import { type StreamMessage, streamMessages } from "./event-stream.ts";

export interface ServerOptions {
  readonly server?: string;
}

export interface ControllerClient {
  readonly url: string;
  /** @throws Problem CONTROLLER_UNREACHABLE, or what the controller answered. */
  get<T>(path: string): Promise<T>;
  post<T>(path: string, body: object): Promise<T>;
  delete<T>(path: string): Promise<T>;
  /** Server-sent events after the one with the id `after`. @throws Problem CONTROLLER_UNREACHABLE when it is cut off. */
  stream(path: string, after: string): AsyncGenerator<StreamMessage>;
}

const timeoutSeconds = 30;

export function serverOption(): Option {
  return new Option(
    "--server <url>",
    "the controller's address (default: GITMEND_SERVER, else the data folder's)",
  );
}

export async function connect(options: ServerOptions, context: CliContext): Promise<ControllerClient> {
  const { url, token } = await findController(options, context);
  const call = <T>(method: string, path: string, body: object | null): Promise<T> =>
    send(method, new URL(path, url), token, body);
  return {
    url,
    get: (path) => call("GET", path, null),
    post: (path, body) => call("POST", path, body),
    delete: (path) => call("DELETE", path, null),
    stream: (path, after) => stream(new URL(path, url), token, after),
  };
}

async function findController(
  { server }: ServerOptions,
  { environment, workingFolder }: CliContext,
): Promise<ControllerAddress> {
  const folder = resolve(workingFolder, environment["GITMEND_DATA_DIR"] ?? ".gitmend");
  const named = server ?? environment["GITMEND_SERVER"];
  const token = environment["GITMEND_TOKEN"];
  const filed = await readControllerFile(folder);
  if (named === undefined) {
    if (filed !== null) return { ...filed, token: token ?? filed.token };
    throw new Problem(
      "CONTROLLER_UNREACHABLE",
      `no controller has run here: ${folder} has no controller.json`,
    );
  }
  if (!URL.canParse(named) || !/^https?:/.test(named)) {
    throw new Problem("USAGE", `"${named}" is no address of a controller: write http://127.0.0.1:8080`);
  }
  const sameAddress = filed !== null && new URL(filed.url).origin === new URL(named).origin;
  return { url: named, token: token ?? (sameAddress ? filed.token : "") };
}

async function send<T>(method: string, url: URL, token: string, sent: object | null): Promise<T> {
  const headers = { authorization: `Bearer ${token}`, accept: "application/json" };
  const response = await reach(url, {
    redirect: "error",
    signal: AbortSignal.timeout(timeoutSeconds * 1000),
    ...(sent === null
      ? { method, headers }
      : {
          method,
          body: JSON.stringify(sent),
          headers: { ...headers, "content-type": "application/json" },
        }),
  });
  const body: unknown = await response.json().catch(() => null);
  if (response.ok && body !== null) return body as T;
  throw problemOf(url, response.status, body);
}

async function* stream(url: URL, token: string, after: string): AsyncGenerator<StreamMessage> {
  const headers = { authorization: `Bearer ${token}`, accept: "text/event-stream", "last-event-id": after };
  const response = await reach(url, { redirect: "error", headers });
  if (!response.ok || response.body === null)
    throw problemOf(url, response.status, await response.json().catch(() => null));
  try {
    yield* streamMessages(response.body);
  } catch (error) {
    throw new Problem("CONTROLLER_UNREACHABLE", `the stream of ${url.origin} was cut off`, { cause: error });
  }
}

async function reach(url: URL, request: RequestInit): Promise<Response> {
  try {
    return await fetch(url, request);
  } catch (error) {
    throw new Problem("CONTROLLER_UNREACHABLE", `no controller answers at ${url.origin}`, {
      cause: error instanceof Error && error.cause instanceof Error ? error.cause : error,
    });
  }
}

function problemOf(url: URL, status: number, body: unknown): Problem {
  if (isObject(body) && typeof body["code"] === "string" && typeof body["detail"] === "string") {
    return new Problem(body["code"] as ProblemCode, body["detail"]);
  }
  return new Problem(
    "CONTROLLER_UNREACHABLE",
    `${url.origin} answered ${status}, which is no answer of gitmend`,
  );
}
