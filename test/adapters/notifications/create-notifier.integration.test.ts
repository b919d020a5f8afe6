import { createHmac } from "node:crypto";
import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, describe, expect, it } from "vitest";
import { createNotifier, type NotifierOptions } from "../../../src/adapters/notifications/create-notifier.ts";

interface Received {
  readonly headers: IncomingMessage["headers"];
  readonly body: string;
}
const message = { title: "api rolled back", text: "revision 4 -> 3 — done", severity: "warning" };
const closers: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0)) await close();
});

async function receiver(answer: (response: ServerResponse, request: IncomingMessage) => void) {
  const received: Received[] = [];
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", () => {
      received.push({ headers: request.headers, body: Buffer.concat(chunks).toString("utf8") });
      answer(response, request);
    });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  closers.push(async () => {
    server.closeAllConnections();
    server.close();
    await once(server, "close");
  });
  return { received, port, url: `http://127.0.0.1:${port}/hook?token=very-secret` };
}

function notifierTo(url: string, more: Partial<NotifierOptions> = {}) {
  return createNotifier({
    channels: { sre: { kind: "webhook", url, secret: "s3cret" } },
    default: "sre",
    allowPrivate: true,
    timeoutSeconds: 5,
    ...more,
  });
}

describe("a notification", () => {
  it("arrives signed, with its key, and says which channel took it", async () => {
    const { received, url } = await receiver((response) => response.writeHead(204).end());
    await expect(notifierTo(url).notify(null, message, "exec-1/tell")).resolves.toEqual({ channel: "sre" });
    const [{ headers, body }] = received as [Received];
    expect(received).toHaveLength(1);
    expect(JSON.parse(body)).toEqual({ version: 1, key: "exec-1/tell", ...message });
    expect(headers["idempotency-key"]).toBe("exec-1/tell");
    const expected = createHmac("sha256", "s3cret").update(body, "utf8").digest("hex");
    expect(headers["x-gitmend-signature"]).toBe(`sha256=${expected}`);
  });

  it("goes unsigned to a channel without a secret", async () => {
    const { received, url } = await receiver((response) => response.writeHead(200).end("ok"));
    await createNotifier({
      channels: { default: { kind: "webhook", url, secret: null } },
      default: null,
      allowPrivate: true,
    }).notify(null, message, "k");
    expect(received[0]?.headers["x-gitmend-signature"]).toBeUndefined();
  });

  it.each([400, 404, 410])("that is answered %i was refused for good", async (status) => {
    const { url } = await receiver((response) => response.writeHead(status).end());
    await expect(notifierTo(url).notify("sre", message, "k")).rejects.toMatchObject({
      code: "NOTIFICATION_REFUSED",
      retryable: false,
      details: { status },
    });
  });

  it("that is answered 429 may be sent again, when the receiver says", async () => {
    const { url } = await receiver((response) => response.writeHead(429, { "Retry-After": "7" }).end());
    await expect(notifierTo(url).notify("sre", message, "k")).rejects.toMatchObject({
      code: "NOTIFICATION_REFUSED",
      retryable: true,
      details: { retryAfterSeconds: 7 },
    });
  });

  it.each([500, 502, 503])("that is answered %i may have arrived", async (status) => {
    const { url } = await receiver((response) => response.writeHead(status).end());
    await expect(notifierTo(url).notify("sre", message, "k")).rejects.toMatchObject({
      code: "API_OUTCOME_UNKNOWN",
      retryable: false,
    });
  });

  it("that gets no answer in time may have arrived", async () => {
    const { received, url } = await receiver(() => undefined);
    const sent = notifierTo(url, { timeoutSeconds: 0.3 }).notify("sre", message, "k");
    await expect(sent).rejects.toMatchObject({ code: "API_OUTCOME_UNKNOWN" });
    expect(received).toHaveLength(1);
  });

  it("whose connection breaks off may have arrived", async () => {
    const { url } = await receiver((_, request) => request.socket.destroy());
    await expect(notifierTo(url).notify("sre", message, "k")).rejects.toMatchObject({
      code: "API_OUTCOME_UNKNOWN",
    });
  });

  it("is not sent to where a redirect leads", async () => {
    const other = await receiver((response) => response.writeHead(200).end());
    const { url } = await receiver((response) => response.writeHead(307, { Location: other.url }).end());
    await expect(notifierTo(url).notify("sre", message, "k")).rejects.toMatchObject({
      code: "NOTIFICATION_REFUSED",
    });
    expect(other.received).toEqual([]);
  });

  it("was certainly not sent when nobody listens", async () => {
    const { url, received } = await receiver((response) => response.end());
    for (const close of closers.splice(0)) await close();
    await expect(notifierTo(url).notify("sre", message, "k")).rejects.toMatchObject({
      code: "NOTIFICATION_REFUSED",
      retryable: true,
    });
    expect(received).toEqual([]);
  });

  it("needs a channel that is configured", async () => {
    const notifier = createNotifier({
      channels: { sre: { kind: "webhook", url: "https://x.test", secret: null } },
      default: null,
    });
    await expect(notifier.notify("ops", message, "k")).rejects.toMatchObject({
      code: "CHANNEL_UNKNOWN",
      message: 'there is no channel "ops" (configured: sre)',
    });
    await expect(notifier.notify(null, message, "k")).rejects.toMatchObject({ code: "CHANNEL_UNKNOWN" });
    await expect(notifier.notify("constructor", message, "k")).rejects.toMatchObject({
      code: "CHANNEL_UNKNOWN",
    });
  });

  it.each(["127.0.0.1", "localhost", "[::1]", "[::ffff:127.0.0.1]", "2130706433"])(
    "is not sent to %s unless that is allowed",
    async (host) => {
      const { received, port } = await receiver((response) => response.end());
      const notifier = notifierTo(`http://${host}:${port}/`, { allowPrivate: false });
      await expect(notifier.notify("sre", message, "k")).rejects.toMatchObject({
        code: "NOTIFICATION_REFUSED",
        retryable: false,
        message: expect.stringContaining("private address"),
      });
      expect(received).toEqual([]);
    },
  );

  it("never shows the channel's address in an error", async () => {
    const { url } = await receiver((response) => response.writeHead(500).end());
    const error = await notifierTo(url)
      .notify("sre", message, "k")
      .then(String, (thrown: Error) => thrown);
    expect(JSON.stringify(error)).not.toContain("very-secret");
    expect(String(error)).not.toContain("very-secret");
  });
});

describe("a Slack channel", () => {
  const slack = (url: string) => ({ channels: { sre: { kind: "slack" as const, url, secret: null } } });

  it("gets what happened with its severity, and a key to find it by", async () => {
    const { received, url } = await receiver((response) => response.end("ok"));
    await notifierTo(url, slack(url)).notify(null, message, "exec-1/tell");
    const body = JSON.parse(received[0]?.body ?? "") as Record<string, unknown>;
    expect(body["text"]).toBe("warning: api rolled back");
    expect(JSON.stringify(body["attachments"])).toContain("revision 4 -&gt; 3 — done");
    expect(JSON.stringify(body["attachments"])).toContain("warning · exec-1/tell");
  });
  it("is not made to call everybody by free text", async () => {
    const { received, url } = await receiver((response) => response.end("ok"));
    const hostile = { ...message, text: "<!channel> <https://evil.example|click> & more" };
    await notifierTo(url, slack(url)).notify(null, hostile, "exec-1/tell");
    expect(received[0]?.body).toContain("&lt;!channel&gt; &lt;https://evil.example|click&gt; &amp; more");
    expect(received[0]?.body).not.toContain("<!channel>");
  });
  it("gets no more than Slack takes, with no escape cut in half", async () => {
    const { received, url } = await receiver((response) => response.end("ok"));
    await notifierTo(url, slack(url)).notify(null, { ...message, text: "<&>".repeat(4000) }, "k");
    const body = JSON.parse(received[0]?.body ?? "") as {
      attachments: { blocks: { text?: { text: string } }[] }[];
    };
    const text = body.attachments[0]?.blocks[1]?.text?.text ?? "";
    expect(text.length).toBeLessThanOrEqual(3000);
    expect(text.replaceAll(/&(?:amp|lt|gt);/g, "")).toMatch(/^[^&<>]*$/);
  });
});
