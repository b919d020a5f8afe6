import { createServer, type RequestListener } from "node:http";
import type { AddressInfo } from "node:net";
import { describe, expect, it } from "vitest";
import { reachAlertmanager } from "../../../src/adapters/alertmanager/reach-alertmanager.ts";

async function answering(listener: RequestListener) {
  const server = createServer(listener).listen(0, "127.0.0.1");
  await new Promise((resolve) => server.once("listening", resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return { url, [Symbol.asyncDispose]: async () => server.close().closeAllConnections() };
}

describe("the API of an Alertmanager", () => {
  it("answers with its version, to whoever has the credential, below any path", async () => {
    const seen: unknown[] = [];
    await using given = await answering((request, response) => {
      seen.push([request.url, request.headers.authorization]);
      response.end('{"versionInfo":{"version":"0.27.0"}}');
    });
    const said = await reachAlertmanager(`${given.url}/am/`, "Bearer x");
    expect(said).toContain("version 0.27.0");
    expect(seen).toEqual([["/am/api/v2/status", "Bearer x"]]);
  });

  it("that is away is told so", async () => {
    const gone = await answering(() => undefined);
    await gone[Symbol.asyncDispose]();
    await expect(reachAlertmanager(gone.url, null)).rejects.toThrow(/does not answer: .*ECONNREFUSED/);
  });

  it("is not what answers something else, redirects or refuses", async () => {
    for (const [status, body] of [
      [200, "<html>"],
      [200, "{}"],
      [401, '{"versionInfo":{"version":"1"}}'],
      [302, ""],
    ] as const) {
      await using given = await answering((_request, response) => {
        response.writeHead(status, { location: "https://example.org" }).end(body);
      });
      await expect(reachAlertmanager(given.url, null)).rejects.toThrow(/answer/);
    }
  });
});
