// An HTTP server behind the description of a forge's API: what does not fit the description is refused, and stop() fails for it, so
// that no test passes with it. Answers can be made to fail, and carry ETags.
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { type Context, type Document, OpenAPIBackend } from "openapi-backend";
import { Refused } from "./forge-model.ts";

/** What is answered instead; `after`: once the request has had its effect. */
export type ForgeFault =
  | { readonly status: number; readonly after?: boolean; readonly headers?: Readonly<Record<string, string>> }
  | "reset"
  | null;

export interface ForgeCall {
  readonly method: string;
  readonly path: string;
  readonly status: number;
}

export type Asked = Context<Record<string, unknown>, never, never>;
export type Handler = (asked: Asked, response: ServerResponse) => unknown;

export interface ForgeServer {
  readonly url: string;
  readonly calls: ForgeCall[];
  fault: (method: string, path: string) => ForgeFault;
  /** @throws Error: requests that the description does not allow were made */
  stop(): Promise<void>;
}

export interface ForgeServerOptions {
  /** For messages. */
  readonly name: string;
  /** In test/fixtures. */
  readonly description: string;
  /** Before the paths of the description. */
  readonly prefix?: string;
  readonly handlers: Readonly<Record<string, Handler>>;
  readonly allows: (headers: IncomingMessage["headers"], path: string) => boolean;
  /** What of a path is one parameter, slashes and all: its first group. */
  readonly wildcard?: RegExp;
  /** Of a text that is the answer itself. */
  readonly textType?: string;
}

export async function startForgeServer(options: ForgeServerOptions): Promise<ForgeServer> {
  const { name, handlers, allows, prefix = "", textType = "text/plain; charset=utf-8" } = options;
  const violations: string[] = [];
  const api = new OpenAPIBackend({
    definition: JSON.parse(
      readFileSync(new URL(`../fixtures/${options.description}`, import.meta.url), "utf8"),
    ) as Document,
    quick: true,
    ajvOpts: { strict: false, logger: false },
  });
  const violates = (asked: Asked, what: string): never => {
    violations.push(`${asked.request.method} ${asked.request.path}: ${what}`);
    throw new Refused(422, what);
  };
  for (const [operation, handler] of Object.entries(handlers)) api.register(operation, handler as never);
  api.register({
    validationFail: ((asked: Asked) => violates(asked, JSON.stringify(asked.validation.errors))) as never,
    notFound: ((asked: Asked) => violates(asked, "there is no such operation")) as never,
    methodNotAllowed: ((asked: Asked) => violates(asked, "there is no such operation")) as never,
    notImplemented: ((asked: Asked) => violates(asked, "this counterpart does not know it")) as never,
  });
  await api.init();

  const answer = async (request: IncomingMessage, response: ServerResponse) => {
    let text = "";
    for await (const chunk of request) text += String(chunk);
    const { method = "GET", url = "/" } = request;
    const address = new URL(url, "http://x");
    const path = address.pathname;
    const send = (status: number, value: unknown, headers: Readonly<Record<string, string>> = {}) => {
      const content = typeof value === "string" ? value : value === undefined ? "" : JSON.stringify(value);
      const etag = `"${createHash("sha1").update(content).digest("hex")}"`;
      const unchanged = status === 200 && method === "GET" && request.headers["if-none-match"] === etag;
      const type = typeof value === "string" ? textType : "application/json";
      test.calls.push({ method, path, status: unchanged ? 304 : status });
      response.writeHead(unchanged ? 304 : status, { "content-type": type, etag, ...headers });
      response.end(unchanged || status === 204 ? undefined : content);
    };
    const fault = test.fault(method, path);
    if (fault === "reset") return void request.socket.destroy();
    if (fault !== null && fault.after !== true)
      return send(fault.status, { message: "fault" }, fault.headers);
    if (!allows(request.headers, path)) return send(401, { message: "Bad credentials" });
    try {
      const value: unknown = await api.handleRequest(
        {
          method,
          path: oneParameter(path.startsWith(prefix) ? path.slice(prefix.length) : path, options.wildcard),
          query: Object.fromEntries(address.searchParams),
          headers: request.headers as Record<string, string>,
          ...(text === "" ? {} : { body: JSON.parse(text) as never }),
        },
        response,
      );
      if (fault !== null) return send(fault.status, { message: "fault" }, fault.headers);
      const status = value === undefined && method === "DELETE" ? 204 : method === "POST" ? 201 : 200;
      send(status, value);
    } catch (error) {
      const status = error instanceof Refused ? error.status : 500;
      send(status, { message: error instanceof Error ? error.message : String(error) });
    }
  };
  const server = createServer((request, response) => void answer(request, response));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const test: ForgeServer = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}${prefix}`,
    calls: [],
    fault: () => null,
    async stop() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
      if (violations.length > 0) throw new Error(`${name} would not understand: ${violations.join("; ")}`);
    },
  };
  return test;
}

function oneParameter(path: string, wildcard: RegExp | undefined): string {
  const [, rest] = (wildcard === undefined ? null : wildcard.exec(path)) ?? [];
  return rest === undefined ? path : path.slice(0, -rest.length) + rest.replaceAll("/", "%2F");
}

export const bodyOf = (asked: Asked) => (asked.request.requestBody ?? {}) as Record<string, never>;

export const queryOf = (asked: Asked) => asked.request.query as Record<string, string | undefined>;

/** One page of a list, with the link to the next. @param sizeName `per_page`, `limit` */
export function pageOf<T>(
  asked: Asked,
  all: readonly T[],
  response: ServerResponse,
  sizeName: string,
): readonly T[] {
  const query = queryOf(asked);
  const size = Number(query[sizeName] ?? 30);
  const at = Number(query["page"] ?? 1);
  const host = String(asked.request.headers["host"]);
  const address = new URL(asked.request.path, `http://${host}`);
  for (const [key, value] of Object.entries({ ...query, page: String(at + 1) }))
    address.searchParams.set(key, String(value));
  if (at * size < all.length) response.setHeader("link", `<${address.href}>; rel="next"`);
  return all.slice((at - 1) * size, at * size);
}
