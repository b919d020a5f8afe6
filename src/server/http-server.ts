// Listening and closing: an address that cannot be had is a configuration that is wrong, and closing lets answers go out.
import type { Server as HttpServer } from "node:http";
import type { AddressInfo } from "node:net";
import { Problem } from "../domain/problem.ts";

export interface ListenAddress {
  readonly host: string;
  /** 0: any free one. */
  readonly port: number;
}

/** @param setting the variable that chooses the address. @returns the URL. @throws Problem CONFIG_INVALID */
export async function listenOn(
  server: HttpServer,
  { host, port }: ListenAddress,
  setting: string,
): Promise<string> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  server.once("error", reject);
  server.listen(port, host.replace(/^\[(.*)\]$/, "$1"), resolve);
  try {
    await promise;
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new Problem("CONFIG_INVALID", `cannot listen on ${host}:${port} (${why}): set ${setting}`, {
      cause: error,
    });
  }
  server.off("error", reject);
  const { port: bound } = server.address() as AddressInfo;
  return `http://${host.includes(":") && !host.startsWith("[") ? `[${host}]` : host}:${bound}`;
}

/** Takes no new connection, lets what runs finish within `graceSeconds`, then cuts the rest. */
export async function closeServer(server: HttpServer, graceSeconds: number): Promise<void> {
  if (!server.listening) return;
  const { promise, resolve } = Promise.withResolvers<void>();
  const timer = setTimeout(() => server.closeAllConnections(), graceSeconds * 1000);
  server.close(() => resolve());
  server.closeIdleConnections();
  await promise;
  clearTimeout(timer);
}
