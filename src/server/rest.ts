// /api/v1: mounts the table of routes. Everything here needs the controller's token, reads and loopback included.
import express, { type Request, type RequestHandler, type Response, Router } from "express";
import { Problem } from "../domain/problem.ts";
import type { ApiPorts, ApiSettings } from "./api/api-ports.ts";
import { callReader } from "./api/read-call.ts";
import type { Route } from "./api/route.ts";
import { apiRoutes } from "./api/routes.ts";
import { carries } from "./credentials.ts";

const bodyLimit = "64kb";

export function rest(token: string, settings: ApiSettings, ports: ApiPorts): Router {
  const router = Router();
  router.use(requireToken(token));
  for (const route of apiRoutes(ports, settings)) {
    const path = route.path.replace("{id}", ":id");
    router[route.method](path, express.json({ limit: bodyLimit }), handler(route));
  }
  return router;
}

function handler(route: Route): (request: Request, response: Response) => Promise<void> {
  const readCall = callReader(route);
  return async (request, response) => {
    const call = readCall(request);
    if (route.kind === "stream") return route.open(call, request, response);
    const { status, body } = await route.handle(call);
    response.status(status).json(body);
  };
}

export function requireToken(token: string): RequestHandler {
  return (request, response, next) => {
    response.set("Cache-Control", "no-store");
    if (!carries(request.headers.authorization, { type: "bearer", token })) {
      response.set("WWW-Authenticate", "Bearer");
      throw new Problem(
        "UNAUTHENTICATED",
        "the token is missing or wrong: it stands in <data folder>/controller.json",
      );
    }
    next();
  };
}
