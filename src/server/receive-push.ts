// POST /webhooks/github, /webhooks/gitlab, /webhooks/gitea: the config repository may have news, so look now instead of at the next
// interval. A nudge and nothing else: nothing of the body is believed or kept, and any number of them is one look.
import { createHmac, timingSafeEqual } from "node:crypto";
import type { IncomingMessage } from "node:http";
import { type RequestHandler, Router } from "express";
import { Problem } from "../domain/problem.ts";
import { sameText } from "./credentials.ts";

export interface PushWebhook {
  /** Of `config_repository.webhook_secret`; null: the addresses are closed. */
  readonly secret: string | null;
  readonly announced: () => void;
}

/** GitHub sends no larger ones. */
const longestBody = 25 * 1024 * 1024;

/** Header with the hex HMAC-SHA256 of the body, and what stands before it. */
const signatures = {
  github: { header: "x-hub-signature-256", prefix: "sha256=" },
  gitea: { header: "x-gitea-signature", prefix: "" },
} as const;

export function pushWebhooks({ secret, announced }: PushWebhook): Router {
  const router = Router();
  if (secret === null) return router;
  const announce: RequestHandler = (_request, response) => {
    announced();
    response.status(202).json({ sync: "soon" });
  };
  router.post("/github", signed("github", secret), announce);
  router.post("/gitea", signed("gitea", secret), announce);
  router.post("/gitlab", carriesToken(secret), announce);
  return router;
}

function signed(forge: keyof typeof signatures, secret: string): RequestHandler {
  const { header, prefix } = signatures[forge];
  return async (request, _response, next) => {
    const given = request.headers[header];
    if (typeof given !== "string" || !given.startsWith(prefix)) throw refused(header);
    const hex = given.slice(prefix.length);
    if (!/^[0-9a-f]{64}$/.test(hex)) throw refused(header);
    const expected = await hmacOf(request, secret);
    if (!timingSafeEqual(Buffer.from(hex, "hex"), expected)) throw refused(header);
    next();
  };
}

function carriesToken(secret: string): RequestHandler {
  return (request, _response, next) => {
    const given = request.headers["x-gitlab-token"];
    if (typeof given !== "string" || !sameText(given, secret)) throw refused("x-gitlab-token");
    next();
  };
}

/** Of the body as it comes in: none of it is kept. */
async function hmacOf(request: IncomingMessage, secret: string): Promise<Buffer> {
  const hmac = createHmac("sha256", secret);
  let bytes = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > longestBody)
      throw new Problem("PAYLOAD_TOO_LARGE", `the body has more than ${longestBody} bytes`);
    hmac.update(chunk);
  }
  return hmac.digest();
}

function refused(header: string): Problem {
  return new Problem(
    "UNAUTHENTICATED",
    `the sender must know config_repository.webhook_secret and show it in ${header}`,
  );
}
