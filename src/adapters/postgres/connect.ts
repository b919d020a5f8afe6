// A pool of connections to a PostgreSQL server or to the embedded one. No statement names, no LISTEN, no COPY, no session
// state anywhere: the embedded server has one session for all connections.
import pg from "pg";

export type Where = { readonly url: string } | { readonly socketFolder: string };

/** A statement that takes longer has lost its connection: the caller repeats it, which is safe everywhere. */
const queryTimeoutMs = 30_000;

export function clientConfig(where: Where): pg.ClientConfig {
  const address =
    "url" in where
      ? { connectionString: where.url, keepAlive: true }
      : { host: where.socketFolder, port: 5432, user: "postgres", database: "postgres" };
  return { ...address, application_name: "gitmend" };
}

/** The embedded server interleaves what several connections send: it gets one. */
export function openPool(where: Where, connections: number): pg.Pool {
  const pool = new pg.Pool({
    ...clientConfig(where),
    max: "url" in where ? connections : 1,
    connectionTimeoutMillis: "url" in where ? 5_000 : queryTimeoutMs,
    query_timeout: queryTimeoutMs,
    allowExitOnIdle: true,
  });
  // A lost connection reaches whoever uses it as the error of its query; without a listener it would end the process too.
  pool.on("error", () => undefined);
  pool.on("connect", (client) => client.on("error", () => undefined));
  return pool;
}

/** @throws an error of the driver when there is no answer within `timeoutMs`. */
export async function probe(pool: pg.Pool, timeoutMs: number): Promise<void> {
  const { promise: timeout, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(() => reject(new Error(`no answer within ${timeoutMs} ms`)), timeoutMs);
  try {
    await Promise.race([pool.query("select 1"), timeout]);
  } finally {
    clearTimeout(timer);
  }
}
