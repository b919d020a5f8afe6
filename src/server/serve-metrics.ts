// GET /metrics as Prometheus scrapes it: on an address of its own without a credential, else on the server's with its token.
import { type RequestHandler, Router } from "express";
import type { Metrics } from "../controller/metrics.ts";

export interface Scraping {
  readonly contentType: string;
  readonly scrape: () => Promise<string>;
}

export function metricsRoute({ contentType, scrape }: Scraping): Router {
  const router = Router();
  router.get("/metrics", async (_request, response) => {
    response.set("Content-Type", contentType).send(await scrape());
  });
  return router;
}

/** How long deliveries take to be answered, whatever the answer. */
export function timeWebhooks(metrics: Metrics): RequestHandler {
  return (_request, response, next) => {
    const began = performance.now();
    response.once("close", () =>
      metrics.observe("webhook_duration_seconds", (performance.now() - began) / 1000, {}),
    );
    next();
  };
}
