// Against a real Prometheus, and against a server that misbehaves.
import { createServer, type RequestListener, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { prometheusQueries } from "../../../src/adapters/prometheus/query-prometheus.ts";
import { startPrometheus, type TestPrometheus } from "../../support/prometheus.ts";

const signal = new AbortController().signal;
const of = (url: string, authorization: string | null = null) =>
  prometheusQueries([{ url, clusters: ["prod-eu"], authorization }]);

describe("a Prometheus", () => {
  let prometheus: TestPrometheus;
  beforeAll(async () => {
    prometheus = await startPrometheus(['errors{service="api"} 0.25', 'errors{service="cart"} 3']);
  });
  afterAll(async () => prometheus?.stop());

  it("gives one sample a series, with its labels", async () => {
    const found = await of(prometheus.url)("prod-eu", 'errors{service=~".+"}', signal);
    expect(found).toEqual([
      { labels: { __name__: "errors", service: "api" }, value: 0.25 },
      { labels: { __name__: "errors", service: "cart" }, value: 3 },
    ]);
  });
  it("gives a scalar as one sample, and what is no number as it is", async () => {
    const query = of(`${prometheus.url}/`);
    expect(await query("prod-eu", "scalar(sum(errors))", signal)).toEqual([{ labels: {}, value: 3.25 }]);
    expect(await query("prod-eu", "1/0", signal)).toEqual([{ labels: {}, value: Number.POSITIVE_INFINITY }]);
    expect(await query("prod-eu", "-1/0", signal)).toEqual([{ labels: {}, value: Number.NEGATIVE_INFINITY }]);
    expect(await query("prod-eu", "0/0", signal)).toEqual([{ labels: {}, value: Number.NaN }]);
    expect(await query("prod-eu", "nothing_of_that_name", signal)).toEqual([]);
  });
  it("says what is wrong with a query", async () => {
    const query = of(prometheus.url);
    await expect(query("prod-eu", "sum(", signal)).rejects.toMatchObject({
      code: "METRICS_INVALID",
      message: expect.stringContaining("sum(") as string,
    });
    await expect(query("prod-eu", "errors[5m]", signal)).rejects.toMatchObject({
      code: "METRICS_INVALID",
      message: expect.stringContaining("a matrix") as string,
    });
  });
});

describe("a Prometheus that cannot be asked", () => {
  const servers: Server[] = [];
  afterEach(() => {
    for (const server of servers.splice(0)) {
      server.close();
      server.closeAllConnections();
    }
  });
  async function serve(answer: RequestListener): Promise<string> {
    const server = createServer(answer);
    servers.push(server);
    await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
    return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  }

  it("is said when there is none for the cluster", async () => {
    const asked = of("http://127.0.0.1:1")("staging", "up", signal);
    await expect(asked).rejects.toMatchObject({ code: "METRICS_UNAVAILABLE", retryable: false });
  });
  it.each([
    ["nobody listens", async () => "http://127.0.0.1:1"],
    ["it is starting", () => serve((_, response) => response.writeHead(503).end("not ready"))],
    ["it breaks off", () => serve((request) => request.socket.destroy())],
    ["it is no Prometheus", () => serve((_, response) => response.end("<html>"))],
    ["it leads elsewhere", () => serve((_, response) => response.writeHead(302, { location: "/x" }).end())],
  ])("may be asked again when %s", async (_why, url) => {
    await expect(of(await url())("prod-eu", "up", signal)).rejects.toMatchObject({
      code: "METRICS_UNAVAILABLE",
      retryable: true,
    });
  });
  it("gets its credential, and is not asked again when that is wrong", async () => {
    const seen: (string | undefined)[] = [];
    const url = await serve((request, response) => {
      seen.push(request.headers.authorization);
      response.writeHead(403).end();
    });
    const asked = of(url, "Bearer secret")("prod-eu", "up", signal);
    await expect(asked).rejects.toMatchObject({ code: "METRICS_UNAVAILABLE", retryable: false });
    expect(seen).toEqual(["Bearer secret"]);
  });
  it("is not read to the end when it never stops talking", async () => {
    const url = await serve((_, response) => {
      const more = () => {
        while (response.write("x".repeat(65_536)));
        response.once("drain", more);
      };
      more();
    });
    await expect(of(url)("prod-eu", "up", signal)).rejects.toMatchObject({ code: "METRICS_INVALID" });
  });
  it("lets go when the attempt is given up", async () => {
    const url = await serve(() => undefined);
    const gone = new AbortController();
    const asked = of(url)("prod-eu", "up", gone.signal);
    gone.abort(new Error("given up"));
    await expect(asked).rejects.toThrow("given up");
  });
});
