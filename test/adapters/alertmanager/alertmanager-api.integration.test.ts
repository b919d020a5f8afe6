// Questions to a real Alertmanager, and to servers that answer what no Alertmanager would.
import { once } from "node:events";
import { createServer, type RequestListener } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { alertmanagers } from "../../../src/adapters/alertmanager/alertmanager-api.ts";
import { labelFingerprint } from "../../../src/domain/intake/label-fingerprint.ts";
import { newAlert } from "../../contracts/store-samples.ts";
import { type Alertmanager, startAlertmanager } from "../../support/alertmanager.ts";
import { eventually } from "../../support/eventually.ts";

const closers: (() => void)[] = [];
afterEach(() => {
  for (const close of closers.splice(0)) close();
});

const asked = (url: string, authorization: string | null = null) =>
  alertmanagers([
    { source: { name: "main", clusters: ["prod"], clusterLabel: "cluster" }, url, authorization },
  ]);

async function answering(listener: RequestListener): Promise<string> {
  const server = createServer(listener).listen(0, "127.0.0.1");
  await once(server, "listening");
  closers.push(() => {
    server.close();
    server.closeAllConnections();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

/** An address that refuses connections. */
async function startGone(): Promise<string> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, "close");
  return `http://127.0.0.1:${port}`;
}

describe("a question about one alert", () => {
  let real: Alertmanager;
  beforeAll(async () => {
    real = await startAlertmanager("http://127.0.0.1:9/", "x");
  });
  afterAll(() => real.stop());

  const labels = { alertname: 'Odd "name" \\ with\nlines', namespace: "shop", pod: "api-0" };
  const alert = newAlert({
    name: labels.alertname,
    labels,
    fingerprint: labelFingerprint(labels),
    source: "main",
  });

  it("tells absent, active and held apart, whatever the alert is called", async () => {
    const main = asked(real.url);
    expect(await main.look(alert)).toEqual({ state: "absent" });
    const endsAt = new Date(Date.now() + 600_000).toISOString();
    await real.send([{ labels, startsAt: new Date().toISOString(), endsAt }]);
    await eventually("it is active", async () => (await main.look(alert)).state === "active");
    await real.silence({ labels: { pod: "api-0" }, seconds: 60, by: "ana", comment: "short" });
    await real.silence({ labels: { pod: "api-0" }, seconds: 3_600, by: "bo", comment: "long" });
    const longest = await eventually("both silences are in force", async () => {
      const found = await main.look(alert);
      return found.state === "held" && found.why.includes(" bo ") ? found.why : null;
    });
    expect(longest).toMatch(/^silenced by bo until \S+Z: long$/);
  });

  it("is not asked where its source has no address", async () => {
    const main = asked("http://127.0.0.1:9");
    expect(await main.look({ ...alert, source: "another" })).toEqual({ state: "unasked" });
  });

  it("fails as a problem that passes when nobody answers", async () => {
    const gone = await startGone();
    await expect(asked(gone).look(alert)).rejects.toMatchObject({
      code: "ALERTMANAGER_UNAVAILABLE",
      retryable: true,
      message: expect.stringMatching(/^Alertmanager main cannot be asked: .*ECONNREFUSED/),
    });
  });
});

describe("an answer", () => {
  const status = JSON.stringify({ uptime: "2026-11-17T10:00:00.000Z", versionInfo: { version: "0.25.0" } });
  const entry = (changes: object = {}) => ({
    fingerprint: "6eea59fa4b0c5f4a",
    labels: { alertname: "A" },
    annotations: {},
    startsAt: "2026-11-17T10:00:00Z",
    status: { state: "active", silencedBy: [], inhibitedBy: [] },
    ...changes,
  });
  const saying = (alerts: unknown, silences: unknown = []) =>
    answering((request, response) => {
      const body = request.url?.startsWith("/api/v2/status")
        ? status
        : JSON.stringify(request.url?.startsWith("/api/v2/silences") ? silences : alerts);
      response.end(body);
    });

  it.each([
    ["is no list", { error: "tenant" }],
    ["has an alert without a status", [entry({ status: undefined })]],
    ["has an alert without a fingerprint", [entry({ fingerprint: 7 })]],
    ["has something else than alerts", [null]],
  ])("that %s is none: nothing is concluded from it", async (_, alerts) => {
    await expect(asked(await saying(alerts)).everything("main")).rejects.toMatchObject({
      code: "ALERTMANAGER_UNAVAILABLE",
    });
  });

  it.each([
    ["500", (response: Parameters<RequestListener>[1]) => response.writeHead(500).end("{}")],
    [
      "a redirect",
      (response: Parameters<RequestListener>[1]) => response.writeHead(302, { location: "/" }).end(),
    ],
    [
      "half a body",
      (response: Parameters<RequestListener>[1]) => void response.write("[", () => response.destroy()),
    ],
    ["a login page", (response: Parameters<RequestListener>[1]) => response.end("<html>")],
  ])("of %s is none", async (_, answer) => {
    const url = await answering((request, response) => {
      if (request.url === "/api/v2/status") response.end(status);
      else answer(response);
    });
    await expect(asked(url).everything("main")).rejects.toMatchObject({ code: "ALERTMANAGER_UNAVAILABLE" });
  });

  it("without end is cut off", async () => {
    const piece = Buffer.alloc(1024 * 1024, "1");
    const url = await answering((request, response) => {
      const more = () => void response.write(piece, (error) => (error ? undefined : more()));
      if (request.url === "/api/v2/status") response.end(status);
      else more();
    });
    await expect(asked(url).everything("main")).rejects.toThrow(/more than 16777216 bytes/);
  });

  it("keeps the fingerprint of what cannot be read, and holds of what it has not weighed yet nothing", async () => {
    const url = await saying([
      entry(),
      entry({ fingerprint: "b", labels: {} }),
      entry({ fingerprint: "c", status: { state: "unprocessed", silencedBy: [], inhibitedBy: [] } }),
    ]);
    const { fingerprints, alerts, upSeconds } = await asked(url).everything("main");
    expect([...fingerprints]).toEqual(["6eea59fa4b0c5f4a", "b", "c"]);
    expect(alerts).toMatchObject([{ alert: { name: "A", cluster: "prod", source: "main" }, hold: null }]);
    expect(Number.isFinite(upSeconds)).toBe(true);
  });

  it("about a silence is text of others: one line, bounded, and a name where there is none", async () => {
    const silenced = entry({ status: { state: "suppressed", silencedBy: ["s1"], inhibitedBy: [] } });
    const silence = {
      id: "s1",
      createdBy: "",
      comment: `a\u202e\nb ${"x".repeat(5_000)}`,
      endsAt: "2026-11-17T12:00:00+02:00",
    };
    const { alerts } = await asked(await saying([silenced], [silence])).everything("main");
    const [held] = alerts;
    expect(held?.hold).toMatchObject({ by: "somebody", until: "2026-11-17T10:00:00.000Z" });
    expect(held?.hold?.why).toMatch(/^silenced by somebody until 2026-11-17T10:00:00.000Z: a b x+…$/);
    expect(held?.hold?.why.length).toBeLessThan(300);
  });

  it("is asked for with the credential of its address", async () => {
    const seen: unknown[] = [];
    const url = await answering((request, response) => {
      seen.push(request.headers.authorization);
      response.end(request.url === "/api/v2/status" ? status : "[]");
    });
    await asked(`${url}/`, "Bearer secret").everything("main");
    expect(seen).toEqual(["Bearer secret", "Bearer secret"]);
  });
});
