// Keeps web pages out: on loopback the Host must be loopback (DNS rebinding), and no other site's page may send anything.
import type { RequestHandler } from "express";
import { Problem } from "../domain/problem.ts";

/** `127.0.0.1`, `::1`, `localhost`. */
export function isLoopback(host: string): boolean {
  const name = host.replace(/^\[(.*)\]$/, "$1").toLowerCase();
  return name === "localhost" || name === "::1" || /^127\.\d{1,3}\.\d{1,3}\.\d{1,3}$/.test(name);
}

/** @param boundToLoopback then only a loopback Host is answered. */
export function sameSite(boundToLoopback: boolean): RequestHandler {
  return (request, _response, next) => {
    const host = request.headers.host ?? "";
    if (boundToLoopback && !isLoopback(host.replace(/:\d+$/, ""))) {
      throw new Problem("FORBIDDEN", "this controller listens on loopback and answers only a loopback Host");
    }
    const { origin } = request.headers;
    if (origin !== undefined && siteOf(origin) !== host.toLowerCase()) {
      throw new Problem("FORBIDDEN", "the request comes from another site");
    }
    if (request.headers["sec-fetch-site"] === "cross-site") {
      throw new Problem("FORBIDDEN", "the request comes from another site");
    }
    next();
  };
}

function siteOf(origin: string): string | null {
  return URL.canParse(origin) ? new URL(origin).host : null;
}
