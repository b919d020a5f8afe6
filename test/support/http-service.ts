// A system that custom actions call, in tests: a map of documents over HTTP. PUT and POST write one, GET reads it, DELETE takes it away.
import { createServer, type IncomingHttpHeaders, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

export interface Call {
  readonly method: string;
  /** As it came, encoded. */
  readonly url: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

/** What is answered instead; `after`: once the request has had its effect. `hang`: nothing at all. */
export type ServiceFault =
  | {
      readonly status: number;
      readonly after?: boolean;
      readonly headers?: Readonly<Record<string, string>>;
      readonly body?: string;
    }
  | "hang"
  | null;

export interface HttpService {
  readonly url: string;
  readonly calls: readonly Call[];
  readonly documents: ReadonlyMap<string, string>;
  fault: (call: Call) => ServiceFault;
  stop(): Promise<void>;
}

export async function startHttpService(): Promise<HttpService> {
  const calls: Call[] = [];
  const documents = new Map<string, string>();
  const handleRequest = async (request: IncomingMessage, response: ServerResponse) => {
    let body = "";
    for await (const chunk of request) body += String(chunk);
    const call: Call = {
      method: request.method ?? "",
      url: request.url ?? "/",
      headers: request.headers,
      body,
    };
    calls.push(call);
    const fault = service.fault(call);
    const answer = (status: number, text: string, headers: Readonly<Record<string, string>> = {}) => {
      response.writeHead(status, { "content-type": "application/json", ...headers });
      response.end(text);
    };
    if (fault === "hang") return;
    if (fault !== null && fault.after !== true)
      return answer(fault.status, fault.body ?? "{}", fault.headers);
    const path = call.url.split("?")[0] ?? "";
    const found = documents.get(path);
    if (call.method === "POST" || call.method === "PUT") documents.set(path, body);
    if (call.method === "DELETE") documents.delete(path);
    if (fault !== null) return answer(fault.status, fault.body ?? "{}", fault.headers);
    if (call.method === "GET")
      return found === undefined ? answer(404, '{"detail":"no"}') : answer(200, found);
    answer(200, JSON.stringify({ path, accepted: true }));
  };
  const server = createServer((request, response) => void handleRequest(request, response));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const service: HttpService = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`,
    calls,
    documents,
    fault: () => null,
    async stop() {
      server.closeAllConnections();
      await new Promise<void>((resolve) => void server.close(() => resolve()));
    },
  };
  return service;
}
