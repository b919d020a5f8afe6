// Speaks HTTP to a controller: --server, else GITMEND_SERVER with GITMEND_TOKEN, else <data folder>/controller.json.
// A token goes only where it belongs: the file's token never to another address than the file's.
import { resolve } from "node:path";
import { Option } from "commander";
import { type ControllerAddress, readControllerFile } from "../config/controller-file.ts";
import { isObject } from "../domain/json.ts";
import { Problem, type ProblemCode } from "../domain/problem.ts";
import type { CliContext } from "./context.ts";

export interface ServerOptions {
  readonly server?: string;
}

export interface ControllerClient {
  readonly url: string;
  /** @throws Problem CONTROLLER_UNREACHABLE, or what the controller answered. */
  get<T>(path: string): Promise<T>;
  post<T>(path: string, body: object): Promise<T>;
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
  const call = <T>(path: string, body: object | null): Promise<T> => send(new URL(path, url), token, body);
  return {
    url,
    get: (path) => call(path, null),
    post: (path, body) => call(path, body),
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

/** GET without a body, else POST. */
async function send<T>(url: URL, token: string, sent: object | null): Promise<T> {
  const headers = { authorization: `Bearer ${token}`, accept: "application/json" };
  const response = await reach(url, {
    redirect: "error",
    signal: AbortSignal.timeout(timeoutSeconds * 1000),
    ...(sent === null
      ? { headers }
      : {
          method: "POST",
          body: JSON.stringify(sent),
          headers: { ...headers, "content-type": "application/json" },
        }),
  });
  const body: unknown = await response.json().catch(() => null);
  if (response.ok && body !== null) return body as T;
  throw problemOf(url, response.status, body);
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
