// Plain HTTP on loopback in front of the simulated API server, and the place where faults strike.
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo, Socket } from "node:net";
import { setTimeout as delay } from "node:timers/promises";
import type { ApiRequest, ApiResponse } from "./api-request.ts";
import type { ActiveFault, FaultKind, FaultTable } from "./faults.ts";
import { StatusError, statusBody } from "./status-error.ts";

export interface ApiServer {
  readonly url: string;
  stop(): Promise<void>;
}

const maxBodyBytes = 3 * 1024 * 1024;

/** `port` 0: a free one. */
export async function serveApi(
  handle: (request: ApiRequest) => ApiResponse,
  faults: FaultTable,
  port: number,
): Promise<ApiServer> {
  const sockets = new Set<Socket>();
  const server = createServer((request, response) => {
    answer(request, response, handle, faults).catch((error: unknown) => {
      response.destroy(error instanceof Error ? error : undefined);
    });
  });
  server.on("connection", (socket: Socket) => {
    sockets.add(socket);
    socket.on("close", () => sockets.delete(socket));
  });
  await listen(server, port);
  const { port: bound } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${bound}`,
    stop: async () => {
      faults.clear();
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      for (const socket of sockets) socket.destroy();
      await closed;
    },
  };
}

function listen(server: Server, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, "127.0.0.1", () => resolve());
  });
}

async function answer(
  message: IncomingMessage,
  response: ServerResponse,
  handle: (request: ApiRequest) => ApiResponse,
  faults: FaultTable,
): Promise<void> {
  const request = await readRequest(message);
  const struck = faults.take(request.method, message.url ?? "/", request.userAgent);
  const before = await strike(
    struck.filter(({ fault }) => whenOf(fault) === "before"),
    message.socket,
  );
  if (before === "cut") return;
  const result = before ?? refusalsAsStatus(() => handle(request));
  const after =
    before === null
      ? await strike(
          struck.filter(({ fault }) => whenOf(fault) === "after"),
          message.socket,
        )
      : null;
  if (after !== "cut") send(response, after ?? result);
}

async function readRequest(message: IncomingMessage): Promise<ApiRequest> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of message as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > maxBodyBytes) throw new RangeError("the request's body is too large");
    chunks.push(chunk);
  }
  const url = new URL(message.url ?? "/", "http://simulated");
  return {
    method: message.method ?? "GET",
    path: url.pathname.replace(/(?<=.)\/$/, ""),
    query: url.searchParams,
    contentType: message.headers["content-type"] ?? "",
    userAgent: message.headers["user-agent"] ?? "",
    user: [message.headers["impersonate-user"]].flat()[0] ?? null,
    body: Buffer.concat(chunks).toString("utf8"),
  };
}

function refusalsAsStatus(run: () => ApiResponse): ApiResponse {
  try {
    return run();
  } catch (error) {
    if (error instanceof StatusError) return { code: error.code, body: statusBody(error) };
    const text = error instanceof Error ? error.message : String(error);
    return { code: 500, body: statusBody(new StatusError(500, "InternalError", text)) };
  }
}

const whenOf = (fault: FaultKind) => (fault.kind === "latency" ? "before" : (fault.when ?? "before"));

const reasons: Readonly<Record<number, string>> = {
  401: "Unauthorized",
  403: "Forbidden",
  404: "NotFound",
  409: "Conflict",
  422: "Invalid",
  429: "TooManyRequests",
  503: "ServiceUnavailable",
  504: "Timeout",
};

/** null: go on; `cut`: the connection is gone; else what is answered instead. */
async function strike(faults: readonly ActiveFault[], socket: Socket): Promise<ApiResponse | "cut" | null> {
  for (const { fault, released } of faults) {
    if (fault.kind === "latency") await delay(fault.milliseconds);
    else if (fault.kind === "hang") await Promise.race([released, closed(socket)]);
    else if (fault.kind === "reset") {
      socket.resetAndDestroy();
      return "cut";
    } else if (fault.kind === "crash") {
      fault.crash();
      socket.destroy();
      return "cut";
    } else {
      const details =
        fault.retryAfterSeconds === undefined ? {} : { retryAfterSeconds: fault.retryAfterSeconds };
      const error = new StatusError(
        fault.code,
        reasons[fault.code] ?? "InternalError",
        "injected fault",
        details,
      );
      return { code: fault.code, body: statusBody(error) };
    }
  }
  return null;
}

function closed(socket: Socket): Promise<void> {
  return new Promise((resolve) => socket.once("close", () => resolve()));
}

function send(response: ServerResponse, { code, body }: ApiResponse): void {
  if (response.destroyed) return;
  const text = typeof body === "string" ? body : JSON.stringify(body);
  response.statusCode = code;
  response.setHeader("content-type", typeof body === "string" ? "text/plain" : "application/json");
  const details =
    typeof body === "string" ? undefined : (body.details as { retryAfterSeconds?: number } | undefined);
  if (details?.retryAfterSeconds !== undefined)
    response.setHeader("retry-after", String(details.retryAfterSeconds));
  response.end(text);
}
