// POST /webhooks/github, /webhooks/gitlab, /webhooks/gitea: the config repository or a request for approval may have news, so look now
// instead of at the next interval. A nudge and nothing else: nothing of the body is believed or kept but which of gitmend's branches it
// names, and any number of them is one look.
import { createHmac, timingSafeEqual } from "node:crypto";
import type { IncomingMessage } from "node:http";
import { type RequestHandler, Router } from "express";
import { Problem } from "../domain/problem.ts";
import { sameText } from "./credentials.ts";

export interface PushWebhook {
  /** Of `config_repository`, `approvals.forge` and the forges of `sources`; none: the addresses are closed. */
  readonly secrets: readonly string[];
  /** @param requests short ids of executions whose branches were named */
  readonly announced: (requests: readonly string[]) => void;
}

/** GitHub sends no larger ones. */
const longestBody = 25 * 1024 * 1024;
const namedBranch = /gitmend\/([0-9a-f]{12})(?![0-9a-f])/g;
const longestName = "gitmend/".length + 13;
/** One delivery is about one request. */
const mostNamed = 10;

/** Header with the hex HMAC-SHA256 of the body, and what stands before it. */
const signatures = {
  github: { header: "x-hub-signature-256", prefix: "sha256=" },
  gitea: { header: "x-gitea-signature", prefix: "" },
} as const;

export function pushWebhooks({ secrets, announced }: PushWebhook): Router {
  const router = Router();
  if (secrets.length === 0) return router;
  const take =
    (
      check: (request: IncomingMessage, secrets: readonly string[]) => Promise<readonly string[]>,
    ): RequestHandler =>
    async (request, response) => {
      announced(await check(request, secrets));
      response.status(202).json({ sync: "soon" });
    };
  router.post(
    "/github",
    take((...given) => signed("github", ...given)),
  );
  router.post(
    "/gitea",
    take((...given) => signed("gitea", ...given)),
  );
  router.post("/gitlab", take(carriesToken));
  return router;
}

/** @returns what it names. @throws Problem UNAUTHENTICATED, PAYLOAD_TOO_LARGE */
async function signed(
  forge: keyof typeof signatures,
  request: IncomingMessage,
  secrets: readonly string[],
): Promise<readonly string[]> {
  const { header, prefix } = signatures[forge];
  const given = request.headers[header];
  if (typeof given !== "string" || !given.startsWith(prefix)) throw refused(header);
  const hex = given.slice(prefix.length);
  if (!/^[0-9a-f]{64}$/.test(hex)) throw refused(header);
  const signature = Buffer.from(hex, "hex");
  const { digests, named } = await readThrough(request, secrets);
  if (!digests.some((expected) => timingSafeEqual(signature, expected))) throw refused(header);
  return named;
}

async function carriesToken(
  request: IncomingMessage,
  secrets: readonly string[],
): Promise<readonly string[]> {
  const given = request.headers["x-gitlab-token"];
  if (typeof given !== "string" || !secrets.some((secret) => sameText(given, secret)))
    throw refused("x-gitlab-token");
  return (await readThrough(request, [])).named;
}

/** The body as it comes in: none of it is kept but the names in it. */
async function readThrough(request: IncomingMessage, secrets: readonly string[]) {
  const hmacs = secrets.map((secret) => createHmac("sha256", secret));
  const named = new Set<string>();
  let bytes = 0;
  let rest = "";
  for await (const chunk of request as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > longestBody)
      throw new Problem("PAYLOAD_TOO_LARGE", `the body has more than ${longestBody} bytes`);
    for (const hmac of hmacs) hmac.update(chunk);
    const text = rest + chunk.toString("latin1");
    for (const [, id] of text.matchAll(namedBranch))
      if (id !== undefined && named.size < mostNamed) named.add(id);
    rest = text.slice(-longestName);
  }
  return { digests: hmacs.map((hmac) => hmac.digest()), named: [...named] };
}

function refused(header: string): Problem {
  return new Problem(
    "UNAUTHENTICATED",
    `the sender must know a webhook_secret (config_repository, approvals.forge, or a forge of sources) and show it in ${header}`,
  );
}
