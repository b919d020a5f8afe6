// GET /healthz: the process answers. GET /readyz: it should be given work (database there, catalog loaded, not draining).
import { Router } from "express";
import type { Backlog } from "../controller/backlog.ts";
import type { Readiness, ServerState } from "./server-state.ts";
import { within } from "./within.ts";

const checkSeconds = 2;

export function health(state: ServerState, backlog: Pick<Backlog, "length" | "sheds">): Router {
  const router = Router();
  router.get("/healthz", (_request, response) => {
    response.json({ status: "ok" });
  });
  router.get("/readyz", async (_request, response) => {
    const { database, catalog } = await check(state);
    const draining = state.draining();
    const ready = database && catalog && !draining;
    response.status(ready ? 200 : 503).json({
      status: ready ? "ready" : "not ready",
      database,
      catalog,
      draining,
      backlog: backlog.length(),
      shedding: backlog.sheds(),
    });
  });
  return router;
}

/** A check that fails or takes too long says no: a probe never fails for another reason. */
async function check(state: ServerState): Promise<Readiness> {
  const late = () => new Error(`no answer within ${checkSeconds} s`);
  return within(checkSeconds, state.ready(), late).catch(() => ({ database: false, catalog: false }));
}
