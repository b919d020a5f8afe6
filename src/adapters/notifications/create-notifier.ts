// Sends messages to configured channels, as signed JSON or as Slack takes them. One attempt each: whether to try again is the engine's
// decision, by whether the message may have arrived. Addresses stay out of errors, because webhook URLs are secrets.
import { createHmac } from "node:crypto";
import type { ActionTools } from "../../actions/action.ts";
import { Problem } from "../../domain/problem.ts";
import { postOnce } from "./post-once.ts";
import { slackMessage } from "./slack-message.ts";

export interface NotificationChannel {
  /** `webhook`: gitmend's own signed JSON. `slack`: an incoming webhook of Slack or what understands its format. */
  readonly kind: "webhook" | "slack";
  readonly url: string;
  /** Key of the HMAC; null: the receiver can't tell who sent it. */
  readonly secret: string | null;
}

export interface NotifierOptions {
  readonly channels: Readonly<Record<string, NotificationChannel>>;
  /** The channel for messages that name none; null: the one named `default`, if any. */
  readonly default: string | null;
  /** Also send to loopback, private and link-local addresses. Default false. */
  readonly allowPrivate?: boolean;
  /** For the whole exchange. Default 10. */
  readonly timeoutSeconds?: number;
}

export interface Notifier {
  /**
   * Resolves when the receiver answered 2xx. @throws Problem CHANNEL_UNKNOWN and NOTIFICATION_REFUSED (4xx, redirects, no
   * connection, private address): not sent or not taken. API_OUTCOME_UNKNOWN (timeout, broken connection, 5xx): it may have arrived.
   */
  readonly notify: ActionTools["notify"];
}

export function createNotifier(options: NotifierOptions): Notifier {
  return {
    notify: async (channel, message, key) => {
      const name = channel ?? options.default ?? "default";
      const { kind, url, secret } = findChannel(options, channel, name);
      const body =
        kind === "slack" ? slackMessage(message, key) : JSON.stringify({ version: 1, key, ...message });
      const answer = await postOnce(parseUrl(name, url), body, headersOf(body, key, secret), {
        channel: name,
        allowPrivate: options.allowPrivate ?? false,
        timeoutSeconds: options.timeoutSeconds ?? 10,
      });
      judge(name, answer);
      return { channel: name };
    },
  };
}

function findChannel(options: NotifierOptions, asked: string | null, name: string): NotificationChannel {
  const channel = Object.hasOwn(options.channels, name) ? options.channels[name] : undefined;
  if (channel !== undefined) return channel;
  const known = Object.keys(options.channels).toSorted().join(", ") || "none";
  const what = asked === null ? "there is no default notification channel" : `there is no channel "${name}"`;
  throw new Problem("CHANNEL_UNKNOWN", `${what} (configured: ${known})`, { details: { channel: name } });
}

function parseUrl(name: string, text: string): URL {
  const url = URL.parse(text);
  if (url !== null && (url.protocol === "https:" || url.protocol === "http:")) return url;
  throw new Problem("NOTIFICATION_REFUSED", `the address of channel ${name} is no http or https URL`);
}

/** The signature covers the exact bytes of the body, and the body carries the key. */
function headersOf(body: string, key: string, secret: string | null): Record<string, string> {
  const headers = {
    "Content-Type": "application/json; charset=utf-8",
    "Content-Length": String(Buffer.byteLength(body)),
    "User-Agent": "gitmend",
    "Idempotency-Key": key,
  };
  if (secret === null) return headers;
  const signature = createHmac("sha256", secret).update(body, "utf8").digest("hex");
  return { ...headers, "X-Gitmend-Signature": `sha256=${signature}` };
}

function judge(
  channel: string,
  answer: { readonly status: number; readonly retryAfter: string | null },
): void {
  const { status, retryAfter } = answer;
  if (status >= 200 && status < 300) return;
  const details = { channel, status, ...retryAfterDetails(retryAfter) };
  if (status >= 500) {
    throw new Problem(
      "API_OUTCOME_UNKNOWN",
      `channel ${channel} answered ${status}: the message may have arrived`,
      {
        details,
      },
    );
  }
  const why = status < 400 ? "a redirect, which is not followed" : String(status);
  throw new Problem("NOTIFICATION_REFUSED", `channel ${channel} answered ${why}`, {
    retryable: status === 429,
    details,
  });
}

function retryAfterDetails(header: string | null): { readonly retryAfterSeconds?: number } {
  return header !== null && /^\d{1,6}$/.test(header) ? { retryAfterSeconds: Number(header) } : {};
}
